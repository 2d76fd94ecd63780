//! From meaning to decisions: a [`Graph`] becomes a [`Program`] for the target's backend.
//!
//! ```text
//! Graph ─ tensors: a layout for each activation ─ nodes: integer parameters ─ weights: a layout for each matrix → Program
//! ```
//!
//! Activations between layers are planar; inputs and outputs lie as the caller has them. Flattens and
//! identities cost nothing where the memory order allows it. Integer layers get multipliers, shifts and
//! biases with the input's zero point folded in; which weight layout a layer gets is a question of the
//! cost that the target's table predicts, or of bytes ([`Prefer`]).

mod activations;
mod again;
mod convert;
mod narrow;
mod nodes;
mod operators;
mod program;
mod shuffle;
mod tensors;
#[cfg(test)]
mod tests;
mod weights;

pub use again::{again, has_floats};
pub use program::{Program, Step, StepStats, TensorSpec};

use crate::ir::{Graph, GraphError};
use crate::target::Target;
use nnz_format::Rounding;

/// Which weight layouts may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WeightChoice {
    /// The best by [`Prefer`].
    #[default]
    Auto,
    /// Dense everywhere, for comparison.
    Dense,
}

/// What a weight layout is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prefer {
    /// Least predicted cost on the target; a sparse layout only where it is predicted to be faster than dense.
    #[default]
    Speed,
    /// Fewest bytes.
    Flash,
}

/// How to lower.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which weight layouts may be used.
    pub weights: WeightChoice,
    /// What they are chosen for.
    pub prefer: Prefer,
    /// Rounding of integer accumulators; `None` is TensorFlow Lite Micro's.
    pub rounding: Option<Rounding>,
    /// Every node becomes a step with an output of its own, also where an alias would do.
    pub keep_all_steps: bool,
    /// Drops exact zeros also where the indices of a small layer cost a little time and memory (`--lossless`), in files
    /// that are for no microcontroller in particular.
    pub drop_zeros: bool,
    /// Where the network will run.
    pub target: &'static Target,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            weights: WeightChoice::Auto,
            prefer: Prefer::Speed,
            rounding: None,
            keep_all_steps: false,
            drop_zeros: false,
            target: Target::portable(),
        }
    }
}

/// Why a graph cannot be lowered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LowerError {
    /// A node asks for something that the backend lacks.
    Node {
        /// The node's name.
        node: String,
        /// Its operator.
        op: &'static str,
        /// What does not work.
        reason: String,
        /// A way out.
        help: &'static str,
    },
    /// A tensor is too large for the file's records.
    Tensor {
        /// The tensor's name.
        tensor: String,
        /// What does not work.
        reason: String,
    },
    /// The graph is not well formed.
    Graph(GraphError),
}

impl core::fmt::Display for LowerError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Node {
                node,
                op,
                reason,
                help,
            } => {
                write!(f, "node '{node}' ({op}): {reason}\n  help: {help}")
            }
            Self::Tensor { tensor, reason } => write!(
                f,
                "tensor '{tensor}': {reason}\n  help: a smaller input resolution makes smaller tensors"
            ),
            Self::Graph(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for LowerError {}

/// Lowers `graph`.
///
/// # Errors
///
/// A node or tensor exceeds what the backend and the file can express.
pub fn lower(graph: &Graph, options: &Options) -> Result<Program, LowerError> {
    graph.check().map_err(LowerError::Graph)?;
    let mut lowering = nodes::Lowering::new(graph, options)?;
    for node in &graph.nodes {
        lowering.node(node)?;
    }
    lowering.finish()
}
