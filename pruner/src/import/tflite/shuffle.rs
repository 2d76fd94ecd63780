//! Operators that meet or move activations.

use super::super::error::Problem;
use super::super::geometry::{axis_of, same_padding, shape_of, window_number};
use super::super::onnx::shuffle::Part;
use super::super::phases::{Along, Phases};
use super::{Call, Importer};
use crate::ir::{
    Bias, Binary, BinaryKind, BlockOrder, Clamp, Conv, Op, Order, Rearrange, TensorId, Values,
    Weights,
};

/// Types of option tables.
const CONCATENATION_OPTIONS: u8 = 10;
const SPACE_TO_DEPTH_OPTIONS: u8 = 19;
const STRIDED_SLICE_OPTIONS: u8 = 32;
const TRANSPOSE_CONV_OPTIONS: u8 = 49;
const DEPTH_TO_SPACE_OPTIONS: u8 = 94;

/// Two activations, element by element; `options` is the type of the table that holds the fused activation.
pub(super) fn pair(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
    kind: BinaryKind,
    options: Option<u8>,
) -> Result<(), Problem> {
    let clamp = match (options, call.info.options) {
        (Some(options), Some(_)) => Call::fused(&call.options(options)?, 0)?,
        _ => Clamp::NONE,
    };
    let inputs = [importer.input(call, 0)?, importer.input(call, 1)?];
    let [a, b] = inputs.map(|id| importer.shape(id));
    Binary::output_shape(a, b).map_err(|reason| {
        Problem::refused(
            reason,
            "one may have a single pixel, or a single channel, for all of the other",
        )
    })?;
    importer.emit(call, Op::Binary(Binary { kind, clamp }), &inputs)
}

/// `DIV` of two activations.
pub(in crate::import) fn div(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    pair(importer, call, BinaryKind::Div, Some(29))
}

/// `MAXIMUM` of two activations, or of one and a number.
pub(in crate::import) fn maximum(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    bound(importer, call, BinaryKind::Maximum, |lo| Clamp {
        lo,
        ..Clamp::NONE
    })
}

/// `MINIMUM` of two activations, or of one and a number.
pub(in crate::import) fn minimum(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    bound(importer, call, BinaryKind::Minimum, |hi| Clamp {
        hi,
        ..Clamp::NONE
    })
}

/// Two activations, or one and a constant number, which is a bound.
fn bound(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
    kind: BinaryKind,
    clamp: fn(f32) -> Clamp,
) -> Result<(), Problem> {
    if !importer.has_constant_operand(call) {
        return pair(importer, call, kind, None);
    }
    let (activation, position) = if importer.input(call, 0).is_ok() {
        (0, 1)
    } else {
        (1, 0)
    };
    let input = importer.input(call, activation)?;
    importer.same_quantisation(call, input)?;
    let constant = importer.required(call, position)?;
    if constant.dims.iter().any(|d| *d != 1) {
        return Err(Problem::refused(
            format!("a bound of dimensions {:?}", constant.dims),
            "one number for all values is supported",
        ));
    }
    let number = constant.real_scalar()?;
    if !number.is_finite() {
        return Err(Problem::malformed(format!("bound {number}")));
    }
    importer.emit(call, Op::Clamp(clamp(number)), &[input])
}

/// `CONCATENATION`.
pub(in crate::import) fn concatenation(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let options = call.options(CONCATENATION_OPTIONS)?;
    if Call::fused(&options, 1)? != Clamp::NONE {
        return Err(Problem::unsupported("a fused activation"));
    }
    let axis = i64::from(options.number::<i32>(0, 0)?);
    let mut inputs = Vec::new();
    for i in 0..call.info.inputs.len() {
        inputs.push(importer.input(call, i)?);
    }
    let Some(first) = inputs.first() else {
        return Err(Problem::malformed("it has no input"));
    };
    let source = importer.assembler.graph.tensor(*first).source.clone();
    let at = counted(axis, source.dims.len())?;
    let axis = axis_of(&source, at).ok_or_else(|| {
        Problem::refused(
            format!("axis {at} of {:?}", source.dims),
            "channels, rows and columns are supported",
        )
    })?;
    importer.emit(call, Op::Rearrange(Rearrange::Concat { axis }), &inputs)
}

/// An axis counted from the front.
fn counted(axis: i64, rank: usize) -> Result<usize, Problem> {
    let signed = i64::try_from(rank).unwrap_or(0);
    let at = if axis < 0 { axis + signed } else { axis };
    let known = usize::try_from(at).ok().filter(|a| *a < rank);
    known.ok_or_else(|| Problem::malformed(format!("axis {axis} of rank {rank}")))
}

