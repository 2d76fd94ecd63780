//! Operators that turn, stack or unstack axes, where that moves no value or is a concatenation or a slice.
//!
//! Converters from `PyTorch` leave the axes of its images, and turn them around what needs channels last:
//!
//! ```text
//! input [1, c, h, w] ─TRANSPOSE→ [1, h, w, c] ─CONV_2D→ … ─TRANSPOSE→ [1, c, h, w] ─RESHAPE→ [1, c·h·w]
//! ```
//!
//! The same planes are shown in both orders here, so that no value moves.

use super::super::error::Problem;
use super::super::geometry::{axis_of, shape_of};
use super::super::onnx::shuffle::Part;
use super::{Call, Importer, reshape};
use crate::ir::{Op, Order, Rearrange, Shape, Source, TensorId};

/// Types of option tables.
const PACK_OPTIONS: u8 = 59;
const UNPACK_OPTIONS: u8 = 64;

/// `TRANSPOSE` between channels first and last, or of axes of length 1.
pub(in crate::import) fn transpose(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    importer.same_quantisation(call, input)?;
    let source = importer.assembler.graph.tensor(input).source.clone();
    let perm: Vec<usize> = importer
        .required(call, 1)?
        .integers()?
        .into_iter()
        .map(|axis| usize::try_from(axis).unwrap_or(usize::MAX))
        .collect();
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..source.dims.len()) {
        return Err(Problem::malformed(format!(
            "a permutation {perm:?} of {:?}",
            source.dims
        )));
    }
    let is_private = importer.readers(call.info.inputs.get(0)) == 1
        && importer.assembler.graph.inputs.contains(&input);
    match (source.order, &perm[..]) {
        (Order::Nhwc, [0, 3, 1, 2] | [0, 2, 1]) if !is_private => {
            importer.emit_turned(call, input, Order::Nchw)
        }
        (Order::Nchw, [0, 2, 3, 1] | [0, 2, 1]) => importer.emit_turned(call, input, Order::Nhwc),
        (Order::Nhwc, [0, 2, 3, 1] | [0, 2, 1]) if is_private => {
            let shape = shape_of(&source.dims, Order::Nchw)?;
            let tensor = importer.assembler.graph.tensor_mut(input);
            (tensor.shape, tensor.source.order) = (shape, Order::Nchw);
            importer.emit_turned(call, input, Order::Nhwc)
        }
        _ if is_still(&source, &perm) => reshape::reshape(importer, call),
        _ => Err(Problem::refused(
            format!("transposing {:?} by {perm:?} moves values", source.dims),
            "only transposes between channels first and channels last are read: [0, 2, 3, 1] of a network input, [0, 3, 1, 2], and back; \
             convert without it, or transpose in the application",
        )),
    }
}

/// Whether only axes of length 1 change places.
fn is_still(source: &Source, perm: &[usize]) -> bool {
    let moved = perm.iter().filter(|axis| source.dims[**axis] > 1);
    moved.is_sorted()
}

/// `PACK`: activations side by side along a new axis.
pub(in crate::import) fn pack(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    if call.info.inputs.len() == 1 {
        return reshape::reshape(importer, call);
    }
    let dims = importer.declared_dims(call)?;
    let axis = i64::from(call.options(PACK_OPTIONS)?.number::<i32>(1, 0)?);
    let (at, whole) = new_axis(&dims, axis)?;
    let mut inputs = Vec::new();
    for i in 0..call.info.inputs.len() {
        inputs.push(importer.input(call, i)?);
    }
    let along = axis_of(&whole, at).ok_or_else(|| stacked(&dims))?;
    let mut part = shape_of(&dims, Order::Nhwc)?;
    *match along {
        crate::ir::Axis::Channels => &mut part.c,
        crate::ir::Axis::Rows => &mut part.h,
        crate::ir::Axis::Columns => &mut part.w,
    } = 1;
    let inputs = inputs.into_iter().enumerate();
    let inputs: Result<Vec<_>, Problem> = inputs
        .map(|(i, input)| importer.shown_as(call, i, input, part))
        .collect();
    let op = Op::Rearrange(Rearrange::Concat { axis: along });
    importer.emit(call, op, &inputs?)
}

