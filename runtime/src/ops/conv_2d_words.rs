//! `conv_2d` of narrow steps: tiles whose inputs are gathered into words, two pixels a word.
//!
//! Tiles of a K×K window are visited strip by strip, down eight columns of the output, so that a tile finds most of
//! its band in place.

use super::conv_2d::readable;
use super::in_place::Kept;
use super::{Job, post, source};
use crate::cursor::{Cursor, Progress};
use crate::dispatch::conv_words;
use crate::gather;
use crate::kernels::{Geometry, LANES};
use crate::words::WordTile;
use core::num::NonZeroUsize;
use nnz_format::{Clamp, Window};

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
    let Some(band) = job.scratch::<u32>().get(..geometry.band_len()) else {
        return Progress::Done;
    };
    let from = source(&input);
    let convolve = |out, lanes| {
        let tile = WordTile {
            band,
            out,
            channel_stride: output.channel_stride,
            pixel_stride: output.pixel_stride,
            lanes,
            post: post(clamp, output.zero_point),
            geometry,
        };
        conv_words::<OPS>(&job.step.weights, job.rounding, &tile);
    };
    let cost = geometry
        .columns()
        .saturating_mul(output.channels)
        .saturating_mul(LANES);
    if window.is_pointwise() {
        let pixels = output.pixels();
        return cursor.each(pixels.div_ceil(LANES), cost, |unit| {
            let pixel = unit.wrapping_mul(LANES);
            let left = pixels.wrapping_sub(pixel);
            gather::word_tile(&from, band, &geometry, pixel, readable(&input, pixel, left));
            convolve(
                output.at_pixel(pixel),
                readable(&output, pixel, left).min(LANES),
            );
        });
    }
    let kept = Kept::<i8>::of(job, window);
    let down = NonZeroUsize::new(output.height).unwrap_or(NonZeroUsize::MIN);
    let across = output.width.div_ceil(LANES);
    cursor.each(across.wrapping_mul(down.get()), cost, |unit| {
        let (x, y) = ((unit / down).wrapping_mul(LANES), unit % down);
        if geometry.is_tile() {
            let row = y.wrapping_mul(usize::from(window.stride_h));
            let pixel = row.wrapping_mul(input.width).wrapping_add(x);
            gather::word_tile(&from, band, &geometry, pixel, input.width.wrapping_sub(x));
        } else {
            let fill = || gather::word_band(&from, band, &geometry, window, (y, x));
            match &kept {
                Some(kept) => kept.around((y, x), fill),
                None => fill(),
            }
        }
        convolve(output.at(0, y, x), output.width.wrapping_sub(x).min(LANES));
    })
}
