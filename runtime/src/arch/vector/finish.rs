//! From 32-bit sums to bytes: what a row's constants are for vectors, and their use.

use super::Simd;

/// Fixed-point constants of a row: every rounding of files, and every shift.
///
/// ```text
/// high   = (((sum << left) · multiplier + round) >> 31)            32 bits of a 64-bit product
/// shared = (high + (high < 0 ? toward : 0)) >> right
/// result = ((shared + half) >> half) + offset
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Constants {
    /// Bits that the sum is raised by.
    pub(crate) left: i32,
    /// Not negative.
    pub(crate) multiplier: i32,
    /// What rounds the product.
    pub(crate) round: i64,
    /// −1 where halves go away from zero, else 0.
    pub(crate) toward: i32,
    /// All of the right shift but its last bit.
    pub(crate) right: i32,
    /// 1 where there is a right shift, else 0.
    pub(crate) half: i32,
    /// Zero point and 128.
    pub(crate) offset: i32,
}

/// An output channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    /// The sum before any product.
    pub(crate) bias: i32,
    /// Scale as a float.
    pub(crate) mul: f32,
    /// Offset as a float.
    pub(crate) add: f32,
    /// Scale and offset in fixed point.
    pub(crate) fixed: Constants,
}

/// How the sums of a matrix become bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rescale {
    /// One an output channel, missing ones of the last block included.
    pub(crate) rows: Vec<Row>,
    /// Whether `mul` and `add` give every result that the file's arithmetic gives.
    pub(crate) is_float: bool,
    /// Lowest byte.
    pub(crate) lo: u8,
    /// Highest byte.
    pub(crate) hi: u8,
}

/// The four vectors of a row's tile as bytes.
#[inline(always)]
pub(crate) fn finish<S: Simd, const FLOAT: bool>(
    simd: S,
    mut sums: [S::V; 4],
    row: &Row,
    (lo, hi): (S::V, S::V),
) -> S::V {
    for sum in &mut sums {
        *sum = if FLOAT {
            simd.rescale(*sum, row.mul, row.add)
        } else {
            simd.rescale_fixed(*sum, &row.fixed)
        };
    }
    simd.clamp(simd.pack(sums), lo, hi)
}
