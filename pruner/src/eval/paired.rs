//! Two classifiers on the same samples: where they disagree, and whether that is more than chance.

use super::{Accuracy, statistics};
use serde::Serialize;

/// How two classifiers compare, sample by sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Paired {
    /// Samples.
    pub n: usize,
    /// Samples for which both say the same class.
    pub agree: usize,
    /// Right with both.
    pub both_right: usize,
    /// Right with the first only.
    pub gained: usize,
    /// Right with the second only.
    pub lost: usize,
    /// Wrong with both.
    pub both_wrong: usize,
    /// Accuracy of the first minus that of the second.
    pub difference: f64,
    /// 95 % interval of the difference.
    pub interval: [f64; 2],
    /// `McNemar`'s exact two-sided probability of so uneven a disagreement between equally good networks.
    pub p_value: f64,
}

impl Paired {
    /// Compares `first` with `second`; `None` where they saw another number of samples.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn new(first: &Accuracy, second: &Accuracy) -> Option<Self> {
        if first.n != second.n || first.n == 0 {
            return None;
        }
        let pairs = || first.ranks.iter().zip(&second.ranks);
        let count = |a: bool, b: bool| {
            pairs()
                .filter(|(x, y)| (**x == 0, **y == 0) == (a, b))
                .count()
        };
        let (gained, lost) = (count(true, false), count(false, true));
        let predictions = first.predicted.iter().zip(&second.predicted);
        Some(Self {
            n: first.n,
            agree: predictions.filter(|(a, b)| a == b).count(),
            both_right: count(true, true),
            gained,
            lost,
            both_wrong: count(false, false),
            difference: (gained as f64 - lost as f64) / first.n as f64,
            interval: statistics::paired_interval(gained, lost, first.n),
            p_value: statistics::mcnemar(gained, lost),
        })
    }
}