/// `UNPACK`: every index of an axis as an activation of its own.
pub(in crate::import) fn unpack(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    if call.info.outputs.len() == 1 {
        return reshape::reshape(importer, call);
    }
    let input = importer.input(call, 0)?;
    importer.same_quantisation(call, input)?;
    let source = importer.assembler.graph.tensor(input).source.clone();
    let axis = i64::from(call.options(UNPACK_OPTIONS)?.number::<i32>(1, 0)?);
    let (axis, _) = new_axis(&source.dims, axis)?;
    axis_of(&source, axis).ok_or_else(|| stacked(&source.dims))?;
    for begin in 0..call.info.outputs.len() {
        let part = Part {
            axis,
            begin,
            step: 1,
            size: 1,
        };
        let (slice, _) = Part::slice(&source, &[part])?;
        let name = format!("{}/{begin}", call.name);
        let one =
            importer
                .assembler
                .inserted(&format!("{name}_slice"), Op::Rearrange(slice), input)?;
        let output = importer.define(call.info.outputs.get(begin).unwrap_or(-1))?;
        let shape = importer.shape(output);
        let one = importer.shown_as(call, begin, one, shape)?;
        importer
            .assembler
            .node(&name, Op::Identity, &[one], output, Some(call.index))?;
    }
    Ok(())
}

/// An axis counted from the front, and the dimensions as an activation.
fn new_axis(dims: &[usize], axis: i64) -> Result<(usize, Source), Problem> {
    let rank = i64::try_from(dims.len()).unwrap_or(0);
    let at = usize::try_from(if axis < 0 { axis + rank } else { axis }).ok();
    let at = at.filter(|a| *a < dims.len());
    let source = Source {
        dims: dims.to_vec(),
        order: Order::Nhwc,
    };
    Ok((
        at.ok_or_else(|| Problem::malformed(format!("axis {axis} of rank {rank}")))?,
        source,
    ))
}

fn stacked(dims: &[usize]) -> Problem {
    Problem::refused(
        format!("stacking or unstacking along the batch of {dims:?}"),
        "rows, columns and channels can be stacked; where it computes a shape, the batch is open: convert with \
         `keras.Input(batch_shape=(1, ...))`",
    )
}

impl Importer<'_> {
    /// The same planes with the operator's dimensions in the other order.
    fn emit_turned(
        &mut self,
        call: &Call<'_>,
        input: TensorId,
        order: Order,
    ) -> Result<(), Problem> {
        let shape = self.shape(input);
        let dims = self.declared_dims(call)?;
        if shape_of(&dims, order)? != shape {
            return Err(Problem::malformed(format!(
                "dimensions {dims:?} of the transposed activation"
            )));
        }
        let output = self.define_as(call.info.outputs.get(0).unwrap_or(-1), Some(shape))?;
        self.assembler.graph.tensor_mut(output).source.order = order;
        self.assembler
            .node(&call.name, Op::Identity, &[input], output, Some(call.index))
    }

    /// The values of an activation as another shape, where that moves none.
    fn shown_as(
        &mut self,
        call: &Call<'_>,
        i: usize,
        mut input: TensorId,
        to: Shape,
    ) -> Result<TensorId, Problem> {
        let from = self.shape(input);
        if from == to {
            return Ok(input);
        }
        let order = self.assembler.graph.tensor(input).source.order;
        let ops = super::super::geometry::reshape(from, order, to, Order::Nhwc)?;
        let ops = ops.ok_or_else(|| {
            Problem::refused(
                format!("{from:?} as {to:?} moves values"),
                "concatenate (`tf.concat`) and slice (`x[..., 0:1]`) along an axis that is there",
            )
        })?;
        for (k, op) in ops.into_iter().enumerate() {
            let name = format!("{}_view_{i}_{k}", call.name);
            input = self.assembler.inserted(&name, op, input)?;
        }
        Ok(input)
    }
}
