//! `conv_2d`: tile by tile, gather the inputs of eight output pixels, then run every output channel over them.

use super::in_place::Kept;
use super::{Bounded, Job, post, source};
use crate::arena::View;
use crate::cursor::{Cursor, Progress};
use crate::dispatch::Numeric;
use crate::gather;
use crate::kernels::{Geometry, LANES, Tile};
use core::cell::Cell;
use core::num::NonZeroUsize;
use nnz_format::{Clamp, Window};

/// Fills bands.
struct Tiles<'s, T> {
    input: View<'s, T>,
    output: View<'s, T>,
    geometry: Geometry,
    window: &'s Window,
    band: &'s [Cell<T>],
    /// The scratch behind the band.
    room: &'s [Cell<T>],
    kept: Option<Kept<'s, T>>,
}

impl<'s, T: Numeric + Bounded> Tiles<'s, T> {
    /// Those of a step. No option: its place is where the caller wants it, without a copy.
    #[inline(never)]
    fn new(job: &Job<'s, '_>, window: &'s Window) -> Self {
        let geometry = Geometry::new(job.step.input.c, window);
        let (kept, scratch) = Kept::of(job, window);
        let (band, room) = scratch
            .split_at_checked(geometry.band_len())
            .unwrap_or_default();
        Self {
            input: job.input(),
            output: job.output(),
            geometry,
            window,
            band,
            room,
            kept,
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
        if self.window.is_pointwise() {
            return self.output.pixels().div_ceil(LANES);
        }
        let across = self.output.width.div_ceil(LANES);
        across.wrapping_mul(self.output.height)
    }

    /// Fills a tile; where its outputs begin, and how many there are. Out of line: what it needs is not on the stack
    /// while the weights run.
    #[inline(never)]
    fn fill(&self, unit: usize) -> (&'s [Cell<T>], usize) {
        let (from, output) = (source(&self.input), &self.output);
        if self.window.is_pointwise() {
            let pixel = unit.wrapping_mul(LANES);
            let left = output.pixels().wrapping_sub(pixel);
            let there = readable(&self.input, pixel, left);
            gather::tile_1x1(&from, self.band, &self.geometry, pixel, there);
            return (output.at_pixel(pixel), left.min(LANES));
        }
        let count = match &self.kept {
            Some(_) => output.height,
            None => output.width.div_ceil(LANES),
        };
        let count = NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN);
        let (far, near) = (unit / count, unit % count);
        let (y, x) = match &self.kept {
            Some(_) => (near, far.wrapping_mul(LANES)),
            None => (far, near.wrapping_mul(LANES)),
        };
        let kept = self.kept.as_ref();
        let rows = kept.map_or(0, |kept| kept.rows(y));
        Kept::around(kept, &self.input, (y, x), || {
            let at = ((y, x), rows);
            gather::band(&from, self.band, &self.geometry, self.window, at);
        });
        (output.at(0, y, x), output.width.wrapping_sub(x).min(LANES))
    }
}

/// Runs the tiles that are left.
#[inline(never)]
pub(super) fn run<const OPS: u128, T: Numeric + Bounded>(
    job: &Job<'_, '_>,
    window: &Window,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    let tiles = Tiles::<T>::new(job, window);
    if !tiles.has_band() {
        return Progress::Done;
    }
    cursor.each(tiles.count(), tiles.cost(), |unit| {
        let (out, lanes) = tiles.fill(unit);
        let tile = Tile {
            band: tiles.band,
            room: tiles.room,
            out,
            channel_stride: tiles.output.channel_stride,
            pixel_stride: tiles.output.pixel_stride,
            lanes,
            post: post(clamp, tiles.output.zero_point),
            geometry: &tiles.geometry,
        };
        T::conv::<OPS>(&job.step.weights, job.rounding, &tile);
    })
}

/// Pixels that can be read from `pixel` on, `left` of which are in the plane: the padding behind a plane counts.
pub(super) fn readable<T>(input: &View<'_, T>, pixel: usize, left: usize) -> usize {
    let has_padding = input.pixel_stride == 1 && pixel.wrapping_add(LANES) <= input.channel_stride;
    if has_padding { LANES } else { left }
}
