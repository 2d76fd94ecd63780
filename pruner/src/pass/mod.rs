//! Graph to graph: what is computed stays the same, what it costs shrinks.
//!
//! Every pass is a pure function and one row of [`PASSES`]; [`run`] applies the rows in order. All of them are
//! lossless in the sense of the design: integer graphs give the same bytes, float graphs the same values up to the
//! rounding of folded constants.

mod affine;
mod channels;
mod clamp;
mod flatten;
mod functions;
mod identity;
mod pad;
mod rewrite;
mod trace;

pub use trace::{Effect, trace};

use crate::arith::Rounding;
use crate::ir::{Graph, GraphError};

/// One pass.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    /// Its name in reports.
    pub name: &'static str,
    /// What it does, one line.
    pub what: &'static str,
    /// Integer graphs give the same bytes afterwards, float graphs the same up to rounding.
    pub lossless: bool,
    /// Runs under every [`PassSet`], because executable programs have no such operator.
    pub required: bool,
    /// Weights disappear, not only operators.
    pub removes_weights: bool,
    apply: fn(Graph, Rounding) -> Result<Graph, String>,
}

/// All passes, in the order in which they run.
pub const PASSES: &[Pass] = &[
    Pass {
        name: "fuse_functions",
        what: "operators that together compute silu, gelu, hard_swish … become that function",
        lossless: true,
        required: false,
        removes_weights: false,
        apply: functions::fuse,
    },
    Pass {
        name: "fold_affine",
        what: "per-channel scale and shift become part of the convolution or fully connected layer before them",
        lossless: true,
        required: true,
        removes_weights: false,
        apply: affine::fold,
    },
    Pass {
        name: "remove_identity",
        what: "identities and quantisations that undo each other disappear",
        lossless: true,
        required: false,
        removes_weights: false,
        apply: identity::remove,
    },
    Pass {
        name: "fold_flatten",
        what: "flattening before a fully connected layer becomes an order of its columns",
        lossless: true,
        required: false,
        removes_weights: false,
        apply: flatten::fold,
    },
    Pass {
        name: "fold_pad",
        what: "padding with zero becomes the padding of the convolutions after it",
        lossless: true,
        required: false,
        removes_weights: false,
        apply: pad::fold,
    },
    Pass {
        name: "fuse_clamp",
        what: "activations become bounds of the operator before them",
        lossless: true,
        required: false,
        removes_weights: false,
        apply: clamp::fuse,
    },
    Pass {
        name: "remove_channels",
        what: "channels that are constant, or that nothing reads, disappear; constants move into the next bias",
        lossless: true,
        required: false,
        removes_weights: true,
        apply: channels::remove,
    },
    Pass {
        name: "drop_unused",
        what: "operators and tensors that no output depends on disappear",
        lossless: true,
        required: false,
        removes_weights: false,
        apply: rewrite::drop_unused,
    },
];

/// Which passes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PassSet {
    /// Every pass.
    #[default]
    All,
    /// Only the required ones: one step an operator of the source model.
    None,
    /// Those that change no integer output.
    Lossless,
    /// Those that remove no channel: what a runtime that stores and multiplies zeros would execute.
    Dense,
}

impl PassSet {
    /// Whether the set holds a pass.
    #[must_use]
    pub const fn contains(self, pass: &Pass) -> bool {
        match self {
            Self::All => true,
            Self::None => pass.required,
            Self::Lossless => pass.required || pass.lossless,
            Self::Dense => !pass.removes_weights,
        }
    }
}

/// A pass could not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PassError {
    /// The graph was not well formed to begin with.
    Input(GraphError),
    /// The graph holds something that the pass cannot evaluate.
    Unsupported {
        /// The pass.
        pass: &'static str,
        /// What and where.
        reason: String,
    },
    /// The pass left a graph that is not well formed: a bug in it.
    Broken {
        /// The pass.
        pass: &'static str,
        /// The rule that no longer holds.
        error: GraphError,
    },
}

impl core::fmt::Display for PassError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Input(error) => write!(f, "{error}"),
            Self::Unsupported { pass, reason } => write!(f, "pass '{pass}': {reason}"),
            Self::Broken { pass, error } => {
                write!(
                    f,
                    "pass '{pass}' broke the graph (`--passes none` goes around it): {error}"
                )
            }
        }
    }
}

impl core::error::Error for PassError {}

/// Applies a set of passes; integer layers have the rounding of the graph's arithmetic.
///
/// # Errors
///
/// The graph is not well formed, or holds a node that cannot be evaluated.
pub fn run(graph: Graph, set: PassSet) -> Result<Graph, PassError> {
    let rounding = graph.arithmetic.rounding();
    run_with_rounding(graph, set, rounding)
}

/// Applies a set of passes; `rounding` is that of the file's integer layers and decides the value of constant channels.
///
/// # Errors
///
/// As [`run`].
pub fn run_with_rounding(
    graph: Graph,
    set: PassSet,
    rounding: Rounding,
) -> Result<Graph, PassError> {
    graph.check().map_err(PassError::Input)?;
    let chosen = PASSES.iter().filter(|p| set.contains(p));
    chosen
        .into_iter()
        .try_fold(graph, |graph, pass| apply(graph, pass, rounding))
}

/// One pass, and the rules of a graph after it.
fn apply(graph: Graph, pass: &Pass, rounding: Rounding) -> Result<Graph, PassError> {
    let graph = (pass.apply)(graph, rounding).map_err(|reason| PassError::Unsupported {
        pass: pass.name,
        reason,
    })?;
    graph.check().map_err(|error| PassError::Broken {
        pass: pass.name,
        error,
    })?;
    Ok(graph)
}

/// Only the pass that makes activations bounds of the operator before them.
pub(crate) fn fuse_clamps(graph: Graph) -> Result<Graph, String> {
    let rounding = graph.arithmetic.rounding();
    clamp::fuse(graph, rounding)
}

/// Only the pass that drops what no output depends on.
pub(crate) fn drop_unused(graph: Graph) -> Result<Graph, String> {
    let rounding = graph.arithmetic.rounding();
    rewrite::drop_unused(graph, rounding)
}

#[cfg(test)]
mod tests;
