//! `pad`: a constant border.

use super::{Bounded, Job};
use crate::cursor::{Cursor, Progress};
use nnz_format::Clamp;

/// Runs the channels that are left; `value` has equal bounds.
#[inline(never)]
pub(super) fn run<T: Bounded>(
    job: &Job<'_, '_>,
    (front, top, left): (u16, u8, u8),
    value: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    let (input, output) = (job.input::<T>(), job.output::<T>());
    let (value, _) = T::bounds(value);
    let (front, top, left) = (usize::from(front), usize::from(top), usize::from(left));
    cursor.each(output.channels, output.pixels(), |channel| {
        for y in 0..output.height {
            for out in output.row(channel, y) {
                out.set(value);
            }
            let row = y.wrapping_sub(top);
            let source = channel.wrapping_sub(front);
            if row < input.height && source < input.channels {
                for (out, cell) in output
                    .row(channel, y)
                    .skip(left)
                    .zip(input.row(source, row))
                {
                    out.set(cell.get());
                }
            }
        }
    })
}
