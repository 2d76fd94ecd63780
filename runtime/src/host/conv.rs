//! `conv_2d`: a matrix over planes, staged where a window is larger than a pixel.

use super::blocks::{FourByFour, Interleaved};
use super::form::Form;
use super::matrix::{Matrix, Plain};
use super::planes::{Arena, Place};
use super::rescale::{Channel, Scale, rescale};
use crate::arch::vector::gather::{self, Gathered, Planes};
use crate::arch::vector::quads::{self, Blocks, Interleave};
use crate::arch::vector::stage::{Stage, Staging};
use crate::arch::vector::{Costs, Rescale, Share, Task};
use nnz_format::{Clamp, Rounding, Step, Weights, Window};

/// A convolution, ready to run.
#[derive(Debug)]
pub(super) struct Conv {
    staging: Option<Staging>,
    weights: Packed,
    rescale: Rescale,
}

/// The weights of a convolution.
#[derive(Debug)]
enum Packed {
    /// Over planes, any four at a time.
    Planes(Matrix),
    /// Over interleaved planes.
    Quads(FourByFour, Interleaved),
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
        let weights = pack(&plain, &input, (staging.as_ref(), output.pixels()), kernels)?;
        let block = match &weights {
            Packed::Planes(matrix) => matrix.block(),
            Packed::Quads(matrix, _) => matrix.block(),
        };
        let channels = channels(step, &plain, rounding)?;
        Some(Self {
            staging,
            weights,
            rescale: rescale(&channels, block, clamp),
        })
    }

    /// Bytes of scratch.
    pub(super) fn scratch_len(&self) -> usize {
        let interleaved = match &self.weights {
            Packed::Planes(_) => 0,
            Packed::Quads(_, planes) => planes.bytes() + SLACK,
        };
        self.staged_len() + self.own_len() + interleaved
    }

    /// Bytes of the copies of planes.
    fn staged_len(&self) -> usize {
        let staged = self.staging.as_ref().map_or(0, Staging::copies);
        staged.next_multiple_of(64)
    }

    /// Bytes of scratch that each thread wants for itself.
    pub(super) fn own_len(&self) -> usize {
        let thinned = self.staging.as_ref().map_or(0, Staging::thinned_len);
        thinned.next_multiple_of(64)
    }

    /// Runs it, or a thread's channels of each part.
    pub(super) fn run(&self, arena: &Arena<'_>, input: &Place, output: &Place, scratch: usize) {
        let mut from = arena.at(input.offset).cast_const();
        if let Some(staging) = &self.staging {
            let to = arena.at(scratch);
            arena.enter(Stage {
                staging,
                from,
                to,
                thinned: arena.own(scratch + self.staged_len()),
                part: arena.worker.range(staging.channels, 1),
            });
            arena.worker.meet();
            from = to.cast_const();
        }
        if let Packed::Quads(_, planes) = &self.weights {
            let to = arena.at(scratch + self.staged_len() + self.own_len());
            arena.enter(Interleave {
                from,
                to,
                channels: planes.channels,
                apart: planes.apart,
                stride: planes.stride,
                len: planes.len,
                fours: arena.worker.range(planes.channels.div_ceil(4), 1),
            });
            arena.worker.meet();
            from = to.cast_const();
        }
        let all = output.form.pixels();
        // Large maps are split by pixels, so that a thread reads a part of the input; small ones by rows.
        let is_large = all >= LARGE * arena.worker.threads;
        let planes = Planes {
            input: from,
            output: arena.at(output.offset),
            stride: output.form.plane,
            pixels: if is_large {
                arena.worker.range(all, 64)
            } else {
                0..all
            },
        };
        let rows = if is_large { (0, 1) } else { arena.worker.of() };
        self.multiply(arena, planes, rows);
    }

    /// All pixels of `planes`, for the rows of one thread of as many.
    fn multiply(&self, arena: &Arena<'_>, planes: Planes, worker: (usize, usize)) {
        let done = match &self.weights {
            Packed::Planes(Matrix::One(matrix)) => arena.enter(self.gather(matrix, planes, worker)),
            Packed::Planes(Matrix::Two(matrix)) => arena.enter(self.gather(matrix, planes, worker)),
            Packed::Planes(Matrix::Four(matrix)) => {
                arena.enter(self.gather(matrix, planes, worker))
            }
            Packed::Quads(FourByFour::One(matrix), _) => {
                arena.enter(self.quads(matrix, planes, worker))
            }
            Packed::Quads(FourByFour::Two(matrix), _) => {
                arena.enter(self.quads(matrix, planes, worker))
            }
            Packed::Quads(FourByFour::Four(matrix), _) => {
                arena.enter(self.quads(matrix, planes, worker))
            }
        };
        debug_assert!(done.is_some(), "packed for vectors that this CPU has");
    }

    fn gather<'m, const N: usize>(
        &'m self,
        matrix: &'m Gathered<N>,
        planes: Planes,
        worker: (usize, usize),
    ) -> impl Task<Out = ()> + 'm {
        gather::Convolve {
            matrix,
            rescale: &self.rescale,
            planes,
            share: Share::of(&matrix.counts, worker, 1),
        }
    }

    fn quads<'m, const N: usize>(
        &'m self,
        matrix: &'m Blocks<N>,
        planes: Planes,
        worker: (usize, usize),
    ) -> impl Task<Out = ()> + 'm {
        quads::Convolve {
            matrix,
            rescale: &self.rescale,
            planes,
            share: Share::of(&matrix.counts, worker, 1),
        }
    }
}