/// `SPLIT` and `SPLIT_V` into one activation an output.
pub(in crate::import) fn split(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let of_sizes = call.info.inputs.len() == 3;
    let (data, axis) = if of_sizes { (0, 2) } else { (1, 0) };
    let input = importer.input(call, data)?;
    let source = importer.assembler.graph.tensor(input).source.clone();
    let axes = importer.required(call, axis)?.integers()?;
    let axis = counted(axes.first().copied().unwrap_or(0), source.dims.len())?;
    let mut begin = 0;
    for i in 0..call.info.outputs.len() {
        let output = importer.define(call.info.outputs.get(i).unwrap_or(-1))?;
        let declared = importer.assembler.graph.tensor(output).source.dims.clone();
        let part = Part {
            axis,
            begin,
            step: 1,
            size: declared.get(axis).copied().unwrap_or(0),
        };
        begin += part.size;
        if begin > source.dims[axis] {
            return Err(Problem::malformed("its outputs are larger than its input"));
        }
        let (slice, _) = Part::slice(&source, &[part])?;
        let name = if i == 0 {
            call.name.clone()
        } else {
            format!("{}/{i}", call.name)
        };
        let op = Op::Rearrange(slice);
        importer
            .assembler
            .node(&name, op, &[input], output, Some(call.index))?;
    }
    Ok(())
}

/// `SLICE`.
pub(in crate::import) fn slice(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let (begin, size) = (
        importer.required(call, 1)?.integers()?,
        importer.required(call, 2)?.integers()?,
    );
    let bounds = begin.iter().zip(&size).map(|(b, s)| {
        let end = if *s < 0 {
            i64::MAX
        } else {
            b.saturating_add(*s)
        };
        [*b, end, 1]
    });
    let bounds: Vec<_> = bounds.collect();
    importer.emit_slice(call, input, &bounds)
}

/// `STRIDED_SLICE` with positive steps; axes of one index are dropped where the rest means the same image.
pub(in crate::import) fn strided_slice(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let options = call.options(STRIDED_SLICE_OPTIONS)?;
    let mask = |id| options.number::<i32>(id, 0);
    let (begins, ends) = (mask(0)?, mask(1)?);
    if mask(2)? != 0 || mask(3)? != 0 {
        return Err(Problem::refused(
            "an ellipsis or a new axis",
            "write the slice with one range an axis",
        ));
    }
    let dropped = mask(4)?;
    let input = importer.input(call, 0)?;
    let mut lists = [const { Vec::new() }; 3];
    for (i, list) in lists.iter_mut().enumerate() {
        *list = importer.required(call, i + 1)?.integers()?;
    }
    let [begin, end, step] = lists;
    let mut bounds = Vec::new();
    for (axis, ((b, e), s)) in begin.iter().zip(&end).zip(&step).enumerate() {
        let masked = |mask: i32| mask >> axis.min(31) & 1 != 0;
        let b = if masked(begins) { 0 } else { *b };
        let e = if masked(ends) { i64::MAX } else { *e };
        bounds.push(if !masked(dropped) {
            [b, e, *s]
        } else if b == -1 {
            [b, i64::MAX, 1]
        } else {
            [b, b.saturating_add(1), 1]
        });
    }
    importer.emit_slice(call, input, &bounds)
}

/// `DEPTH_TO_SPACE`.
pub(in crate::import) fn depth_to_space(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let shape = importer.shape(input);
    let block = block_of(call, DEPTH_TO_SPACE_OPTIONS)?;
    let op = Rearrange::DepthToSpace {
        block: [block; 2],
        order: BlockOrder::DepthFirst,
        crop: [0, 0],
        size: [shape.h * block, shape.w * block],
    };
    importer.emit(call, Op::Rearrange(op), &[input])
}

/// `SPACE_TO_DEPTH`.
pub(in crate::import) fn space_to_depth(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let block = [block_of(call, SPACE_TO_DEPTH_OPTIONS)?; 2];
    let op = Rearrange::SpaceToDepth {
        block,
        order: BlockOrder::DepthFirst,
    };
    importer.emit(call, Op::Rearrange(op), &[input])
}

fn block_of(call: &Call<'_>, options: u8) -> Result<usize, Problem> {
    let size = call.options(options)?.number::<i32>(0, 0)?;
    let block = usize::try_from(size).ok().filter(|b| (1..=255).contains(b));
    block.ok_or_else(|| Problem::malformed(format!("blocks of {size}")))
}

