//! How much a run does: an upper bound from what the parser proved, not from what the header states.
//!
//! A filler is worked like any other entry, and windows may be large where arenas are small, so that the counts of the
//! header, which leave fillers out and which nobody checks, bound nothing.

use crate::scratch::plane;
use crate::{Band, Op, Step, TILE, Tensor, Window};

/// Passes over a vector or plane: softmax reads its input three times.
const PASSES: u64 = 3;

/// Elements that a step reads, multiplies or writes, at most; `blob` is the length of its weights in bytes.
pub(crate) const fn of(step: &Step<'_>, blob: u32) -> u64 {
    let (input, output) = (&step.input, &step.output);
    match &step.op {
        Op::Conv2d { window, .. } => convolution(window, input, output, blob),
        Op::DepthwiseConv2d { window, .. } => depthwise(window, input, output),
        Op::FullyConnected { .. } => (blob as u64).saturating_add(output.c as u64),
        Op::MaxPool2d { window, .. } | Op::AveragePool2d { window, .. } => {
            output.elements().saturating_mul(taps(window))
        }
        Op::Add { .. }
        | Op::AddLinear { .. }
        | Op::Mean { .. }
        | Op::SoftmaxS8 { .. }
        | Op::SoftmaxF32 { .. }
        | Op::Pad { .. }
        | Op::Requantize { .. }
        | Op::Clamp { .. }
        | Op::Prelu { .. }
        | Op::UnaryS8
        | Op::UnaryF32 { .. }
        | Op::Binary { .. }
        | Op::Copy { .. }
        | Op::ResizeNearest
        | Op::ResizeBilinear { .. }
        | Op::Repack { .. }
        | Op::Quantize
        | Op::Dequantize => input
            .elements()
            .saturating_add(output.elements())
            .saturating_mul(PASSES),
    }
}

const fn taps(window: &Window) -> u64 {
    (window.kernel_h as u64).saturating_mul(window.kernel_w as u64)
}

/// Every tile gathers its band, multiplies its lanes by every stored entry, of which a blob has at most one a byte, and
/// walks the taps of every row.
const fn convolution(window: &Window, input: &Tensor, output: &Tensor, blob: u32) -> u64 {
    let across = if window.is_pointwise() {
        output.plane().div_ceil(TILE as u64)
    } else {
        let columns = (output.w as u64).div_ceil(TILE as u64);
        columns.saturating_mul(output.h as u64)
    };
    let products = (blob as u64).saturating_mul(TILE as u64);
    let walk = taps(window).saturating_add(TILE as u64);
    let tile = (Band::new(input.c, window).len() as u64)
        .saturating_add(products)
        .saturating_add(walk.saturating_mul(output.c as u64));
    across.saturating_mul(tile)
}

/// Every output channel copies its plane and multiplies whole tiles by every tap; the border is written once.
const fn depthwise(window: &Window, input: &Tensor, output: &Tensor) -> u64 {
    let lanes = (output.w as u64).next_multiple_of(TILE as u64);
    let products = lanes
        .saturating_mul(output.h as u64)
        .saturating_mul(taps(window));
    products
        .saturating_add(input.plane())
        .saturating_mul(output.c as u64)
        .saturating_add(plane(input, window) as u64)
}
