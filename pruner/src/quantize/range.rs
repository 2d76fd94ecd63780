//! From the values of a tensor to its scale and zero point.

use super::histogram::{Bin, Histogram};
use crate::ir::Quant;

/// How much of a tensor's values its integers cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Range {
    /// Everything that calibration saw.
    MinMax,
    /// All but the outermost 0.01 %.
    Percentile,
    /// Where rounding and clipping together make the smallest squared error.
    #[default]
    Mse,
}

impl Range {
    /// Every choice with its name on the command line.
    pub const ALL: [(&'static str, Self); 3] = [
        ("min-max", Self::MinMax),
        ("percentile", Self::Percentile),
        ("mse", Self::Mse),
    ];
}

/// Share of the values that [`Range::Percentile`] gives up, half on each side.
const TAIL: f64 = 1e-4;
/// Shares of the full range that [`Range::Mse`] tries on each side.
const SHARES: [f64; 15] = [
    1.0, 0.97, 0.94, 0.91, 0.88, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.4, 0.3,
];
/// Steps between the lowest and the highest integer.
const STEPS: f64 = 255.0;
/// Smallest scale; tensors that are always zero have a sane one.
const MIN_SCALE: f64 = 1e-30;

/// Bounds of a tensor's values, 0 included.
pub(super) fn bounds(histogram: &Histogram, range: Range) -> (f64, f64) {
    let (min, max) = histogram.extremes();
    let full = (f64::from(min), f64::from(max));
    match range {
        Range::MinMax => full,
        Range::Percentile => percentile(histogram, full),
        Range::Mse => least_squares(&histogram.bins(), full),
    }
}

/// Scale and zero point that put `lo` and `hi` (0 among them) on −128 and 127.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the zero point is clamped to s8 before the cast"
)]
pub(super) fn quant(lo: f64, hi: f64) -> Quant {
    let (lo, hi) = (lo.min(0.0), hi.max(0.0));
    let scale = if hi > lo {
        ((hi - lo) / STEPS).max(MIN_SCALE)
    } else {
        1.0 / STEPS
    };
    let zero_point = (-128.0 - lo / scale).round().clamp(-128.0, 127.0);
    Quant {
        scale: scale as f32,
        zero_point: zero_point as i32,
    }
}

fn percentile(histogram: &Histogram, full: (f64, f64)) -> (f64, f64) {
    let bins = histogram.bins();
    let allowed = histogram.count() * TAIL / 2.0;
    let hi = cut(bins.iter().rev(), allowed).clamp(0.0, full.1);
    let lo = cut(bins.iter(), allowed).clamp(full.0, 0.0);
    (lo, hi)
}

/// The first value beyond which more than `allowed` values were seen.
fn cut<'b>(mut bins: impl Iterator<Item = &'b Bin>, allowed: f64) -> f64 {
    let mut beyond = 0.0;
    let last = bins.find(|b| {
        beyond += b.count;
        beyond > allowed
    });
    last.map_or(0.0, |b| b.value)
}

fn least_squares(bins: &[Bin], full: (f64, f64)) -> (f64, f64) {
    let one = [1.0];
    let low: &[f64] = if full.0 < 0.0 { &SHARES } else { &one };
    let high: &[f64] = if full.1 > 0.0 { &SHARES } else { &one };
    let mut best = (f64::INFINITY, full);
    for l in low {
        for h in high {
            let tried = (full.0 * l, full.1 * h);
            let error = squared_error(bins, tried);
            if error < best.0 {
                best = (error, tried);
            }
        }
    }
    best.1
}

/// Expected squared error: uniform rounding noise inside, distance to the bound outside.
fn squared_error(bins: &[Bin], (lo, hi): (f64, f64)) -> f64 {
    let step = (hi - lo) / STEPS;
    let noise = step * step / 12.0;
    let error = |b: &Bin| {
        let outside = (b.value - hi).max(lo - b.value).max(0.0);
        b.count * (outside * outside + noise.min(b.value * b.value))
    };
    bins.iter().map(error).sum()
}
