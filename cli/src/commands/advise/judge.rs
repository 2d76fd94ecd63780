//! How good a candidate is: by labels, or by what the original says.

use crate::commands::common::DataArgs;
use crate::commands::eval;
use crate::network::Network;
use crate::scorer::Scorer;
use nnz_pruner::data::{Dataset, Targets};
use rayon::prelude::*;
use std::path::Path;

/// What candidates are compared with.
enum Reference {
    /// The labels of the data.
    Labels,
    /// The classes that the original decides for.
    Classes(Vec<usize>),
    /// The outputs of the original, where they are no classes.
    Outputs(Vec<Vec<f32>>),
}

/// Measures candidates on one data set.
pub(super) struct Judge<'a> {
    data: Dataset,
    given: &'a DataArgs,
    reference: Reference,
}

impl<'a> Judge<'a> {
    /// By the labels of `labelled`, else by what the network says of the calibration samples.
    pub(super) fn new(
        network: &Network,
        labelled: Option<&Path>,
        calib: &Path,
        given: &'a DataArgs,
    ) -> anyhow::Result<Self> {
        let data = network.data(labelled.unwrap_or(calib))?;
        let classes =
            !network.gives_its_input_back()? && !matches!(data.targets(), Targets::Values(_));
        let reference = match (labelled, data.targets()) {
            (Some(_), Targets::Classes(_)) if classes => Reference::Labels,
            _ => {
                let outputs = outputs(network, &data, given)?;
                if classes {
                    Reference::Classes(outputs.iter().map(|o| decision(o)).collect())
                } else {
                    Reference::Outputs(outputs)
                }
            }
        };
        Ok(Self {
            data,
            given,
            reference,
        })
    }

    /// What [`Judge::measure`] gives, in words.
    pub(super) const fn name(&self) -> &'static str {
        match self.reference {
            Reference::Labels => "accuracy",
            Reference::Classes(_) => "agreement with the original",
            Reference::Outputs(_) => "fidelity to the original",
        }
    }

    /// 1 is perfect.
    #[expect(
        clippy::cast_precision_loss,
        reason = "sample counts are far below 2^52"
    )]
    pub(super) fn measure(&self, network: &Network) -> anyhow::Result<f64> {
        Ok(match &self.reference {
            Reference::Labels => eval::quiet_accuracy(network, &self.data, self.given)?.fraction(),
            Reference::Classes(wanted) => {
                let found = outputs(network, &self.data, self.given)?;
                let pairs = found.iter().zip(wanted);
                let same = pairs.filter(|(o, class)| decision(o) == **class).count();
                same as f64 / wanted.len().max(1) as f64
            }
            Reference::Outputs(wanted) => {
                fidelity(&outputs(network, &self.data, self.given)?, wanted)
            }
        })
    }
}

/// The first output for every sample.
fn outputs(network: &Network, data: &Dataset, given: &DataArgs) -> anyhow::Result<Vec<Vec<f32>>> {
    let samples = network.samples(data, given.order(), &given.preprocess())?;
    let scorer = Scorer::new(network, &samples, 0)?;
    let all = (0..data.len()).into_par_iter();
    all.map_init(|| scorer.state(), |state, i| scorer.scores(state, i))
        .collect()
}

/// The class that the scores mean.
fn decision(scores: &[f32]) -> usize {
    if let [score] = scores {
        return usize::from(*score > 0.5);
    }
    let mut best = 0;
    for (i, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = i;
        }
    }
    best
}

/// 1 − squared difference by the energy of what was wanted.
fn fidelity(found: &[Vec<f32>], wanted: &[Vec<f32>]) -> f64 {
    let values = || found.iter().flatten().zip(wanted.iter().flatten());
    let off: f64 = values().map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let energy: f64 = values().map(|(_, b)| f64::from(*b).powi(2)).sum();
    1.0 - off / energy.max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_first_largest_or_above_a_half() {
        assert_eq!(decision(&[0.1, 0.7, 0.7]), 1);
        assert_eq!((decision(&[0.4]), decision(&[0.6])), (0, 1));
    }

    #[test]
    fn fidelity_is_one_for_equal_outputs_and_less_for_others() {
        let wanted = vec![vec![3.0, 4.0]];
        assert!((fidelity(&wanted, &wanted) - 1.0).abs() < 1e-12);
        assert!((fidelity(&[vec![3.0, 3.0]], &wanted) - 0.96).abs() < 1e-9);
    }
}
