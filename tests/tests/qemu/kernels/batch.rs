//! Cases that share a file: tensors and scratch follow each other in the arena, so that a step that writes where it
//! must not changes the result of another.

use super::cases::Case;
use nnz_format::write::{IoDesc, ModelDesc, StepDesc, write};
use nnz_format::{AxisOrder, Backend, Rounding, Tensor, WeightLayout, scratch_len, tile_room};

/// A file of independent steps.
#[derive(Debug)]
pub(crate) struct Batch {
    cases: Vec<Case>,
    backend: Backend,
    rounding: Rounding,
    tiles: bool,
}

impl Batch {
    pub(crate) fn new(cases: Vec<Case>, backend: Backend, rounding: Rounding) -> Self {
        Self {
            cases,
            backend,
            rounding,
            tiles: false,
        }
    }

    /// With room for a tile behind the band of each convolution, or without.
    pub(crate) const fn with_tiles(mut self, tiles: bool) -> Self {
        self.tiles = tiles;
        self
    }

    /// The bytes of the file; the inputs and outputs of the cases are its inputs and outputs.
    pub(crate) fn file(&self) -> Vec<u8> {
        let mut end = 0_u32;
        let mut take = |len: u32| {
            let offset = end;
            end = (end + len).next_multiple_of(8);
            offset
        };
        let (mut tensors, mut steps) = (Vec::new(), Vec::new());
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for case in &self.cases {
            let mut add = |tensor: &Tensor, offset| {
                tensors.push(Tensor { offset, ..*tensor });
                u16::try_from(tensors.len() - 1).unwrap()
            };
            let at = take(if case.in_place {
                case.input.len.max(case.output.len)
            } else {
                case.input.len
            });
            let input = add(&case.input, at);
            let input2 = case.input2.map(|second| add(&second, take(second.len)));
            let output = if case.in_place {
                add(&case.output, at)
            } else {
                add(&case.output, take(case.output.len))
            };
            let layout = case
                .weights
                .as_ref()
                .map_or(WeightLayout::None, |blob| blob.layout);
            let needed = scratch_len(self.backend, &case.op, layout, &case.input, &case.output);
            let room = tile_room(&case.op, layout, &case.input);
            let scratch = needed + if self.tiles { room } else { 0 };
            inputs.extend([Some(input), input2].into_iter().flatten());
            outputs.push(output);
            steps.push(StepDesc {
                op: case.op,
                input,
                input2,
                output,
                weights: case.weights.clone(),
                scratch_offset: if scratch == 0 { 0 } else { take(scratch) },
                scratch_len: scratch,
            });
        }
        let io = |index: &u16| {
            let tensor = &tensors[usize::from(*index)];
            IoDesc {
                tensor: *index,
                name: format!("t{index}"),
                dims: vec![u32::try_from(tensor.elements()).unwrap()],
                order: AxisOrder::Nchw,
                source_dtype: tensor.dtype,
                mean: 0.0,
                std: 1.0,
            }
        };
        let desc = ModelDesc {
            backend: self.backend,
            rounding: self.rounding,
            arena_len: end,
            macs: 0,
            stored_macs: 0,
            inputs: inputs.iter().map(io).collect(),
            outputs: outputs.iter().map(io).collect(),
            tensors,
            steps,
            meta: None,
        };
        write(&desc).unwrap()
    }

    /// The first element that differs, with its case; what lies between planes does not count.
    pub(crate) fn difference(&self, expected: &[u8], found: &[u8]) -> Option<String> {
        let (mut expected, mut found) = (expected, found);
        for (number, case) in self.cases.iter().enumerate() {
            let len = usize::try_from(case.output.len).unwrap();
            let (this, that) = (expected.split_off(..len)?, found.split_off(..len)?);
            let strides = case.output.strides();
            let part = |at: u16, stride: u32| usize::from(at) * usize::try_from(stride).unwrap();
            for c in 0..case.output.c {
                for y in 0..case.output.h {
                    for x in 0..case.output.w {
                        let at = part(c, strides.c) + part(y, strides.y) + part(x, strides.x);
                        if this[at] != that[at] {
                            let (this, that) = (this[at].cast_signed(), that[at].cast_signed());
                            return Some(format!(
                                "case {number}, channel {c} row {y} column {x}: {that} for {this}\n{case}"
                            ));
                        }
                    }
                }
            }
        }
        None
    }
}
