//! Whole filters leave: tensors really shrink, so that any kernel and every byte of memory gains.
//!
//! ```text
//! spaces   which channels can only leave together (depthwise, sums, flatten)
//! judge    how much a group matters: L1, L2, or what its readers cannot make up for
//! remove   its filters become zero; with calibration data its readers are solved anew, in order of execution
//! ```
//!
//! The pass that removes constant channels then cuts the tensors.

mod score;
mod size;
#[cfg(test)]
mod tests;

use super::calibrated::{self, Calibration, Job};
use super::groups::{self, Group, Space};
use super::{Alloc, Options, Pattern, PruneError};
use crate::ir::{Bias, Graph, Values};
use crate::progress::Progress;

use score::{Judge, Norms, Reconstruction};
use size::{Cost, Size};

/// How channels are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Criterion {
    /// Sum of |w| of the filter (Li et al. 2017, arXiv:1608.08710).
    L1,
    /// Sum of w² of the filter.
    L2,
    /// What the layers that read the channel cannot make up for, measured on calibration data.
    Reconstruction,
}

impl Criterion {
    /// Every criterion with its name on the command line.
    pub const ALL: [(&'static str, Self); 3] = [
        ("l1", Self::L1),
        ("l2", Self::L2),
        ("reconstruction", Self::Reconstruction),
    ];
}

/// When enough channels have left.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goal {
    /// A share of those that may leave.
    Channels(f64),
    /// At most a share of the multiply-accumulates is left.
    Macs(f64),
}

/// Removes whole channels until the goal is reached.
pub(super) fn prune(
    graph: &mut Graph,
    (goal, pinned): (Goal, &[usize]),
    options: &Options,
    calibration: Option<&Calibration<'_>>,
    progress: Progress<'_>,
) -> Result<(), PruneError> {
    let spaces = groups::spaces(graph, pinned);
    if spaces.is_empty() {
        let names = graph.nodes.iter().map(|n| n.name.clone());
        return Err(PruneError::NothingToPrune {
            layers: names.collect(),
        });
    }
    let criterion = options.criterion.unwrap_or(if calibration.is_some() {
        Criterion::Reconstruction
    } else {
        Criterion::L1
    });
    let mut judge: Box<dyn Judge> = match (criterion, calibration) {
        (Criterion::L1, _) => Box::new(Norms::of(graph, 1)),
        (Criterion::L2, _) => Box::new(Norms::of(graph, 2)),
        (Criterion::Reconstruction, Some(calibration)) => Box::new(Reconstruction {
            readers: calibrated::readers(graph, options, calibration)?,
        }),
        (Criterion::Reconstruction, None) => {
            return Err(PruneError::Option {
                method: options.method.row().name,
                reason: "judges by reconstruction on calibration samples: give --calib DATA.npz, or --criterion l1"
                    .into(),
            });
        }
    };
    let leaving = choose(graph, &spaces, goal, options.alloc, judge.as_mut());
    let dense = graph.clone();
    leaving.iter().for_each(|g| silence(graph, g));
    match calibration {
        Some(calibration) if criterion == Criterion::Reconstruction => {
            let jobs = jobs_in_order(graph, &leaving, options);
            calibrated::run(graph, dense, &jobs, options, calibration, progress)
        }
        Some(_) | None => Ok(()),
    }
}

/// The groups that leave, in order.
fn choose<'s>(
    graph: &Graph,
    spaces: &'s [Space],
    goal: Goal,
    alloc: Alloc,
    judge: &mut dyn Judge,
) -> Vec<&'s Group> {
    let mut size = Size::of(graph);
    let whole = size.cost();
    let total: usize = spaces.iter().map(Vec::len).sum();
    let mut rest: Vec<Vec<&Group>> = spaces.iter().map(|s| s.iter().collect()).collect();
    let mut leaving = Vec::new();
    let done = |size: &Size, left: usize| match goal {
        Goal::Channels(share) => left >= super::select::share(total, share),
        Goal::Macs(share) => below(size.cost().macs, whole.macs, share),
    };
    while !done(&size, leaving.len()) {
        let open = |(s, groups): &(usize, &Vec<&Group>)| groups.len() > 1 && !spaces[*s].is_empty();
        let places: Vec<usize> = match alloc {
            // The space that has kept the largest share gives next.
            Alloc::Layer => rest
                .iter()
                .enumerate()
                .filter(open)
                .max_by(|a, b| {
                    let share = |(s, g): &(usize, &Vec<&Group>)| g.len() * total / spaces[*s].len();
                    share(a).cmp(&share(b)).then(b.0.cmp(&a.0))
                })
                .map(|(s, _)| s)
                .into_iter()
                .collect(),
            Alloc::Global | Alloc::Lamp => rest
                .iter()
                .enumerate()
                .filter(open)
                .map(|(s, _)| s)
                .collect(),
        };
        let price = |g: &Group| match alloc {
            Alloc::Layer => judge.loss(g),
            Alloc::Global | Alloc::Lamp => judge.loss(g) / gain(size.saving(g), whole),
        };
        let best = places
            .iter()
            .flat_map(|s| (0..rest[*s].len()).map(move |i| (*s, i)))
            .map(|(s, i)| (price(rest[s][i]), s, i))
            .min_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let Some((_, s, i)) = best else { break };
        let group = rest[s].remove(i);
        size.remove(group);
        judge.left(group);
        leaving.push(group);
    }
    leaving
}

#[expect(
    clippy::cast_precision_loss,
    reason = "multiply-accumulates and weights are far below 2^52"
)]
fn gain(saving: Cost, whole: Cost) -> f64 {
    saving.macs as f64 / whole.macs as f64 + saving.weights as f64 / whole.weights as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "multiply-accumulates are far below 2^52"
)]
fn below(part: u64, whole: u64, share: f64) -> bool {
    part as f64 <= share * whole as f64
}

/// The group's filters give zero.
fn silence(graph: &mut Graph, group: &Group) {
    for &(node, row) in &group.writers {
        let Some((weights, bias, _)) = graph.nodes[node].op.layer_mut() else {
            continue;
        };
        let len = weights.row_len();
        let range = row * len..(row + 1) * len;
        match &mut weights.values {
            Values::F32(v) => v[range].fill(0.0),
            Values::S8(v) => v[range].fill(0),
        }
        match bias {
            Bias::F32(b) => b[row] = 0.0,
            Bias::S32(b) => b[row] = 0,
            Bias::None => {}
        }
    }
}

/// Layers from the first that loses something on, with the channels that each lost and the share of its weights that
/// are to be zero, those of the channels included.
fn jobs_in_order(graph: &Graph, leaving: &[&Group], options: &Options) -> Vec<Job> {
    let share = |node: usize| {
        let name = &graph.nodes[node].name;
        let found = options.shares.iter().find(|(n, _)| n == name);
        found.map_or(0.0, |(_, share)| *share)
    };
    let mut jobs: Vec<Job> = (0..graph.nodes.len())
        .filter(|i| graph.nodes[*i].op.weights().is_some() && !groups::is_depthwise(graph, *i))
        .map(|node| Job {
            node,
            sparsity: share(node),
            pattern: Pattern::Unstructured,
            gone: Vec::new(),
        })
        .collect();
    for (node, channel) in leaving.iter().flat_map(|g| &g.readers) {
        if let Some(job) = jobs.iter_mut().find(|j| j.node == *node) {
            job.gone.push(*channel);
        }
    }
    let loses = |j: &Job| !j.gone.is_empty() || j.sparsity > 0.0;
    let first = jobs.iter().position(loses);
    jobs.split_off(first.unwrap_or(jobs.len()))
}
