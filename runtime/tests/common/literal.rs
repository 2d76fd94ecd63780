//! The arithmetic in the words of its definitions, written without regard for speed.

use nnz_format::{Clamp, Rounding, Window};

/// Double the product, add half, truncate: the doubling high multiply.
pub fn high_mul(a: i32, b: i32) -> i32 {
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

/// Nearest, ties away from zero.
pub fn divide_by_power(value: i32, exponent: u32) -> i32 {
    let mask = (1_i64 << exponent) - 1;
    let remainder = i64::from(value) & mask;
    let threshold = (mask >> 1) + i64::from(value < 0);
    let quotient = i64::from(value) >> exponent;
    i32::try_from(quotient + i64::from(remainder > threshold)).unwrap()
}

/// `MultiplyByQuantizedMultiplier` with a right shift, negative for left.
pub fn double(value: i32, multiplier: i32, shift: i32) -> i32 {
    let left = u32::try_from((-shift).max(0)).unwrap();
    let right = u32::try_from(shift.max(0)).unwrap();
    divide_by_power(high_mul(value.wrapping_shl(left), multiplier), right)
}

/// One rounding of the whole product, half up.
pub fn single(value: i32, multiplier: i32, shift: i32) -> i32 {
    if shift < 0 {
        return single(value.wrapping_shl(shift.unsigned_abs()), multiplier, 0);
    }
    let product = i128::from(value) * i128::from(multiplier);
    i32::try_from((product + (1_i128 << (30 + shift))) >> (31 + shift)).unwrap()
}

/// An accumulator as the file rounds it.
pub fn requantize(value: i32, multiplier: i32, shift: i32, rounding: Rounding) -> i32 {
    match rounding {
        Rounding::Single => single(value, multiplier, shift),
        Rounding::Double => double(value, multiplier, shift),
    }
}

/// Within integer bounds.
pub fn clamp_s8(value: i32, clamp: &Clamp) -> i8 {
    let Clamp::S8 { lo, hi } = *clamp else {
        panic!("integer bounds")
    };
    i8::try_from(value.clamp(lo.into(), hi.into())).unwrap()
}

/// Within float bounds.
pub fn clamp_f32(value: f32, clamp: &Clamp) -> f32 {
    let Clamp::F32 { lo, hi } = *clamp else {
        panic!("float bounds")
    };
    value.clamp(lo, hi)
}

/// The input positions `(ky, kx, y, x)` under output `(oy, ox)`, `None` in padding.
pub fn under(
    window: &Window,
    (h, w): (usize, usize),
    (oy, ox): (usize, usize),
) -> Vec<(usize, usize, Option<(usize, usize)>)> {
    let mut taps = Vec::new();
    for ky in 0..usize::from(window.kernel_h) {
        for kx in 0..usize::from(window.kernel_w) {
            let y = (oy * usize::from(window.stride_h) + ky).checked_sub(window.pad_top.into());
            let x = (ox * usize::from(window.stride_w) + kx).checked_sub(window.pad_left.into());
            let inside = match (y, x) {
                (Some(y), Some(x)) if y < h && x < w => Some((y, x)),
                _ => None,
            };
            taps.push((ky, kx, inside));
        }
    }
    taps
}

/// Output rows and columns of a window.
pub fn output_size(window: &Window, h: u16, w: u16) -> Option<(u16, u16)> {
    let along = |len: u16, before: u8, after: u8, kernel: u8, stride: u8| {
        let padded = len + u16::from(before) + u16::from(after);
        Some(padded.checked_sub(kernel.into())? / u16::from(stride) + 1)
    };
    let Window {
        kernel_h,
        kernel_w,
        stride_h,
        stride_w,
        ..
    } = *window;
    Some((
        along(h, window.pad_top, window.pad_bottom, kernel_h, stride_h)?,
        along(w, window.pad_left, window.pad_right, kernel_w, stride_w)?,
    ))
}
