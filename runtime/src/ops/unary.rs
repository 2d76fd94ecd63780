//! Functions of each value: a table of 256 results for `s8`, formulae for `f32`.

use super::Job;
use crate::cursor::{Cursor, Progress};
use crate::float::{erf, exp, exp_m1, ln, ln_1p, rsqrt, sqrt, tanh};
use nnz_format::{Unary, Weights};

/// Looks every value up.
#[inline(never)]
pub(super) fn run_s8(job: &Job<'_, '_>, cursor: &mut Cursor) -> Progress {
    let Weights::Table(table) = &job.step.weights else {
        return Progress::Done;
    };
    let Some(results) = table.bytes().first_chunk::<256>() else {
        return Progress::Done;
    };
    let (input, output) = (job.input::<i8>(), job.output::<i8>());
    cursor.each(output.channels, output.pixels(), |channel| {
        output
            .plane(channel)
            .set_each(input.plane(channel), |out, cell| {
                let index = usize::from(cell.get().cast_unsigned() ^ 0x80);
                out.set(results.get(index).map_or(0, |byte| byte.cast_signed()));
            });
    })
}

/// Computes `function` of every value.
#[inline(never)]
pub(super) fn run_f32(
    job: &Job<'_, '_>,
    function: Unary,
    parameters: (f32, f32),
    cursor: &mut Cursor,
) -> Progress {
    let (input, output) = (job.input::<f32>(), job.output::<f32>());
    cursor.each(output.channels, output.pixels(), |channel| {
        output
            .plane(channel)
            .set_each(input.plane(channel), |out, cell| {
                out.set(value(function, cell.get(), parameters));
            });
    })
}

/// `function` of `x`.
fn value(function: Unary, x: f32, (alpha, beta): (f32, f32)) -> f32 {
    match function {
        Unary::Sigmoid => sigmoid(x),
        Unary::Tanh => tanh(x),
        Unary::LeakyRelu if x >= 0.0 => x,
        Unary::LeakyRelu => alpha * x,
        Unary::Elu if x >= 0.0 => beta * x,
        Unary::Elu => beta * (alpha * exp_m1(x)),
        Unary::HardSigmoid => between(alpha * x + beta, 0.0, 1.0),
        Unary::HardSwish => x * (between(x + 3.0, 0.0, 6.0) / 6.0),
        Unary::Silu => x * sigmoid(x),
        Unary::Gelu => 0.5 * x * (1.0 + erf(x * core::f32::consts::FRAC_1_SQRT_2)),
        Unary::GeluTanh => 0.5 * x * (1.0 + tanh(0.797_884_6 * (x + 0.044_715 * x * x * x))),
        Unary::Mish => mish(x),
        Unary::Softplus => softplus(x),
        Unary::Exp => exp(x),
        Unary::Log => ln(x),
        Unary::Sqrt => sqrt(x),
        Unary::Rsqrt => rsqrt(x),
        Unary::Abs => x.abs(),
        Unary::Neg => -x,
        Unary::Square => x * x,
        Unary::Cube => x * x * x,
        Unary::Reciprocal => 1.0 / x,
        Unary::Erf => erf(x),
    }
}

fn between(x: f32, lo: f32, hi: f32) -> f32 {
    if x < lo {
        lo
    } else if x > hi {
        hi
    } else {
        x
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The larger part is exact; the logarithm is of a number between 1 and 2.
fn softplus(x: f32) -> f32 {
    between(x, 0.0, f32::INFINITY) + ln_1p(exp(-x.abs()))
}

/// `tanh(ln(1 + e))` is `(e² + 2e) / (e² + 2e + 2)`.
fn mish(x: f32) -> f32 {
    if x > 20.0 {
        return x;
    }
    let e = exp(x);
    let grown = e * (e + 2.0);
    x * (grown / (grown + 2.0))
}
