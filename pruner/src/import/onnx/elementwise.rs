//! Operators that act on each value: bounds, softmax, and those that do nothing at inference.

use super::super::error::Problem;
use super::reshape::absolute;
use super::shuffle::pair;
use super::{Call, Importer, Value};
use crate::ir::{BinaryKind, Clamp, Function, Op, Shape, TensorId, Unary};

/// `Relu`.
pub(in crate::import) fn relu<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    importer.emit_like(call, Op::Clamp(Clamp::RELU), input)
}

/// `Clip`, with its bounds in attributes (before opset 11) or constants.
pub(in crate::import) fn clip<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let mut bounds = [None; 2];
    for (slot, (name, i)) in bounds.iter_mut().zip([("min", 1), ("max", 2)]) {
        *slot = match importer.constant(call, i)? {
            Some(constant) => Some(constant.scalar(&mut importer.assembler.budget)?),
            None => call.attributes().float(name),
        };
    }
    let clamp = Clamp {
        lo: bounds[0].unwrap_or(f32::NEG_INFINITY),
        hi: bounds[1].unwrap_or(f32::INFINITY),
    };
    if clamp.lo.is_nan() || clamp.hi.is_nan() || clamp.lo > clamp.hi {
        return Err(Problem::malformed(format!(
            "bounds {} to {}",
            clamp.lo, clamp.hi
        )));
    }
    importer.emit_like(call, Op::Clamp(clamp), input)
}

/// `Min` of an activation and one number.
pub(in crate::import) fn min<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    one_bound(importer, call, BinaryKind::Minimum, |hi| Clamp {
        hi,
        ..Clamp::NONE
    })
}

/// `Max` of an activation and one number.
pub(in crate::import) fn max<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    one_bound(importer, call, BinaryKind::Maximum, |lo| Clamp {
        lo,
        ..Clamp::NONE
    })
}

fn one_bound<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    kind: BinaryKind,
    bounds: fn(f32) -> Clamp,
) -> Result<(), Problem> {
    let (input, constant) = match (importer.value(call, 0)?, importer.value(call, 1)?) {
        (Some(Value::Activation(a)), Some(Value::Constant(c)))
        | (Some(Value::Constant(c)), Some(Value::Activation(a)))
            if call.node.input.len() == 2 =>
        {
            (a, c)
        }
        (Some(Value::Activation(a)), Some(Value::Activation(b))) if call.node.input.len() == 2 => {
            return pair(importer, call, kind, (a, b));
        }
        _ => {
            return Err(Problem::unsupported(
                "only an activation and one constant number are supported",
            ));
        }
    };
    let bound = constant.scalar(&mut importer.assembler.budget)?;
    importer.emit_like(call, Op::Clamp(bounds(bound)), input)
}

/// `Softmax` of a vector.
pub(in crate::import) fn softmax<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let input = scores(importer, call)?;
    importer.emit_like(call, Op::Softmax { beta: 1.0 }, input)
}

/// `LogSoftmax` of a vector, as the logarithm of a softmax.
pub(in crate::import) fn log_softmax<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let input = scores(importer, call)?;
    let name = format!("{}_softmax", call.name);
    let shares = importer
        .assembler
        .inserted(&name, Op::Softmax { beta: 1.0 }, input)?;
    importer.emit_like(call, Op::Unary(Unary::of(Function::Log)), shares)
}

/// The input of a softmax as the vector that it covers.
fn scores<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<TensorId, Problem> {
    let mut input = importer.input(call, 0)?;
    let tensor = importer.tensor(input);
    let (dims, shape) = (tensor.source.dims.clone(), tensor.shape);
    let default = if importer.opset < 13 { 1 } else { -1 };
    let axis = absolute(call.attributes().int("axis", default), dims.len(), 1)?;
    let covered = if importer.opset < 13 {
        dims[axis..].iter().product()
    } else {
        dims[axis]
    };
    if covered != shape.len() {
        return Err(Problem::refused(
            format!("softmax over axis {axis} of {dims:?}; only vectors are supported"),
            "leave the softmax to the application",
        ));
    }
    if shape.pixels() != 1 {
        input = importer.viewed(call, input, Shape::vector(shape.len()))?;
    }
    Ok(input)
}

/// `Identity`, and `Dropout` at inference.
pub(in crate::import) fn identity<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let mask = call.node.output.get(1).map(String::as_str);
    if mask.is_some_and(|m| importer.readers.contains_key(m) || importer.outputs.contains(m)) {
        return Err(Problem::unsupported("its second output is used"));
    }
    let input = importer.input(call, 0)?;
    importer.emit_like(call, Op::Identity, input)
}

/// `Cast` of a float to float, or of integers to the type that they have.
pub(in crate::import) fn cast<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    const FLOAT: i64 = 1;
    let input = importer.input(call, 0)?;
    let found = importer.elements.get(&input).map_or(FLOAT, |e| (*e).into());
    if call.attributes().int("to", FLOAT) != found {
        return Err(Problem::refused(
            "a cast of an activation to another type than float32",
            "leave the conversion of outputs to the application",
        ));
    }
    identity(importer, call)
}
