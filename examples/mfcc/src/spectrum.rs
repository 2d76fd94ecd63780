//! Magnitudes of the 512-point spectrum below 4 kHz, out of the transform of even and odd samples.
//!
//! With `Z` the transform of even plus i times odd samples, `E[k] = (Z[k] + Z*[256-k]) / 2` and
//! `O[k] = (Z[k] - Z*[256-k]) / 2i`, and the spectrum is `X[k] = E[k] + exp(-2πi·k/512) · O[k]`.

use crate::pair::Pair;
use crate::tables::{ROOTS, SPLIT};

/// Bits below the point of a turn.
const TURN_BITS: i32 = 14;
/// Bits below the point that a magnitude has more than a point of the transform.
pub(crate) const BITS: i32 = TURN_BITS - 5;

/// `|X[k]|` times `2^BITS` for `1 ≤ k < 128`; place 0 stays as it is. Below `2^26`, within 1 %.
#[inline(never)]
pub(crate) fn magnitudes(points: &[Pair; 256], magnitudes: &mut [u32; 128]) {
    let (_, tail) = points.split_at(129);
    let bins = points.iter().zip(&SPLIT).zip(magnitudes).skip(1);
    for (((front, turn), magnitude), back) in bins.zip(tail.iter().rev()) {
        let (sum, difference) = (front.half_sum(*back), front.half_difference(*back));
        // E is the sum's real and the difference's imaginary part; O the other two, the latter negated.
        let (minus_im, re) = Pair::parts(difference, sum).turn(*turn);
        *magnitude = hypot(
            (sum.re() << TURN_BITS) + re,
            (difference.im() << TURN_BITS) - minus_im,
        );
    }
}

/// `√(re² + im²)`, without its lower 5 bits, within 1 %: both shifted to 15 bits and a sign, the sum of their squares looked up.
#[inline(always)]
fn hypot(re: i32, im: i32) -> u32 {
    let changes = (re ^ (re << 1)) | (im ^ (im << 1)) | 1;
    let shift = changes.leading_zeros() & 31;
    let (re, im) = ((re << shift) >> 16, (im << shift) >> 16);
    let squares = (re * re).cast_unsigned() + (im * im).cast_unsigned();
    // 2^31, of two times -2^15, counts as one less.
    let root = ROOTS[((squares - (squares >> 31)) >> 23) as usize & 255];
    (u32::from(root) << 11) >> shift
}
