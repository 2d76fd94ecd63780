//! TensorFlow Lite's integer softmax on gemmlowp's fixed-point numbers.
//!
//! A fixed-point number is an `i32` with a fixed count of integer bits: `Q5` has 5 and 26 fraction bits, `Q0` has 31
//! fraction bits. Differences to the largest input are rescaled to Q5, exponentials are Q0, their sum is Q12.

use crate::arith::{SoftmaxParams, doubling_high_mul as mul, rounding_divide_by_pot, to_s8};

const Q0_ONE: i32 = i32::MAX;
const Q2_ONE: i32 = 1 << 29;
const SUM_INTEGER_BITS: i32 = 12;

/// Softmax of one vector; the output has scale 1/256 and zero point −128.
pub(super) fn softmax(params: &SoftmaxParams, input: &[i8]) -> Vec<i8> {
    let max = i32::from(input.iter().copied().max().unwrap_or(0));
    let exp = |x: &i8| {
        let difference = i32::from(*x) - max;
        (difference >= params.diff_min).then(|| {
            let shifted = difference.wrapping_shl(params.left_shift);
            exp_on_negative_values(mul(shifted, params.multiplier))
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

/// `exp(a)` in Q0 for `a ≤ 0` in Q5: a polynomial within a quarter, then one factor per binary digit.
fn exp_on_negative_values(a: i32) -> i32 {
    const QUARTER: i32 = 1 << 24;
    /// exp(−2^k) in Q0 for k = −2…4.
    const FACTORS: [i32; 7] = [
        1_672_461_947,
        1_302_514_674,
        790_015_084,
        290_630_308,
        39_332_535,
        720_401,
        242,
    ];
    if a == 0 {
        return Q0_ONE;
    }
    let within = (a & (QUARTER - 1)) - QUARTER;
    let remainder = within.wrapping_sub(a);
    FACTORS.iter().enumerate().fold(
        exp_within_a_quarter(saturating_shl(within, 5)),
        |result, (digit, factor)| match remainder & (QUARTER << digit) {
            0 => result,
            _ => mul(result, *factor),
        },
    )
}

/// `exp(a)` in Q0 for `a` in `[−1/4, 0)`: four Taylor terms around −1/8.
fn exp_within_a_quarter(a: i32) -> i32 {
    /// exp(−1/8) in Q0.
    const CENTRE: i32 = 1_895_147_668;
    /// 1/3 in Q0.
    const THIRD: i32 = 715_827_883;
    let x = a + (1 << 28);
    let x2 = mul(x, x);
    let x3 = mul(x2, x);
    let x4_over_4 = rounding_divide_by_pot(mul(x2, x2), 2);
    let terms = rounding_divide_by_pot(mul(x4_over_4 + x3, THIRD) + x2, 1);
    CENTRE + mul(CENTRE, x + terms)
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

/// `1 / (1 + a)` in Q0 for `a` in `[0, 1)` in Q0: three Newton steps on half the denominator, in Q2.
fn one_over_one_plus(a: i32) -> i32 {
    /// 48/17 and −32/17 in Q2.
    const START: (i32, i32) = (1_515_870_810, -1_010_580_540);
    let sum = i64::from(a) + i64::from(Q0_ONE);
    let half_denominator = i32::try_from((sum + sum.signum()) / 2).unwrap_or(Q0_ONE);
    let mut x = START.0.wrapping_add(mul(half_denominator, START.1));
    for _ in 0..3 {
        let error = Q2_ONE - mul(half_denominator, x);
        x = x.wrapping_add(saturating_shl(mul(x, error), 2));
    }
    saturating_shl(x, 1)
}

/// gemmlowp's `SaturatingRoundingMultiplyByPOT` for positive exponents.
fn saturating_shl(x: i32, exponent: u32) -> i32 {
    let wide = i64::from(x) << exponent;
    i32::try_from(wide.clamp(i64::from(i32::MIN), i64::from(i32::MAX))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::softmax_params;
    use crate::ir::Quant;

    #[test]
    fn exponentials_are_within_a_millionth() {
        for a in (i32::MIN..0).step_by(1 << 22) {
            let expected = (f64::from(a) / f64::from(1 << 26)).exp();
            let found = f64::from(exp_on_negative_values(a)) / f64::from(i32::MAX);
            assert!(
                (found - expected).abs() < 1.0e-6,
                "exp of {a}: {found}, {expected}"
            );
        }
    }

    #[test]
    fn reciprocals_are_within_a_millionth() {
        for a in (0..i32::MAX).step_by(10_000_019) {
            let expected = 1.0 / (1.0 + f64::from(a) / 2.0_f64.powi(31));
            let found = f64::from(one_over_one_plus(a)) / 2.0_f64.powi(31);
            assert!(
                (found - expected).abs() < 1.0e-6,
                "{a}: {found}, {expected}"
            );
        }
    }

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
