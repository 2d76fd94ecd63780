//! Requantisation against literal transcriptions of the definitions.

use super::*;

/// gemmlowp's doubling high multiply, in the words of its definition: double the product, add half, truncate.
fn literal_high_mul(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    let product = i64::from(a) * i64::from(b);
    let nudge = if product >= 0 {
        1_i64 << 30
    } else {
        1 - (1_i64 << 30)
    };
    i32::try_from((product + nudge) / (1_i64 << 31)).unwrap()
}

/// gemmlowp's rounding division by a power of two: nearest, ties away from zero.
fn literal_divide(value: i32, exponent: u32) -> i32 {
    let (value, divisor) = (i128::from(value), 1_i128 << exponent);
    let magnitude = (value.abs() * 2 + divisor) / (2 * divisor);
    i32::try_from(if value < 0 { -magnitude } else { magnitude }).unwrap()
}

/// Accumulators, multipliers and shifts: random ones, extremes, and products that end in ties.
fn cases() -> Vec<(i32, i32, u32)> {
    let mut random = Random(0x5eed_0001);
    let mut cases = Vec::new();
    let extremes = [i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX - 1, i32::MAX];
    for shift in 0..=31 {
        for acc in extremes {
            for multiplier in [0, 1, 1 << 30, i32::MAX] {
                cases.push((acc, multiplier, shift));
            }
        }
        for _ in 0..20_000 {
            let multiplier = (random.next() >> 1).cast_signed() | 1 << 30;
            cases.push((
                random.next().cast_signed() >> (random.next() % 24),
                multiplier,
                shift,
            ));
            // Half the full scale leaves `acc / 2 / 2^shift`, a tie for odd multiples.
            let tie = (random.next() % 65_536).cast_signed() - 32_768;
            cases.push((tie.wrapping_shl(shift), 1 << 30, shift));
        }
    }
    cases
}

#[test]
fn double_rounding_is_the_literal_definition() {
    for (acc, multiplier, shift) in cases() {
        let expected = literal_divide(literal_high_mul(acc, multiplier), shift);
        assert_eq!(
            multiply_double(acc, multiplier, shift.cast_signed()),
            expected,
            "{acc} {multiplier} {shift}"
        );
        if shift >= 1 {
            assert_eq!(
                Double::shift_right(acc, multiplier, shift),
                expected,
                "{acc} {multiplier} {shift}"
            );
        } else {
            assert_eq!(
                Double::shift_left(acc, multiplier, 0),
                expected,
                "{acc} {multiplier}"
            );
        }
    }
}

#[test]
fn single_rounding_is_the_literal_definition() {
    for (acc, multiplier, shift) in cases() {
        let product = i128::from(acc) * i128::from(multiplier);
        let expected = i32::try_from((product + (1_i128 << (30 + shift))) >> (31 + shift)).unwrap();
        if shift >= 1 {
            assert_eq!(
                Single::shift_right(acc, multiplier, shift),
                expected,
                "{acc} {multiplier} {shift}"
            );
        } else {
            assert_eq!(
                Single::shift_left(acc, multiplier, 0),
                expected,
                "{acc} {multiplier}"
            );
        }
    }
}

#[test]
fn a_negative_shift_multiplies_before_rounding() {
    let mut random = Random(0x5eed_0002);
    for left in 0..=8_u32 {
        for _ in 0..10_000 {
            let acc = random.next().cast_signed() >> 12;
            let multiplier = (random.next() >> 1).cast_signed();
            let expected = literal_high_mul(acc << left, multiplier);
            assert_eq!(
                multiply_double(acc, multiplier, -left.cast_signed()),
                expected
            );
            let product = i128::from(acc) * i128::from(multiplier);
            let single = (product + (1_i128 << (30 - left))) >> (31 - left);
            assert_eq!(
                i128::from(Single::shift_left(acc, multiplier, left)),
                single
            );
        }
    }
}

#[test]
fn shifting_right_rounds_half_away_from_zero_up_to_the_extremes() {
    for exponent in 0..=31 {
        for value in [i32::MIN + 1, -3, -2, -1, 0, 1, 2, 3, i32::MAX - 1] {
            assert_eq!(
                rounding_shift_right(value, exponent),
                literal_divide(value, exponent),
                "{value} {exponent}"
            );
        }
    }
}

#[test]
fn one_rounding_of_any_shift_is_that_of_the_accumulators() {
    for (acc, multiplier, shift) in cases() {
        let expected = match shift {
            0 => Single::shift_left(acc, multiplier, 0),
            _ => Single::shift_right(acc, multiplier, shift),
        };
        assert_eq!(
            multiply_once(acc, multiplier, shift.cast_signed()),
            expected
        );
    }
}

#[test]
fn division_rounds_half_to_even() {
    for value in -200..200_i32 {
        for divisor in 1..40_i32 {
            let exact = f64::from(value) / f64::from(divisor);
            let found =
                rounding_divide_even(value, NonZeroU32::new(divisor.cast_unsigned()).unwrap());
            let expected = exact.round_ties_even();
            assert!(
                (f64::from(found) - expected).abs() < 0.5,
                "{value} / {divisor}: {found}"
            );
        }
    }
}

#[test]
fn division_rounds_half_away_from_zero() {
    for value in -200..200_i32 {
        for divisor in 1..40_i32 {
            let half = divisor / 2;
            let expected = if value > 0 {
                (value + half) / divisor
            } else {
                (value - half) / divisor
            };
            assert_eq!(
                rounding_divide(value, NonZeroU32::new(divisor.unsigned_abs()).unwrap()),
                expected
            );
        }
    }
}

/// A seeded generator (xorshift).
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}
