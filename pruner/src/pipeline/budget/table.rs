//! What every sparsity of every layer costs: the loss that it brings, its bytes, its predicted cost.

use super::LEVELS;
use super::knapsack::{self, Choice};
use super::limits::{Budget, ratio};
use crate::ir::{Graph, Values};
use crate::lower::{self, WeightChoice};
use crate::pipeline::build::{Built, Input, lowering};
use crate::pipeline::{Listener, Options, PipelineError, Stage, stages};
use crate::sparsify::{self, Curve, Point};

/// Mixtures of bytes and cost that are tried where both are limited.
const MIXTURES: [f64; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];

/// Losses, bytes and costs of every layer.
pub(super) struct Table {
    curves: Vec<Curve>,
    /// Per layer and point: bytes and cost of its step.
    costs: Vec<Vec<[u64; 2]>>,
    /// The rest of the file.
    fixed: [u64; 2],
}

/// What bytes and cost may be at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    limits: [Option<u64>; 2],
    /// All limits times this.
    scale: f64,
}

impl Room {
    /// The limits of a budget, times `scale`.
    pub(super) fn of(budget: &Budget, options: &Options, scale: f64) -> Self {
        Self {
            limits: [budget.flash, budget.cost(options.target)],
            scale,
        }
    }
}

impl Table {
    /// Prunes every layer alone to every level, and lowers it.
    pub(super) fn measure(
        graph: &Graph,
        input: &Input<'_>,
        options: &Options,
        progress: Listener<'_>,
    ) -> Result<Self, PipelineError> {
        let dense = Options {
            weights: WeightChoice::Dense,
            calib_limit: Some(1),
            ..options.clone()
        };
        let simple = stages::simplified(graph.clone(), &dense, input)?;
        let data = stages::calibration_data(options, graph)?;
        let calibration = stages::calibration(data.as_ref(), options, input.rounding);
        let Some(calibration) = calibration else {
            return Err(PipelineError::option(
                "a budget is met by measuring what every layer can lose",
                "give `--calib DATA.npz` with an array `x` of some hundred typical inputs",
            ));
        };
        let tell = |done, total| progress(Stage::Measure, done, total);
        let pruning = options.sparsify();
        let curves = sparsify::sensitivity(&simple, &pruning, &LEVELS, &calibration, &tell)
            .map_err(PipelineError::Sparsify)?;
        let silent: Listener<'_> = &|_, _, _| ();
        let (integers, _) = stages::to_dtype(simple, &dense, input.rounding, silent)?;
        let built = Built::new(&integers, options, input.rounding, silent)?;
        let file = built.file(&input.provenance(options, &built))?;
        let mut fixed = [file.len() as u64, built.cost()];
        let mut costs = Vec::new();
        for curve in &curves {
            let own = step(&built.program, &curve.name);
            fixed = [0, 1].map(|k| fixed[k].saturating_sub(own[k]));
            let of_point = |point: &Point| {
                let graph = without(&integers, &curve.name, &point.zeros);
                let program = lower::lower(&graph, &lowering(options, input.rounding))?;
                Ok(step(&program, &curve.name))
            };
            let points: Result<_, _> = curve.points.iter().map(of_point).collect();
            costs.push(points.map_err(PipelineError::Lower)?);
        }
        Ok(Self {
            curves,
            costs,
            fixed,
        })
    }

    /// Every layer's sparsity that loses least within the room; `None` where nothing fits.
    pub(super) fn choose(&self, room: Room) -> Option<Vec<(String, f64)>> {
        let mixtures: &[f64] = match room.limits {
            [Some(_), Some(_)] => &MIXTURES,
            [None, Some(_)] => &[1.0],
            _ => &[0.0],
        };
        let picked = mixtures.iter().filter_map(|m| self.mixed(room, *m));
        let (_, chosen) = picked.min_by(|a, b| a.0.total_cmp(&b.0))?;
        let pairs = self.curves.iter().zip(chosen);
        Some(
            pairs
                .map(|(curve, at)| (curve.name.clone(), curve.points[at].sparsity))
                .collect(),
        )
    }

