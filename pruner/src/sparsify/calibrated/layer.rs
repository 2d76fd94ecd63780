//! Prunes one layer, given what it receives in the dense and in the pruned network.

use super::super::{Method, Pattern, select};
use super::goal::Goal;
use super::gram::Rows;
use super::matrix::{Square, times, times_inverse};
use super::reader::Reader;
use super::support;
use super::sweep::Sweep;
use super::{Effort, Job};
use crate::arith;
use crate::ir::{Bias, Graph, Quant, Weights};

/// Share of the Hessian's mean diagonal that is added to the diagonal.
const DAMPING: f64 = 0.01;
/// Shares that samples kept aside choose from.
const DAMPINGS: [f64; 5] = [0.003, 0.01, 0.03, 0.1, 0.3];
/// Tenfold increases of the damping before a layer is given up.
const MAX_DAMPINGS: usize = 8;
/// One sample of so many is kept aside.
const ASIDE: usize = 4;

/// Patches of a layer's input.
pub(super) struct Inputs {
    /// In the dense network.
    pub(super) dense: Rows,
    /// In the network pruned so far.
    pub(super) pruned: Rows,
    /// Patches that follow each other and belong to one sample.
    pub(super) per_sample: usize,
}

/// Does a job on its layer.
pub(super) fn prune(
    graph: &mut Graph,
    job: &Job,
    (method, effort): (Method, Effort),
    inputs: Inputs,
) -> Result<(), String> {
    let input = graph.tensor(graph.nodes[job.node].inputs[0]);
    let (quant, channels) = (input.quant, input.shape.c);
    let Some((weights, bias, _)) = graph.nodes[job.node].op.layer_mut() else {
        return Ok(());
    };
    let mut sweep = Sweep::new(weights, job.pattern);
    let wanted = select::share(weights.len(), job.sparsity);
    match method {
        Method::Wanda => {
            let second = inputs.pruned.gram();
            let scale: Vec<f64> = (0..second.n).map(|j| second.at(j, j)).collect();
            sweep.mask_rows(&scale, job.sparsity);
        }
        Method::SparseGpt => {
            let second = inputs.pruned.gram();
            let (u, _) = damped_factor(second, DAMPING)?;
            sweep.solve(&u, wanted);
        }
        Method::Obs | Method::Filter => {
            let (md, ms) = (inputs.dense.means(), inputs.pruned.means());
            let before = sums(&sweep.weights, &md);
            let gone = job.gone.iter().map(|c| columns(weights, channels, *c));
            let wanted = Wanted {
                zeros: wanted,
                gone: gone.flatten().collect(),
            };
            sweep = solve(&sweep, &wanted, inputs, (&md, &ms), effort)?;
            let after = sums(&sweep.weights, &ms);
            let change: Vec<f64> = before.iter().zip(&after).map(|(b, a)| b - a).collect();
            add_bias(bias, &change, weights, quant);
        }
        Method::Keep | Method::Threshold | Method::Magnitude => return Ok(()),
    }
    sweep.store(weights);
    Ok(())
}

/// The network with the layer `node` pruned to every share of zeros, given the patches that it receives.
pub(super) fn at_levels(
    graph: &Graph,
    node: usize,
    pattern: Pattern,
    levels: &[f64],
    mut patches: Rows,
) -> Result<Vec<Graph>, String> {
    let quant = graph.tensor(graph.nodes[node].inputs[0]).quant;
    let Some((weights, ..)) = graph.nodes[node].op.layer() else {
        return Ok(Vec::new());
    };
    let dense = Sweep::new(weights, pattern);
    let means = patches.means();
    patches.subtract(&means);
    let own = patches.gram();
    drop(patches);
    let (u, lambda) = damped_factor(own.clone(), DAMPING)?;
    let goal = Goal::new(&own, lambda, &times(&dense.weights, &own), &dense.weights);
    let before = sums(&dense.weights, &means);
    let len = weights.len();
    let of_level = |level: &f64| {
        let mut candidate = graph.clone();
        let mut sweep = dense.clone();
        let grid = sweep.take_grid();
        sweep.solve(&u, select::share(len, *level));
        if goal.is_narrow() {
            goal.polish(&mut sweep.weights);
        }
        sweep.snap(grid, &u);
        let after = sums(&sweep.weights, &means);
        let change: Vec<f64> = before.iter().zip(&after).map(|(b, a)| b - a).collect();
        if let Some((weights, bias, _)) = candidate.nodes[node].op.layer_mut() {
            add_bias(bias, &change, weights, quant);
            sweep.store(weights);
        }
        candidate
    };
    Ok(levels.iter().map(of_level).collect())
}

/// Columns of an input channel in tap, channel order; of a vector its entries.
pub(super) fn columns(weights: &Weights, channels: usize, channel: usize) -> Vec<usize> {
    let [_, inputs, kh, kw] = weights.shape;
    if inputs == channels {
        return (0..kh * kw).map(|t| t * inputs + channel).collect();
    }
    let pixels = inputs / channels;
    (channel * pixels..(channel + 1) * pixels).collect()
}

/// The layer as a reader of channels, whose columns are given.
pub(super) fn reader(
    weights: &Weights,
    mut patches: Rows,
    columns: Vec<Vec<usize>>,
) -> Result<Reader, String> {
    let means = patches.means();
    patches.subtract(&means);
    let own = patches.gram();
    let (u, _) = damped_factor(own.clone(), DAMPING)?;
    let sweep = Sweep::new(weights, Pattern::Unstructured);
    Ok(Reader::new(&sweep, &own, &u, columns))
}

/// What a solved layer may not have.
struct Wanted {
    /// So many of its weights, those of `gone` included.
    zeros: usize,
    /// These columns, whose inputs are constant.
    gone: Vec<usize>,
}

