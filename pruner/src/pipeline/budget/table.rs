//! What every sparsity of every layer costs: the loss that it brings, its bytes, its predicted cost.

use super::LEVELS;
use super::knapsack::{self, Choice};
use super::knob::of_channels;
use super::limits::Budget;
use crate::ir::{Graph, Node, Values};
use crate::lower::{self, WeightChoice};
use crate::pipeline::build::{Built, Input, lowering};
use crate::pipeline::{Listener, Options, PipelineError, Stage, stages};
use crate::sparsify::{self, Point, Refit};
use std::collections::BTreeMap;

/// Mixtures of bytes and cost that are tried where both are limited.
const MIXTURES: [f64; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];

/// Points between two measured ones, on a straight line.
const BETWEEN: u32 = 4;

/// One layer at one sparsity.
#[derive(Debug, Clone, Copy)]
struct Entry {
    sparsity: f64,
    loss: f64,
    /// Bytes and cost of its step.
    costs: [f64; 2],
}

impl Entry {
    /// The entry at `part` of the way to `next`.
    fn towards(self, next: Self, part: f64) -> Self {
        let mix = |a: f64, b: f64| a + part * (b - a);
        Self {
            sparsity: mix(self.sparsity, next.sparsity),
            loss: mix(self.loss, next.loss),
            costs: [0, 1].map(|k| mix(self.costs[k], next.costs[k])),
        }
    }
}

/// A layer at every sparsity, from none on.
#[derive(Debug)]
struct Layer {
    name: String,
    /// Share of its weights that stay when channels have left.
    kept: f64,
    entries: Vec<Entry>,
}