/// `TRANSPOSE_CONV`: one convolution for all phases, then depth to space.
pub(in crate::import) fn transpose_conv(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let options = call.options(TRANSPOSE_CONV_OPTIONS)?;
    let clamp = Call::fused(&options, 3)?;
    let input = importer.input(call, 2)?;
    let shape = importer.shape(input);
    let filter = importer.required(call, 1)?;
    let [o, kh, kw, i] = filter.dims[..] else {
        return Err(Problem::malformed(format!("filters {:?}", filter.dims)));
    };
    let [1, rows, columns, channels] = importer.declared_dims(call)?[..] else {
        return Err(Problem::malformed("its output is no image"));
    };
    if i != shape.c || channels != o || o == 0 {
        return Err(Problem::malformed(format!(
            "filters {:?} for {} channels",
            filter.dims, shape.c
        )));
    }
    let stride = |id| window_number("stride", i64::from(options.number::<i32>(id, 0)?), 1);
    let strides = [stride(2)?, stride(1)?];
    let padded = options.number::<i8>(0, 0)? == 0;
    let along = |d: usize, kernel: usize, size: usize| Along {
        kernel,
        stride: strides[d],
        pad: if padded {
            same_padding(size, kernel, strides[d]).0
        } else {
            0
        },
        size,
    };
    let along = [along(0, kh, rows), along(1, kw, columns)];
    let weights = importer.weights(&filter, input, [o, i, kh, kw], 0, [0, 3, 1, 2])?;
    let phases = Phases::new(along, shape, o);
    let at = |f: usize, c: usize, y: usize, x: usize| ((f * i + c) * kh + y) * kw + x;
    let budget = &mut importer.assembler.budget;
    let values = match &weights.values {
        Values::F32(v) => {
            Values::F32(phases.filters(along, o, budget, |f, c, y, x| v[at(f, c, y, x)])?)
        }
        Values::S8(v) => {
            Values::S8(phases.filters(along, o, budget, |f, c, y, x| v[at(f, c, y, x)])?)
        }
    };
    let dtype = importer.assembler.graph.tensor(input).dtype;
    let bias = match importer.bias(call, 3, o, dtype)? {
        Bias::F32(b) => Bias::F32(phases.repeated(&b)),
        Bias::S32(b) => Bias::S32(phases.repeated(&b)),
        Bias::None => Bias::None,
    };
    let conv = Conv {
        window: phases.window,
        weights: Weights {
            name: weights.name,
            shape: phases.dims,
            values,
            scales: phases.repeated(&weights.scales),
        },
        bias,
        clamp,
    };
    let op = Op::Conv2d(conv);
    let wide = importer.assembler.shape_of(&op, &[input])?;
    let quant = importer.declared_quant(call)?;
    let name = format!("{}/phases", call.name);
    let dims = [1, wide.h, wide.w, wide.c];
    let middle = importer
        .assembler
        .activation(&name, &dims, Order::Nhwc, quant)?;
    importer.assembler.node(&name, op, &[input], middle, None)?;
    importer.emit(call, Op::Rearrange(phases.spread), &[middle])
}

impl Importer<'_> {
    /// A slice by `[begin, end, step]` of every axis.
    fn emit_slice(
        &mut self,
        call: &Call<'_>,
        input: TensorId,
        bounds: &[[i64; 3]],
    ) -> Result<(), Problem> {
        self.same_quantisation(call, input)?;
        let source = self.assembler.graph.tensor(input).source.clone();
        if bounds.len() != source.dims.len() {
            return Err(Problem::malformed(format!(
                "{} bounds for {:?}",
                bounds.len(),
                source.dims
            )));
        }
        let mut parts = Vec::new();
        for (axis, bounds) in bounds.iter().enumerate() {
            parts.push(Part::between(axis, source.dims[axis], *bounds)?);
        }
        let (slice, _) = Part::slice(&source, &parts)?;
        let op = Op::Rearrange(slice);
        let shape = self.assembler.shape_of(&op, &[input])?;
        let dims = self.declared_dims(call)?;
        if shape_of(&dims, Order::Nhwc).ok() != Some(shape) {
            return Err(Problem::refused(
                format!("a part of {:?} as dimensions {dims:?}", source.dims),
                "keep the rank: slice with a size of 1 (`x[:, 2:3]` instead of `x[:, 2]`) and reshape at the end",
            ));
        }
        self.emit(call, op, &[input])
    }
}
