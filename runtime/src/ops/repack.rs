//! `repack`: the same elements in another layout, or flattened to a vector.

use super::{Bounded, Job};
use crate::arena::View;
use crate::cursor::{Cursor, Progress};
use nnz_format::RepackOrder;

/// Runs the channels that are left.
#[inline(never)]
pub(super) fn run<T: Bounded>(
    job: &Job<'_, '_>,
    order: RepackOrder,
    cursor: &mut Cursor,
) -> Progress {
    let (input, output) = (job.input::<T>(), job.output::<T>());
    let (first_of_channel, next_pixel) = target(&input, &output, order);
    cursor.each(input.channels, input.pixels(), |channel| {
        let mut at = channel.wrapping_mul(first_of_channel);
        for cell in input.plane(channel) {
            if let Some(out) = output.cells.get(at) {
                out.set(cell.get());
            }
            at = at.wrapping_add(next_pixel);
        }
    })
}

/// Output elements between channels and between pixels of the input.
fn target<T: Bounded>(
    input: &View<'_, T>,
    output: &View<'_, T>,
    order: RepackOrder,
) -> (usize, usize) {
    match order {
        RepackOrder::Same => (output.channel_stride, output.pixel_stride),
        RepackOrder::ChannelsFirst => (
            input.pixels().wrapping_mul(output.channel_stride),
            output.channel_stride,
        ),
        RepackOrder::ChannelsLast => (
            output.channel_stride,
            input.channels.wrapping_mul(output.channel_stride),
        ),
    }
}
