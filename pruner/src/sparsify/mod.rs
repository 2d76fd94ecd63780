//! Puts zeros into weights: methods choose, patterns group, an allocation spreads.
//!
//! Sparsity is zeros / weights of the prunable layers, zeros that were there before included. Values may be
//! floats or integers; integer scales stay, and magnitudes are compared as real numbers.

mod calibrated;
mod error;
mod filter;
mod groups;
mod layers;
mod method;
mod pattern;
mod permute;
mod report;
mod select;
mod sensitivity;
#[cfg(test)]
mod tests;

pub use calibrated::{Calibration, Effort, Refit, Refitted, RefittedLayer, refit};
pub use error::PruneError;
pub use filter::Criterion;
pub use layers::Choice;
pub use method::{METHODS, Method, MethodRow};
pub use pattern::{PATTERNS, Pattern, PatternRow};
pub use permute::permute;
pub use report::{LayerSparsity, SparsityReport};
pub use sensitivity::{Curve, Outputs, Point, sensitivity};

use crate::ir::Graph;
use crate::progress::{Progress, SILENT};
use select::Layer;

/// How sparsity is spread over layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Alloc {
    /// The same in every layer.
    #[default]
    Layer,
    /// The smallest weights of the whole network.
    Global,
    /// Layer-adaptive magnitude scores (arXiv:2010.07611).
    Lamp,
}

impl Alloc {
    /// Every allocation with its name on the command line.
    pub const ALL: [(&'static str, Self); 3] = [
        ("layer", Self::Layer),
        ("global", Self::Global),
        ("lamp", Self::Lamp),
    ];
}

/// What to prune and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Which weights go.
    pub method: Method,
    /// Which go together.
    pub pattern: Pattern,
    /// Wanted share of zeros; N:M patterns imply it.
    pub sparsity: Option<f64>,
    /// Largest |w| that method `threshold` clears.
    pub threshold: Option<f32>,
    /// How the share is spread.
    pub alloc: Alloc,
    /// Layers to leave alone, by node or initializer name.
    pub skip: Vec<String>,
    /// Layers to prune although the rule would not.
    pub include: Vec<String>,
    /// How method `filter` judges channels; `None` = by reconstruction where there are samples, else L1.
    pub criterion: Option<Criterion>,
    /// Share of the multiply-accumulates that method `filter` leaves at most.
    pub macs: Option<f64>,
    /// Share of zeros of layers by node name, instead of what `sparsity` and `alloc` give them; for methods that solve,
    /// and for `filter` beside the channels that leave.
    pub shares: Vec<(String, f64)>,
    /// Seed of methods that draw samples.
    pub seed: u64,
    /// How much `obs` and `filter` do for a layer.
    pub effort: Effort,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            method: Method::Keep,
            pattern: Pattern::Unstructured,
            sparsity: None,
            threshold: None,
            alloc: Alloc::Layer,
            skip: Vec::new(),
            include: Vec::new(),
            criterion: None,
            macs: None,
            shares: Vec::new(),
            seed: 0,
            effort: Effort::Full,
        }
    }
}

/// Prunes the weights of `graph` in place and reports every layer.
///
/// The result depends only on the graph and the options; equal magnitudes go in order of position.
///
/// # Errors
///
/// Options that contradict each other or name no layer; the graph is unchanged then.
pub fn apply(graph: &mut Graph, options: &Options) -> Result<SparsityReport, PruneError> {
    apply_with(graph, options, None, SILENT)
}

/// [`apply`], with samples for the methods that look at them; `progress` counts their layers.
///
/// # Errors
///
/// As [`apply`]; a calibrated method without samples, with samples that do not fit, or on integer weights. If a
/// sample cannot be run, layers before that point are pruned already.
pub fn apply_with(
    graph: &mut Graph,
    options: &Options,
    calibration: Option<&Calibration<'_>>,
    progress: Progress<'_>,
) -> Result<SparsityReport, PruneError> {
    let choices = layers::choose(graph, options)?;
    let task = Task::of(options)?;
    let before = report::nonzeros(graph, &choices);
    let prunable: Vec<usize> = choices
        .iter()
        .filter(|(_, c)| c.is_prunable())
        .map(|(i, _)| *i)
        .collect();
    if prunable.is_empty() && !matches!(task, Task::Keep) {
        let layers = choices
            .iter()
            .map(|(i, _)| graph.nodes[*i].name.clone())
            .collect();
        return Err(PruneError::NothingToPrune { layers });
    }
    if let Task::Filter(goal) = task {
        if options.criterion == Some(Criterion::Reconstruction) || calibration.is_some() {
            calibrated::check(graph, &[], options, calibration)?;
        }
        let skipped = choices.iter().filter(|(_, c)| *c == Choice::Skipped);
        let pinned: Vec<usize> = skipped.map(|(i, _)| *i).collect();
        filter::prune(graph, (goal, &pinned), options, calibration, progress)?;
    } else if options.method.is_calibrated() {
        let calibration = calibrated::check(graph, &prunable, options, calibration)?;
        let shares = match task {
            Task::Solve(sparsity) => select::shares(
                &mut selected(graph, &prunable),
                options.pattern,
                sparsity,
                options.alloc,
            ),
            Task::Keep
            | Task::Threshold(_)
            | Task::NofM(_)
            | Task::Magnitude(_)
            | Task::Filter(_) => vec![0.0; prunable.len()],
        };
        let job = |(node, sparsity)| calibrated::Job {
            node,
            sparsity,
            pattern: options.pattern,
            gone: Vec::new(),
        };
        let mut jobs: Vec<_> = prunable.into_iter().zip(shares).map(job).collect();
        for job in &mut jobs {
            let name = &graph.nodes[job.node].name;
            if let Some((_, share)) = options.shares.iter().find(|(n, _)| n == name) {
                job.sparsity = *share;
                job.pattern = options.pattern.or_dense(*share);
            }
        }
        let dense = graph.clone();
        calibrated::run(graph, dense, &jobs, options, calibration, progress)?;
    } else {
        clear(&mut selected(graph, &prunable), options, &task);
    }
    Ok(SparsityReport::new(graph, &choices, &before, options))
}

