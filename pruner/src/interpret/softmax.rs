//! TensorFlow Lite's integer softmax on gemmlowp's fixed-point numbers.
//!
//! A fixed-point number is an `i32` with a fixed count of integer bits: `Q5` has 5 and 26 fraction bits, `Q0` has 31
//! fraction bits. Differences to the largest input are rescaled to Q5, exponentials are Q0, their sum is Q12.

use crate::arith::{
    SoftmaxParams, doubling_high_mul as mul, exp_on_negative, one_over_one_plus,
    rounding_divide_by_pot, to_s8,
};

const SUM_INTEGER_BITS: i32 = 12;

/// Softmax of one vector; the output has scale 1/256 and zero point −128.
pub(super) fn softmax(params: &SoftmaxParams, input: &[i8]) -> Vec<i8> {
    let max = i32::from(input.iter().copied().max().unwrap_or(0));
    let exp = |x: &i8| {
        let difference = i32::from(*x) - max;
        (difference >= params.diff_min).then(|| {
            let shifted = difference.wrapping_shl(params.left_shift);
            exp_on_negative::<5>(mul(shifted, params.multiplier))
        })
    };
    let exps: Vec<Option<i32>> = input.iter().map(exp).collect();
    let sum = exps.iter().flatten().fold(0_i32, |sum, e| {
        sum.wrapping_add(rounding_divide_by_pot(*e, SUM_INTEGER_BITS.unsigned_abs()))
    });
    let (scale, bits_over_unit) = reciprocal(sum);
    let shift = (bits_over_unit + 31 - 8).clamp(0, 31).unsigned_abs();
    exps.iter()
        .map(|e| match e {
            Some(e) => to_s8(rounding_divide_by_pot(mul(scale, *e), shift).saturating_sub(128)),
            None => i8::MIN,
        })
        .collect()
}

/// `1 / x` of a positive Q12 sum: a Q0 mantissa and how many bits it is over one.
fn reciprocal(x: i32) -> (i32, i32) {
    let headroom = x.leading_zeros();
    let normal = x.cast_unsigned().wrapping_shl(headroom);
    let minus_one = normal.wrapping_sub(1 << 31).cast_signed();
    (
        one_over_one_plus(minus_one),
        SUM_INTEGER_BITS - headroom.cast_signed(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::softmax_params;
    use crate::ir::Quant;

    #[test]
    fn probabilities_are_within_one_step_of_the_float_softmax() {
        let quant = Quant {
            scale: 0.07,
            zero_point: 3,
        };
        let input: Vec<i8> = vec![-128, -10, 0, 5, 17, 30, 31, 32];
        let exps: Vec<f64> = input.iter().map(|x| (0.07 * f64::from(*x)).exp()).collect();
        let total: f64 = exps.iter().sum();
        let found = softmax(&softmax_params(1.0, quant), &input);
        for (q, e) in found.iter().zip(exps) {
            assert!((f64::from(*q) + 128.0 - 256.0 * e / total).abs() <= 1.0);
        }
    }
}
