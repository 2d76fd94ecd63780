//! The few functions of real numbers that `core` lacks: rounding to integers and the exponential.

/// 1.5 · 2^23: adding and subtracting it leaves a float without fraction, rounded half to even.
const ROUNDER: f32 = 12_582_912.0;

/// `value` as the nearest integer, ties to even, saturating at ±2^21; what is not a number counts as 0.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^22")]
pub(crate) const fn round_half_even(value: f32) -> i32 {
    let limit = 2_097_152.0_f32;
    let value = if value > limit {
        limit
    } else if value < -limit {
        -limit
    } else {
        value
    };
    ((value + ROUNDER) - ROUNDER) as i32
}

/// `2^exponent` for exponents of normal numbers.
const fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits((exponent.wrapping_add(127).cast_unsigned()) << 23)
}

/// `e^x` with a relative error below 1e-6 where the result is a normal number; underflows to 0, overflows to
/// infinity.
///
/// `x = n·ln 2 + r` with `|r| ≤ ln 2 / 2`; `e^r` is its Taylor polynomial of degree 7, whose remainder there is
/// below 6e-9, and `ln 2` is split in two so that `r` keeps its last bits.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "|n| ≤ 151")]
pub(crate) const fn exp(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    if x.is_nan() {
        return x;
    }
    if x > 88.8 {
        return f32::INFINITY;
    }
    if x < -104.0 {
        return 0.0;
    }
    let n = round_half_even(x * core::f32::consts::LOG2_E);
    let r = (x - n as f32 * LN_2_HIGH) - n as f32 * LN_2_LOW;
    let tail = 1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0)));
    let polynomial = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * tail)));
    let half = n / 2;
    polynomial * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "exact values are meant"
)]
mod tests {
    use super::*;

    #[test]
    fn rounding_takes_ties_to_the_even_neighbour() {
        let cases = [
            (0.5, 0),
            (1.5, 2),
            (2.5, 2),
            (-0.5, 0),
            (-1.5, -2),
            (-2.5, -2),
            (126.5, 126),
            (0.499_999_97, 0),
        ];
        for (value, expected) in cases {
            assert_eq!(round_half_even(value), expected, "{value}");
        }
        assert_eq!(round_half_even(f32::NAN), 0);
        assert_eq!(round_half_even(f32::INFINITY), 2_097_152);
        assert_eq!(round_half_even(f32::NEG_INFINITY), -2_097_152);
    }

    #[test]
    fn the_exponential_is_accurate_to_a_millionth() {
        let mut worst = 0.0_f64;
        for step in -870_000..880_000_i32 {
            let x = f64::from(step) * 1e-4;
            let x32 = x as f32;
            let exact = f64::from(x32).exp();
            worst = worst.max((f64::from(exp(x32)) - exact).abs() / exact);
        }
        assert!(worst <= 1e-6, "relative error {worst}");
    }

    #[test]
    fn the_exponential_is_total() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(-100.0) >= 0.0 && exp(-100.0) < 1e-42);
    }
}
