//! How many bytes of scratch an operator needs.

use crate::bytes::padded8;
use crate::{Backend, Band, DType, Op, Tensor, TensorLayout, WeightLayout, Window};

/// Bytes of scratch that a step needs at least; saturates at `u32::MAX`, which no file can provide.
///
/// A convolution stages its band, a depthwise convolution one padded plane and room to read past its end.
/// [`Backend::ArmDsp`] stages a band of integers in words; behind the band of a dense matrix it expands the tile.
/// A convolution of a K×K window whose output begins where its input does keeps columns behind all that.
#[must_use]
pub const fn scratch_len(
    backend: Backend,
    op: &Op,
    layout: WeightLayout,
    input: &Tensor,
    output: &Tensor,
) -> u32 {
    let is_dsp = matches!((backend, input.dtype), (Backend::ArmDsp, DType::S8));
    match op {
        Op::Conv2d { window, .. } => {
            let band = Band::new(input.c, window).len();
            let tile = if !is_dsp {
                band.saturating_mul(input.dtype.size())
            } else if matches!(layout, WeightLayout::Dense) {
                pair_tile(input.c, window)
            } else {
                band.saturating_mul(4)
            };
            tile.saturating_add(kept_columns(window, input, output))
        }
        Op::DepthwiseConv2d { window, .. } => {
            if is_dsp {
                table_words(window)
                    .saturating_add(pair_plane(input, window))
                    .saturating_mul(4)
            } else {
                plane(input, window).saturating_mul(input.dtype.size())
            }
        }
        Op::FullyConnected { .. }
        | Op::Add { .. }
        | Op::AddLinear { .. }
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
        | Op::Binary { .. }
        | Op::Copy { .. }
        | Op::ResizeNearest
        | Op::ResizeBilinear { .. }
        | Op::Repack { .. }
        | Op::Quantize
        | Op::Dequantize => 0,
    }
}

/// Bytes behind the band of a convolution that kernels along the columns take for a tile of eight pixels: whole quads
/// of columns, dense, or of each tap's channels, blocks, from a multiple of 4 on. No reader asks for them: where they
/// are missing, other kernels run.
#[must_use]
pub const fn tile_room(op: &Op, layout: WeightLayout, input: &Tensor) -> u32 {
    let Op::Conv2d { window, .. } = op else {
        return 0;
    };
    let (taps, channels) = (
        (window.kernel_h as u32).saturating_mul(window.kernel_w as u32),
        input.c as u32,
    );
    let quads = match (layout, input.dtype) {
        (WeightLayout::Dense, DType::S8) => channels.saturating_mul(taps).div_ceil(4),
        (WeightLayout::Blk1x4, DType::S8) => channels.div_ceil(4).saturating_mul(taps),
        _ => return 0,
    };
    quads.saturating_mul(32).saturating_add(8)
}

/// Most columns of padding on the left of a convolution of a K×K window in place.
const MAX_KEPT: u8 = 8;

/// Whether a convolution of a K×K window may write its output over its input: planes of the same stride, windows one
/// apart, and rows as wide as the input's.
#[must_use]
pub const fn works_in_place(window: &Window, input: &Tensor, output: &Tensor) -> bool {
    let planar = matches!(input.layout, TensorLayout::Planar)
        && matches!(output.layout, TensorLayout::Planar);
    planar
        && !window.is_pointwise()
        && window.stride_h == 1
        && window.stride_w == 1
        && window.pad_left <= MAX_KEPT
        && input.plane_stride == output.plane_stride
        && input.w == output.w
        && output.h <= input.h
}

/// Bytes of the columns that a convolution in place keeps: `pad_left` of every row of its input.
const fn kept_columns(window: &Window, input: &Tensor, output: &Tensor) -> u32 {
    if input.offset != output.offset || !works_in_place(window, input, output) {
        return 0;
    }
    (input.c as u32)
        .saturating_mul(input.h as u32)
        .saturating_mul(window.pad_left as u32)
        .saturating_mul(input.dtype.size())
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

/// Bytes of a dense convolution's taps, band and tile of pairs: a word a tap of a kernel row, the band padded to 8,
/// 64 bytes for four columns, and 32 for a quad that is staged behind them.
const fn pair_tile(channels: u16, window: &Window) -> u32 {
    let taps = (window.kernel_w as u32).saturating_mul(4);
    let columns = (channels as u32)
        .saturating_mul(window.kernel_h as u32)
        .saturating_mul(window.kernel_w as u32);
    padded8(taps.saturating_add(padded8(Band::new(channels, window).len())))
        .saturating_add(columns.div_ceil(4).saturating_mul(64))
        .saturating_add(32)
}

/// Words of the table of a depthwise convolution's row: two for two taps, and ten constants.
#[must_use]
pub const fn table_words(window: &Window) -> u32 {
    (window.kernel_w as u32)
        .div_ceil(2)
        .saturating_mul(window.kernel_h as u32)
        .saturating_mul(2)
        .saturating_add(10)
}

/// Words of a padded plane of s16, each row a whole number of words, and of the room behind it that the last four
/// outputs of its last row may read.
const fn pair_plane(input: &Tensor, window: &Window) -> u32 {
    let h = (input.h as u32)
        .saturating_add(window.pad_top as u32)
        .saturating_add(window.pad_bottom as u32);
    let w = (input.w as u32)
        .saturating_add(window.pad_left as u32)
        .saturating_add(window.pad_right as u32);
    h.saturating_mul(w.div_ceil(2))
        .saturating_add((window.stride_w as u32).saturating_mul(2))
        .saturating_add(4)
}
