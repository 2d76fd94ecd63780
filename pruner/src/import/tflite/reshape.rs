//! Operators that move or drop values without computing: reshape, squeeze, pad, and the mean over pixels.

use super::super::error::Problem;
use super::super::geometry::{reshape as reshaped, shape_of, shown, window_number};
use super::{Call, Importer};
use crate::ir::{Op, Order};

/// `RESHAPE`, `SQUEEZE`, `EXPAND_DIMS`: the output tensor says the new dimensions.
pub(in crate::import) fn reshape(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    importer.same_quantisation(call, input)?;
    let from = importer.shape(input);
    let to = shape_of(&importer.declared_dims(call)?, Order::Nhwc);
    let outcome = to.and_then(|to| Ok((to, reshaped(from, Order::Nhwc, to, Order::Nhwc)?)));
    match outcome {
        Ok((_, Some(op))) => importer.emit(call, op, &[input]),
        _ if importer.readers(call.info.outputs.get(0)) == 0 => importer.emit_view(call, input),
        Err(problem) => Err(problem),
        Ok((to, None)) => {
            let readers = importer.readers(call.info.inputs.get(0));
            if readers != 1 || !importer.assembler.graph.inputs.contains(&input) {
                return Err(Problem::refused(
                    format!(
                        "reshaping {} to {} inside the network",
                        shown(from),
                        shown(to)
                    ),
                    "only flattening, and reshapes of a network input, are supported",
                ));
            }
            importer.assembler.graph.tensor_mut(input).shape = to;
            importer.emit(call, Op::Identity, &[input])
        }
    }
}

/// `PAD`, `PADV2`: rows and columns only.
pub(in crate::import) fn pad(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    importer.same_quantisation(call, input)?;
    let amounts = importer.required(call, 1)?;
    let rank = importer.assembler.graph.tensor(input).source.dims.len();
    let values = amounts.integers()?;
    if amounts.dims != [rank, 2] || rank != 4 {
        return Err(Problem::unsupported(format!(
            "paddings of dimensions {:?} for rank {rank}; only images are padded",
            amounts.dims
        )));
    }
    let [0, 0, top, bottom, left, right, 0, 0] = values[..] else {
        return Err(Problem::refused(
            format!("padding {values:?} of the batch or of channels"),
            "only rows and columns can be padded",
        ));
    };
    let side = |v| window_number("padding", v, 0);
    let value = match importer.constant(call, 2)? {
        Some(constant) => constant.real_scalar()?,
        None => 0.0,
    };
    if !value.is_finite() {
        return Err(Problem::malformed(format!("padding value {value}")));
    }
    let op = Op::Pad {
        begin: [side(top)?, side(left)?],
        end: [side(bottom)?, side(right)?],
        value,
    };
    importer.emit(call, op, &[input])
}

/// `MEAN` over rows and columns.
pub(in crate::import) fn mean(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let mut axes = importer.required(call, 1)?.integers()?;
    let rank = importer.assembler.graph.tensor(input).source.dims.len();
    for axis in &mut axes {
        if *axis < 0 {
            *axis += i64::try_from(rank).unwrap_or(0);
        }
    }
    axes.sort_unstable();
    if rank != 4 || axes != [1, 2] {
        return Err(Problem::refused(
            format!("a mean over axes {axes:?} of rank {rank}"),
            "only the mean over rows and columns (axes 1 and 2) is supported",
        ));
    }
    importer.emit(call, Op::Mean, &[input])
}
