//! Step records: one operator with its tensors, weights and scratch.

use crate::bytes::{ensure, some, tri, u8_at, u16_at, u32_at};
use crate::layout::Geometry;
use crate::op::params;
use crate::{DType, FormatError, Op, Tensor, WeightLayout, Weights};

/// Bytes of a step record.
pub(crate) const RECORD: usize = 64;
/// Where the parameters begin.
pub(crate) const PARAMS_AT: usize = 28;
/// Tensor index that stands for none.
pub(crate) const NO_TENSOR: u16 = 0xFFFF;
/// Step flag: wide rows.
pub(crate) const FLAG_WIDE: u8 = 1;
/// Step flag: narrow sums.
pub(crate) const FLAG_NARROW: u8 = 2;

/// One operator, ready to execute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step<'a> {
    /// Position in the file's order.
    pub index: usize,
    /// What to compute.
    pub op: Op,
    /// Element type of the output.
    pub dtype: DType,
    /// Layout of the weights.
    pub layout: WeightLayout,
    /// First input.
    pub input: Tensor,
    /// Second input, of an addition.
    pub input2: Option<Tensor>,
    /// Output.
    pub output: Tensor,
    /// Weights, by their layout.
    pub weights: Weights<'a>,
    /// Whether every sum of the weights fits 24 bits and every result 16, so that tiles may be words (SPEC.md
    /// section 6).
    pub narrow: bool,
    /// Byte offset of the scratch in the arena, a multiple of 8; 0 without scratch.
    pub scratch_offset: u32,
    /// Bytes of scratch, at least [`scratch_len`](crate::scratch_len).
    pub scratch_len: u32,
    /// Tensor index of the first input.
    pub input_index: usize,
    /// Tensor index of the second input.
    pub input2_index: Option<usize>,
    /// Tensor index of the output.
    pub output_index: usize,
}

/// The fields of a record that point elsewhere.
#[derive(Clone, Copy)]
pub(crate) struct Links {
    pub(crate) input: u16,
    pub(crate) input2: u16,
    pub(crate) output: u16,
    pub(crate) weights_offset: u32,
    pub(crate) weights_len: u32,
}

impl Links {
    pub(crate) const fn read(record: &[u8]) -> Self {
        Self {
            input: u16_at(record, 4),
            input2: u16_at(record, 6),
            output: u16_at(record, 8),
            weights_offset: u32_at(record, 12),
            weights_len: u32_at(record, 16),
        }
    }
}

/// The tensors of a step.
#[derive(Clone, Copy)]
pub(crate) struct Operands {
    pub(crate) input: Tensor,
    pub(crate) input2: Option<Tensor>,
    pub(crate) output: Tensor,
}

/// What a record says by itself.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) op: Op,
    pub(crate) layout: WeightLayout,
    pub(crate) wide: bool,
    pub(crate) narrow: bool,
}

impl Head {
    /// Decodes record `step`, whose output has the type `dtype`.
    pub(crate) const fn read<const OPS: u128>(
        record: &[u8],
        dtype: DType,
        step: u16,
    ) -> Result<Self, FormatError> {
        let params = match record.split_at_checked(PARAMS_AT) {
            Some((_, params)) => params,
            None => &[],
        };
        let op = tri!(params::read::<OPS>(u8_at(record, 0), dtype, params, step));
        let layout = some!(
            WeightLayout::from_code(u8_at(record, 1)),
            FormatError::StepLayout { step }
        );
        let flags = u8_at(record, 2);
        let has_rows = !matches!(layout, WeightLayout::None | WeightLayout::Table)
            && matches!(dtype, DType::S8);
        let is_sparse = matches!(layout, WeightLayout::CsrP | WeightLayout::CsrN);
        let may_be_narrow = has_rows && is_sparse && matches!(op, Op::Conv2d { .. });
        ensure!(
            flags == 0
                || (flags == FLAG_WIDE && has_rows)
                || (flags == FLAG_NARROW && may_be_narrow),
            FormatError::StepFlags { step }
        );
        Ok(Self {
            op,
            layout,
            wide: flags == FLAG_WIDE,
            narrow: flags == FLAG_NARROW,
        })
    }
}

impl<'a> Step<'a> {
    /// Puts record `step` together with what it points to; cuts the weights but does not walk them.
    pub(crate) const fn assemble<const OPS: u128>(
        record: &[u8],
        head: &Head,
        operands: &Operands,
        blob: &'a [u8],
        step: u16,
    ) -> Result<Self, FormatError> {
        let links = Links::read(record);
        let Head {
            op,
            layout,
            wide,
            narrow,
        } = *head;
        let Operands {
            input,
            input2,
            output,
        } = *operands;
        let dtype = output.dtype;
        let weights = if matches!(layout, WeightLayout::None) {
            Weights::None
        } else {
            let shape = Geometry::of::<OPS>(&op, &input, &output);
            tri!(Weights::view::<OPS>(
                layout, dtype, blob, wide, &shape, step
            ))
        };
        Ok(Self {
            index: step as usize,
            op,
            dtype,
            layout,
            input,
            input2,
            output,
            weights,
            narrow,
            scratch_offset: u32_at(record, 20),
            scratch_len: u32_at(record, 24),
            input_index: links.input as usize,
            input2_index: if links.input2 == NO_TENSOR {
                None
            } else {
                Some(links.input2 as usize)
            },
            output_index: links.output as usize,
        })
    }
}
