//! Mel bands, logarithms and the cosine transform.
//!
//! The triangles of neighbouring bands overlap so that a bin's two heights sum to one: a bin costs one product.
//! Logarithms are to base 2 here; the cosines hold the factor ln 2.

use crate::COEFFICIENTS;
use crate::tables::{COSINES, ENDS, LOGS, RISING};
use core::array;

const BANDS: usize = 40;
/// A band's sum is its true value times the clip's peak times `2^23`: 7 bits of the samples, a doubled spectrum and
/// 15 bits of the triangles.
const BITS: u32 = 23;

/// What depends on the clip alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cepstrum {
    /// `1e-6` in units of a band's sum.
    floor: u64,
    /// The logarithm of such a unit's number, 16 bits below the point.
    unit: i32,
}

impl Cepstrum {
    pub(crate) fn new(peak: u16) -> Self {
        /// `1e-6 · 2^BITS`, times 2^16.
        const FLOOR: u64 = 549_756;
        Self {
            floor: ((FLOOR * u64::from(peak)) >> 16).max(1),
            unit: log2(u64::from(peak) << BITS),
        }
    }

    /// Coefficients with 16 bits below the point.
    pub(crate) fn coefficients(&self, magnitudes: &[u32; 128]) -> [i32; COEFFICIENTS] {
        let mut logs = bands(magnitudes).map(|band| log2(band + self.floor) - self.unit);
        fold(&mut logs);
        let (sums, differences) = logs.split_at(BANDS / 2);
        array::from_fn(|k| {
            let half = if k % 2 == 0 { sums } else { differences };
            COSINES.get(k).map_or(0, |row| product(row, half))
        })
    }
}

/// Sums of the bins of each band, times 2^15.
fn bands(magnitudes: &[u32; 128]) -> [u64; BANDS] {
    let mut sums = [0; BANDS];
    let [first, ends @ ..] = &ENDS;
    let (_, mut falling) = interval(magnitudes, 1, *first);
    let mut begin = *first;
    for (sum, &end) in sums.iter_mut().zip(ends) {
        let (all, rising) = interval(magnitudes, begin, end);
        *sum = falling + (all << 15) - rising;
        (begin, falling) = (end, rising);
    }
    sums
}

/// The bins between two edges: their sum, and the sum of their parts in the band whose rising side this is.
#[inline(always)]
fn interval(magnitudes: &[u32; 128], begin: u8, end: u8) -> (u64, u64) {
    let range = usize::from(begin)..usize::from(end);
    let bins = magnitudes.get(range.clone()).unwrap_or_default();
    let heights = RISING.get(range).unwrap_or_default();
    let (mut all, mut rising) = (0, 0);
    for (&magnitude, &height) in bins.iter().zip(heights) {
        all += u64::from(magnitude);
        rising += u64::from(magnitude) * u64::from(height);
    }
    (all, rising)
}

/// `log2` with 16 bits below the point, of at least 1.
pub(crate) fn log2(value: u64) -> i32 {
    let zeros = value.leading_zeros() & 63;
    let top = (value << zeros) >> 41; // 23 bits, the first of them set
    let index = ((top >> 16) & 63) as usize;
    let (low, high) = (LOGS[index].cast_signed(), LOGS[index + 1].cast_signed());
    let part = i32::from((top & 0xFFFF) as u16);
    (63u32.saturating_sub(zeros).cast_signed() << 16) + low + (((high - low) * part) >> 16)
}

/// Sums of the two ends in the first half, their differences in the second: the cosines of even coefficients are
/// equal at both ends, those of odd ones opposite.
fn fold(logs: &mut [i32; BANDS]) {
    let (front, back) = logs.split_at_mut(BANDS / 2);
    back.reverse();
    for (front, back) in front.iter_mut().zip(back) {
        (*front, *back) = (*front + *back, *front - *back);
    }
}

/// `Σ cosine · value`, back to 16 bits below the point.
fn product(cosines: &[i16; BANDS / 2], values: &[i32]) -> i32 {
    let terms = cosines.iter().zip(values);
    let sum: i64 = terms.map(|(&c, &v)| i64::from(c) * i64::from(v)).sum();
    i32::try_from(sum >> 17).unwrap_or(i32::MAX)
}
