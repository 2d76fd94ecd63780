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
    /// Zero point.
    pub(crate) offset: i32,
}

/// An output channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    /// The sum before any product.
    pub(crate) bias: i32,
    /// Whether `mul` and `add` give every result that the file's arithmetic gives.
    pub(crate) is_float: bool,
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
    /// Lowest byte.
    pub(crate) lo: u8,
    /// Highest byte.
    pub(crate) hi: u8,
}

/// Constants of rows that are lanes.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Lanes {
    /// Whether floats do for all lanes of a vector; one a vector.
    pub(crate) is_float: Vec<bool>,
    /// The sums before any product.
    pub(crate) bias: Vec<i32>,
    /// Scales as floats.
    pub(crate) mul: Vec<f32>,
    /// Offsets as floats.
    pub(crate) add: Vec<f32>,
    /// Left shifts, multipliers, what rounds the product, `toward`, right shifts, `half` and offsets of [`Constants`].
    pub(crate) fixed: [Vec<i32>; 7],
}

impl Lanes {
    /// Lanes of `rows`, for vectors of so many.
    pub(crate) fn new(rows: impl IntoIterator<Item = Option<Row>>, vector: usize) -> Self {
        let mut lanes = Self::default();
        let mut floats = Vec::new();
        for row in rows {
            floats.push(row.is_none_or(|row| row.is_float));
            lanes.bias.push(row.map_or(0, |row| row.bias));
            lanes.mul.push(row.map_or(0.0, |row| row.mul));
            lanes.add.push(row.map_or(0.0, |row| row.add));
            let round = |row: &Row| i32::from(row.fixed.round != 0) << 30;
            let fixed = row.map_or([0; 7], |row| {
                let Constants {
                    left,
                    multiplier,
                    toward,
                    right,
                    half,
                    offset,
                    ..
                } = row.fixed;
                [left, multiplier, round(&row), toward, right, half, offset]
            });
            for (lanes, value) in lanes.fixed.iter_mut().zip(fixed) {
                lanes.push(value);
            }
        }
        let vectors = floats.chunks(vector.max(1));
        lanes.is_float = vectors.map(|lanes| lanes.iter().all(|is| *is)).collect();
        lanes
    }
}

/// The sums of rows that are lanes, from lane `at` on, a multiple of a vector's.
///
/// # Safety
///
/// `lanes` has a vector from lane `at` on.
#[inline(always)]
pub(crate) unsafe fn finish_lanes<S: Simd>(simd: S, sum: S::V, lanes: &Lanes, at: usize) -> S::V {
    let vector = at / (S::BYTES / 4);
    if lanes.is_float.get(vector).copied().unwrap_or(false) {
        // SAFETY: the caller's contract.
        unsafe { simd.rescale_lanes(sum, lanes, at) }
    } else {
        // SAFETY: the caller's contract.
        unsafe { simd.rescale_fixed_lanes(sum, lanes, at) }
    }
}

/// The sums of a row's tile.
#[inline(always)]
pub(crate) fn totals<S: Simd>(simd: S, sums: [S::Acc; 4]) -> [S::V; 4] {
    let [a, b, c, d] = sums;
    [simd.total(a), simd.total(b), simd.total(c), simd.total(d)]
}

/// The four vectors of a row's tile as bytes.
#[inline(always)]
pub(crate) fn finish<S: Simd>(simd: S, sums: [S::V; 4], row: &Row, (lo, hi): (S::V, S::V)) -> S::V {
    simd.clamp(simd.pack(rescaled(simd, sums, row)), lo, hi)
}

/// The vectors of a row's tile, rescaled.
#[inline(always)]
pub(crate) fn rescaled<S: Simd, const T: usize>(
    simd: S,
    mut sums: [S::V; T],
    row: &Row,
) -> [S::V; T] {
    if row.is_float {
        for sum in &mut sums {
            *sum = simd.rescale(*sum, row.mul, row.add);
        }
    } else {
        for sum in &mut sums {
            *sum = simd.rescale_fixed(*sum, &row.fixed);
        }
    }
    sums
}
