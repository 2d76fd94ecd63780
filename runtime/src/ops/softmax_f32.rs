//! `softmax` of floats: exponentials of the differences to the largest input, over their sum.

use super::Job;
use crate::cursor::Progress;
use crate::float::exp;

/// Runs the vector.
#[inline(never)]
pub(super) fn run(job: &Job<'_, '_>, beta: f32) -> Progress {
    let (input, output) = (job.input::<f32>(), job.output::<f32>());
    let elements = || {
        (0..output.channels)
            .filter_map(|c| input.at(c, 0, 0).first().zip(output.at(c, 0, 0).first()))
    };
    let mut largest = f32::NEG_INFINITY;
    for (cell, _) in elements() {
        if cell.get() > largest {
            largest = cell.get();
        }
    }
    let mut sum = 0.0_f32;
    for (cell, out) in elements() {
        let share = exp((cell.get() - largest) * beta);
        out.set(share);
        sum += share;
    }
    for (_, out) in elements() {
        out.set(out.get() / sum);
    }
    Progress::Done
}
