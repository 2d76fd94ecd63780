//! Fixed-point arithmetic of integer networks: scales become multipliers, accumulators become `s8`.
//!
//! A real factor is stored as `multiplier · 2^(−31−shift)`, a 31-bit multiplier and a *right* shift
//! (negative = left; TensorFlow Lite stores the opposite sign). Interpreter, quantiser and lowering share
//! these functions, and the runtime implements the same formulae, so that one file gives the same bytes
//! everywhere.
//!
//! ```text
//! double   r = (acc·multiplier + 2^30) >> 31, then divided by 2^shift, half away from zero
//!          = TensorFlow Lite Micro (gemmlowp), exactly
//! single   r = (acc·multiplier + 2^(30+shift)) >> (31+shift) in 64 bits, half up
//! ```

mod fixed;
mod linear;
mod params;
mod unary;

use crate::ir::{Clamp, Quant};
pub use linear::linear_sum;
pub use nnz_format::{Rounding, Ties};
pub use params::{
    MeanParams, SoftmaxParams, add_params, binary_params, conv_multipliers,
    fully_connected_multipliers, mean_params, prelu_params, requantize_multiplier, resize_weight,
    softmax_params,
};
pub use unary::unary_table;

pub(crate) use fixed::{exp_on_negative, one_over_one_plus};

/// Bits that a saturated 64-bit float keeps of an `i32`.
const I32_RANGE: (f64, f64) = (i32::MIN as f64, i32::MAX as f64);

/// The integer nearest to `x`, ties to the even one; saturates, NaN gives 0.
#[must_use]
pub fn round_half_even(x: f64) -> i32 {
    saturate(x.round_ties_even())
}

/// The integer nearest to `x`, ties away from zero (TensorFlow Lite's `TfLiteRound`); saturates, NaN gives 0.
#[must_use]
pub fn round_half_away(x: f64) -> i32 {
    saturate(x.round())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the value was clamped to the range of i32"
)]
fn saturate(x: f64) -> i32 {
    x.clamp(I32_RANGE.0, I32_RANGE.1) as i32
}

/// A value clamped to `s8`.
#[must_use]
pub fn to_s8(x: i32) -> i8 {
    i8::try_from(x.clamp(-128, 127)).unwrap_or(i8::MAX)
}

/// The integer of a real value under the input contract: `round_half_even(x / scale) + zero_point`, clamped to `s8`.
///
/// The division is in `f32`, as on the device.
#[must_use]
pub fn quantize(x: f32, quant: Quant) -> i8 {
    to_s8(round_half_even(f64::from(x / quant.scale)).saturating_add(quant.zero_point))
}

/// The real value of an integer.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "the difference of two s8 values is exact in f32"
)]
pub fn dequantize(q: i8, quant: Quant) -> f32 {
    quant.scale * (i32::from(q) - quant.zero_point) as f32
}

/// Multiplier and right shift of a factor (TensorFlow Lite's `QuantizeMultiplier`).
///
/// The multiplier lies in `[2^30, 2^31)`, or is 0 where the factor is 0 or below `2^-32`. A factor
/// that needs a left shift beyond 30 saturates (`2^31 − 1`, shift −30). Factors that are negative or not
/// finite are no scales and give 0.
#[must_use]
pub fn quantize_multiplier(factor: f64) -> (i32, i32) {
    if !(factor.is_finite() && factor > 0.0) {
        return (0, 0);
    }
    let (fraction, mut exponent) = frexp(factor);
    let mut multiplier = round_to_i64(fraction * 2_147_483_648.0);
    if multiplier == 1 << 31 {
        multiplier >>= 1;
        exponent += 1;
    }
    match exponent {
        ..-31 => (0, 0),
        31.. => (i32::MAX, -30),
        _ => (i32::try_from(multiplier).unwrap_or(i32::MAX), -exponent),
    }
}

/// `factor = fraction · 2^exponent` with the fraction in `[0.5, 1)`; the factor is positive and finite.
fn frexp(factor: f64) -> (f64, i32) {
    const FRACTION: u64 = (1 << 52) - 1;
    let normal = if factor < f64::MIN_POSITIVE {
        factor * 2.0_f64.powi(64)
    } else {
        factor
    };
    let bits = normal.to_bits();
    let biased = i32::try_from(bits >> 52).unwrap_or(0);
    let exponent = biased - 1022 - if factor < f64::MIN_POSITIVE { 64 } else { 0 };
    (f64::from_bits(bits & FRACTION | 1022 << 52), exponent)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "callers pass values in [2^30, 2^31]"
)]
fn round_to_i64(x: f64) -> i64 {
    x.round() as i64
}

