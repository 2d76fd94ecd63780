//! `conv_2d`: a matrix over planes, staged where a window is larger than a pixel.

use super::form::Form;
use super::matrix::{Matrix, Plain};
use super::plan::{Arena, Place};
use super::rescale::{Channel, Scale, rescale};
use crate::arch::vector::gather::{Convolve, Gathered, Planes};
use crate::arch::vector::stage::{Stage, Staging};
use crate::arch::vector::{Rescale, Task};
use nnz_format::{Clamp, Rounding, Step, Weights, Window};

/// A convolution, ready to run.
#[derive(Debug)]
pub(super) struct Conv {
    staging: Option<Staging>,
    matrix: Matrix,
    rescale: Rescale,
}

impl Conv {
    /// The convolution of `step`; `None` where the portable kernels must do it.
    pub(super) fn new(
        step: &Step<'_>,
        (window, clamp): (&Window, &Clamp),
        rounding: Rounding,
        kernels: Kernels,
    ) -> Option<Self> {
        let (input, output) = (Form::of(&step.input), Form::of(&step.output));
        if output.pixels() == 1 || input.pixels() == 1 {
            return None;
        }
        let plain = Plain::of(step)?;
        let staging = (!window.is_pointwise()).then(|| {
            Staging::new(
                *window,
                (input.channels, input.plane),
                (input.height, input.width),
                (output.height, output.width),
                input.zero,
            )
        });
        let (rows, columns) = (usize::from(window.kernel_h), usize::from(window.kernel_w));
        let mut offsets = Vec::new();
        for channel in 0..input.channels {
            for tap in 0..rows * columns {
                let offset = match &staging {
                    Some(staging) => staging.tap(channel, (tap / columns, tap % columns)),
                    None => channel * input.plane,
                };
                offsets.push(u32::try_from(offset).ok()?);
            }
        }
        let matrix = Matrix::new(&plain, &offsets, kernels.rows, kernels.is_exact);
        let channels = channels(step, &plain, rounding)?;
        Some(Self {
            staging,
            rescale: rescale(&channels, matrix.block(), clamp),
            matrix,
        })
    }

    /// Bytes of scratch.
    pub(super) fn scratch_len(&self) -> usize {
        self.staging.as_ref().map_or(0, Staging::len)
    }

    /// Runs it.
    pub(super) fn run(&self, arena: &mut Arena<'_>, input: &Place, output: &Place, scratch: usize) {
        let mut from = arena.at(input.offset).cast_const();
        if let Some(staging) = &self.staging {
            let to = arena.at(scratch);
            arena.enter(Stage { staging, from, to });
            from = to.cast_const();
        }
        let planes = Planes {
            input: from,
            output: arena.at(output.offset),
            stride: output.form.plane,
            pixels: output.form.pixels(),
        };
        match &self.matrix {
            Matrix::One(matrix) => arena.enter(self.task(matrix, planes)),
            Matrix::Two(matrix) => arena.enter(self.task(matrix, planes)),
            Matrix::Four(matrix) => arena.enter(self.task(matrix, planes)),
        };
    }

    fn task<'m, const N: usize>(
        &'m self,
        matrix: &'m Gathered<N>,
        planes: Planes,
    ) -> impl Task<Out = ()> + 'm {
        Convolve {
            matrix,
            rescale: &self.rescale,
            planes,
        }
    }
}

/// What weights are packed for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernels {
    /// Bytes of a vector.
    pub(super) bytes: usize,
    /// Rows that may share columns.
    pub(super) rows: usize,
    /// Whether four weights may be one group.
    pub(super) is_exact: fn([i8; 4]) -> bool,
}

impl Kernels {
    /// Four weights as two fours that may each be one product; the second is mostly zero.
    pub(super) fn exact(&self, weights: [i8; 4]) -> [[i8; 4]; 2] {
        if (self.is_exact)(weights) {
            return [weights, [0; 4]];
        }
        let [a, b, c, d] = weights;
        [[a, 0, c, 0], [0, b, 0, d]]
    }
}

/// The rows of a step, for sums over bytes.
pub(super) fn channels(step: &Step<'_>, plain: &Plain, rounding: Rounding) -> Option<Vec<Channel>> {
    let rows = match &step.weights {
        Weights::DenseS8(view) => view.rows(),
        Weights::CsrP(view) => view.rows(),
        Weights::CsrN(view) => view.rows(),
        Weights::CsrQ(view) => view.rows(),
        Weights::Blk1x4(view) => view.rows(),
        Weights::Blk4x1(view) => view.rows(),
        Weights::None | Weights::DenseF32(_) | Weights::CsrF(_) | Weights::Table(_) => return None,
    };
    let channel = |(index, row): (usize, nnz_format::Row)| {
        let (positive, negative) = plain.sums(index);
        let sum = i32::try_from(positive + negative).ok()?;
        Some(Channel {
            bias: row.bias.wrapping_sub(sum.wrapping_mul(128)),
            scale: Scale {
                multiplier: row.multiplier,
                shift: row.shift,
                rounding,
                zero_point: step.output.zero_point,
            },
            positive,
            negative,
        })
    };
    rows.iter().enumerate().map(channel).collect()
}
