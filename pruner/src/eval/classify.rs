//! Top-k accuracy and the confusion matrix.

use super::{EvalError, statistics};
use crate::data::{Dataset, Targets};
use crate::progress::{Counter, Progress};
use rayon::prelude::*;
use serde::Serialize;

/// A network with one output says class 1 above this value.
const BINARY_THRESHOLD: f32 = 0.5;

/// How often a classifier is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Accuracy {
    /// Samples classified as labelled.
    pub correct: usize,
    /// Samples.
    pub n: usize,
    /// `confusion[label][predicted]` counts.
    pub confusion: Vec<Vec<usize>>,
    /// The predicted class of every sample, in order.
    pub predicted: Vec<usize>,
    /// How many classes the network preferred to the label, for every sample: 0 where it is right.
    pub ranks: Vec<usize>,
}

impl Accuracy {
    /// `correct / n`.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "sample counts are far below 2^52"
    )]
    pub fn fraction(&self) -> f64 {
        self.correct as f64 / self.n as f64
    }

    /// Samples whose label is among the `k` classes that the network prefers.
    #[must_use]
    pub fn within(&self, k: usize) -> usize {
        self.ranks.iter().filter(|rank| **rank < k).count()
    }

    /// 95 % interval of the accuracy.
    #[must_use]
    pub fn interval(&self) -> [f64; 2] {
        statistics::wilson(self.correct, self.n)
    }

    /// Right samples and all samples of a class.
    #[must_use]
    pub fn of_class(&self, class: usize) -> (usize, usize) {
        self.confusion.get(class).map_or((0, 0), |row| {
            (row.get(class).copied().unwrap_or(0), row.iter().sum())
        })
    }
}

/// Classifies every sample: `state` makes one runner a thread, `scores` gives the outputs of a sample by index.
///
/// The predicted class is the first largest output; of a single output, whether it exceeds 0.5.
///
/// # Errors
///
/// Data without labels, a label beyond the network's outputs, a failed run or a NaN output.
pub fn accuracy<S, E: ToString>(
    data: &Dataset,
    state: impl Fn() -> Result<S, E> + Sync,
    scores: impl Fn(&mut S, usize) -> Result<Vec<f32>, E> + Sync,
    progress: Progress<'_>,
) -> Result<Accuracy, EvalError> {
    let labels = data.labels().ok_or_else(|| EvalError::NoLabels {
        file: data.file().to_string(),
        found: if matches!(data.targets(), Targets::None) {
            "no 'y'"
        } else {
            "floats"
        },
    })?;
    let counter = Counter::new(labels.len(), progress);
    let verdicts = labels
        .par_iter()
        .enumerate()
        .map_init(&state, |state, (sample, &label)| {
            let failed = |reason: String| EvalError::Run { sample, reason };
            let state = state.as_mut().map_err(|e| failed(e.to_string()))?;
            let scores = scores(state, sample).map_err(|e| failed(e.to_string()))?;
            let verdict = judge(&scores, label).map_err(failed)?;
            counter.tick();
            if label < verdict.classes {
                Ok(verdict)
            } else {
                Err(EvalError::Label {
                    file: data.file().to_string(),
                    sample,
                    label,
                    classes: verdict.classes,
                })
            }
        })
        .collect::<Vec<_>>()
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let classes = verdicts.iter().map(|v| v.classes).max().unwrap_or(0);
    let mut confusion = vec![vec![0; classes]; classes];
    for (verdict, &label) in verdicts.iter().zip(labels) {
        confusion[label][verdict.predicted] += 1;
    }
    Ok(Accuracy {
        correct: (0..classes).map(|c| confusion[c][c]).sum(),
        n: labels.len(),
        confusion,
        predicted: verdicts.iter().map(|v| v.predicted).collect(),
        ranks: verdicts.iter().map(|v| v.rank).collect(),
    })
}

/// What a network says about one sample.
struct Verdict {
    predicted: usize,
    classes: usize,
    /// Classes that it prefers to the label.
    rank: usize,
}

fn judge(scores: &[f32], label: usize) -> Result<Verdict, String> {
    if scores.iter().any(|s| s.is_nan()) {
        return Err("the network's output holds a NaN".into());
    }
    match scores {
        [] => Err("the network has no output".into()),
        [one] => {
            let predicted = usize::from(*one > BINARY_THRESHOLD);
            Ok(Verdict {
                predicted,
                classes: 2,
                rank: usize::from(predicted != label),
            })
        }
        many => {
            // Of equal scores the first wins.
            let before = |a: usize, b: usize| many[a] > many[b] || (many[a] == many[b] && a < b);
            let best = (0..many.len()).fold(0, |b, i| if before(i, b) { i } else { b });
            let rank = (0..many.len()).filter(|&i| label < many.len() && before(i, label));
            Ok(Verdict {
                predicted: best,
                classes: many.len(),
                rank: rank.count(),
            })
        }
    }
}
