//! Fixed-point numbers for the integer softmax: products, `e^x` for `x ≤ 0`, and `1 / (1 + x)`.
//!
//! A number with `I` integer bits is an `i32` whose unit is `2^(31 − I)`. The product of numbers with `I` and `J`
//! integer bits has `I + J`; bringing it to another width is a shift that rounds or saturates. The sequence of
//! operations is that of the gemmlowp definition which TensorFlow Lite Micro's results follow bit for bit.

use crate::arch::keep_rolled;
use crate::requantize::rounding_shift_right;

/// `a · b` of raw values: the rounding doubling high multiply, which saturates for two minima.
#[inline(never)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a 63-bit product shifted right by 31 fits 32 bits"
)]
pub(crate) const fn mul(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    let product = (a as i64).wrapping_mul(b as i64);
    (product.wrapping_add(1 << 30) >> 31) as i32
}

/// `value · 2^exponent`, saturating.
const fn shift_left_saturating(value: i32, exponent: u32) -> i32 {
    let shifted = value.wrapping_shl(exponent);
    if shifted.wrapping_shr(exponent) == value {
        shifted
    } else if value < 0 {
        i32::MIN
    } else {
        i32::MAX
    }
}

/// `e^a` for `a` in [−1/4, 0), no integer bits: a polynomial around −1/8.
const fn exp_of_quarter(a: i32) -> i32 {
    /// `e^(−1/8)`.
    const CENTRE: i32 = 1_895_147_668;
    /// 1/3.
    const THIRD: i32 = 715_827_883;
    let x = a.wrapping_add(1 << 28);
    let x2 = mul(x, x);
    let x3 = mul(x2, x);
    let x4_over_4 = rounding_shift_right(mul(x2, x2), 2);
    let higher = rounding_shift_right(mul(x4_over_4.wrapping_add(x3), THIRD).wrapping_add(x2), 1);
    CENTRE.wrapping_add(mul(CENTRE, x.wrapping_add(higher)))
}

/// `e^a` for `a ≤ 0` with 5 integer bits; the result has none.
///
/// The quarter that is left over goes through the polynomial; each set bit of the rest multiplies by the
/// exponential of its weight, −1/4 to −16.
pub(crate) fn exp_on_negative(a: i32) -> i32 {
    const FRACTION_BITS: u32 = 26;
    const QUARTER: i32 = 1 << (FRACTION_BITS - 2);
    /// `e^(−2^k)` for k = −2…4, no integer bits.
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
        return i32::MAX;
    }
    let left_over = (a & (QUARTER - 1)).wrapping_sub(QUARTER);
    let mut result = exp_of_quarter(shift_left_saturating(left_over, 5));
    let rest = left_over.wrapping_sub(a);
    let mut bit = QUARTER;
    let mut factors: &[i32] = &FACTORS;
    while let [factor, tail @ ..] = factors {
        keep_rolled();
        if rest & bit != 0 {
            result = mul(result, *factor);
        }
        bit = bit.wrapping_shl(1);
        factors = tail;
    }
    result
}

/// `1 / (1 + a)` for `a` in [0, 1), no integer bits: three Newton steps for the reciprocal of `(1 + a) / 2`.
pub(crate) const fn one_over_one_plus(a: i32) -> i32 {
    /// 48/17 and −32/17 with 2 integer bits: the best line to start from.
    const INTERCEPT: i32 = 1_515_870_810;
    const SLOPE: i32 = -1_010_580_540;
    /// 1 with 2 integer bits.
    const ONE: i32 = 1 << 29;
    let half_denominator = half_sum(a, i32::MAX);
    let mut x = INTERCEPT.wrapping_add(mul(half_denominator, SLOPE));
    let mut steps = 0;
    while steps < 3 {
        let left = ONE.wrapping_sub(mul(half_denominator, x));
        x = x.wrapping_add(shift_left_saturating(mul(x, left), 2));
        steps += 1;
    }
    // Halved exactly by reading it with one integer bit, then brought to none.
    shift_left_saturating(x, 1)
}

/// `(a + b) / 2`, rounded half away from zero.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the mean of two i32 is an i32"
)]
const fn half_sum(a: i32, b: i32) -> i32 {
    let sum = (a as i64).wrapping_add(b as i64);
    let away = if sum >= 0 { 1 } else { -1 };
    (sum.wrapping_add(away) / 2) as i32
}
