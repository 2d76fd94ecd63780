//! Which of several networks keeps the outputs best: solved on some calibration samples, judged on others.
//!
//! ```text
//! samples   [ solved on … )[ judged on … )
//! verdict   Σ (y − y_dense)² / Σ (y_dense − mean)²  +  share of samples whose largest output changed
//! ```
//!
//! A network with more freedom follows the samples that it was solved on more closely, which says nothing about
//! others. The second term counts only where outputs are classes: one vector, much shorter than the input.

use crate::data::Dataset;
use crate::ir::Graph;
use crate::pipeline::build::Input;
use crate::pipeline::{Options, PipelineError, stages};
use crate::sparsify::{Calibration, Outputs};

/// Samples that networks are solved with to be compared, and on which they are judged, at most.
const SOLVED: usize = 400;
const JUDGED: usize = 600;
/// Of ten samples so many are solved with where there are few.
const OF_TEN: usize = 6;
/// Outputs are classes where the input is so many times as long.
const SHORTER: usize = 4;

/// A judge of pruned networks.
pub(super) struct Judge<'a> {
    dense: Graph,
    input: &'a Input<'a>,
    options: &'a Options,
    data: Option<Dataset>,
    /// Samples that are solved with.
    solved: usize,
    wanted: Option<Outputs>,
    classes: bool,
}

impl<'a> Judge<'a> {
    /// A judge of what is made of `graph`.
    pub(super) fn new(
        graph: &Graph,
        input: &'a Input<'a>,
        options: &'a Options,
    ) -> Result<Self, PipelineError> {
        let dense = stages::simplified(graph.clone(), options, input)?;
        let data = stages::calibration_data(options, graph)?;
        let n = data.as_ref().map_or(0, Dataset::len);
        let n = n.min(options.solve_limit.unwrap_or(n));
        let classes = are_classes(&dense);
        let mut judge = Self {
            dense,
            input,
            options,
            data,
            solved: SOLVED.min(n * OF_TEN / 10),
            wanted: None,
            classes,
        };
        judge.wanted = judge.outputs(&judge.dense)?;
        Ok(judge)
    }

    /// What the network that these options make loses; less is better.
    pub(super) fn loss(&self, turned: &Options) -> Result<f64, PipelineError> {
        let mut turned = turned.clone();
        turned.solve_limit = Some(self.solved.max(1));
        let mut pruned = self.dense.clone();
        stages::prune_weights(&mut pruned, &turned, self.input.rounding, &|_, _, _| ())?;
        let found = self.outputs(&pruned)?;
        let (Some(found), Some(wanted)) = (found, &self.wanted) else {
            return Ok(0.0);
        };
        let differ = if self.classes {
            found.disagreement(wanted)
        } else {
            0.0
        };
        Ok(found.error(wanted) + differ)
    }

    /// The outputs for the samples that are judged on.
    fn outputs(&self, graph: &Graph) -> Result<Option<Outputs>, PipelineError> {
        let data = self.data.as_ref();
        let Some(calibration) = stages::calibration(data, self.options, self.input.rounding) else {
            return Ok(None);
        };
        let aside = Calibration {
            skip: self.solved,
            limit: Some(JUDGED),
            ..calibration
        };
        let outputs = Outputs::of(graph, &aside).map_err(PipelineError::Sparsify)?;
        Ok(Some(outputs))
    }
}

/// Whether a network tells classes: one short vector.
fn are_classes(graph: &Graph) -> bool {
    let len = |ids: &[crate::ir::TensorId]| -> usize {
        let shapes = ids.iter().map(|id| graph.tensor(*id).shape);
        shapes.map(|s| s.c * s.pixels()).sum()
    };
    let &[end] = &graph.outputs[..] else {
        return false;
    };
    graph.tensor(end).shape.pixels() == 1 && len(&[end]) * SHORTER <= len(&graph.inputs)
}
