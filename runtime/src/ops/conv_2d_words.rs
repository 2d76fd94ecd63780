//! `conv_2d` of narrow steps: tiles whose inputs are gathered into words, two pixels a word.
//!
//! Tiles of a K×K window are visited strip by strip, down eight columns of the output, so that a tile finds most of
//! its band in place.

use super::conv_2d::readable;
use super::in_place::Kept;
use super::{Job, post, source};
use crate::arena::View;
use crate::cursor::{Cursor, Progress};
use crate::dispatch::conv_words;
use crate::gather;
use crate::kernels::{Geometry, LANES};
use crate::words::WordTile;
use core::cell::Cell;
use core::num::NonZeroUsize;
use nnz_format::{Clamp, Window};

/// Fills tiles of words.
struct Tiles<'s> {
    input: View<'s, i8>,
    output: View<'s, i8>,
    geometry: Geometry,
    window: &'s Window,
    band: &'s [Cell<u32>],
    kept: Option<Kept<'s, i8>>,
    is_pointwise: bool,
}

impl<'s> Tiles<'s> {
    /// Those of a step. No option: its place is where the caller wants it, without a copy.
    #[inline(never)]
    fn new(job: &Job<'s, '_>, window: &'s Window) -> Self {
        let geometry = Geometry::new(job.step.input.c, window);
        let is_pointwise = window.is_pointwise();
        let kept = if is_pointwise {
            None
        } else {
            Kept::of(job, window).0
        };
        let band = job.scratch::<u32>().get(..geometry.band_len());
        Self {
            input: job.input(),
            output: job.output(),
            geometry,
            window,
            band: band.unwrap_or(&[]),
            kept,
            is_pointwise,
        }
    }

    /// Whether the scratch has room for the band.
    fn has_band(&self) -> bool {
        self.band.len() == self.geometry.band_len()
    }

    /// Multiply-accumulates of a tile.
    fn cost(&self) -> usize {
        let weights = self.geometry.columns().saturating_mul(self.output.channels);
        weights.saturating_mul(LANES)
    }

    /// Tiles of the output.
    fn count(&self) -> usize {
        if self.is_pointwise {
            return self.output.pixels().div_ceil(LANES);
        }
        let across = self.output.width.div_ceil(LANES);
        across.wrapping_mul(self.output.height)
    }

    /// Fills a tile; where its outputs begin, and how many there are. Out of line, as for bytes.
    #[inline(never)]
    fn fill(&self, unit: usize) -> (&'s [Cell<i8>], usize) {
        if self.is_pointwise {
            let pixel = unit.wrapping_mul(LANES);
            let left = self.output.pixels().wrapping_sub(pixel);
            self.tile(pixel, readable(&self.input, pixel, left));
            let lanes = readable(&self.output, pixel, left).min(LANES);
            return (self.output.at_pixel(pixel), lanes);
        }
        let down = NonZeroUsize::new(self.output.height).unwrap_or(NonZeroUsize::MIN);
        let (x, y) = ((unit / down).wrapping_mul(LANES), unit % down);
        if self.geometry.is_tile() {
            let row = y.wrapping_mul(usize::from(self.window.stride_h));
            let pixel = row.wrapping_mul(self.input.width).wrapping_add(x);
            self.tile(pixel, self.input.width.wrapping_sub(x));
        } else {
            self.band((y, x));
        }
        let lanes = self.output.width.wrapping_sub(x).min(LANES);
        (self.output.at(0, y, x), lanes)
    }

    /// Fills the tile of a window of one tap.
    fn tile(&self, pixel: usize, pixels: usize) {
        let from = source(&self.input);
        gather::word_tile(&from, self.band, &self.geometry, pixel, pixels);
    }

    /// Fills the band of the tile that begins at `(y, x)` of the output.
    #[inline(always)]
    fn band(&self, (y, x): (usize, usize)) {
        Kept::around(self.kept.as_ref(), &self.input, (y, x), || {
            let from = source(&self.input);
            gather::word_band(&from, self.band, &self.geometry, self.window, (y, x));
        });
    }
}

/// Runs the tiles that are left.
#[inline(never)]
pub(super) fn run<const OPS: u128>(
    job: &Job<'_, '_>,
    window: &Window,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    let tiles = Tiles::new(job, window);
    if !tiles.has_band() {
        return Progress::Done;
    }
    cursor.each(tiles.count(), tiles.cost(), |unit| {
        let (out, lanes) = tiles.fill(unit);
        let tile = WordTile {
            band: tiles.band,
            out,
            channel_stride: tiles.output.channel_stride,
            pixel_stride: tiles.output.pixel_stride,
            lanes,
            post: post(clamp, tiles.output.zero_point),
            geometry: &tiles.geometry,
        };
        conv_words::<OPS>(&job.step.weights, job.rounding, &tile);
    })
}
