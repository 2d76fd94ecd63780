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
    if let Some(widened) = importer.widened_input(call) {
        return importer.narrow(call, widened);
    }
    let input = importer.input(call, 0)?;
    importer.same_quantisation(call, input)?;
    let from = importer.shape(input);
    let order = importer.assembler.graph.tensor(input).source.order;
    let to = shape_of(&importer.declared_dims(call)?, Order::Nhwc);
    let outcome = to.and_then(|to| Ok((to, reshaped(from, order, to, Order::Nhwc)?)));
    let is_read = importer.readers(call.info.outputs.get(0)) > 0;
    let is_private = importer.readers(call.info.inputs.get(0)) == 1
        && importer.assembler.graph.inputs.contains(&input);
    match outcome {
        Ok((to, _)) if is_read && is_private => {
            importer.assembler.graph.tensor_mut(input).shape = to;
            importer.emit(call, Op::Identity, &[input])
        }
        Ok((_, Some(mut ops))) => {
            let mut input = input;
            let last = ops.pop().unwrap_or(Op::Identity);
            for op in ops {
                let name = format!("{}_flatten", call.name);
                input = importer.assembler.inserted(&name, op, input)?;
            }
            importer.emit(call, last, &[input])
        }
        _ if !is_read => importer.emit_view(call, input),
        Err(problem) => Err(problem),
        Ok((to, None)) => Err(Problem::refused(
            format!(
                "reshaping {} to {} inside the network",
                shown(from),
                shown(to)
            ),
            "only reshapes that keep channels apart, flattening, and reshapes of a network input are supported",
        )),
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
    let [0, 0, top, bottom, left, right, front, back] = values[..] else {
        return Err(Problem::refused(
            format!("padding {values:?} of the batch"),
            "channels, rows and columns can be padded",
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
    if [front, back] == [0; 2] {
        return importer.emit(call, op, &[input]);
    }
    let input = if [top, bottom, left, right] == [0; 4] {
        input
    } else {
        let name = format!("{}_pixels", call.name);
        importer.assembler.inserted(&name, op, input)?
    };
    let channels = Op::PadChannels {
        begin: side(front)?,
        end: side(back)?,
        value,
    };
    importer.emit(call, channels, &[input])
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
    let is_spatial = matches!((rank, &axes[..]), (4, [1, 2]) | (3, [1]));
    if !is_spatial {
        return Err(Problem::refused(
            format!("a mean over axes {axes:?} of rank {rank}"),
            "only the mean over all rows and columns (axes 1 and 2, or 1 of rank 3) is supported",
        ));
    }
    importer.emit(call, Op::Mean, &[input])
}
