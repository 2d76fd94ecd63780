//! Weights and biases as integers, one scale an output channel.

use crate::ir::{Bias, Quant, Slopes, Values, Weights};

/// Largest weight integer; −128 is not used, so that negation is exact.
const MAX_Q: f64 = 127.0;
/// Right shift that a row without weights gets: any sane one serves, its output is a constant.
const DEAD_FACTOR: f64 = 1.0 / 256.0;
/// The scale of a row whose weights are all 0.
pub(super) fn dead_scale(input: Quant, output: Quant) -> f32 {
    row_scale(&[0.0], 0.0, input, output).0
}

/// Largest |bias|: a scale grows until the bias fits, which leaves room for the products.
const MAX_BIAS: f64 = (1u32 << 30) as f64;
/// Smallest factor from accumulator to output; below it a row contributes nothing.
const MIN_FACTOR: f64 = 1.0 / (1u32 << 30) as f64;

/// Weights, scales and bias of one layer, and the rows whose scale a bias or a tiny weight dictated.
pub(super) struct Quantized {
    pub(super) weights: Weights,
    pub(super) bias: Bias,
    pub(super) coarse_rows: usize,
}

/// Quantises a layer: `scale = max|w| / 127` a row, exact zeros stay zeros.
pub(super) fn quantize(weights: &Weights, bias: &Bias, input: Quant, output: Quant) -> Quantized {
    let Values::F32(values) = &weights.values else {
        return Quantized {
            weights: weights.clone(),
            bias: bias.clone(),
            coarse_rows: 0,
        };
    };
    let mut q = Vec::with_capacity(values.len());
    let (mut scales, mut biases, mut coarse_rows) = (Vec::new(), Vec::new(), 0);
    for (row, w) in values.chunks_exact(weights.row_len()).enumerate() {
        let b = match bias {
            Bias::F32(b) => f64::from(b[row]),
            Bias::None | Bias::S32(_) => 0.0,
        };
        let (scale, coarse) = row_scale(w, b, input, output);
        coarse_rows += usize::from(coarse);
        q.extend(w.iter().map(|w| to_s8(f64::from(*w) / f64::from(scale))));
        biases.push(integer_bias(b, w, scale, input, output));
        scales.push(scale);
    }
    Quantized {
        weights: Weights {
            name: weights.name.clone(),
            shape: weights.shape,
            values: Values::S8(q),
            scales,
        },
        bias: Bias::S32(biases),
        coarse_rows,
    }
}

/// The scale of a row, and whether something else than its largest weight decided.
#[expect(
    clippy::cast_possible_truncation,
    reason = "scales are f32 by contract"
)]
fn row_scale(w: &[f32], bias: f64, input: Quant, output: Quant) -> (f32, bool) {
    let largest = w.iter().fold(0.0, |m: f64, w| m.max(f64::from(w.abs())));
    let (s_in, s_out) = (f64::from(input.scale), f64::from(output.scale));
    if largest == 0.0 {
        return (
            ((s_out / s_in * DEAD_FACTOR) as f32).clamp(f32::MIN_POSITIVE, f32::MAX),
            false,
        );
    }
    let natural = largest / MAX_Q;
    let least = (bias.abs() / (s_in * MAX_BIAS)).max(s_out / s_in * MIN_FACTOR);
    let scale = natural
        .max(least)
        .clamp(f32::MIN_POSITIVE.into(), f32::MAX.into());
    (scale as f32, least > natural)
}

/// `round(bias / (input scale · weight scale))`; a row without weights is first bounded by what the output can hold.
#[expect(
    clippy::cast_possible_truncation,
    reason = "float to integer casts saturate, as wanted"
)]
fn integer_bias(bias: f64, w: &[f32], scale: f32, input: Quant, output: Quant) -> i32 {
    let bias = if w.iter().all(|w| *w == 0.0) {
        let reach = 256.0 * f64::from(output.scale);
        bias.clamp(-reach, reach)
    } else {
        bias
    };
    (bias / (f64::from(input.scale) * f64::from(scale))).round_ties_even() as i32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped to s8 before the cast"
)]
fn to_s8(x: f64) -> i8 {
    x.round_ties_even().clamp(-MAX_Q, MAX_Q) as i8
}

/// Largest integer of a slope: products with deviations stay far below 2^31.
const MAX_SLOPE: f64 = 32_767.0;

/// Slopes as integers with one scale, ties to even.
#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped to the range of slopes before the cast"
)]
pub(super) fn slopes(slopes: &Slopes) -> Slopes {
    let Slopes::F32(real) = slopes else {
        return slopes.clone();
    };
    let largest = real.iter().fold(0.0, |m: f64, s| m.max(f64::from(s.abs())));
    let scale = ((largest / MAX_SLOPE) as f32).max(f32::MIN_POSITIVE);
    let integer = |s: &f32| {
        let q = (f64::from(*s) / f64::from(scale)).round_ties_even();
        q.clamp(-MAX_SLOPE, MAX_SLOPE) as i16
    };
    Slopes::S8 {
        values: real.iter().map(integer).collect(),
        scale,
    }
}
