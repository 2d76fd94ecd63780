//! Numbers of the graph in the types of the file.

use super::LowerError;
use crate::arith;
use crate::ir::{self, DType, Node, Quant, Tensor};
use nnz_format::{Clamp, Window};

/// Refuses `node` for `reason`.
pub(super) fn refuse(node: &Node, reason: impl Into<String>, help: &'static str) -> LowerError {
    LowerError::Node {
        node: node.name.clone(),
        op: node.op.name(),
        reason: reason.into(),
        help,
    }
}

/// The window in bytes.
pub(super) fn window(node: &Node, from: &ir::Window) -> Result<Window, LowerError> {
    let small = |value: usize| {
        u8::try_from(value).map_err(|_| {
            refuse(
                node,
                format!("kernel, stride or padding {value} is larger than 255"),
                "a global pool over a larger image can be exported as a mean over height and width",
            )
        })
    };
    Ok(Window {
        kernel_h: small(from.kernel[0])?,
        kernel_w: small(from.kernel[1])?,
        stride_h: small(from.stride[0])?,
        stride_w: small(from.stride[1])?,
        pad_top: small(from.pad_begin[0])?,
        pad_left: small(from.pad_begin[1])?,
        pad_bottom: small(from.pad_end[0])?,
        pad_right: small(from.pad_end[1])?,
    })
}

/// The window of a 1x1 operator.
pub(super) const POINTWISE: Window = Window {
    kernel_h: 1,
    kernel_w: 1,
    stride_h: 1,
    stride_w: 1,
    pad_top: 0,
    pad_left: 0,
    pad_bottom: 0,
    pad_right: 0,
};

/// The bounds of `clamp` in the numbers of `output`.
pub(super) fn clamp(clamp: ir::Clamp, output: &Tensor) -> Clamp {
    match output.quant {
        Some(quant) => {
            let (lo, hi) = arith::activation_bounds(clamp, quant);
            Clamp::S8 { lo, hi }
        }
        None => Clamp::F32 {
            lo: clamp.lo,
            hi: clamp.hi,
        },
    }
}

/// A constant in the numbers of `output`, as bounds that are equal.
pub(super) fn constant(value: f32, output: &Tensor) -> Clamp {
    match output.quant {
        Some(quant) => {
            let q = arith::quantize(value, quant);
            Clamp::S8 { lo: q, hi: q }
        }
        None => Clamp::F32 {
            lo: value,
            hi: value,
        },
    }
}

/// The quantisation of `tensor`, or that of plain integers for floats.
pub(super) fn quant(tensor: &Tensor) -> Quant {
    tensor.quant.unwrap_or(Quant {
        scale: 1.0,
        zero_point: 0,
    })
}

/// Whether both have one type and one quantisation, so that values can be copied.
pub(super) fn same_numbers(a: &Tensor, b: &Tensor) -> bool {
    a.dtype == b.dtype && a.quant == b.quant
}

/// Whether `tensor` holds integers.
pub(super) fn is_s8(tensor: &Tensor) -> bool {
    tensor.dtype == DType::S8
}

/// A shift in the width of the file's fields; shifts are in −31…32.
pub(super) fn shift(value: i32) -> i8 {
    i8::try_from(value.clamp(-31, 32)).unwrap_or(0)
}
