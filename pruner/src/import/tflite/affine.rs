//! Sums and products with a float constant per channel: scale and shift.

use super::super::assemble::finite;
use super::super::error::{Problem, printable};
use super::shuffle::pair;
use super::{Call, Importer};
use crate::ir::{BinaryKind, Clamp, DType, Op, TensorId};

/// Types of option tables.
const ADD_OPTIONS: u8 = 11;
const MUL_OPTIONS: u8 = 21;
const SUB_OPTIONS: u8 = 28;

/// `ADD` of a constant per channel.
pub(super) fn add(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    let (input, shift, _) = importer.operands(call)?;
    importer.emit_affine(call, ADD_OPTIONS, input, vec![1.0; shift.len()], shift)
}

/// `SUB` with a constant per channel.
pub(in crate::import) fn sub(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    if !importer.has_constant_operand(call) {
        return pair(importer, call, BinaryKind::Sub, Some(SUB_OPTIONS));
    }
    let (input, constant, is_first) = importer.operands(call)?;
    let (sign, scale) = if is_first { (-1.0, 1.0) } else { (1.0, -1.0) };
    let shift: Vec<f32> = constant.iter().map(|v| sign * v).collect();
    importer.emit_affine(call, SUB_OPTIONS, input, vec![scale; shift.len()], shift)
}

/// `MUL` by a constant per channel.
pub(in crate::import) fn mul(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    if !importer.has_constant_operand(call) {
        return pair(importer, call, BinaryKind::Mul, Some(MUL_OPTIONS));
    }
    let (input, scale, _) = importer.operands(call)?;
    let shift = vec![0.0; scale.len()];
    importer.emit_affine(call, MUL_OPTIONS, input, scale, shift)
}

impl Importer<'_> {
    /// The activation, the constant spread to its channels, and whether the activation comes first.
    fn operands(&mut self, call: &Call<'_>) -> Result<(TensorId, Vec<f32>, bool), Problem> {
        let is_first = self.input(call, 0).is_ok();
        let (activation, position) = if is_first { (0, 1) } else { (1, 0) };
        let input = self.input(call, activation)?;
        let constant = self.required(call, position)?;
        let tensor = self.assembler.graph.tensor(input);
        let (channels, rank) = (tensor.shape.c, tensor.source.dims.len());
        let (lead, last) = match &constant.dims[..] {
            [lead @ .., last] => (lead, last),
            [] => (&[][..], &1),
        };
        if tensor.dtype != DType::F32 {
            return Err(Problem::refused(
                format!(
                    "an int8 sum or product with constant '{}'",
                    printable(&constant.name)
                ),
                "give the float model and let nnz quantise it with `--calib`, or move the constant into the layer before it",
            ));
        }
        let acts_per_channel = matches!(rank, 2 | 4) && (*last == channels || *last == 1);
        if !acts_per_channel || lead.iter().any(|d| *d != 1) {
            return Err(Problem::refused(
                format!(
                    "constant '{}' of dimensions {:?} does not act per channel on a float {:?}",
                    printable(&constant.name),
                    constant.dims,
                    tensor.source.dims
                ),
                "let the converter fold it into the layer before",
            ));
        }
        self.assembler.budget.take(2 * channels)?;
        let mut values = constant.floats()?;
        finite(&constant.name, &values)?;
        values.resize(channels, values.first().copied().unwrap_or(0.0));
        Ok((input, values, is_first))
    }

    fn emit_affine(
        &mut self,
        call: &Call<'_>,
        options: u8,
        input: TensorId,
        scale: Vec<f32>,
        shift: Vec<f32>,
    ) -> Result<(), Problem> {
        let clamp = match call.info.options {
            Some(_) => Call::fused(&call.options(options)?, 0)?,
            None => Clamp::NONE,
        };
        let affine = Op::ChannelAffine { scale, shift };
        if clamp == Clamp::NONE {
            return self.emit(call, affine, &[input]);
        }
        let name = format!("{}_affine", call.name);
        let unbounded = self.assembler.inserted(&name, affine, input)?;
        self.emit(call, Op::Clamp(clamp), &[unbounded])
    }
}
