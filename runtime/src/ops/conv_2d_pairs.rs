//! Dense `conv_2d` of files for `arm-dsp`: tiles whose inputs are gathered into 16-bit pairs.

use super::conv_2d::readable;
use super::in_place::Kept;
use super::pair_windows::Windows;
use super::{Job, post, source};
use crate::arena::View;
use crate::cursor::{Cursor, Progress};
use crate::dispatch::{conv_pairs, expand};
use crate::gather;
use crate::kernels::{Geometry, LANES};
use crate::pairs::{Columns, PairTile, QUAD};
use core::cell::Cell;
use core::num::NonZeroUsize;
use nnz_format::{Clamp, Window};

/// The parts of the scratch.
struct Scratch<'s> {
    taps: &'s [Cell<u32>],
    band: &'s [Cell<i8>],
    tile: &'s [Cell<u32>],
    /// Room for the columns' offsets, in place of the band.
    offsets: &'s [Cell<u32>],
}

impl<'s> Scratch<'s> {
    fn of(job: &Job<'s, '_>, geometry: &Geometry) -> Option<Self> {
        let words = job.scratch::<u32>();
        let bytes = job.scratch::<i8>();
        let kernel_w = geometry.kernel_w;
        let band = kernel_w.wrapping_mul(4)..;
        let len = geometry.band_len();
        let first = kernel_w
            .wrapping_add(len.next_multiple_of(8) / 4)
            .next_multiple_of(2);
        let tile = geometry.columns().div_ceil(4).wrapping_mul(QUAD);
        Some(Self {
            taps: words.get(..kernel_w)?,
            band: bytes.get(band)?.get(..len)?,
            tile: words.get(first..)?.get(..tile)?,
            offsets: words.get(kernel_w..first)?,
        })
    }

    /// Notes where each tap begins in a row of the band: SPEC.md section 6.
    fn note_taps(&self, geometry: &Geometry) {
        for (kx, tap) in self.taps.iter().enumerate() {
            tap.set(u32::try_from(geometry.tap_start(kx)).unwrap_or(0));
        }
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
    let (input, output) = (job.input::<i8>(), job.output::<i8>());
    let geometry = Geometry::new(job.step.input.c, window);
    let Some(scratch) = Scratch::of(job, &geometry) else {
        return Progress::Done;
    };
    scratch.note_taps(&geometry);
    let from = source(&input);
    let columns = geometry.columns();
    let convolve = |out, lanes| {
        let tile = PairTile {
            tile: scratch.tile,
            columns,
            out,
            channel_stride: output.channel_stride,
            pixel_stride: output.pixel_stride,
            lanes,
            post: post(clamp, output.zero_point),
        };
        conv_pairs::<OPS>(&job.step.weights, job.rounding, &tile);
    };
    let cost = columns
        .saturating_mul(output.channels)
        .saturating_mul(LANES);
    if window.is_pointwise() {
        let pixels = output.pixels();
        return cursor.each(pixels.div_ceil(LANES), cost, |unit| {
            let pixel = unit.wrapping_mul(LANES);
            let left = pixels.wrapping_sub(pixel);
            let there = readable(&input, pixel, left);
            if there >= LANES && is_whole(&input) {
                expand(
                    Columns::Apart(input.at_pixel(pixel), input.channel_stride),
                    scratch.tile,
                );
            } else {
                gather::tile_1x1(&from, scratch.band, &geometry, pixel, there);
                expand(Columns::Apart(scratch.band, LANES), scratch.tile);
            }
            convolve(output.at_pixel(pixel), left.min(LANES));
        });
    }
    let kept = Kept::<i8>::of(job, window);
    let is_apart = input.pixel_stride != 1 || geometry.kernel_w < usize::from(window.stride_w);
    let windows = if kept.is_none() && (is_apart || output.width < LANES) {
        Windows::new(&input, output.width, window, scratch.offsets)
    } else {
        None
    };
    if let Some(windows) = windows {
        let pixels = output.pixels();
        return cursor.each(pixels.div_ceil(LANES), cost, |unit| {
            let pixel = unit.wrapping_mul(LANES);
            let lanes = pixels.wrapping_sub(pixel).min(LANES);
            windows.fill(pixel, lanes, scratch.tile);
            convolve(output.at_pixel(pixel), lanes);
        });
    }
    let across = NonZeroUsize::new(output.width.div_ceil(LANES)).unwrap_or(NonZeroUsize::MIN);
    let down = NonZeroUsize::new(output.height).unwrap_or(NonZeroUsize::MIN);
    let pitch = geometry.pitch;
    cursor.each(across.get().wrapping_mul(output.height), cost, |unit| {
        let (y, x) = match kept {
            Some(_) => (unit % down, (unit / down).wrapping_mul(LANES)),
            None => (unit / across, (unit % across).wrapping_mul(LANES)),
        };
        let fill = |rows| {
            let place = ((y, x), rows);
            gather::band(&from, scratch.band, &geometry, window, place);
        };
        match &kept {
            Some(kept) => kept.around((y, x), || fill(kept.rows(y))),
            None => fill(0),
        }
        expand(
            Columns::Band(scratch.band, scratch.taps, pitch),
            scratch.tile,
        );
        convolve(output.at(0, y, x), output.width.wrapping_sub(x).min(LANES));
    })
}

/// Whether eight bytes of every plane make whole quads.
fn is_whole(input: &View<'_, i8>) -> bool {
    input.pixel_stride == 1 && input.channels.is_multiple_of(4)
}