/// Covariance of the pruned network's inputs, and of the dense network's with those.
pub(super) struct Moments {
    pub(super) own: Square,
    pub(super) cross: Square,
}

impl Moments {
    pub(super) fn of(dense: &Rows, pruned: &Rows) -> Self {
        Self {
            own: pruned.gram(),
            cross: dense.product(pruned),
        }
    }

    /// The sweep with refitted weights, and the best values for those that stay; `cross` is its product with the cross
    /// covariance.
    fn solve(
        &self,
        (sweep, cross): (&Sweep, &[f64]),
        wanted: &Wanted,
        damping: f64,
        effort: Effort,
    ) -> Result<Sweep, String> {
        let (u, lambda) = damped_factor(self.own.clone(), damping)?;
        let mut sweep = sweep.clone();
        let mut goal = Goal::new(&self.own, lambda, cross, &sweep.weights);
        sweep.weights = times_inverse(&goal.target, &u);
        sweep.clear_columns(&wanted.gone);
        goal.without_columns(&wanted.gone);
        let grid = sweep.take_grid();
        sweep.solve(&u, wanted.zeros);
        if effort == Effort::Full || (goal.is_narrow() && effort == Effort::Polish) {
            goal.polish(&mut sweep.weights);
        }
        if goal.is_narrow() && effort == Effort::Full && sweep.chooses(wanted.zeros) {
            support::improve(&mut sweep, &goal, wanted.zeros);
        }
        sweep.snap(grid, &u);
        Ok(sweep)
    }

    /// How much the outputs of `solved` differ from those of the dense weights whose product with the cross
    /// covariance is `cross`, but for what depends on those alone.
    fn error(&self, cross: &[f64], solved: &Sweep) -> f64 {
        let own = times(&solved.weights, &self.own);
        let terms = own.iter().zip(cross).zip(&solved.weights);
        terms.map(|((own, cross), w)| w * (own - 2.0 * cross)).sum()
    }
}

/// Refits and sweeps with the damping that does best on samples kept aside.
fn solve(
    sweep: &Sweep,
    wanted: &Wanted,
    inputs: Inputs,
    (md, ms): (&[f64], &[f64]),
    effort: Effort,
) -> Result<Sweep, String> {
    let Inputs {
        mut dense,
        mut pruned,
        per_sample,
    } = inputs;
    dense.subtract(md);
    pruned.subtract(ms);
    let (dense, dense_aside) = dense.split(per_sample, ASIDE);
    let (pruned, pruned_aside) = pruned.split(per_sample, ASIDE);
    let fit = Moments::of(&dense, &pruned);
    let cross = times(&sweep.weights, &fit.cross);
    if pruned_aside.len() == 0 || effort == Effort::Sweep {
        return fit.solve((sweep, &cross), wanted, DAMPING, effort);
    }
    let aside = Moments::of(&dense_aside, &pruned_aside);
    let cross_aside = times(&sweep.weights, &aside.cross);
    let mut best = (f64::INFINITY, DAMPING);
    for damping in DAMPINGS {
        let solved = fit.solve((sweep, &cross), wanted, damping, Effort::Polish)?;
        let error = aside.error(&cross_aside, &solved);
        if error < best.0 {
            best = (error, damping);
        }
    }
    let share = ratio(pruned.len(), pruned.len() + pruned_aside.len());
    let all = Moments {
        own: fit.own.mixed(&aside.own, share),
        cross: fit.cross.mixed(&aside.cross, share),
    };
    let cross = times(&sweep.weights, &all.cross);
    all.solve((sweep, &cross), wanted, best.1, effort)
}

#[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// The factor of the damped inverse and the damping; it grows until the matrix can be factored.
pub(super) fn damped_factor(mut hessian: Square, share: f64) -> Result<(Square, f64), String> {
    let mut lambda = 0.0;
    let mut add = share * hessian.mean_diagonal().max(0.0) + 1e-8;
    for _ in 0..MAX_DAMPINGS {
        hessian.add_diagonal(add);
        lambda += add;
        if let Some(u) = hessian.inverse_factor() {
            return Ok((u, lambda));
        }
        add = lambda * 9.0;
    }
    Err("its inputs are not finite, or too large to solve for".into())
}

/// Every row's product with the means.
pub(super) fn sums(weights: &[f64], means: &[f64]) -> Vec<f64> {
    weights
        .chunks_exact(means.len().max(1))
        .map(|w| w.iter().zip(means).map(|(w, m)| w * m).sum())
        .collect()
}

/// Adds real numbers to a bias: whole steps of input scale × weight scale in integer layers.
fn add_bias(bias: &mut Bias, change: &[f64], weights: &Weights, input: Option<Quant>) {
    let rows = change.len();
    match (input, bias) {
        (Some(input), bias) => {
            let mut steps = match bias {
                Bias::S32(v) => core::mem::take(v),
                Bias::None | Bias::F32(_) => vec![0; rows],
            };
            for ((step, change), scale) in steps.iter_mut().zip(change).zip(&weights.scales) {
                let size = f64::from(input.scale) * f64::from(*scale);
                if size > 0.0 {
                    *step = step.saturating_add(arith::round_half_even(change / size));
                }
            }
            *bias = Bias::S32(steps);
        }
        (None, bias) => {
            let mut values = match bias {
                Bias::F32(v) => core::mem::take(v),
                Bias::None | Bias::S32(_) => vec![0.0; rows],
            };
            values
                .iter_mut()
                .zip(change)
                .for_each(|(v, c)| *v += single(*c));
            *bias = Bias::F32(values);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "biases are f32")]
const fn single(x: f64) -> f32 {
    x as f32
}
