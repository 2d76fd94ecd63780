//! The network as meaning: operators, shapes, float or integer values.
//!
//! ```text
//! importer → Graph → passes → sparsify → quantise → lower(target)
//! ```
//!
//! Every activation is one image `[c][h][w]` (batch 1; a vector has `h = w = 1`), whatever the axis order
//! of the source model was; [`Source`] remembers how the source shows it. Nodes are in execution order and
//! carry their own weights. [`Graph::check`] holds after every pass.

mod activation;
mod check;
mod op;
mod shape;
mod shuffle;
mod tensor;
mod weights;

pub use activation::{Function, Lookup, Slopes, Unary};
pub use check::GraphError;
pub use op::{Clamp, Conv, FlattenOrder, FullyConnected, Op, Pool, Window};
pub use shape::{Order, Shape, Source};
pub use shuffle::{Axis, Binary, BinaryKind, Block, BlockOrder, Move, Rearrange, Resize, Tap};
pub use tensor::{DType, Quant, Tensor, TensorId};
pub use weights::{Bias, Values, Weights};

use nnz_format::{Rounding, Ties};

/// One operator application.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The source model's node name, or one made from operator and position.
    pub name: String,
    /// What it computes, with its weights.
    pub op: Op,
    /// Activations it reads (weights are in `op`).
    pub inputs: Vec<TensorId>,
    /// The activation it writes.
    pub output: TensorId,
    /// Position of the operator in the source model, for per-operator comparison; `None` for inserted nodes.
    pub source_index: Option<usize>,
}

/// Whose rounding the integer operators of a network follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arithmetic {
    /// TensorFlow Lite Micro's: what nnz computes where nothing else is said.
    #[default]
    TensorFlowLite,
    /// ONNX's: every value is rounded once from real numbers, halves of averages to even.
    Onnx,
}

impl Arithmetic {
    /// How accumulators of convolutions and fully connected layers are rounded where the user names no rounding.
    #[must_use]
    pub const fn rounding(self) -> Rounding {
        match self {
            Self::TensorFlowLite => Rounding::Double,
            Self::Onnx => Rounding::Single,
        }
    }

    /// Where halves of integer averages go.
    #[must_use]
    pub const fn ties(self) -> Ties {
        match self {
            Self::TensorFlowLite => Ties::Away,
            Self::Onnx => Ties::Even,
        }
    }
}

/// A network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    /// Name of the model, usually the file's stem.
    pub name: String,
    /// All activations; weights are not among them.
    pub tensors: Vec<Tensor>,
    /// Operators in execution order.
    pub nodes: Vec<Node>,
    /// Network inputs.
    pub inputs: Vec<TensorId>,
    /// Network outputs.
    pub outputs: Vec<TensorId>,
    /// What importer and passes want the user to know, in order.
    pub notes: Vec<String>,
    /// Whose rounding integer operators follow.
    pub arithmetic: Arithmetic,
}

impl Graph {
    /// The tensor of an id.
    ///
    /// Ids are made by [`Graph::add_tensor`] of the same graph; [`Graph::check`] finds strangers.
    #[must_use]
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0]
    }

    /// The tensor of an id, to change.
    pub fn tensor_mut(&mut self, id: TensorId) -> &mut Tensor {
        &mut self.tensors[id.0]
    }

    /// Adds an activation and returns its id.
    pub fn add_tensor(&mut self, tensor: Tensor) -> TensorId {
        self.tensors.push(tensor);
        TensorId(self.tensors.len() - 1)
    }

    /// Names of the network inputs, in order.
    #[must_use]
    pub fn input_names(&self) -> Vec<&str> {
        let names = self.inputs.iter().map(|id| self.tensor(*id).name.as_str());
        names.collect()
    }

    /// The node that writes `id`, `None` for network inputs.
    #[must_use]
    pub fn producer(&self, id: TensorId) -> Option<usize> {
        self.nodes.iter().position(|n| n.output == id)
    }

    /// The nodes that read `id`.
    #[must_use]
    pub fn consumers(&self, id: TensorId) -> Vec<usize> {
        (0..self.nodes.len())
            .filter(|&i| self.nodes[i].inputs.contains(&id))
            .collect()
    }

    /// Whether every activation is an integer one.
    #[must_use]
    pub fn is_quantized(&self) -> bool {
        self.nodes
            .iter()
            .all(|n| self.tensor(n.output).dtype == DType::S8)
    }

    /// Multiply-accumulates of one inference with every weight counted.
    #[must_use]
    pub fn macs(&self) -> u64 {
        self.nodes
            .iter()
            .map(|n| {
                let out = self.tensor(n.output).shape;
                n.op.weights()
                    .map_or(0, |w| w.len() as u64 * (out.h * out.w) as u64)
            })
            .sum()
    }
}
