//! gemmlowp's fixed-point functions: `e^x`, `1 / (1 + x)` and `(1 − x) / (1 + x)`.
//!
//! A fixed-point number is an `i32` with a fixed count of integer bits: `Q5` has 5 and 26 fraction bits, `Q0` has 31
//! fraction bits.

use super::{doubling_high_mul as mul, rounding_divide_by_pot};

/// 1 with no integer bits, as near as it gets.
pub(crate) const Q0_ONE: i32 = i32::MAX;
const Q2_ONE: i32 = 1 << 29;

/// `exp(a)` in Q0 for `a ≤ 0` with `BITS` (at most 5) integer bits: a polynomial within a quarter, then one factor per
/// binary digit.
pub(crate) fn exp_on_negative<const BITS: u32>(a: i32) -> i32 {
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
    let quarter = 1_i32 << (29 - BITS);
    if a == 0 {
        return Q0_ONE;
    }
    let within = (a & (quarter - 1)) - quarter;
    let remainder = within.wrapping_sub(a);
    let digits = (0..BITS + 2).zip(FACTORS);
    digits.fold(
        exp_within_a_quarter(saturating_shl(within, BITS)),
        |result, (digit, factor)| match remainder & (quarter << digit) {
            0 => result,
            _ => mul(result, factor),
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

/// `1 / (1 + a)` in Q0 for `a` in `[0, 1)` in Q0.
pub(crate) fn one_over_one_plus(a: i32) -> i32 {
    saturating_shl(newton(a), 1)
}

/// `(1 − a) / (1 + a)` in Q0 for `a` in `[0, 1)` in Q0.
pub(crate) fn one_minus_over_one_plus(a: i32) -> i32 {
    saturating_shl(newton(a).wrapping_sub(Q2_ONE), 2)
}

/// The reciprocal of `(1 + a) / 2` in Q2: three Newton steps.
fn newton(a: i32) -> i32 {
    /// 48/17 and −32/17 in Q2.
    const START: (i32, i32) = (1_515_870_810, -1_010_580_540);
    let sum = i64::from(a) + i64::from(Q0_ONE);
    let half_denominator = i32::try_from((sum + sum.signum()) / 2).unwrap_or(Q0_ONE);
    let mut x = START.0.wrapping_add(mul(half_denominator, START.1));
    for _ in 0..3 {
        let error = Q2_ONE - mul(half_denominator, x);
        x = x.wrapping_add(saturating_shl(mul(x, error), 2));
    }
    x
}

/// gemmlowp's `SaturatingRoundingMultiplyByPOT` for positive exponents.
fn saturating_shl(x: i32, exponent: u32) -> i32 {
    let wide = i64::from(x) << exponent;
    i32::try_from(wide.clamp(i64::from(i32::MIN), i64::from(i32::MAX))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_within_a_millionth() {
        for a in (i32::MIN..0).step_by(1 << 22) {
            let expected = (f64::from(a) / f64::from(1 << 26)).exp();
            let found = f64::from(exp_on_negative::<5>(a)) / f64::from(i32::MAX);
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
}
