//! `depthwise_conv_2d` of files for `arm-dsp`: channel by channel, copy the plane into a padded one of `s16`, then
//! convolve that.

use super::{Job, post, source};
use crate::cursor::{Cursor, Progress};
use crate::dispatch::{depthwise_pairs, widen};
use crate::pairs::PairPlane;
use core::num::NonZeroUsize;
use nnz_format::{Clamp, Window, table_words};

/// Runs the output channels that are left.
#[inline(never)]
pub(super) fn run<const OPS: u128>(
    job: &Job<'_, '_>,
    window: &Window,
    multiplier: u16,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    let (input, output) = (job.input::<i8>(), job.output::<i8>());
    let words = job.scratch::<u32>();
    let Some((table, plane)) = words.split_at_checked(table_words(window) as usize) else {
        return Progress::Done;
    };
    let (top, left) = (usize::from(window.pad_top), usize::from(window.pad_left));
    let padded_w = input
        .width
        .wrapping_add(left)
        .wrapping_add(window.pad_right.into());
    let pitch = padded_w.div_ceil(2);
    let first = top.wrapping_mul(pitch).wrapping_mul(2).wrapping_add(left);
    let multiplier = NonZeroUsize::new(usize::from(multiplier)).unwrap_or(NonZeroUsize::MIN);
    let taps = usize::from(window.kernel_h).wrapping_mul(window.kernel_w.into());
    let outside = i16::from(source(&input).outside).cast_unsigned();
    let cost = output.pixels().saturating_mul(taps);
    let mut channels = PairPlane {
        table,
        plane,
        pitch,
        out: &[],
        row_stride: output.row_stride,
        pixel_stride: output.pixel_stride,
        out_h: output.height,
        out_w: output.width,
        window: *window,
        row: 0,
        post: post(clamp, output.zero_point),
    };
    cursor.each(output.channels, cost, |channel| {
        if channel == 0 {
            // The border stays for all channels: only the middle is written again.
            let both = u32::from(outside) << 16 | u32::from(outside);
            plane.iter().for_each(|cell| cell.set(both));
        }
        if channel % multiplier == 0 {
            widen(&input, channel / multiplier, plane, (pitch, first));
        }
        channels.row = channel;
        channels.out = output.at(channel, 0, 0);
        depthwise_pairs::<OPS>(&job.step.weights, job.rounding, &channels);
    })
}
