//! `fully_connected`: rows of a matrix times the input's elements in storage order.

use super::{Bounded, Job, post};
use crate::cursor::{Cursor, Progress};
use crate::dispatch::Numeric;
use crate::kernels::Product;
use nnz_format::Clamp;

/// Rows that kernels compute together; pauses lie between such groups.
const GROUP: usize = 4;

/// Runs the rows that are left, as many at once as the budget allows.
#[inline(never)]
pub(super) fn run<const OPS: u128, T: Numeric + Bounded>(
    job: &Job<'_, '_>,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    let (input, output) = (job.input::<T>(), job.output::<T>());
    let columns = input.channels.wrapping_mul(input.pixels());
    let Some(x) = input.cells.get(..columns) else {
        return Progress::Done;
    };
    let post = post(clamp, output.zero_point);
    while cursor.unit < output.channels {
        let rows = (cursor.affordable(columns) & !(GROUP - 1)).max(GROUP);
        let first = cursor.unit;
        let end = first.saturating_add(rows).min(output.channels);
        let product = Product {
            x,
            out: output.cells,
            stride: output.channel_stride,
            first,
            end,
            entries: cursor.entries,
            post,
        };
        cursor.entries = T::matvec::<OPS>(&job.step.weights, job.rounding, &product);
        cursor.unit = end;
        if cursor.spend(columns.saturating_mul(end.wrapping_sub(first))) && end < output.channels {
            return Progress::Yielded;
        }
    }
    Progress::Done
}
