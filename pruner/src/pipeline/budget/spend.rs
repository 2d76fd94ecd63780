//! The smallest network whose accuracy drops by no more than was allowed.
//!
//! ```text
//! room ∈ (0, 1] of the whole network's cost (bytes with --prefer flash)  →  build  →  accuracy on labelled samples
//! ```
//!
//! Half of the open range is tried each time. Accuracy is not quite monotone, so that the result is the smallest
//! network that was built and passed, not a proof that no smaller one would.

use super::knob::Knob;
use super::limits::Need;
use crate::ir::Graph;
use crate::lower::Prefer;
use crate::pipeline::build::{Finished, Input, finish};
use crate::pipeline::{Listener, Options, PipelineError, Stage};
use serde::Serialize;

/// How much accuracy may be lost, and who measures it.
#[derive(Clone, Copy)]
pub struct Allowance<'a> {
    /// Percentage points.
    pub points: f64,
    /// The accuracy of a `.nnz` file, 0 to 1.
    pub accuracy: &'a dyn Fn(&[u8]) -> Result<f64, String>,
}

impl core::fmt::Debug for Allowance<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Allowance({} points)", self.points)
    }
}

/// The accuracy that was spent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spent {
    /// Percentage points that were allowed.
    pub allowed_points: f64,
    /// Accuracy of the network as it came, in the result's element type.
    pub before: f64,
    /// Accuracy of the result.
    pub after: f64,
}

/// Networks that are built between none and all.
const STEPS: usize = 7;

/// The smallest file within the allowance, and within the budget where there is one.
pub(in crate::pipeline) fn spend(
    graph: &Graph,
    input: &Input<'_>,
    options: &Options,
    allowance: Allowance<'_>,
    progress: Listener<'_>,
) -> Result<(Finished, Spent), PipelineError> {
    options.budget.check(options.target)?;
    let one = Options {
        any_technique: false,
        ..options.clone()
    };
    let knobs = Knob::all(graph, input, &one, progress)?;
    let Some(knob) = knobs.first() else {
        return Err(PipelineError::option(
            "there is nothing to prune",
            "see `nnz explain`",
        ));
    };
    let build = |options: &Options| finish(graph.clone(), input, options, progress);
    let judge = |finished: &Finished, done: usize| {
        progress(Stage::Judge, done, STEPS + 1);
        (allowance.accuracy)(&finished.file).map_err(|reason| {
            PipelineError::option(
                format!("the accuracy cannot be measured: {reason}"),
                "give labelled samples with `--data EVAL.npz`",
            )
        })
    };
    let whole = build(&knob.whole(options))?;
    let before = judge(&whole, 0)?;
    let passes = |accuracy: f64| 100.0 * (before - accuracy) <= allowance.points + 1e-9;
    let limit = within(options, whole.need());
    let (mut low, mut high) = (0.0, 1.0);
    let mut best = (whole, before);
    for done in 1..=STEPS {
        let room = (low + high) / 2.0;
        let found = build(&knob.options(&limit(room), room).0)?;
        let accuracy = judge(&found, done)?;
        if passes(accuracy) {
            high = room;
            best = (found, accuracy);
        } else {
            low = room;
        }
    }
    let (mut finished, after) = best;
    finished.provenance.accuracy = Some(after);
    finished.file = finished.built.file(&finished.provenance)?;
    check(options, &finished, allowance)?;
    let spent = Spent {
        allowed_points: allowance.points,
        before,
        after,
    };
    Ok((finished, spent))
}

/// Refuses a file that meets the accuracy and not the budget.
fn check(
    options: &Options,
    finished: &Finished,
    allowance: Allowance<'_>,
) -> Result<(), PipelineError> {
    let exceeded = options.budget.binding(finished.need(), options.target);
    if let Some(limit) = exceeded.filter(|limit| limit.share() > 1.0) {
        return Err(PipelineError::option(
            format!(
                "{} and --accuracy-drop {} cannot both be met: {} {} are allowed, within the accuracy {} are needed, {} too many",
                limit.limit,
                allowance.points,
                limit.most,
                limit.unit,
                limit.used,
                limit.used - limit.most
            ),
            "allow more of one of them, or fine-tune (`nnz prune --help`)",
        ));
    }
    Ok(())
}

/// The options with a limit of `room` times what the whole network needs.
fn within(options: &Options, whole: Need) -> impl Fn(f64) -> Options + '_ {
    move |room| {
        let mut limited = options.clone();
        let of = |whole: u64| Some(part(whole, room));
        match options.prefer {
            Prefer::Flash => limited.budget.flash = of(whole.bytes),
            Prefer::Speed => limited.budget.cycles = of(whole.cost),
        }
        limited
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 <= room <= 1 and sizes are far below 2^52"
)]
fn part(whole: u64, room: f64) -> u64 {
    (whole as f64 * room) as u64
}
