//! Contracts of the kernels that keep inputs in 16-bit pairs: dense convolutions of files for `arm-dsp`.
//!
//! ```text
//! scratch of conv_2d            taps   a word each: where tap kx begins in a row of the band
//!                               band   bytes, as every backend gathers them (SPEC.md section 6), or 16 bits a column:
//!                                      how far it lies from the first tap of a window inside the input
//!                               tile   16 words for four columns: (c, c + 2) of 8 pixels, (c + 1, c + 3) of 8 pixels
//! scratch of depthwise_conv_2d  table  what the kernel wants to know of a row, by words
//!                               plane  padded rows of s16, each a whole number of words
//! ```
#![allow(
    unsafe_code,
    reason = "the contracts of unsafe functions are declared here"
)]
#![allow(
    dead_code,
    reason = "targets without pair kernels never read their arguments"
)]

use crate::kernels::Post;
use core::cell::Cell;
use nnz_format::{DenseS8, Window};

/// Words of a tile for four columns.
pub(crate) const QUAD: usize = 16;

/// Eight output pixels of a dense convolution, every channel.
#[derive(Clone, Copy)]
pub(crate) struct PairTile<'s> {
    /// The inputs, [`QUAD`] words for each four columns, the last four begun included.
    pub(crate) tile: &'s [Cell<u32>],
    /// Weights of a row.
    pub(crate) columns: usize,
    /// The output from the tile's first pixel of channel 0 on.
    pub(crate) out: &'s [Cell<i8>],
    /// Bytes between output channels.
    pub(crate) channel_stride: usize,
    /// Bytes between output pixels.
    pub(crate) pixel_stride: usize,
    /// Pixels to store, 1 to 8.
    pub(crate) lanes: usize,
    /// Activation.
    pub(crate) post: Post<i8>,
}

/// Where the four columns of a quad, and of those after it, come from.
#[derive(Clone, Copy)]
pub(crate) enum Columns<'s> {
    /// Eight bytes each, so many bytes apart.
    Apart(&'s [Cell<i8>], usize),
    /// Eight bytes each, from `taps[k]` on into a row of the band; a row has so many bytes.
    Band(&'s [Cell<i8>], &'s [Cell<u32>], usize),
}

/// Pixels of a tile, one or more, whose windows lie inside the input.
#[derive(Clone, Copy)]
pub(crate) struct Lanes<'s> {
    /// The input from the first tap of the first pixel's window on.
    pub(crate) from: &'s [Cell<i8>],
    /// Bytes between the windows.
    pub(crate) step: usize,
    /// The first lane.
    pub(crate) first: usize,
    /// How many there are.
    pub(crate) count: usize,
}

/// One channel of a depthwise convolution over a padded plane of `s16`.
#[derive(Clone, Copy)]
pub(crate) struct PairPlane<'s> {
    /// Room for the kernel's table, [`nnz_format::table_words`] words.
    pub(crate) table: &'s [Cell<u32>],
    /// The padded plane and the slack behind it.
    pub(crate) plane: &'s [Cell<u32>],
    /// Words of a padded row.
    pub(crate) pitch: usize,
    /// The output plane.
    pub(crate) out: &'s [Cell<i8>],
    /// Bytes between output rows.
    pub(crate) row_stride: usize,
    /// Bytes between output pixels.
    pub(crate) pixel_stride: usize,
    /// Output rows.
    pub(crate) out_h: usize,
    /// Output columns.
    pub(crate) out_w: usize,
    /// Geometry.
    pub(crate) window: Window,
    /// The output channel: the row of the weights.
    pub(crate) row: usize,
    /// Activation.
    pub(crate) post: Post<i8>,
}

/// The pair kernels of one rounding.
///
/// # Safety
///
/// All functions require that
///
/// 1. the weights come from a [`nnz_format::Model`], whose bytes lie at a multiple of 4;
/// 2. a tile's `tile` holds the columns that the weights have, and `out` reaches the last lane of the last row;
/// 3. a plane's `plane`, `table` and `out` have the sizes that their documentation gives, and `row` is a row.
pub(crate) trait PairKernels {
    /// Dense convolution.
    unsafe fn conv(weights: &DenseS8<'_>, tile: &PairTile<'_>);
    /// Depthwise convolution of one plane.
    unsafe fn depthwise(weights: &DenseS8<'_>, plane: &PairPlane<'_>);
}
