//! `copy`: a block of elements, a step apart in either tensor.

use super::{Bounded, Job};
use crate::arena::View;
use crate::cursor::{Cursor, Progress};
use core::cell::Cell;
use nnz_format::Block;

/// `count` cells of a tensor from an element on, a step of columns apart.
fn cells<'s, T: Bounded>(
    view: &View<'s, T>,
    (c, y, x): (usize, usize, usize),
    step: u8,
    count: usize,
) -> impl Iterator<Item = &'s Cell<T>> + use<'s, T> {
    let stride = view.pixel_stride.wrapping_mul(usize::from(step)).max(1);
    view.at(c, y, x).iter().step_by(stride).take(count)
}

/// Runs the channels of the block that are left.
#[inline(never)]
pub(super) fn run<T: Bounded>(job: &Job<'_, '_>, block: &Block, cursor: &mut Cursor) -> Progress {
    let (input, output) = (job.input::<T>(), job.output::<T>());
    let [channels, rows, columns] = block.extent.map(usize::from);
    let place = |first: [u16; 3], step: [u8; 3], c: usize, y: usize| {
        let [c0, y0, x0] = first.map(usize::from);
        let [step_c, step_y, _] = step.map(usize::from);
        let c = c0.wrapping_add(c.wrapping_mul(step_c));
        let y = y0.wrapping_add(y.wrapping_mul(step_y));
        (c, y, x0)
    };
    let [_, _, from_x] = block.from_step;
    let [_, _, to_x] = block.to_step;
    cursor.each(channels, rows.saturating_mul(columns), |c| {
        for y in 0..rows {
            let from = place(block.from, block.from_step, c, y);
            let to = place(block.to, block.to_step, c, y);
            let targets = cells(&output, to, to_x, columns);
            for (out, cell) in targets.zip(cells(&input, from, from_x, columns)) {
                out.set(cell.get());
            }
        }
    })
}