/// Pixels that are shared rather than rows, for each thread: unequal parts are then of little weight.
const LARGE: usize = 16 * 64;

/// Bytes behind interleaved planes that vectors may read.
const SLACK: usize = 256;

/// The weights in the form that is fastest.
fn pack(
    plain: &Plain,
    input: &Form,
    (staging, pixels): (Option<&Staging>, usize),
    kernels: Kernels,
) -> Option<Packed> {
    let kernels = Kernels {
        costs: kernels.costs.of(pixels, kernels.bytes),
        ..kernels
    };
    let taps = plain.columns().checked_div(input.channels)?;
    let width = staging.map_or(1, |staging| usize::from(staging.window.kernel_w));
    let tap = |channel: usize, tap: usize| match staging {
        Some(staging) => staging.tap(channel, (tap / width, tap % width)),
        None => channel * input.plane,
    };
    let mut offsets = Vec::new();
    for channel in 0..input.channels {
        for index in 0..taps {
            offsets.push(u32::try_from(tap(channel, index)).ok()?);
        }
    }
    let matrix = Matrix::new(plain, &offsets, kernels);
    let (apart, stride, len) = match staging {
        Some(staging) => (staging.apart(), staging.plane, staging.rows * staging.width),
        None => (1, input.plane, input.pixels()),
    };
    let planes = Interleaved {
        channels: input.channels,
        apart,
        stride,
        len,
    };
    let first: Vec<usize> = (0..taps).map(|index| 4 * tap(0, index)).collect();
    let quads = FourByFour::new(plain, &first, 4 * apart * stride, kernels)?;
    if quads.cost(kernels) + planes.cost(kernels, pixels) < matrix.cost(kernels) {
        return Some(Packed::Quads(quads, planes));
    }
    Some(Packed::Planes(matrix))
}

/// What weights are packed for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernels {
    /// Bytes of a vector.
    pub(super) bytes: usize,
    /// Rows that may share columns.
    pub(super) rows: usize,
    /// Four weights as two fours that may each be one product; the second is mostly zero.
    pub(super) split: fn([i8; 4]) -> [[i8; 4]; 2],
    /// What kernels cost.
    pub(super) costs: Costs,
    /// Bytes of a plane that may be permuted.
    pub(super) plane: usize,
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