    /// Every layer as it is.
    pub(super) fn whole(&self) -> Vec<(String, f64)> {
        let of = |c: &Curve| (c.name.clone(), c.points.first().map_or(0.0, |p| p.sparsity));
        self.curves.iter().map(of).collect()
    }

    /// The highest sparsity of every layer.
    pub(super) fn lightest(&self) -> Vec<(String, f64)> {
        let of = |c: &Curve| (c.name.clone(), c.points.last().map_or(0.0, |p| p.sparsity));
        self.curves.iter().map(of).collect()
    }

    /// Whether a room of `scale` 1 holds the network as it is.
    pub(super) fn is_whole(&self, room: Room) -> bool {
        let first =
            |k: usize| -> u64 { self.costs.iter().filter_map(|c| Some(c.first()?[k])).sum() };
        (0..2).all(|k| room.limits[k].is_none_or(|most| self.fixed[k] + first(k) <= most))
    }

    /// Least loss where bytes and cost count as one, mixed; its loss and the points.
    fn mixed(&self, room: Room, mixture: f64) -> Option<(f64, Vec<usize>)> {
        let share = |k: usize, cost: u64| match room.limits[k] {
            Some(limit) => {
                let left = ratio(limit, 1) * room.scale - ratio(self.fixed[k], 1);
                if left > 0.0 {
                    ratio(cost, 1) / left
                } else {
                    f64::INFINITY
                }
            }
            None => 0.0,
        };
        let cost = |of: &[u64; 2]| match mixture {
            0.0 => share(0, of[0]),
            1.0 => share(1, of[1]),
            m => (1.0 - m) * share(0, of[0]) + m * share(1, of[1]),
        };
        let of_layer = |(curve, costs): (&Curve, &Vec<[u64; 2]>)| {
            let pairs = curve.points.iter().zip(costs);
            let choice = |(point, of): (&Point, &[u64; 2])| Choice {
                loss: point.loss,
                cost: cost(of),
            };
            pairs.map(choice).collect::<Vec<_>>()
        };
        let layers: Vec<_> = self.curves.iter().zip(&self.costs).map(of_layer).collect();
        let chosen = knapsack::choose(&layers)?;
        let sum = |k: usize| {
            let costs = chosen.iter().zip(&self.costs);
            costs
                .map(|(at, costs)| share(k, costs[*at][k]))
                .sum::<f64>()
        };
        let loss = chosen.iter().zip(&layers).map(|(at, l)| l[*at].loss).sum();
        (sum(0) <= 1.0 && sum(1) <= 1.0).then_some((loss, chosen))
    }
}

/// Bytes and cost of a step.
fn step(program: &lower::Program, name: &str) -> [u64; 2] {
    let step = program.steps.iter().find(|s| s.name == name);
    step.map_or([0, 0], |s| [s.weight_bytes(), s.stats.cost])
}

/// The network with some weights of a layer at zero, where the layer still has that shape.
fn without(graph: &Graph, name: &str, zeros: &[bool]) -> Graph {
    let mut graph = graph.clone();
    let node = graph.nodes.iter_mut().find(|n| n.name == name);
    if let Some(weights) = node.and_then(|n| n.op.weights_mut())
        && weights.len() == zeros.len()
    {
        match &mut weights.values {
            Values::F32(v) => clear(v, zeros, 0.0),
            Values::S8(v) => clear(v, zeros, 0),
        }
    }
    graph
}

fn clear<T: Copy>(values: &mut [T], zeros: &[bool], zero: T) {
    let pairs = values.iter_mut().zip(zeros);
    pairs.filter(|(_, z)| **z).for_each(|(v, _)| *v = zero);
}
