//! Contracts of the kernels that keep eight pixels of a convolution in 32-bit words, two pixels a word.
//!
//! ```text
//! word      a[p] ^ 0x80 (0…255)  in bits 0…7,  a[q] (−128…127) in bits 24…31,  bits 8…23 are 0
//!
//! tile      kernel_h = kernel_w = stride_w = 1: four words a channel, (p, q) = (0, 3) (2, 1) (4, 7) (6, 5)
//! band      word j of a band row holds elements j and j + 4 of that row; a tap reads four words from its
//!           element on: (p, q) = (0, 4) (1, 5) (2, 6) (3, 7)
//! ```
//!
//! A band has as many words as a band of bytes has elements, so that streams address both. Words that no tap reads
//! are not written. One multiplication of a word and a weight with a 64-bit sum is two products, because narrow
//! steps (`nnz_format::Step::narrow`) keep every sum within 24 bits.
#![allow(
    unsafe_code,
    reason = "the contracts of unsafe functions are declared here"
)]

use crate::kernels::{Geometry, LANES, Post};
use core::cell::Cell;
use nnz_format::{CsrN, CsrP};

/// Words that a weight meets: half as many as pixels.
pub(crate) const WORDS: usize = LANES / 2;

/// Eight output pixels of a convolution, every channel, their inputs in words.
#[derive(Clone, Copy)]
pub(crate) struct WordTile<'s> {
    /// The gathered inputs, `geometry.band_len()` words.
    pub(crate) band: &'s [Cell<u32>],
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
    /// Geometry of the band.
    pub(crate) geometry: &'s Geometry,
}

impl Geometry {
    /// Whether words form a tile, four a channel, and not a band.
    #[inline(always)]
    pub(crate) const fn is_tile(&self) -> bool {
        self.unit() == LANES
    }

    /// Words from one channel to the next.
    #[inline(always)]
    pub(crate) const fn channel_words(&self) -> usize {
        if self.is_tile() {
            WORDS
        } else {
            self.channel_pitch()
        }
    }
}

/// The word kernels of one architecture and rounding.
///
/// # Safety
///
/// All functions require that
///
/// 1. the weights are those of a narrow step of a [`nnz_format::Model`], whose bytes lie at a multiple of 4;
/// 2. `band` holds `geometry.band_len()` words of the geometry that the weights were checked against, and `out`
///    reaches the last lane of the last row.
pub(crate) trait WordKernels {
    /// CSR-P convolution.
    unsafe fn csr_p_conv(weights: &CsrP<'_>, tile: &WordTile<'_>);
    /// CSR-N convolution.
    unsafe fn csr_n_conv(weights: &CsrN<'_>, tile: &WordTile<'_>);
}
