//! `conv_2d`: tile by tile, gather the inputs of eight output pixels, then run every output channel over them.

use super::in_place::Kept;
use super::{Bounded, Job, post, source};
use crate::arena::View;
use crate::cursor::{Cursor, Progress};
use crate::dispatch::Numeric;
use crate::gather;
use crate::kernels::{Geometry, LANES, Tile};
use core::num::NonZeroUsize;
use nnz_format::{Clamp, Window};

/// Runs the tiles that are left.
#[inline(never)]
pub(super) fn run<const OPS: u128, T: Numeric + Bounded>(
    job: &Job<'_, '_>,
    window: &Window,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    let (input, output) = (job.input::<T>(), job.output::<T>());
    let geometry = Geometry::new(job.step.input.c, window);
    let kept = Kept::<T>::of(job, window, &input);
    let scratch = kept
        .as_ref()
        .map_or_else(|| job.scratch::<T>(), Kept::before);
    let Some((band, room)) = scratch.split_at_checked(geometry.band_len()) else {
        return Progress::Done;
    };
    let from = source(&input);
    let post = post(clamp, output.zero_point);
    let convolve = |out, lanes| {
        let (channel_stride, pixel_stride) = (output.channel_stride, output.pixel_stride);
        let tile = Tile {
            band,
            room,
            out,
            channel_stride,
            pixel_stride,
            lanes,
            post,
            geometry,
        };
        T::conv::<OPS>(&job.step.weights, job.rounding, &tile);
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
            gather::tile_1x1(&from, band, &geometry, pixel, readable(&input, pixel, left));
            convolve(output.at_pixel(pixel), left.min(LANES));
        });
    }
    let across = NonZeroUsize::new(output.width.div_ceil(LANES)).unwrap_or(NonZeroUsize::MIN);
    let units = across.get().wrapping_mul(output.height);
    if let Some(kept) = kept {
        let down = NonZeroUsize::new(output.height).unwrap_or(NonZeroUsize::MIN);
        return cursor.each(units, cost, |unit| {
            let (y, x) = (unit % down, (unit / down).wrapping_mul(LANES));
            kept.around((y, x), || {
                gather::band(&from, band, &geometry, window, ((y, x), kept.rows(y)));
            });
            convolve(output.at(0, y, x), output.width.wrapping_sub(x).min(LANES));
        });
    }
    cursor.each(units, cost, |unit| {
        let (y, x) = (unit / across, (unit % across).wrapping_mul(LANES));
        gather::band(&from, band, &geometry, window, ((y, x), 0));
        convolve(output.at(0, y, x), output.width.wrapping_sub(x).min(LANES));
    })
}

/// Pixels that can be read from `pixel` on, `left` of which are in the plane: the padding behind a plane counts.
pub(super) fn readable<T>(input: &View<'_, T>, pixel: usize, left: usize) -> usize {
    let has_padding = input.pixel_stride == 1 && pixel.wrapping_add(LANES) <= input.channel_stride;
    if has_padding { LANES } else { left }
}
