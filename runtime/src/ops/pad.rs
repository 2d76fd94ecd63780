//! `pad`: a constant border.

use super::{Bounded, Job};
use crate::cursor::{Cursor, Progress};
use nnz_format::Clamp;

/// Runs the channels that are left; `value` has equal bounds.
pub(super) fn run<T: Bounded>(
    job: &Job<'_, '_>,
    top: u8,
    left: u8,
    value: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    let (input, output) = (job.input::<T>(), job.output::<T>());
    let (value, _) = T::bounds(value);
    let (top, left) = (usize::from(top), usize::from(left));
    cursor.each(output.channels, output.pixels(), |channel| {
        for y in 0..output.height {
            for out in output.row(channel, y) {
                out.set(value);
            }
            let row = y.wrapping_sub(top);
            if row < input.height {
                for (out, cell) in output
                    .row(channel, y)
                    .skip(left)
                    .zip(input.row(channel, row))
                {
                    out.set(cell.get());
                }
            }
        }
    })
}
