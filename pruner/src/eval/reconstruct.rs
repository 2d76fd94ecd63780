//! How well an autoencoder gives its input back.

use super::{EvalError, statistics};
use crate::progress::{Counter, Progress};
use rayon::prelude::*;
use serde::Serialize;

/// Mean squared errors between the real inputs of a network and its real outputs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reconstruction {
    /// Samples.
    pub n: usize,
    /// Mean over all samples.
    pub mean_squared: f64,
    /// The best sample's.
    pub smallest: f64,
    /// The worst sample's.
    pub largest: f64,
    /// Each sample's, in order.
    pub per_sample: Vec<f64>,
}

impl Reconstruction {
    /// How well the error tells anomalous samples (label 1) from normal ones (label 0): the area under the ROC
    /// curve; `None` unless the labels are both 0 and 1 and nothing else.
    #[must_use]
    pub fn anomaly_auc(&self, labels: &[usize]) -> Option<f64> {
        let positive: Vec<bool> = labels.iter().map(|l| *l == 1).collect();
        labels
            .iter()
            .all(|l| *l < 2)
            .then(|| statistics::auc(&self.per_sample, &positive))?
    }
}

/// Runs `n` samples: `pair` gives the real inputs and the real outputs of a sample in one order.
///
/// # Errors
///
/// Outputs of another length than the inputs, a failed run or a NaN output.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn reconstruction<S, E: ToString>(
    n: usize,
    state: impl Fn() -> Result<S, E> + Sync,
    pair: impl Fn(&mut S, usize) -> Result<(Vec<f32>, Vec<f32>), E> + Sync,
    progress: Progress<'_>,
) -> Result<Reconstruction, EvalError> {
    let counter = Counter::new(n, progress);
    let per_sample = (0..n)
        .into_par_iter()
        .map_init(&state, |state, sample| {
            let failed = |reason: String| EvalError::Run { sample, reason };
            let state = state.as_mut().map_err(|e| failed(e.to_string()))?;
            let (input, output) = pair(state, sample).map_err(|e| failed(e.to_string()))?;
            counter.tick();
            if input.len() != output.len() {
                return Err(EvalError::Outputs {
                    found: output.len(),
                    expected: input.len(),
                });
            }
            let squares = input.iter().zip(&output);
            let sum: f64 = squares
                .map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2))
                .sum();
            if sum.is_nan() {
                return Err(failed("the network's output holds a NaN".into()));
            }
            Ok(sum / input.len().max(1) as f64)
        })
        .collect::<Vec<_>>()
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Reconstruction {
        n,
        mean_squared: per_sample.iter().sum::<f64>() / n.max(1) as f64,
        smallest: per_sample.iter().copied().fold(f64::INFINITY, f64::min),
        largest: per_sample.iter().copied().fold(0.0, f64::max),
        per_sample,
    })
}