/// The weights of some nodes, in order.
fn selected<'g>(graph: &'g mut Graph, nodes: &[usize]) -> Vec<Layer<'g>> {
    let chosen = graph
        .nodes
        .iter_mut()
        .enumerate()
        .filter(|(i, _)| nodes.contains(i));
    chosen
        .filter_map(|(_, node)| node.op.weights_mut().map(Layer::new))
        .collect()
}

/// Methods that look at the weights alone.
fn clear(layers: &mut [Layer<'_>], options: &Options, task: &Task) {
    match *task {
        Task::Keep | Task::Solve(_) | Task::Filter(_) => {}
        Task::Threshold(limit) => {
            layers
                .iter_mut()
                .for_each(|l| select::threshold(l, options.pattern, limit));
        }
        Task::NofM(n) => layers
            .iter_mut()
            .for_each(|l| select::n_of_m(l, options.pattern, n)),
        Task::Magnitude(sparsity) => {
            select::magnitude(layers, options.pattern, sparsity, options.alloc);
        }
    }
}

/// What is to be done, with everything it needs.
enum Task {
    Keep,
    Threshold(f64),
    NofM(usize),
    Magnitude(f64),
    /// A calibrated method.
    Solve(f64),
    Filter(filter::Goal),
}

impl Task {
    fn of(options: &Options) -> Result<Self, PruneError> {
        let method = options.method.row().name;
        let wrong = |reason: &str| PruneError::Option {
            method,
            reason: reason.to_string(),
        };
        if let Some(sparsity) = options.sparsity.filter(|s| !(0.0..1.0).contains(s)) {
            return Err(PruneError::Sparsity { sparsity });
        }
        if options.threshold.is_some() && options.method != Method::Threshold {
            return Err(wrong("takes no --threshold: use --method threshold"));
        }
        if (options.macs.is_some() || options.criterion.is_some())
            && options.method != Method::Filter
        {
            return Err(wrong("takes no --macs or --criterion: use --method filter"));
        }
        match (options.method, options.pattern, options.sparsity) {
            (Method::Filter, Pattern::Channel | Pattern::Unstructured, sparsity) => {
                match (sparsity, options.macs) {
                    (Some(share), None) => Ok(Self::Filter(filter::Goal::Channels(share))),
                    (None, Some(share)) if share > 0.0 && share <= 1.0 => {
                        Ok(Self::Filter(filter::Goal::Macs(share)))
                    }
                    (None, Some(_)) => Err(wrong("needs --macs above 0 and up to 1")),
                    _ => Err(wrong(
                        "needs one of --sparsity S, the share of channels that leave, and --macs F, the share of the multiply-accumulates that stays",
                    )),
                }
            }
            (Method::Filter, ..) => Err(wrong("removes whole channels: use --pattern channel")),
            (_, Pattern::Channel, _) => {
                Err(wrong("does not remove whole channels: use --method filter"))
            }
            (Method::Keep | Method::Threshold, _, Some(_)) => {
                Err(wrong("takes no --sparsity: use --method magnitude"))
            }
            (Method::Keep, Pattern::Unstructured, _) => Ok(Self::Keep),
            (Method::Keep, ..) => Err(wrong(
                "removes nothing: leave --pattern out, or use --method obs or magnitude",
            )),
            (Method::Threshold, Pattern::NofM { .. }, _) => {
                Err(wrong("knows no N:M patterns: use --method magnitude"))
            }
            (Method::Threshold, ..) => match options.threshold {
                Some(t) if t.is_finite() && t >= 0.0 => Ok(Self::Threshold(t.into())),
                Some(_) => Err(wrong("needs a finite --threshold of at least 0")),
                None => Err(wrong("needs --threshold T, the largest |w| to clear")),
            },
            (method, Pattern::NofM { n, m }, sparsity) => {
                check_implied(n, m, sparsity).map_err(|r| wrong(&r))?;
                Ok(if method.is_calibrated() {
                    Self::Solve(0.0)
                } else {
                    Self::NofM(n)
                })
            }
            (Method::Magnitude, _, Some(sparsity)) => Ok(Self::Magnitude(sparsity)),
            (Method::Wanda | Method::SparseGpt | Method::Obs, _, Some(sparsity)) => {
                Ok(Self::Solve(sparsity))
            }
            (_, _, None) => Err(wrong("needs --sparsity S, the share of zeros")),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "group sides are at most 64")]
fn check_implied(n: usize, m: usize, sparsity: Option<f64>) -> Result<(), String> {
    let implied = 1.0 - n as f64 / m as f64;
    match sparsity {
        Some(s) if (s - implied).abs() > 0.005 => Err(format!(
            "with {n}:{m} means a sparsity of {implied:.3}: leave --sparsity {s} out"
        )),
        _ => Ok(()),
    }
}
