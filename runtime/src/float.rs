//! The functions of real numbers that `core` lacks: rounding to integers, exponentials, logarithms, roots.
//!
//! Each is a short series after its argument was brought near 0 or 1: no tables, a few hundred bytes of code.

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

/// `ln 2` in two parts, the first with few bits.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `x − n·ln 2` with its last bits.
const fn reduced(x: f32, n: f32) -> f32 {
    (x - n * LN_2_HIGH) - n * LN_2_LOW
}

/// `(e^r − 1 − r) / r²` for `|r| ≤ ln 2 / 2`.
const fn series(r: f32) -> f32 {
    let tail = 1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0)));
    0.5 + r * (1.0 / 6.0 + r * tail)
}

/// `e^x` with a relative error below 1e-6 where the result is a normal number; underflows to 0, overflows to
/// infinity.
///
/// `x = n·ln 2 + r` with `|r| ≤ ln 2 / 2`; `e^r` is its Taylor polynomial of degree 7, whose remainder there is
/// below 6e-9, and `ln 2` is split in two so that `r` keeps its last bits.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "|n| ≤ 151")]
pub(crate) const fn exp(x: f32) -> f32 {
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
    let r = reduced(x, n as f32);
    let polynomial = 1.0 + r * (1.0 + r * series(r));
    let half = n / 2;
    polynomial * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// `e^x − 1`, accurate near 0 too.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "|n| ≤ 151")]
pub(crate) const fn exp_m1(x: f32) -> f32 {
    if x.is_nan() || x > 88.8 || x < -17.0 {
        return exp(x) - 1.0;
    }
    let n = round_half_even(x * core::f32::consts::LOG2_E);
    let r = reduced(x, n as f32);
    let grown = r * (1.0 + r * series(r));
    if n == 0 {
        return grown;
    }
    let half = n / 2;
    let rest = power_of_two(n.wrapping_sub(half));
    (grown * power_of_two(half) * rest) + (power_of_two(half) * rest - 1.0)
}

/// Hyperbolic tangent.
#[must_use]
pub(crate) const fn tanh(x: f32) -> f32 {
    if x > 10.0 {
        return 1.0;
    }
    if x < -10.0 {
        return -1.0;
    }
    let grown = exp_m1(2.0 * x);
    grown / (grown + 2.0)
}

/// Natural logarithm: −∞ of 0, not a number below.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "an exponent")]
pub(crate) const fn ln(x: f32) -> f32 {
    if x == 0.0 {
        return f32::NEG_INFINITY;
    }
    if x < 0.0 || x.is_nan() {
        return f32::NAN;
    }
    if x == f32::INFINITY {
        return x;
    }
    let (normal, bias) = if x < f32::MIN_POSITIVE {
        (x * 16_777_216.0, 127 + 24)
    } else {
        (x, 127)
    };
    // The mantissa between √½ and √2.
    let bits = normal.to_bits().wrapping_add(0x3F80_0000 - 0x3F35_04F3);
    let exponent = (bits >> 23).cast_signed().wrapping_sub(bias) as f32;
    let mantissa = f32::from_bits((bits & 0x007F_FFFF).wrapping_add(0x3F35_04F3));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let s2 = s * s;
    let tail = 1.0 / 3.0 + s2 * (0.2 + s2 * (1.0 / 7.0 + s2 * (1.0 / 9.0)));
    exponent * LN_2_HIGH + (2.0 * s * (1.0 + s2 * tail) + exponent * LN_2_LOW)
}

/// `ln(1 + x)` for `x ≥ 0`, accurate near 0 too.
#[must_use]
pub(crate) const fn ln_1p(x: f32) -> f32 {
    let one_more = 1.0 + x;
    if one_more == 1.0 {
        return x;
    }
    ln(one_more) * (x / (one_more - 1.0))
}

/// `1 / √x`: infinite of 0, not a number below.
#[must_use]
pub(crate) const fn rsqrt(x: f32) -> f32 {
    if x < f32::MIN_POSITIVE || !x.is_finite() {
        return if x == f32::INFINITY {
            0.0
        } else if x > 0.0 {
            // A normal number: 2^24 · x.
            4096.0 * newton_rsqrt(x * 16_777_216.0)
        } else if x == 0.0 {
            f32::INFINITY
        } else {
            f32::NAN
        };
    }
    newton_rsqrt(x)
}

/// `1 / √x` of a normal number, which is positive.
const fn newton_rsqrt(x: f32) -> f32 {
    let mut y = f32::from_bits(0x5F37_59DF_u32.wrapping_sub(x.to_bits() >> 1));
    let mut steps = 0;
    while steps < 3 {
        y = y * (1.5 - 0.5 * (x * y) * y);
        steps += 1;
    }
    y
}

/// Square root: not a number below 0.
#[must_use]
pub(crate) const fn sqrt(x: f32) -> f32 {
    if x == 0.0 || x == f32::INFINITY {
        return x;
    }
    let y = rsqrt(x);
    let root = x * y;
    root + 0.5 * y * (x - root * root)
}

/// The error function, within 5e-7 (Abramowitz and Stegun 7.1.26, and the series near 0).
#[must_use]
pub(crate) const fn erf(x: f32) -> f32 {
    let a = x.abs();
    if a < 0.5 {
        let x2 = x * x;
        let tail = -1.0 / 42.0 + x2 * (1.0 / 216.0 + x2 * (-1.0 / 1320.0 + x2 * (1.0 / 9360.0)));
        let sum = 1.0 + x2 * (-1.0 / 3.0 + x2 * (0.1 + x2 * tail));
        return core::f32::consts::FRAC_2_SQRT_PI * x * sum;
    }
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let polynomial =
        0.254_829_6 + t * (-0.284_496_74 + t * (1.421_413_8 + t * (-1.453_152 + t * 1.061_405_4)));
    let tail = t * polynomial * exp(-a * a);
    if x < 0.0 { tail - 1.0 } else { 1.0 - tail }
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

    /// The largest error of `found` against `exact`, relative to the larger of `exact` and `floor`.
    fn worst(
        (from, to): (f64, f64),
        floor: f64,
        found: impl Fn(f32) -> f32,
        exact: impl Fn(f64) -> f64,
    ) -> f64 {
        let steps = 400_000;
        (0..=steps).fold(0.0, |worst: f64, step| {
            let x = (from + (to - from) * f64::from(step) / f64::from(steps)) as f32;
            let exact = exact(f64::from(x));
            worst.max((f64::from(found(x)) - exact).abs() / exact.abs().max(floor))
        })
    }

    #[test]
    fn the_other_functions_are_accurate_to_a_millionth() {
        let found = [
            worst((-20.0, 80.0), 1e-30, exp_m1, f64::exp_m1),
            worst((-0.01, 0.01), 1e-30, exp_m1, f64::exp_m1),
            worst((-12.0, 12.0), 1e-30, tanh, f64::tanh),
            worst((-1e-3, 1e-3), 1e-30, tanh, f64::tanh),
            worst((1e-4, 3.0), 1e-6, ln, f64::ln),
            worst((1.0, 1e30), 1e-30, ln, f64::ln),
            worst((0.0, 1.0), 1e-30, ln_1p, f64::ln_1p),
            worst((0.0, 1e5), 1e-30, sqrt, f64::sqrt),
            worst((1e-38, 1e-35), 1e-30, sqrt, f64::sqrt),
            worst((1e-3, 1e5), 1e-30, rsqrt, |x| x.sqrt().recip()),
            worst((-3.5, 3.5), 1.0, erf, erf_by_series),
        ];
        assert!(found.iter().all(|error| *error < 1e-6), "{found:?}");
    }

    /// The power series, which converges everywhere.
    fn erf_by_series(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..120_i32 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * core::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn the_other_functions_are_total() {
        assert_eq!((tanh(100.0), tanh(-100.0), tanh(0.0)), (1.0, -1.0, 0.0));
        assert_eq!((exp_m1(-200.0), exp_m1(200.0)), (-1.0, f32::INFINITY));
        assert_eq!(
            (ln(0.0), ln(f32::INFINITY)),
            (f32::NEG_INFINITY, f32::INFINITY)
        );
        assert_eq!(
            (sqrt(0.0), sqrt(4.0), rsqrt(0.0)),
            (0.0, 2.0, f32::INFINITY)
        );
        assert!(ln(-1.0).is_nan() && sqrt(-1.0).is_nan() && rsqrt(-1.0).is_nan());
        assert!((ln(1e-42) + 96.71).abs() < 0.1 && (sqrt(1e-42) - 1e-21).abs() < 1e-23);
        for function in [tanh, exp_m1, ln, ln_1p, sqrt, rsqrt, erf] {
            assert!(function(f32::NAN).is_nan());
        }
        assert_eq!((erf(f32::INFINITY), erf(f32::NEG_INFINITY)), (1.0, -1.0));
    }
}
