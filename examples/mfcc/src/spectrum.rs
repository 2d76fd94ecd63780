//! Magnitudes of the 512-point spectrum below 4 kHz, out of the transform of even and odd samples.
//!
//! With `Z` the transform of even plus i times odd samples, `E[k] = (Z[k] + Z*[256-k]) / 2` and
//! `O[k] = (Z[k] - Z*[256-k]) / 2i`, and the spectrum is `X[k] = E[k] + exp(-2πi·k/512) · O[k]`.

use crate::fft::Complex;
use crate::tables::{ROOTS, SPLIT};

/// `2 · |X[k]|` for `1 ≤ k < 128`; place 0 stays as it is. Below `2^31`, within 1 %.
#[inline(never)]
pub(crate) fn magnitudes(points: &[Complex; 256], magnitudes: &mut [u32; 128]) {
    for k in 1..128 {
        let (front, back, turn) = (points[k], points[256 - k], SPLIT[k]);
        let even = Complex {
            re: front.re + back.re,
            im: front.im - back.im,
        };
        let odd = Complex {
            re: front.im + back.im,
            im: back.re - front.re,
        };
        let half = odd.turn_half(turn);
        magnitudes[k] = hypot(even.re + (half.re << 1), even.im + (half.im << 1));
    }
}

/// `√(re² + im²)` within 1 %: both shifted to 15 bits, the sum of their squares looked up.
#[inline(always)]
fn hypot(re: i32, im: i32) -> u32 {
    let (re, im) = (re.unsigned_abs(), im.unsigned_abs());
    let shift = (re | im | 1).leading_zeros().wrapping_sub(1) & 31;
    let (re, im) = ((re << shift) >> 16, (im << shift) >> 16);
    let squares = re * re + im * im;
    let root = ROOTS[(squares >> 23) as usize & 255];
    (u32::from(root) << 16) >> shift
}
