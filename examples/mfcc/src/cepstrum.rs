//! Mel bands, logarithms and the cosine transform.
//!
//! The triangles of neighbouring bands overlap so that a bin's two heights sum to one: a bin costs one product.
//! Logarithms are to base 2 here; the cosines hold the factor ln 2.

use crate::COEFFICIENTS;
use crate::tables::{COSINES, COUNTS, LOGS, RISING};
use core::array;

const BANDS: usize = 40;
const HALF: usize = BANDS / 2;

/// What depends on the clip alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cepstrum {
    /// `1e-6` times the clip's peak, times `2^FLOOR_BITS`.
    floor: u64,
    /// The logarithm of the peak, 16 bits below the point.
    peak: i32,
}

const FLOOR_BITS: i32 = 48;

impl Cepstrum {
    pub(crate) fn new(peak: u16) -> Self {
        /// `1e-6 · 2^FLOOR_BITS`.
        const FLOOR: u64 = 281_474_977;
        Self {
            floor: FLOOR * u64::from(peak),
            peak: log2(u32::from(peak)),
        }
    }

    /// Coefficients with 16 bits below the point, of magnitudes times `2^exponent` that are below `2^26`.
    pub(crate) fn coefficients(
        &self,
        magnitudes: &[u32; 128],
        exponent: i32,
    ) -> [i32; COEFFICIENTS] {
        let shift = (FLOOR_BITS - exponent).clamp(0, 63).cast_unsigned();
        let floor = u32::try_from(self.floor >> shift).map_or(1 << 30, |floor| floor.max(1));
        let mut logs = [0; BANDS];
        bands(magnitudes, floor, &mut logs);
        let (sums, differences) = fold(&logs, self.peak + (exponent << 16));
        array::from_fn(|k| {
            let half = if k % 2 == 0 { &sums } else { &differences };
            COSINES.get(k).map_or(0, |row| product(row, half))
        })
    }
}

/// Logarithms of the sums of the bins of each band and `floor`. No band has more than 16 bins.
#[inline(never)]
fn bands(magnitudes: &[u32; 128], floor: u32, logs: &mut [i32; BANDS]) {
    let mut bins = magnitudes.iter().zip(&RISING).skip(1);
    let [first, counts @ ..] = &COUNTS;
    let (_, rising) = interval(&mut bins, *first);
    let mut falling = rising + floor;
    for (log, &count) in logs.iter_mut().zip(counts) {
        let (all, rising) = interval(&mut bins, count);
        *log = log2(falling + all - rising);
        falling = rising + floor;
    }
}

/// The bins between two edges: their sum, and the sum of their parts in the band whose rising side this is.
#[inline(always)]
fn interval<'a>(bins: &mut impl Iterator<Item = (&'a u32, &'a u32)>, count: u8) -> (u32, u32) {
    let (mut all, mut rising) = (0, 0);
    for (&magnitude, &height) in bins.take(usize::from(count)) {
        all += magnitude;
        rising += ((u64::from(magnitude) * u64::from(height)) >> 32) as u32;
    }
    (all, rising)
}

/// `log2` with 16 bits below the point, of at least 1.
pub(crate) fn log2(value: u32) -> i32 {
    let zeros = value.leading_zeros() & 31;
    let top = value << zeros; // its highest bit set
    let index = ((top >> 25) & 63) as usize;
    let (low, high) = (LOGS[index].cast_signed(), LOGS[index + 1].cast_signed());
    let part = ((top >> 9) & 0xFFFF).cast_signed();
    ((31 - zeros.cast_signed()) << 16) + low + (((high - low) * part) >> 16)
}

/// Half as many terms of the cosine transform, of logarithms without `unit`: sums of the two ends, their differences.
/// The cosines of even coefficients are equal at both ends, those of odd ones opposite.
fn fold(logs: &[i32; BANDS], unit: i32) -> ([i32; HALF], [i32; HALF]) {
    let (mut sums, mut differences) = ([0; HALF], [0; HALF]);
    let ends = logs.iter().zip(logs.iter().rev());
    for ((front, back), (sum, difference)) in ends.zip(sums.iter_mut().zip(&mut differences)) {
        (*sum, *difference) = (front + back - 2 * unit, front - back);
    }
    (sums, differences)
}

/// `Σ cosine · value`, back to 16 bits below the point.
fn product(cosines: &[i16; HALF], values: &[i32; HALF]) -> i32 {
    let terms = cosines.iter().zip(values);
    let sum: i64 = terms.map(|(&c, &v)| i64::from(c) * i64::from(v)).sum();
    i32::try_from(sum >> 17).unwrap_or(i32::MAX)
}
