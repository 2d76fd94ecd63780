//! Sums and products with a constant per channel: scale and shift of floats, a pair of integers.

use super::super::assemble::finite;
use super::super::error::{Problem, printable};
use super::constants::Constant;
use super::shuffle::pair;
use super::{Call, Importer};
use crate::ir::{Binary, BinaryKind, Clamp, DType, Op, TensorId};

/// Types of option tables.
const ADD_OPTIONS: u8 = 11;
const MUL_OPTIONS: u8 = 21;
const SUB_OPTIONS: u8 = 28;

/// `ADD` of a constant per channel.
pub(super) fn add(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    if importer.is_integer_pair(call, BinaryKind::Add, ADD_OPTIONS)? {
        return Ok(());
    }
    let (input, shift, _) = importer.operands(call)?;
    importer.emit_affine(call, ADD_OPTIONS, input, vec![1.0; shift.len()], shift)
}

/// `SUB` with a constant per channel.
pub(in crate::import) fn sub(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    if !importer.has_constant_operand(call) {
        return pair(importer, call, BinaryKind::Sub, Some(SUB_OPTIONS));
    }
    if importer.is_integer_pair(call, BinaryKind::Sub, SUB_OPTIONS)? {
        return Ok(());
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
    if importer.is_integer_pair(call, BinaryKind::Mul, MUL_OPTIONS)? {
        return Ok(());
    }
    let (input, scale, _) = importer.operands(call)?;
    let shift = vec![0.0; scale.len()];
    importer.emit_affine(call, MUL_OPTIONS, input, scale, shift)
}

impl<'a> Importer<'a> {
    /// The activation, the constant that acts on its channels, and whether the activation comes first.
    fn operand(&mut self, call: &Call<'_>) -> Result<(TensorId, Constant<'a>, bool), Problem> {
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
        let acts_per_channel = (2..=4).contains(&rank) && (*last == channels || *last == 1);
        if !acts_per_channel || lead.iter().any(|d| *d != 1) {
            return Err(Problem::refused(
                format!(
                    "constant '{}' of dimensions {:?} does not act per channel on an activation of {:?}",
                    printable(&constant.name),
                    constant.dims,
                    tensor.source.dims
                ),
                "let the converter fold it into the layer before, or give it one value a channel",
            ));
        }
        Ok((input, constant, is_first))
    }

    /// Adds the operator as a pair of integers, where that is what it is.
    fn is_integer_pair(
        &mut self,
        call: &Call<'_>,
        kind: BinaryKind,
        options: u8,
    ) -> Result<bool, Problem> {
        let (input, constant, is_first) = self.operand(call)?;
        if self.assembler.graph.tensor(input).dtype != DType::S8 {
            return Ok(false);
        }
        let binary = Binary {
            kind,
            clamp: bounds(call, options)?,
        };
        self.emit_with_constant(call, binary, (input, is_first), &constant)?;
        Ok(true)
    }

    /// The activation, the float constant spread to its channels, and whether the activation comes first.
    fn operands(&mut self, call: &Call<'_>) -> Result<(TensorId, Vec<f32>, bool), Problem> {
        let (input, constant, is_first) = self.operand(call)?;
        let channels = self.assembler.graph.tensor(input).shape.c;
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
        let clamp = bounds(call, options)?;
        let affine = Op::ChannelAffine { scale, shift };
        if clamp == Clamp::NONE {
            return self.emit(call, affine, &[input]);
        }
        let name = format!("{}_affine", call.name);
        let unbounded = self.assembler.inserted(&name, affine, input)?;
        self.emit(call, Op::Clamp(clamp), &[unbounded])
    }
}

/// The fused activation.
fn bounds(call: &Call<'_>, options: u8) -> Result<Clamp, Problem> {
    match call.info.options {
        Some(_) => Call::fused(&call.options(options)?, 0),
        None => Ok(Clamp::NONE),
    }
}
