//! Tables of functions of one integer value.
//!
//! For networks that TensorFlow's tools quantised, logistic, tanh, `hard_swish` and `leaky_relu` follow the fixed-point
//! sequences of TensorFlow Lite Micro; every other entry is the real function, rounded half away from zero.

use super::fixed::{Q0_ONE, exp_on_negative, one_minus_over_one_plus, one_over_one_plus};
use super::{
    quantize_multiplier, requantize_double, round_half_away, rounding_divide_by_pot, saturate,
    to_s8,
};
use crate::ir::{Function, Lookup, Quant, Unary};

/// Integer bits of the scaled input of logistic and tanh.
const INTEGER_BITS: i32 = 4;

/// The results for every `s8` input, from −128 on.
#[must_use]
pub fn unary_table(unary: &Unary, input: Quant, output: Quant) -> [i8; 256] {
    let fixed: Option<Box<dyn Fn(i32) -> i32>> = match (unary.lookup, unary.function) {
        (Lookup::Rounded, _) => None,
        (Lookup::FixedPoint, Function::Sigmoid) => Some(Box::new(logistic(input))),
        (Lookup::FixedPoint, Function::Tanh) => Some(Box::new(tanh(input))),
        (Lookup::FixedPoint, Function::HardSwish) => {
            hard_swish(input, output).map(|of| -> Box<dyn Fn(i32) -> i32> { Box::new(of) })
        }
        (Lookup::FixedPoint, Function::LeakyRelu) => {
            Some(Box::new(leaky_relu(unary.alpha, input, output)))
        }
        (Lookup::FixedPoint, _) => None,
    };
    core::array::from_fn(|index| {
        let centred = i32::try_from(index).unwrap_or(0) - 128 - input.zero_point;
        let q = match &fixed {
            Some(of) => of(centred),
            None => rounded(unary, centred, input, output),
        };
        to_s8(q)
    })
}

/// The real function's result as an integer.
fn rounded(unary: &Unary, centred: i32, input: Quant, output: Quant) -> i32 {
    let real = unary.real(f64::from(input.scale) * f64::from(centred));
    round_half_away(real / f64::from(output.scale)).saturating_add(output.zero_point)
}

/// The input brought to Q4, or the side on which it is out of reach.
struct Scaled {
    multiplier: i32,
    left_shift: i32,
    radius: i32,
}

impl Scaled {
    fn new(input: Quant) -> Self {
        let (multiplier, right) =
            quantize_multiplier(f64::from(input.scale) * f64::from(1 << (31 - INTEGER_BITS)));
        let reach = f64::from((1 << INTEGER_BITS) - 1) * f64::from(1 << (31 - INTEGER_BITS));
        Self {
            multiplier,
            left_shift: -right,
            radius: saturate((reach / 2.0_f64.powi(-right)).floor()),
        }
    }

    fn q4(&self, centred: i32) -> i32 {
        requantize_double(centred, self.multiplier, -self.left_shift)
    }
}

fn logistic(input: Quant) -> impl Fn(i32) -> i32 {
    let scaled = Scaled::new(input);
    move |centred| {
        if centred <= -scaled.radius {
            return -128;
        }
        if centred >= scaled.radius {
            return 127;
        }
        let x = scaled.q4(centred);
        let positive = one_over_one_plus(exp_on_negative::<4>(x.abs().wrapping_neg()));
        let q0 = match x {
            0 => 1 << 30,
            1.. => positive,
            _ => Q0_ONE - positive,
        };
        rounding_divide_by_pot(q0, 23) - 128
    }
}

fn tanh(input: Quant) -> impl Fn(i32) -> i32 {
    let scaled = Scaled::new(input);
    move |centred| {
        if centred <= -scaled.radius {
            return -128;
        }
        if centred >= scaled.radius {
            return 127;
        }
        // Twice x is the same raw number with one integer bit more.
        let x = scaled.q4(centred);
        let size = one_minus_over_one_plus(exp_on_negative::<5>(x.abs().wrapping_neg()));
        let q0 = match x {
            0 => 0,
            1.. => size,
            _ => -size,
        };
        rounding_divide_by_pot(q0, 24)
    }
}

fn leaky_relu(alpha: f32, input: Quant, output: Quant) -> impl Fn(i32) -> i32 {
    let (from, to) = (f64::from(input.scale), f64::from(output.scale));
    let up = quantize_multiplier(from / to);
    let slope = f64::from(alpha);
    // A multiplier is of a positive factor; TensorFlow's scales of slopes are, too.
    let down = quantize_multiplier(from * slope.abs() / to);
    let sign = if slope < 0.0 { -1 } else { 1 };
    let zero = output.zero_point;
    move |centred| {
        let (multiplier, shift) = if centred >= 0 { up } else { down };
        let sign = if centred >= 0 { 1 } else { sign };
        sign * requantize_double(centred, multiplier, shift) + zero
    }
}

/// `None` where the output's scale is too fine for the 16-bit formula.
fn hard_swish(input: Quant, output: Quant) -> Option<impl Fn(i32) -> i32> {
    let fine = (1.0_f32 / 128.0) * input.scale;
    let reluish_scale = 3.0_f32 / 32_768.0;
    let (out_wide, out_right) = quantize_multiplier(f64::from(fine / output.scale));
    let (relu_wide, relu_right) = quantize_multiplier(f64::from(fine / reluish_scale));
    let (out_mul, relu_mul) = (half(out_wide), half(relu_wide));
    let zero = output.zero_point;
    (out_right >= 0).then_some(move |centred: i32| {
        let x = to_s16(centred * 128);
        let preshift = high_mul16(x, out_mul, true);
        let relu = reluish(x, relu_mul, -relu_right);
        let product = high_mul16((relu + (1 << 15)) >> 1, preshift, false);
        rounding_divide_by_pot(product, out_right.unsigned_abs()) + zero
    })
}

/// `x / 3` as a saturated 16-bit number, by a multiplier and a left exponent.
fn reluish(x: i32, multiplier: i32, exponent: i32) -> i32 {
    let shl = |x: i32, by: i32| to_s16(x.saturating_mul(1 << by.clamp(0, 16)));
    if exponent > 0 {
        return shl(high_mul16(shl(x, exponent - 1), multiplier, true), 1);
    }
    rounding_divide_by_pot(high_mul16(x, multiplier, true), exponent.unsigned_abs())
}

/// The upper half of a multiplier, rounded.
const fn half(multiplier: i32) -> i32 {
    if multiplier >= i32::MAX - (1 << 15) {
        return i16::MAX as i32;
    }
    (multiplier + (1 << 15)) >> 16
}

fn to_s16(x: i32) -> i32 {
    x.clamp(i16::MIN.into(), i16::MAX.into())
}

/// The doubled high half of a product of 16-bit numbers, saturated; rounded to nearest or towards zero.
fn high_mul16(a: i32, b: i32, rounds: bool) -> i32 {
    if a == b && a == i32::from(i16::MIN) {
        return i16::MAX.into();
    }
    let product = a * b;
    let nudge = match (rounds, product >= 0) {
        (false, _) => 0,
        (true, true) => 1 << 14,
        (true, false) => 1 - (1 << 14),
    };
    (product + nudge) / (1 << 15)
}