/// Losses, bytes and costs of every layer.
#[derive(Debug)]
pub(super) struct Table {
    /// Share of the multiply-accumulates that whole channels have left before.
    pub(super) macs: Option<f64>,
    layers: Vec<Layer>,
    /// The rest of the file.
    fixed: [f64; 2],
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
        macs: Option<f64>,
        progress: Listener<'_>,
    ) -> Result<Self, PipelineError> {
        let dense = Options {
            weights: WeightChoice::Dense,
            calib_limit: Some(1),
            refit: Refit::Off,
            ..options.clone()
        };
        let mut simple = stages::simplified(graph.clone(), &dense, input)?;
        let weights = weights(&simple);
        if let Some(macs) = macs {
            simple = narrowed(simple, input, options, macs)?;
        }
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
        let integers = stages::to_dtype(simple, &dense, input.rounding, silent)?.graph;
        let built = Built::new(&integers, options, input.rounding, silent)?;
        let file = built.file(&input.provenance(options, &built))?;
        let mut fixed = [real(file.len() as u64), real(built.cost())];
        let mut layers = Vec::new();
        for curve in &curves {
            let own = step(&built.program, &curve.name);
            fixed = [0, 1].map(|k| fixed[k] - own[k]);
            let of_point = |point: &Point| {
                let graph = without(&integers, &curve.name, &point.zeros);
                let program = lower::lower(&graph, &lowering(options, input.rounding))?;
                Ok(Entry {
                    sparsity: point.sparsity,
                    loss: point.loss,
                    costs: step(&program, &curve.name),
                })
            };
            let points: Result<Vec<_>, _> = curve.points.iter().map(of_point).collect();
            let points = points.map_err(PipelineError::Lower)?;
            let fine = !options.pattern_is_nm();
            let entries = if fine { between(&points) } else { points };
            layers.push(Layer {
                name: curve.name.clone(),
                kept: real(curve.weights as u64) / real(weights[&curve.name] as u64),
                entries,
            });
        }
        Ok(Self {
            macs,
            layers,
            fixed,
        })
    }

    /// Every layer's sparsity whose losses, to the power of `power`, are least within the room; `None` where nothing
    /// fits.
    pub(super) fn choose(&self, room: Room, power: i32) -> Option<Vec<(String, f64)>> {
        let mixtures: &[f64] = match room.limits {
            [Some(_), Some(_)] => &MIXTURES,
            [None, Some(_)] => &[1.0],
            _ => &[0.0],
        };
        let picked = mixtures.iter().filter_map(|m| self.mixed(room, *m, power));
        let (_, chosen) = picked.min_by(|a, b| a.0.total_cmp(&b.0))?;
        let mut chosen = chosen.into_iter();
        Some(self.shares(|entries| chosen.next().and_then(|at| entries.get(at))))
    }

    /// Every layer as it is.
    pub(super) fn whole(&self) -> Vec<(String, f64)> {
        self.shares(<[Entry]>::first)
    }

    /// The highest sparsity of every layer.
    pub(super) fn lightest(&self) -> Vec<(String, f64)> {
        self.shares(<[Entry]>::last)
    }

    fn shares<'t>(
        &'t self,
        mut pick: impl FnMut(&'t [Entry]) -> Option<&'t Entry>,
    ) -> Vec<(String, f64)> {
        let of = |layer: &'t Layer| {
            let sparsity = pick(&layer.entries).map_or(0.0, |e| e.sparsity);
            (layer.name.clone(), 1.0 - layer.kept * (1.0 - sparsity))
        };
        self.layers.iter().map(of).collect()
    }

    /// Whether a room of `scale` 1 holds the network as it is.
    pub(super) fn is_whole(&self, room: Room) -> bool {
        let first = |k: usize| -> f64 {
            let entries = self.layers.iter().filter_map(|l| l.entries.first());
            entries.map(|e| e.costs[k]).sum()
        };
        (0..2).all(|k| room.limits[k].is_none_or(|most| self.fixed[k] + first(k) <= real(most)))
    }

    /// Least loss where bytes and cost count as one, mixed; its loss and the entries.
    fn mixed(&self, room: Room, mixture: f64, power: i32) -> Option<(f64, Vec<usize>)> {
        let share = |k: usize, cost: f64| match room.limits[k] {
            Some(limit) => {
                let left = real(limit) * room.scale - self.fixed[k];
                if left > 0.0 {
                    cost / left
                } else {
                    f64::INFINITY
                }
            }
            None => 0.0,
        };
        let cost = |of: [f64; 2]| match mixture {
            0.0 => share(0, of[0]),
            1.0 => share(1, of[1]),
            m => (1.0 - m) * share(0, of[0]) + m * share(1, of[1]),
        };
        let choice = |e: &Entry| Choice {
            loss: e.loss.powi(power),
            cost: cost(e.costs),
        };
        let of_layer = |layer: &Layer| layer.entries.iter().map(choice).collect();
        let layers: Vec<Vec<Choice>> = self.layers.iter().map(of_layer).collect();
        let chosen = knapsack::choose(&layers)?;
        let sum = |k: usize| {
            let picked = chosen.iter().zip(&self.layers);
            picked
                .map(|(at, l)| share(k, l.entries[*at].costs[k]))
                .sum::<f64>()
        };
        let loss = chosen.iter().zip(&layers).map(|(at, l)| l[*at].loss).sum();
        (sum(0) <= 1.0 + 1e-9 && sum(1) <= 1.0 + 1e-9).then_some((loss, chosen))
    }
}

/// The network when whole channels have left, until `macs` of the multiply-accumulates stay.
fn narrowed(
    mut graph: Graph,
    input: &Input<'_>,
    options: &Options,
    macs: f64,
) -> Result<Graph, PipelineError> {
    let mut filter = options.clone();
    of_channels(&mut filter, macs);
    stages::prune_weights(&mut graph, &filter, input.rounding, &|_, _, _| ())?;
    stages::simplified(graph, options, input)
}

/// Number of weights by node name.
fn weights(graph: &Graph) -> BTreeMap<String, usize> {
    let named = |n: &Node| Some((n.name.clone(), n.op.weights()?.len().max(1)));
    graph.nodes.iter().filter_map(named).collect()
}

/// The points with others between them.
fn between(points: &[Entry]) -> Vec<Entry> {
    let pairs = points.iter().zip(points.iter().skip(1));
    let parts = |(a, b): (&Entry, &Entry)| {
        let (a, b) = (*a, *b);
        (0..BETWEEN).map(move |i| a.towards(b, f64::from(i) / f64::from(BETWEEN)))
    };
    pairs
        .flat_map(parts)
        .chain(points.last().copied())
        .collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "bytes and cycles are far below 2^52"
)]
const fn real(n: u64) -> f64 {
    n as f64
}

/// Bytes and cost of a step.
fn step(program: &lower::Program, name: &str) -> [f64; 2] {
    let step = program.steps.iter().find(|s| s.name == name);
    step.map_or([0.0, 0.0], |s| [real(s.weight_bytes()), real(s.stats.cost)])
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
