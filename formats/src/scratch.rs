//! How many bytes of scratch an operator needs.

use crate::bytes::padded8;
use crate::{Backend, Band, DType, Op, Tensor, Window};

/// Bytes of scratch that a step needs at least; saturates at `u32::MAX`, which no file can provide.
///
/// A convolution stages its band, a depthwise convolution one padded plane and room to read past its end.
/// [`Backend::ArmDsp`] stages a band of integers in words.
#[must_use]
pub const fn scratch_len(backend: Backend, op: &Op, input: &Tensor, output: &Tensor) -> u32 {
    let _ = output;
    match op {
        Op::Conv2d { window, .. } => {
            let size = match (backend, input.dtype) {
                (Backend::ArmDsp, DType::S8) => 4,
                _ => input.dtype.size(),
            };
            Band::new(input.c, window).len().saturating_mul(size)
        }
        Op::DepthwiseConv2d { window, .. } => {
            plane(input, window).saturating_mul(input.dtype.size())
        }
        Op::FullyConnected { .. }
        | Op::Add { .. }
        | Op::MaxPool2d { .. }
        | Op::AveragePool2d { .. }
        | Op::Mean { .. }
        | Op::SoftmaxS8 { .. }
        | Op::SoftmaxF32 { .. }
        | Op::Pad { .. }
        | Op::Requantize { .. }
        | Op::Clamp { .. }
        | Op::Prelu { .. }
        | Op::UnaryS8
        | Op::UnaryF32 { .. }
        | Op::Repack { .. }
        | Op::Quantize
        | Op::Dequantize => 0,
    }
}

/// Elements of a padded plane and of the room behind it.
pub(crate) const fn plane(input: &Tensor, window: &Window) -> u32 {
    let h = (input.h as u32)
        .saturating_add(window.pad_top as u32)
        .saturating_add(window.pad_bottom as u32);
    let w = (input.w as u32)
        .saturating_add(window.pad_left as u32)
        .saturating_add(window.pad_right as u32);
    padded8(h.saturating_mul(w)).saturating_add((window.stride_w as u32).saturating_mul(16))
}
