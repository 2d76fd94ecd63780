//! `depthwise_conv_2d`: channel by channel, copy the plane into a padded one, then convolve that.

use super::{Bounded, Job, post, source};
use crate::cursor::{Cursor, Progress};
use crate::dispatch::Numeric;
use crate::gather;
use crate::kernels::{Padding, Plane};
use core::num::NonZeroUsize;
use nnz_format::{Clamp, Window};

/// Elements behind a padded plane, per column of stride, that the last tile may read.
const SLACK: usize = 16;

/// Runs the output channels that are left.
#[inline(never)]
pub(super) fn run<const OPS: u128, T: Numeric + Bounded>(
    job: &Job<'_, '_>,
    window: &Window,
    multiplier: u16,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    let (input, output) = (job.input::<T>(), job.output::<T>());
    let padding = padding(window, input.height, input.width);
    let stride_w = usize::from(window.stride_w);
    let needed = padding
        .len
        .next_multiple_of(8)
        .wrapping_add(stride_w.wrapping_mul(SLACK));
    let Some(padded) = job.scratch::<T>().get(..needed) else {
        return Progress::Done;
    };
    let from = source(&input);
    let multiplier = NonZeroUsize::new(usize::from(multiplier)).unwrap_or(NonZeroUsize::MIN);
    let (kernel_h, kernel_w) = (usize::from(window.kernel_h), usize::from(window.kernel_w));
    let cost = output
        .pixels()
        .saturating_mul(kernel_h.wrapping_mul(kernel_w));
    cursor.each(output.channels, cost, |channel| {
        if channel == 0 {
            // The border stays for all channels: only the middle is written again.
            padded.iter().for_each(|cell| cell.set(from.outside));
        }
        gather::plane(&from, padded, &padding, channel / multiplier);
        let plane = Plane {
            padded,
            padded_w: padding.padded_w,
            out: output.at(channel, 0, 0),
            row_stride: output.row_stride,
            pixel_stride: output.pixel_stride,
            out_h: output.height,
            out_w: output.width,
            kernel_h,
            kernel_w,
            stride_h: usize::from(window.stride_h),
            stride_w,
            row: channel,
            post: post(clamp, output.zero_point),
        };
        T::depthwise::<OPS>(&job.step.weights, job.rounding, &plane);
    })
}

/// The padded plane of an input of `height` rows and `width` columns.
fn padding(window: &Window, height: usize, width: usize) -> Padding {
    let (top, left) = (usize::from(window.pad_top), usize::from(window.pad_left));
    let padded_h = height
        .wrapping_add(top)
        .wrapping_add(usize::from(window.pad_bottom));
    let padded_w = width
        .wrapping_add(left)
        .wrapping_add(usize::from(window.pad_right));
    Padding {
        top,
        left,
        padded_w,
        len: padded_h.wrapping_mul(padded_w),
    }
}
