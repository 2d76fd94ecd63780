//! How far outputs are from real targets.

use super::EvalError;
use crate::data::{Array, Dataset, Targets};
use crate::progress::{Counter, Progress};
use rayon::prelude::*;
use serde::Serialize;

/// Deviation of outputs from targets over all values of all samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deviation {
    /// Samples.
    pub n: usize,
    /// Mean absolute difference.
    pub mean_absolute: f64,
    /// Mean squared difference.
    pub mean_squared: f64,
    /// Root of the mean squared difference.
    pub root_mean_square: f64,
    /// Largest absolute difference.
    pub largest: f64,
    /// Each sample's mean squared difference, in order.
    #[serde(skip)]
    pub per_sample: Vec<f64>,
}

/// Runs every sample and compares the outputs with the real targets `y`; arguments as in
/// [`accuracy`](super::accuracy()).
///
/// # Errors
///
/// Data without real targets, outputs and targets of different length, a failed run or a NaN output.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn deviation<S, E: ToString>(
    data: &Dataset,
    state: impl Fn() -> Result<S, E> + Sync,
    outputs: impl Fn(&mut S, usize) -> Result<Vec<f32>, E> + Sync,
    progress: Progress<'_>,
) -> Result<Deviation, EvalError> {
    let Targets::Values(y) = data.targets() else {
        return Err(EvalError::NoTargets {
            file: data.file().to_string(),
        });
    };
    let n = data.len();
    let width = y.elements.len() / n;
    let counter = Counter::new(n, progress);
    let sums = (0..n)
        .into_par_iter()
        .map_init(&state, |state, sample| {
            let failed = |reason: String| EvalError::Run { sample, reason };
            let state = state.as_mut().map_err(|e| failed(e.to_string()))?;
            let found = outputs(state, sample).map_err(|e| failed(e.to_string()))?;
            counter.tick();
            compare(&found, y, sample * width, width)?
                .ok_or_else(|| failed("the network's output holds a NaN".into()))
        })
        .collect::<Vec<_>>()
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let values = (n * width) as f64;
    let total = |f: fn(&[f64; 3]) -> f64| sums.iter().map(f).sum::<f64>() / values;
    Ok(Deviation {
        n,
        mean_absolute: total(|s| s[0]),
        mean_squared: total(|s| s[1]),
        root_mean_square: total(|s| s[1]).sqrt(),
        largest: sums.iter().fold(0.0, |m, s| m.max(s[2])),
        per_sample: sums.iter().map(|s| s[1] / width as f64).collect(),
    })
}

/// Sum of absolute differences, sum of squares, largest; `None` with a NaN.
fn compare(
    found: &[f32],
    y: &Array,
    from: usize,
    width: usize,
) -> Result<Option<[f64; 3]>, EvalError> {
    if found.len() != width {
        return Err(EvalError::Outputs {
            found: found.len(),
            expected: width,
        });
    }
    let mut sums = [0.0, 0.0, 0.0f64];
    for (i, x) in found.iter().enumerate() {
        let d = (f64::from(*x) - f64::from(y.elements.real(from + i))).abs();
        if d.is_nan() {
            return Ok(None);
        }
        sums = [sums[0] + d, sums[1] + d * d, sums[2].max(d)];
    }
    Ok(Some(sums))
}
