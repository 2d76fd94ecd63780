//! Activations other than bounds: slopes of negative values, and functions of one value.
//!
//! Integer logistic, tanh, `hard_swish` and `leaky_relu` become the tables that TensorFlow Lite Micro's arithmetic gives.

use super::super::assemble::finite;
use super::super::error::{Problem, printable};
use super::{Call, Importer};
use crate::ir::{DType, Function, Lookup, Op, Quant, Slopes, Unary};

/// Types of option tables.
const LEAKY_RELU_OPTIONS: u8 = 75;
const GELU_OPTIONS: u8 = 116;

/// `PRELU` with a constant slope.
pub(in crate::import) fn prelu(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let tensor = importer.assembler.graph.tensor(input);
    let (channels, dtype) = (tensor.shape.c, tensor.dtype);
    let constant = importer.required(call, 1)?;
    let last = constant.dims.last().copied().unwrap_or(1);
    if constant.count()? != last || !(last == 1 || last == channels) {
        return Err(Problem::refused(
            format!(
                "slopes '{}' of dimensions {:?} for {channels} channels",
                printable(&constant.name),
                constant.dims
            ),
            "share the slopes along rows and columns (`shared_axes=[1, 2]`)",
        ));
    }
    importer.assembler.budget.take(channels)?;
    let slopes = if dtype == DType::S8 {
        let (mut values, quant) = constant.centred()?;
        values.resize(channels, values.first().copied().unwrap_or(0));
        Slopes::S8 {
            values,
            scale: quant.scale,
        }
    } else {
        let mut values = constant.floats()?;
        finite(&constant.name, &values)?;
        values.resize(channels, values.first().copied().unwrap_or(0.0));
        Slopes::F32(values)
    };
    importer.emit(call, Op::Prelu(slopes), &[input])
}

/// `LOGISTIC`.
pub(in crate::import) fn logistic(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    output_is(importer, call, 1.0 / 256.0, -128)?;
    emit(importer, call, Unary::of(Function::Sigmoid))
}

/// `TANH`.
pub(in crate::import) fn tanh(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    output_is(importer, call, 1.0 / 128.0, 0)?;
    emit(importer, call, Unary::of(Function::Tanh))
}

/// Handlers of functions without parameters.
macro_rules! functions {
    ($($name:ident: $operator:literal = $function:ident,)*) => { $(
        #[doc = concat!("`", $operator, "`.")]
        pub(in crate::import) fn $name(
            importer: &mut Importer<'_>,
            call: &Call<'_>,
        ) -> Result<(), Problem> {
            emit(importer, call, Unary::of(Function::$function))
        }
    )* };
}

functions! {
    hard_swish: "HARD_SWISH" = HardSwish,
    exp: "EXP" = Exp,
    log: "LOG" = Log,
    sqrt: "SQRT" = Sqrt,
    rsqrt: "RSQRT" = Rsqrt,
    abs: "ABS" = Abs,
    neg: "NEG" = Neg,
    square: "SQUARE" = Square,
}

/// `ELU`.
pub(in crate::import) fn elu(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    emit(importer, call, Unary::with(Function::Elu, 1.0, 1.0))
}

/// `LEAKY_RELU`.
pub(in crate::import) fn leaky_relu(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let alpha = call.options(LEAKY_RELU_OPTIONS)?.number::<f32>(0, 0.0)?;
    if !alpha.is_finite() {
        return Err(Problem::malformed(format!("alpha {alpha}")));
    }
    emit(importer, call, Unary::with(Function::LeakyRelu, alpha, 0.0))
}

/// `GELU`, exact or by the hyperbolic tangent.
pub(in crate::import) fn gelu(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    let approximate = match call.info.options {
        Some(_) => call.options(GELU_OPTIONS)?.number::<u8>(0, 0)? != 0,
        None => false,
    };
    let function = if approximate {
        Function::GeluTanh
    } else {
        Function::Gelu
    };
    emit(importer, call, Unary::of(function))
}

/// Refuses an int8 output that the operator's definition does not give.
fn output_is(
    importer: &Importer<'_>,
    call: &Call<'_>,
    scale: f32,
    zero_point: i32,
) -> Result<(), Problem> {
    match importer.declared_quant(call)? {
        Some(quant) if quant != (Quant { scale, zero_point }) => {
            Err(Problem::unsupported(format!(
                "an int8 output with scale {} and zero point {}, not {scale} and {zero_point}",
                quant.scale, quant.zero_point
            )))
        }
        Some(_) | None => Ok(()),
    }
}

fn emit(importer: &mut Importer<'_>, call: &Call<'_>, unary: Unary) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let unary = Unary {
        lookup: Lookup::FixedPoint,
        ..unary
    };
    importer.emit(call, Op::Unary(unary), &[input])
}