/// gemmlowp's `SaturatingRoundingDoublingHighMul`: `(a·b + 2^30) >> 31`, ties up.
#[must_use]
pub fn doubling_high_mul(a: i32, b: i32) -> i32 {
    let product = (i64::from(a) * i64::from(b) + (1 << 30)) >> 31;
    i32::try_from(product).unwrap_or(i32::MAX)
}

/// gemmlowp's `RoundingDivideByPOT`: `x / 2^exponent`, ties away from zero; `exponent` in `0…31`.
#[must_use]
pub fn rounding_divide_by_pot(x: i32, exponent: u32) -> i32 {
    let exponent = exponent.min(31);
    if exponent == 0 {
        return x;
    }
    let wide = i64::from(x) + i64::from(x >> 31);
    i32::try_from((wide + (1 << (exponent - 1))) >> exponent).unwrap_or(0)
}

/// `acc · multiplier · 2^(−31−shift)` as TensorFlow Lite Micro computes it (`MultiplyByQuantizedMultiplier`).
///
/// A left shift (`shift < 0`) wraps in 32 bits, as there.
#[must_use]
pub fn requantize_double(acc: i32, multiplier: i32, shift: i32) -> i32 {
    let left = shift.min(0).unsigned_abs().min(31);
    let right = shift.max(0).unsigned_abs();
    rounding_divide_by_pot(doubling_high_mul(acc.wrapping_shl(left), multiplier), right)
}

/// `acc · multiplier · 2^(−31−shift)` rounded once, half up; saturates. `shift` in `−30…31`.
#[must_use]
pub fn requantize_single(acc: i32, multiplier: i32, shift: i32) -> i32 {
    let shift = shift.clamp(-30, 31);
    let product = i64::from(acc) * i64::from(multiplier);
    let rounded = (product + (1_i64 << (30 + shift))) >> (31 + shift);
    i32::try_from(rounded.clamp(i64::from(i32::MIN), i64::from(i32::MAX))).unwrap_or(0)
}

/// [`requantize_single`] for right shifts; others, which round once either way, wrap in 32 bits as [`requantize_double`].
#[must_use]
pub fn requantize_once(acc: i32, multiplier: i32, shift: i32) -> i32 {
    if shift > 0 {
        requantize_single(acc, multiplier, shift)
    } else {
        requantize_double(acc, multiplier, shift)
    }
}

/// `sum / n`, rounded half to even.
#[must_use]
pub fn divide_half_even(sum: i32, n: i32) -> i32 {
    let n = n.max(1);
    let (whole, twice) = (sum.div_euclid(n), 2 * i64::from(sum.rem_euclid(n)));
    let up = twice > i64::from(n) || (twice == i64::from(n) && whole & 1 == 1);
    whole + i32::from(up)
}

/// [`requantize_double`] or [`requantize_single`], by the file's flag.
#[must_use]
pub fn requantize(rounding: Rounding, acc: i32, multiplier: i32, shift: i32) -> i32 {
    match rounding {
        Rounding::Single => requantize_single(acc, multiplier, shift),
        Rounding::Double => requantize_double(acc, multiplier, shift),
    }
}

/// Bounds of an `s8` output for real bounds (TensorFlow Lite's `CalculateActivationRangeQuantized`).
///
/// Each finite bound is `zero_point + round_half_away(bound / scale)`, inside `s8`; an infinite one is the end of `s8`.
#[must_use]
pub fn activation_bounds(clamp: Clamp, quant: Quant) -> (i8, i8) {
    let bound = |x: f32| {
        to_s8(round_half_away(f64::from(x / quant.scale)).saturating_add(quant.zero_point))
    };
    let lo = if clamp.lo == f32::NEG_INFINITY {
        i8::MIN
    } else {
        bound(clamp.lo)
    };
    let hi = if clamp.hi == f32::INFINITY {
        i8::MAX
    } else {
        bound(clamp.hi)
    };
    (lo, hi.max(lo))
}

#[cfg(test)]
mod tests;
