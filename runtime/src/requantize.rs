//! From 32-bit accumulators back to 8 bits, bit for bit the same on every target.
//!
//! A real factor `f` is a pair `(multiplier, shift)`: `f = multiplier / 2^31 / 2^shift` with a 31-bit
//! multiplier; a negative shift multiplies. TensorFlow Lite Micro rounds twice: a doubling high multiply
//! that rounds half up, then a right shift that rounds half away from zero. Files that nnz quantised itself
//! round once, half up, which is cheaper. Both are exact for every accumulator: no intermediate wraps for
//! `shift ≥ 1`, and for `shift ≤ 0` the accumulator is shifted left modulo 2^32 first.

use core::num::NonZeroU32;

/// The high and low words of `value · multiplier · 2`, for `multiplier ≥ 0`.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the words of a 64-bit product"
)]
const fn doubled_product(value: i32, multiplier: i32) -> (i32, u32) {
    let doubled = multiplier.cast_unsigned().wrapping_shl(1);
    let product = (value as i64).wrapping_mul(doubled as i64);
    ((product >> 32) as i32, product as u32)
}

/// `(value · multiplier · 2 + 2^31) >> 32`: the rounding doubling high multiply, for `multiplier ≥ 0`.
#[inline(always)]
#[must_use]
pub(crate) const fn doubling_high_mul(value: i32, multiplier: i32) -> i32 {
    let (high, low) = doubled_product(value, multiplier);
    high.wrapping_add((low >> 31).cast_signed())
}

/// `value / 2^exponent`, rounded half away from zero, for `0 ≤ exponent ≤ 31`.
///
/// `value` is above −2^31, and below 2^31 − 1 where the exponent is 1, as every doubling high multiply by a
/// factor below 2^31 is.
#[inline(always)]
#[must_use]
pub(crate) const fn rounding_shift_right(value: i32, exponent: u32) -> i32 {
    if exponent == 0 {
        return value;
    }
    let toward = value.wrapping_add(value >> 31);
    toward
        .wrapping_shr(exponent.wrapping_sub(1))
        .wrapping_add(1)
        >> 1
}

/// TensorFlow Lite Micro's `MultiplyByQuantizedMultiplier`; `shift` is the right shift, negative for left.
#[inline]
#[must_use]
pub(crate) const fn multiply_double(value: i32, multiplier: i32, shift: i32) -> i32 {
    let left = if shift < 0 { shift.unsigned_abs() } else { 0 };
    let right = if shift > 0 { shift.unsigned_abs() } else { 0 };
    rounding_shift_right(
        doubling_high_mul(value.wrapping_shl(left), multiplier),
        right,
    )
}

/// [`multiply_double`] with one rounding, half up, where the shift is a right one.
#[inline]
#[must_use]
pub(crate) fn multiply_once(value: i32, multiplier: i32, shift: i32) -> i32 {
    match u32::try_from(shift) {
        Ok(right @ 1..) => Single::shift_right(value, multiplier, right),
        _ => Single::shift_left(value, multiplier, shift.unsigned_abs()),
    }
}

/// `value / divisor`, rounded half to even.
#[inline]
#[must_use]
pub(crate) fn rounding_divide_even(value: i32, divisor: NonZeroU32) -> i32 {
    let magnitude = value.unsigned_abs();
    let whole = magnitude / divisor;
    let twice = (magnitude % divisor).saturating_mul(2);
    let up = twice > divisor.get() || (twice == divisor.get() && whole & 1 == 1);
    let magnitude = whole.wrapping_add(u32::from(up)).cast_signed();
    if value < 0 {
        magnitude.wrapping_neg()
    } else {
        magnitude
    }
}

/// `value / divisor`, rounded half away from zero.
#[inline]
#[must_use]
pub(crate) fn rounding_divide(value: i32, divisor: NonZeroU32) -> i32 {
    let magnitude = value.unsigned_abs().saturating_add(divisor.get() / 2) / divisor;
    let magnitude = magnitude.cast_signed();
    if value < 0 {
        magnitude.wrapping_neg()
    } else {
        magnitude
    }
}

/// How a file rounds the accumulators of convolutions and fully connected layers.
pub(crate) trait Round {
    /// `value · multiplier / 2^(31 + shift)` for a right shift of at least 1.
    fn shift_right(value: i32, multiplier: i32, shift: u32) -> i32;

    /// The same for a shift of zero or a left shift by `left`.
    fn shift_left(value: i32, multiplier: i32, left: u32) -> i32 {
        doubling_high_mul(value.wrapping_shl(left), multiplier)
    }
}

/// One rounding, half up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Single;

/// Two roundings, as TensorFlow Lite Micro.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Double;

impl Round for Single {
    #[inline(always)]
    fn shift_right(value: i32, multiplier: i32, shift: u32) -> i32 {
        // The low word cannot carry into the rounding, which adds a whole high word bit.
        let (high, _) = doubled_product(value, multiplier);
        high.wrapping_shr(shift.wrapping_sub(1)).wrapping_add(1) >> 1
    }
}

impl Round for Double {
    #[inline(always)]
    fn shift_right(value: i32, multiplier: i32, shift: u32) -> i32 {
        rounding_shift_right(doubling_high_mul(value, multiplier), shift)
    }
}

#[cfg(test)]
#[path = "requantize_tests.rs"]
mod tests;
