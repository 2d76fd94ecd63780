//! What was gained, against the same network with dense weights.

use super::{Options, Spent, Use};
use crate::ir::{Graph, Values, Weights};
use crate::lower::Program;
use crate::plan::Plan;
use crate::sparsify::{Refitted, SparsityReport};
use nnz_format::WeightLayout;
use nnz_support::targets::CostUnit;
use serde::Serialize;

/// A number of the pruned file, and of the same network with dense weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Versus {
    /// The file that was made.
    pub now: u64,
    /// The same network with `--weights dense`.
    pub dense: u64,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerRow {
    /// The node's name.
    pub name: String,
    /// The operator.
    pub op: &'static str,
    /// Layout of the weights.
    pub layout: &'static str,
    /// All weights.
    pub weights: u64,
    /// Weights that are not zero.
    pub nonzeros: u64,
    /// Multiply-accumulates with every weight stored.
    pub macs: u64,
    /// Stored weights × output pixels.
    pub stored_macs: u64,
    /// Bytes of the encoded weights.
    pub weight_bytes: u64,
    /// Instructions that the cost model predicts, where the target's table counts them.
    pub instructions: Option<Versus>,
    /// Cycles that the cost model predicts, likewise.
    pub cycles: Option<Versus>,
}

/// What `nnz prune` says at the end.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The target.
    pub target: &'static str,
    /// Bytes of the file.
    pub bytes: Versus,
    /// Bytes of the arena.
    pub arena: Versus,
    /// Instructions that the cost model predicts, where the target's table counts them.
    pub instructions: Option<Versus>,
    /// Cycles that the cost model predicts, likewise.
    pub cycles: Option<Versus>,
    /// All weights.
    pub weights: u64,
    /// Weights that are not zero.
    pub nonzeros: u64,
    /// Non-zeros of sparse layers and all weights of dense ones.
    pub stored_weights: u64,
    /// Multiply-accumulates with every weight stored.
    pub macs: u64,
    /// Multiply-accumulates of the network as it came, channels that have left included.
    pub dense_macs: u64,
    /// Stored weights × output pixels.
    pub stored_macs: u64,
    /// Output channels all of whose weights are zero, of all layers that the file has.
    pub empty_channels: usize,
    /// No plan of these steps needs a smaller arena.
    pub arena_bound: u64,
    /// The pruning method.
    pub method: &'static str,
    /// Zeros / weights of the prunable layers, before dead channels are removed.
    pub sparsity_of_prunable: f64,
    /// Zeros / weights of all layers, before dead channels are removed.
    pub sparsity_of_all: f64,
    /// What pruning did, layer by layer.
    #[serde(skip)]
    pub sparsity: SparsityReport,
    /// One row a step.
    pub layers: Vec<LayerRow>,
    /// The limits that were given, and what is used of them.
    pub budget: Vec<Use>,
    /// What the result lost on labelled samples, where an accuracy was the limit.
    pub spent: Option<Spent>,
    /// What was changed after quantisation; nothing to tell where the network was an integer one.
    pub refitted: Option<Refitted>,
    /// What importer, passes and lowering want the user to know.
    pub notes: Vec<String>,
}

impl Report {
    /// Compares a program, its plan and its file size with its dense twin.
    pub(super) fn new(
        (program, plan, bytes): (&Program, &Plan, usize),
        (dense, dense_plan, dense_bytes): (&Program, &Plan, usize),
        (sparsity, refitted): (SparsityReport, Option<Refitted>),
        notes: &[String],
        options: &Options,
    ) -> Self {
        let (totals, dense_totals) = (program.totals(), dense.totals());
        let versus = |now: u64, dense: u64| Versus { now, dense };
        let by_unit = |cost: Versus| match options.target.cost.unit {
            CostUnit::Instructions => (Some(cost), None),
            CostUnit::Cycles => (None, Some(cost)),
        };
        let (instructions, cycles) = by_unit(versus(totals.cost, dense_totals.cost));
        let layers = program
            .steps
            .iter()
            .map(|step| (step, dense.steps.iter().find(|twin| twin.name == step.name)))
            .map(|(step, twin)| {
                (
                    step,
                    by_unit(versus(step.stats.cost, twin.unwrap_or(step).stats.cost)),
                )
            })
            .map(|(step, (instructions, cycles))| LayerRow {
                name: step.name.clone(),
                op: step.op.name(),
                layout: step.layout().name(),
                weights: step.stats.weights,
                nonzeros: step.stats.nonzeros,
                macs: step.stats.macs,
                stored_macs: step.stats.stored_macs,
                weight_bytes: step.weight_bytes(),
                instructions,
                cycles,
            });
        Self {
            target: options.target.name,
            bytes: versus(bytes as u64, dense_bytes as u64),
            arena: versus(plan.arena_len.into(), dense_plan.arena_len.into()),
            instructions,
            cycles,
            weights: totals.weights,
            nonzeros: totals.nonzeros,
            stored_weights: totals.stored_weights,
            macs: totals.macs,
            dense_macs: dense_totals.macs,
            stored_macs: totals.stored_macs,
            empty_channels: 0,
            arena_bound: plan.lower_bound.into(),
            method: options.method().row().name,
            sparsity_of_prunable: sparsity.sparsity(),
            sparsity_of_all: sparsity.sparsity_of_all(),
            sparsity,
            layers: layers.collect(),
            budget: Vec::new(),
            spent: None,
            refitted,
            notes: notes.iter().chain(&program.notes).cloned().collect(),
        }
    }

    /// The report of a network that was made to a budget.
    pub(super) fn held_to(
        self,
        method: &'static str,
        budget: Vec<Use>,
        spent: Option<Spent>,
    ) -> Self {
        Self {
            method,
            budget,
            spent,
            ..self
        }
    }

    /// The report of a network whose integers or floats are `graph`'s.
    pub(super) fn counted(self, graph: &Graph) -> Self {
        let empty = |w: &Weights| match &w.values {
            Values::F32(v) => v
                .chunks(w.row_len().max(1))
                .filter(|r| r.iter().all(|x| *x == 0.0))
                .count(),
            Values::S8(v) => v
                .chunks(w.row_len().max(1))
                .filter(|r| r.iter().all(|x| *x == 0))
                .count(),
        };
        let layers = graph.nodes.iter().filter_map(|n| n.op.weights());
        Self {
            empty_channels: layers.map(empty).sum(),
            ..self
        }
    }

    /// The predicted cost, in the unit of the target's table.
    #[must_use]
    pub fn cost(&self) -> Versus {
        let none = Versus { now: 0, dense: 0 };
        self.cycles.or(self.instructions).unwrap_or(none)
    }

    /// Steps whose weights are stored sparsely.
    #[must_use]
    pub fn sparse_layers(&self) -> usize {
        let plain = [WeightLayout::Dense.name(), WeightLayout::None.name()];
        self.layers
            .iter()
            .filter(|l| !plain.contains(&l.layout))
            .count()
    }
}
