//! Which tensors are live when, and which steps may write over their input.

use crate::lower::{Program, Step};
use nnz_format::{Op, RepackOrder, TensorLayout, works_in_place};

/// When the memory of one tensor (and of its aliases) holds values that somebody still reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    /// Step that writes it; 0 for network inputs.
    pub(super) first: usize,
    /// Last step that reads it; the number of steps for network outputs.
    pub(super) last: usize,
    /// Bytes of the largest view.
    pub(super) size: u64,
}

/// The life of every tensor that owns memory; `None` for aliases and tensors nobody touches.
pub(super) fn lives(program: &Program) -> Vec<Option<Life>> {
    let mut lives: Vec<Option<Life>> = vec![None; program.tensors.len()];
    let mut touch = |tensor: usize, at: usize| {
        let whole = program.tensors[program.storage(tensor)].len();
        let size = round_up(program.tensors[tensor].len().max(whole));
        let life = &mut lives[program.storage(tensor)];
        *life = Some(life.map_or(
            Life {
                first: at,
                last: at,
                size,
            },
            |l| Life {
                first: l.first.min(at),
                last: l.last.max(at),
                size: l.size.max(size),
            },
        ));
    };
    for &input in &program.inputs {
        touch(input, 0);
    }
    for (at, step) in program.steps.iter().enumerate() {
        touch(step.output, at);
        for input in inputs(step) {
            touch(input, at);
        }
    }
    for &output in &program.outputs {
        touch(output, program.steps.len());
    }
    lives
}

/// Tensors a step reads.
pub(super) fn inputs(step: &Step) -> impl Iterator<Item = usize> {
    core::iter::once(step.input).chain(step.input2)
}

/// Inputs that the operator could overwrite with its output, liveness aside (SPEC.md section 5).
pub(super) fn overwritable(program: &Program, step: &Step) -> Vec<usize> {
    inputs(step)
        .filter(|&input| may_overwrite(program, step, input))
        .collect()
}

/// Whether the operator of `step` may write its output from the first byte of `input` on.
pub(super) fn may_overwrite(program: &Program, step: &Step, input: usize) -> bool {
    let (from, to) = (&program.tensors[input], &program.tensors[step.output]);
    let both_planar = from.layout == TensorLayout::Planar && to.layout == TensorLayout::Planar;
    let same_strides = from.layout == to.layout
        && from.strides() == to.strides()
        && (from.c, from.h, from.w, from.dtype) == (to.c, to.h, to.w, to.dtype);
    match step.op {
        Op::Conv2d { window, .. } => {
            (window.is_pointwise() && both_planar && from.plane_stride == to.plane_stride)
                || works_in_place(&window, &from.at(0), &to.at(0))
        }
        Op::DepthwiseConv2d { multiplier, .. } => {
            multiplier == 1
                && both_planar
                && to.plane_stride <= from.plane_stride
                && to.pixels() <= from.pixels()
        }
        Op::Add { .. }
        | Op::AddLinear { .. }
        | Op::SoftmaxS8 { .. }
        | Op::SoftmaxF32 { .. }
        | Op::Requantize { .. }
        | Op::Clamp { .. }
        | Op::Prelu { .. }
        | Op::UnaryS8
        | Op::UnaryF32 { .. }
        | Op::Binary { .. }
        | Op::Repack {
            order: RepackOrder::Same,
        } => same_strides,
        Op::Copy { .. }
        | Op::ResizeNearest
        | Op::ResizeBilinear { .. }
        | Op::FullyConnected { .. }
        | Op::MaxPool2d { .. }
        | Op::AveragePool2d { .. }
        | Op::Mean { .. }
        | Op::Pad { .. }
        | Op::Repack {
            order: RepackOrder::ChannelsFirst | RepackOrder::ChannelsLast,
        }
        | Op::Quantize
        | Op::Dequantize => false,
    }
}

/// `len` rounded up to the arena's granule.
pub(super) const fn round_up(len: u64) -> u64 {
    len.div_ceil(8) * 8
}
