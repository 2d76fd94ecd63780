//! `fully_connected`: rows in the order of lanes.

use super::conv::{Kernels, channels};
use super::form::Form;
use super::matrix::Plain;
use super::planes::{Arena, Place};
use super::rescale::rescale;
use crate::arch::vector::product::{Multiply, Product};
use crate::arch::vector::{Lanes, Rescale, Share};
use nnz_format::{Clamp, Rounding, Step};

/// A matrix, ready to multiply.
#[derive(Debug)]
pub(super) struct FullyConnected {
    matrix: Product,
    /// Whether the input is planes of more than a pixel, which become a vector first.
    is_spread: bool,
}

impl FullyConnected {
    /// The matrix of `step`; `None` where the portable kernels must do it.
    pub(super) fn new(
        step: &Step<'_>,
        clamp: &Clamp,
        rounding: Rounding,
        kernels: Kernels,
    ) -> Option<Self> {
        let plain = Plain::of(step)?;
        let channels = channels(step, &plain, rounding)?;
        let rescale = rescale(&channels, 1, clamp);
        Some(Self {
            matrix: pack(&plain, &rescale, kernels),
            is_spread: Form::of(&step.input).pixels() > 1,
        })
    }

    /// Bytes of scratch.
    pub(super) fn scratch_len(&self, input: &Form) -> usize {
        if self.is_spread {
            input.channels * input.pixels() + 64
        } else {
            0
        }
    }

    /// Runs it.
    pub(super) fn run(&self, arena: &Arena<'_>, (input, output): (&Place, &Place), scratch: usize) {
        let mut from = input.offset;
        if self.is_spread {
            if arena.worker.is_first() {
                spread(arena, input, scratch);
            }
            arena.worker.meet();
            from = scratch;
        }
        arena.enter(Multiply {
            matrix: &self.matrix,
            input: arena.at(from).cast_const(),
            output: arena.at(output.offset),
            share: Share::of(&self.matrix.counts, arena.worker.of(), 1),
        });
    }
}

/// Makes planes a vector.
fn spread(arena: &Arena<'_>, input: &Place, scratch: usize) {
    let pixels = input.form.pixels();
    for channel in 0..input.form.channels {
        let plane = input.offset + channel * input.form.plane;
        let to = scratch + channel * pixels;
        let from = arena.bytes(plane..plane + pixels);
        arena.bytes_mut(to..to + pixels).copy_from_slice(from);
    }
}

/// The row of each lane of a block of `bytes` rows, vector by vector.
fn lanes(bytes: usize) -> impl Iterator<Item = usize> {
    (0..4).flat_map(move |v| (0..bytes / 4).map(move |lane| lane / 4 * 16 + 4 * v + lane % 4))
}

fn pack(plain: &Plain, rescale: &Rescale, kernels: Kernels) -> Product {
    let bytes = kernels.bytes;
    let mut constants = Vec::new();
    let mut product = Product {
        columns: Vec::new(),
        counts: Vec::new(),
        weights: Vec::new(),
        lanes: Lanes::default(),
        bounds: (rescale.lo, rescale.hi),
    };
    for first in (0..plain.rows()).step_by(bytes) {
        let rows: Vec<usize> = lanes(bytes).map(|lane| first + lane).collect();
        constants.extend(rows.iter().map(|&row| rescale.rows.get(row).copied()));
        let before = product.columns.len();
        for column in (0..plain.columns()).step_by(4) {
            add_columns(&mut product, plain, (&rows, column), kernels);
        }
        let count = product.columns.len() - before;
        product
            .counts
            .push(u32::try_from(count).unwrap_or(u32::MAX));
    }
    product.lanes = Lanes::new(constants, bytes / 4);
    product
}

/// Four columns of a block, where any row has one; twice, where a row's may not be one product.
fn add_columns(
    product: &mut Product,
    plain: &Plain,
    (rows, column): (&[usize], usize),
    kernels: Kernels,
) {
    let parts = rows.iter().map(|&row| {
        let row = plain.row(row);
        (kernels.split)(core::array::from_fn(|i| {
            row.get(column + i).copied().unwrap_or(0)
        }))
    });
    let parts: Vec<[[i8; 4]; 2]> = parts.collect();
    for part in 0..2 {
        let weights = parts.iter().filter_map(|parts| parts.get(part));
        if weights.clone().all(|weights| *weights == [0; 4]) {
            continue;
        }
        product
            .columns
            .push(u32::try_from(column).unwrap_or(u32::MAX));
        product
            .weights
            .extend(weights.flatten().map(|w| w.cast_unsigned()));
    }
}
