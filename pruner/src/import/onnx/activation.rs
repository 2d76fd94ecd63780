//! Activations other than bounds: slopes of negative values, and functions of one value.

use super::super::assemble::finite;
use super::super::error::Problem;
use super::{Call, Importer};
use crate::ir::{Function, Op, Slopes, Unary};

/// `PRelu` with a constant slope.
pub(in crate::import) fn prelu<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let slope = importer
        .constant(call, 1)?
        .ok_or_else(|| Problem::malformed("its slope is missing"))?;
    let slopes = importer.per_channel(input, &slope)?;
    finite(&slope.name, &slopes)?;
    importer.emit_like(call, Op::Prelu(Slopes::F32(slopes)), input)
}

/// Handlers of functions without parameters.
macro_rules! functions {
    ($($name:ident: $operator:literal = $function:ident,)*) => { $(
        #[doc = concat!("`", $operator, "`.")]
        pub(in crate::import) fn $name<'a>(
            importer: &mut Importer<'a>,
            call: &Call<'a>,
        ) -> Result<(), Problem> {
            emit(importer, call, Unary::of(Function::$function))
        }
    )* };
}

functions! {
    sigmoid: "Sigmoid" = Sigmoid,
    tanh: "Tanh" = Tanh,
    hard_swish: "HardSwish" = HardSwish,
    mish: "Mish" = Mish,
    softplus: "Softplus" = Softplus,
    exp: "Exp" = Exp,
    log: "Log" = Log,
    sqrt: "Sqrt" = Sqrt,
    abs: "Abs" = Abs,
    neg: "Neg" = Neg,
    reciprocal: "Reciprocal" = Reciprocal,
    erf: "Erf" = Erf,
}

/// `LeakyRelu`.
pub(in crate::import) fn leaky_relu<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let alpha = call.attributes().float("alpha").unwrap_or(0.01);
    emit(importer, call, Unary::with(Function::LeakyRelu, alpha, 0.0))
}

/// `Elu`.
pub(in crate::import) fn elu<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let alpha = call.attributes().float("alpha").unwrap_or(1.0);
    emit(importer, call, Unary::with(Function::Elu, alpha, 1.0))
}

/// `Selu`: an ELU times a factor.
pub(in crate::import) fn selu<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let alpha = call.attributes().float("alpha").unwrap_or(1.673_263_2);
    let gamma = call.attributes().float("gamma").unwrap_or(1.050_701);
    emit(importer, call, Unary::with(Function::Elu, alpha, gamma))
}

/// `HardSigmoid`.
pub(in crate::import) fn hard_sigmoid<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let alpha = call.attributes().float("alpha").unwrap_or(0.2);
    let beta = call.attributes().float("beta").unwrap_or(0.5);
    emit(
        importer,
        call,
        Unary::with(Function::HardSigmoid, alpha, beta),
    )
}

/// `Gelu`, exact or by the hyperbolic tangent.
pub(in crate::import) fn gelu<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let function = match call.attributes().text("approximate") {
        None | Some("none") => Function::Gelu,
        Some("tanh") => Function::GeluTanh,
        Some(other) => {
            return Err(Problem::unsupported(format!(
                "approximation '{}'",
                super::printable(other)
            )));
        }
    };
    emit(importer, call, Unary::of(function))
}

/// `Pow` with a constant exponent that has a function of its own.
pub(in crate::import) fn pow<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let exponent = importer
        .constant(call, 1)?
        .ok_or_else(|| Problem::malformed("its exponent is missing"))?
        .scalar(&mut importer.assembler.budget)?;
    let known = [
        (2.0, Function::Square),
        (3.0, Function::Cube),
        (0.5, Function::Sqrt),
        (-0.5, Function::Rsqrt),
        (-1.0, Function::Reciprocal),
    ];
    if exponent.to_bits() == 1.0_f32.to_bits() {
        let input = importer.input(call, 0)?;
        return importer.emit_like(call, Op::Identity, input);
    }
    match known.iter().find(|(e, _)| *e == exponent) {
        Some((_, function)) => emit(importer, call, Unary::of(*function)),
        None => Err(Problem::refused(
            format!("exponent {exponent}"),
            "only the exponents 2, 3, 1/2, -1/2, -1 and 1 are supported",
        )),
    }
}

fn emit<'a>(importer: &mut Importer<'a>, call: &Call<'a>, unary: Unary) -> Result<(), Problem> {
    if !(unary.alpha.is_finite() && unary.beta.is_finite()) {
        return Err(Problem::malformed("a parameter is not finite"));
    }
    let input = importer.input(call, 0)?;
    importer.emit_like(call, Op::Unary(unary), input)
}
