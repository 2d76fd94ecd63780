//! `softmax` of `s8`: exponentials come from a table, of which there are only 256.

use super::form::Form;
use super::planes::{Arena, Place};
use super::rescale::{byte_of, flipped};
use crate::ops::softmax_s8::{Reciprocal, exponentials, summand};
use nnz_format::Step;

/// A softmax, ready to run.
#[derive(Debug)]
pub(super) struct Softmax {
    /// Of the differences 0, −1, … −255 to the largest input; `None` where it does not count.
    exponentials: Vec<Option<i32>>,
}

impl Softmax {
    /// The softmax of `step`; `None` where the portable kernel must do it.
    pub(super) fn new(
        step: &Step<'_>,
        (multiplier, left_shift, diff_min): (i32, i8, i32),
    ) -> Option<Self> {
        let is_vector = Form::of(&step.input).pixels() == 1 && step.input.c == step.output.c;
        is_vector.then(|| Self {
            exponentials: exponentials(multiplier, left_shift, diff_min),
        })
    }

    /// Runs it, on one thread.
    pub(super) fn run(&self, arena: &Arena<'_>, (input, output): (&Place, &Place)) {
        if !arena.worker.is_first() {
            return;
        }
        let vector = |place: &Place| place.offset..place.offset + place.form.channels;
        let (from, to) = (arena.bytes(vector(input)), arena.bytes_mut(vector(output)));
        let largest = from.iter().map(|byte| flipped(*byte)).max().unwrap_or(0);
        let share = |byte: u8| {
            let below = usize::from(largest - flipped(byte));
            self.exponentials.get(below).copied().flatten()
        };
        let shares = from.iter().filter_map(|byte| share(*byte));
        let sum = shares.fold(0_i32, |sum, share| sum.wrapping_add(summand(share)));
        let reciprocal = Reciprocal::of(sum);
        let mut outputs = [0; 256];
        for (byte, out) in (0..=largest).zip(&mut outputs) {
            let share = self.exponentials.get(usize::from(largest - byte));
            *out = byte_of(reciprocal.output(share.copied().flatten()));
        }
        for (to, from) in to.iter_mut().zip(from) {
            let out = outputs.get(usize::from(flipped(*from)));
            *to = out.copied().unwrap_or(0);
        }
    }
}
