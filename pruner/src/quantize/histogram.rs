//! What values a tensor takes: extremes and a histogram with bins of equal relative width.
//!
//! ```text
//! |x| as bits:  0 eeeeeeee mmmmmm | …          bin = the first 14 bits after the sign: 64 bins an octave
//! ```
//!
//! Bins need no range beforehand, so one pass over the data suffices, and counts are integers, so that partial
//! histograms add up to the same result in any order.

/// Mantissa bits dropped from a bin's number.
const DROPPED: u32 = 17;
/// Bins of one sign.
const BINS: usize = 1 << (31 - DROPPED);

/// Values of one tensor over many samples.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    min: f32,
    max: f32,
    zeros: u64,
    /// Negative values, by magnitude.
    below: Vec<u32>,
    /// Positive values.
    above: Vec<u32>,
}

/// Values between two magnitudes, seen as one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bin {
    pub(super) value: f64,
    pub(super) count: f64,
}

impl Histogram {
    pub(super) const fn new() -> Self {
        Self {
            min: 0.0,
            max: 0.0,
            zeros: 0,
            below: Vec::new(),
            above: Vec::new(),
        }
    }

    /// Counts values; false if one is not finite.
    pub(super) fn add(&mut self, values: &[f32]) -> bool {
        if self.above.is_empty() {
            self.above = vec![0; BINS];
            self.below = vec![0; BINS];
        }
        for &x in values {
            if !x.is_finite() {
                return false;
            }
            let bin = (x.to_bits() << 1 >> (DROPPED + 1)) as usize;
            if x > 0.0 {
                self.above[bin] = self.above[bin].saturating_add(1);
                self.max = self.max.max(x);
            } else if x < 0.0 {
                self.below[bin] = self.below[bin].saturating_add(1);
                self.min = self.min.min(x);
            } else {
                self.zeros += 1;
            }
        }
        true
    }

    /// Adds the counts of another part of the data.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.above.is_empty() {
            self.clone_from(other);
            return;
        }
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.zeros += other.zeros;
        let add = |a: &mut [u32], b: &[u32]| {
            a.iter_mut()
                .zip(b)
                .for_each(|(a, b)| *a = a.saturating_add(*b));
        };
        add(&mut self.below, &other.below);
        add(&mut self.above, &other.above);
    }

    /// Smallest and largest value, 0 included.
    pub(super) const fn extremes(&self) -> (f32, f32) {
        (self.min, self.max)
    }

    /// Occupied bins but zero, ascending.
    pub(super) fn bins(&self) -> Vec<Bin> {
        let below = self
            .below
            .iter()
            .enumerate()
            .rev()
            .map(|(i, n)| (-magnitude(i), *n));
        let above = self
            .above
            .iter()
            .enumerate()
            .map(|(i, n)| (magnitude(i), *n));
        below
            .chain(above)
            .filter(|(_, n)| *n > 0)
            .map(|(value, n)| Bin {
                value: value.clamp(self.min.into(), self.max.into()),
                count: n.into(),
            })
            .collect()
    }

    /// Number of values, zeros included.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(super) fn count(&self) -> f64 {
        let all = self.below.iter().chain(&self.above).map(|n| u64::from(*n));
        (all.sum::<u64>() + self.zeros) as f64
    }
}

/// The middle of a bin.
fn magnitude(bin: usize) -> f64 {
    let edge = |bin: usize| {
        f64::from(f32::from_bits(u32::try_from(bin << DROPPED).unwrap_or(u32::MAX)).min(f32::MAX))
    };
    f64::midpoint(edge(bin), edge(bin + 1))
}
