//! The reference executor of a graph.
//!
//! Integer graphs are computed exactly as TensorFlow Lite Micro does, with a switch for the single rounding of
//! convolutions and fully connected layers; float graphs in `f32`. The rest of nnz is compared with it, and
//! accuracy before and after pruning is measured with it.
//!
//! ```text
//! Interpreter::new      weights widened, multipliers prepared, one kernel a node
//! run(&self, inputs)    node after node; `&self`, so samples can run in parallel
//! ```

mod float;
mod geometry;
mod integer;
mod layout;
mod matrix;
mod product;
mod shuffle;
mod softmax;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

pub(crate) use float::{Kernel as FloatKernel, function, sloped};
pub(crate) use integer::{Kernel as IntegerKernel, looked_up};
pub use layout::{from_source_order, to_source_order};

use crate::arith::{self, Rounding};
use crate::ir::{DType, Graph, Node, Op, Quant, Tensor, TensorId};

/// Values of one activation in `[c][h][w]` order.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Floats.
    F32(Vec<f32>),
    /// Integers; the tensor's quantisation gives their meaning.
    S8(Vec<i8>),
}

impl Value {
    /// Number of values.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::S8(v) => v.len(),
        }
    }

    /// Whether there are no values.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type.
    #[must_use]
    pub const fn dtype(&self) -> DType {
        match self {
            Self::F32(_) => DType::F32,
            Self::S8(_) => DType::S8,
        }
    }

    /// The value of a tensor that holds `real` numbers: quantised under the input contract where the tensor is `S8`.
    #[must_use]
    pub fn from_real(real: &[f32], tensor: &Tensor) -> Self {
        match tensor.quant {
            Some(quant) => Self::S8(real.iter().map(|x| arith::quantize(*x, quant)).collect()),
            None => Self::F32(real.to_vec()),
        }
    }

    /// The real numbers that this value of `tensor` stands for.
    #[must_use]
    pub fn to_real(&self, tensor: &Tensor) -> Vec<f32> {
        const PLAIN: Quant = Quant {
            scale: 1.0,
            zero_point: 0,
        };
        match self {
            Self::F32(v) => v.clone(),
            Self::S8(v) => {
                let quant = tensor.quant.unwrap_or(PLAIN);
                v.iter().map(|q| arith::dequantize(*q, quant)).collect()
            }
        }
    }
}

/// Why a graph cannot be interpreted, or an input does not fit it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InterpretError {
    /// A node is not executable as it stands.
    Node {
        /// The node's name.
        node: String,
        /// Why not.
        reason: String,
    },
    /// An input value does not fit the graph.
    Input {
        /// What is expected and what was given.
        reason: String,
    },
}

impl core::fmt::Display for InterpretError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Node { node, reason } => write!(f, "node '{node}': {reason}"),
            Self::Input { reason } => write!(f, "{reason}"),
        }
    }
}

impl core::error::Error for InterpretError {}

/// What one node does, prepared for many runs.
#[derive(Debug)]
pub(crate) enum Kernel {
    Float(float::Kernel),
    Integer(integer::Kernel),
    Quantize(Quant),
    Dequantize(Quant),
    /// The same values.
    Copy,
    /// The values of one or more activations in other places.
    Moves(shuffle::Moves),
}

/// A graph ready to run.
#[derive(Debug)]
pub struct Interpreter<'g> {
    graph: &'g Graph,
    kernels: Vec<Kernel>,
    /// Per tensor, the last node that reads it.
    last_use: Vec<usize>,
}

impl<'g> Interpreter<'g> {
    /// Prepares a graph, integer layers with the rounding of its arithmetic.
    ///
    /// # Errors
    ///
    /// The graph is not well formed, or a node mixes types or quantisations that its operator cannot.
    pub fn new(graph: &'g Graph) -> Result<Self, InterpretError> {
        Self::with_rounding(graph, graph.arithmetic.rounding())
    }

    /// Prepares a graph; `rounding` is that of integer convolutions and fully connected layers.
    ///
    /// # Errors
    ///
    /// As [`Interpreter::new`].
    pub fn with_rounding(graph: &'g Graph, rounding: Rounding) -> Result<Self, InterpretError> {
        graph.check().map_err(|e| InterpretError::Node {
            node: graph.name.clone(),
            reason: e.to_string(),
        })?;
        let mut last_use = vec![0; graph.tensors.len()];
        let mut kernels = Vec::with_capacity(graph.nodes.len());
        for (i, node) in graph.nodes.iter().enumerate() {
            for input in &node.inputs {
                last_use[input.0] = i;
            }
            let kernel = Kernel::prepare(graph, node, rounding);
            kernels.push(kernel.map_err(|reason| InterpretError::Node {
                node: node.name.clone(),
                reason,
            })?);
        }
        for output in &graph.outputs {
            last_use[output.0] = usize::MAX;
        }
        Ok(Self {
            graph,
            kernels,
            last_use,
        })
    }

    /// The graph that is interpreted.
    #[must_use]
    pub const fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// What each node does, in the graph's order.
    pub(crate) fn kernels(&self) -> &[Kernel] {
        &self.kernels
    }

    /// Runs one sample; values in the order of the graph's inputs and outputs.
    ///
    /// # Errors
    ///
    /// The inputs do not fit in number, type or length.
    pub fn run(&self, inputs: &[Value]) -> Result<Vec<Value>, InterpretError> {
        let mut values = self.execute(inputs, false)?;
        let mut outputs = Vec::with_capacity(self.graph.outputs.len());
        for (i, id) in self.graph.outputs.iter().enumerate() {
            let again = self.graph.outputs[i + 1..].contains(id);
            let value = if again {
                values[id.0].clone()
            } else {
                values[id.0].take()
            };
            outputs.extend(value);
        }
        Ok(outputs)
    }

    /// Runs one sample and returns the value of every tensor, by id; `None` for tensors that nothing writes.
    ///
    /// # Errors
    ///
    /// As [`Interpreter::run`].
    pub fn run_all(&self, inputs: &[Value]) -> Result<Vec<Option<Value>>, InterpretError> {
        self.execute(inputs, true)
    }

    /// Runs a network of one input and one output on real numbers, whatever its types are.
    ///
    /// # Errors
    ///
    /// As [`Interpreter::run`]; also where the network has several inputs.
    pub fn run_real(&self, input: &[f32]) -> Result<Vec<f32>, InterpretError> {
        let (first_in, first_out) = (self.graph.inputs[0], self.graph.outputs[0]);
        let value = Value::from_real(input, self.graph.tensor(first_in));
        let outputs = self.run(&[value])?;
        Ok(outputs[0].to_real(self.graph.tensor(first_out)))
    }

    fn execute(
        &self,
        inputs: &[Value],
        keep_all: bool,
    ) -> Result<Vec<Option<Value>>, InterpretError> {
        self.check_inputs(inputs)?;
        let mut values: Vec<Option<Value>> = vec![None; self.graph.tensors.len()];
        for (id, value) in self.graph.inputs.iter().zip(inputs) {
            values[id.0] = Some(value.clone());
        }
        for (i, (node, kernel)) in self.graph.nodes.iter().zip(&self.kernels).enumerate() {
            let read = |id: &TensorId| values[id.0].as_ref();
            let operands: Vec<&Value> = node.inputs.iter().filter_map(read).collect();
            let output = kernel.run(&operands);
            values[node.output.0] = Some(output);
            if !keep_all {
                for input in node.inputs.iter().filter(|t| self.last_use[t.0] == i) {
                    values[input.0] = None;
                }
            }
        }
        Ok(values)
    }

    fn check_inputs(&self, inputs: &[Value]) -> Result<(), InterpretError> {
        let fail = |reason| Err(InterpretError::Input { reason });
        if inputs.len() != self.graph.inputs.len() {
            return fail(format!(
                "the network has {} inputs, {} were given",
                self.graph.inputs.len(),
                inputs.len()
            ));
        }
        for (id, value) in self.graph.inputs.iter().zip(inputs) {
            let tensor = self.graph.tensor(*id);
            if value.dtype() != tensor.dtype || value.len() != tensor.shape.len() {
                return fail(format!(
                    "input '{}' takes {} values of {:?}, {} of {:?} were given",
                    tensor.name,
                    tensor.shape.len(),
                    tensor.dtype,
                    value.len(),
                    value.dtype()
                ));
            }
        }
        Ok(())
    }
}

/// Whether a node of integer tensors can be computed.
///
/// # Errors
///
/// Says why not.
pub(crate) fn integer_form(graph: &Graph, node: &Node) -> Result<(), String> {
    let shapes: Vec<_> = node.inputs.iter().map(|t| graph.tensor(*t).shape).collect();
    node.op.shape_of(&shapes)?;
    Kernel::prepare(graph, node, graph.arithmetic.rounding()).map(|_| ())
}

impl Kernel {
    fn prepare(graph: &Graph, node: &Node, rounding: Rounding) -> Result<Self, String> {
        let input = graph.tensor(node.inputs[0]);
        let output = graph.tensor(node.output);
        let copies = matches!(
            node.op,
            Op::Identity | Op::Reshape(_) | Op::Flatten(crate::ir::FlattenOrder::ChannelsFirst)
        );
        if node
            .inputs
            .iter()
            .any(|i| graph.tensor(*i).dtype != input.dtype)
        {
            return Err("its inputs differ in type".into());
        }
        if let Op::Rearrange(rearrange) = &node.op {
            let tensors = node.inputs.iter().map(|i| graph.tensor(*i));
            if tensors
                .clone()
                .any(|t| (t.dtype, t.quant) != (output.dtype, output.quant))
            {
                return Err("its inputs and output differ in type or scale".into());
            }
            let shapes = tensors.map(|t| t.shape).collect();
            return shuffle::Moves::new(rearrange, shapes, output.shape).map(Self::Moves);
        }
        match (input.quant, output.quant, &node.op) {
            (None, Some(quant), Op::Quantize) => Ok(Self::Quantize(quant)),
            (Some(quant), None, Op::Dequantize) => Ok(Self::Dequantize(quant)),
            (None, None, _) if copies => Ok(Self::Copy),
            (Some(a), Some(b), _) if copies && a == b => Ok(Self::Copy),
            (None, None, _) => float::Kernel::prepare(graph, node).map(Self::Float),
            (Some(_), Some(_), _) => {
                integer::Kernel::prepare(graph, node, rounding).map(Self::Integer)
            }
            _ => Err(format!(
                "{} cannot turn {:?} into {:?}",
                node.op.name(),
                input.dtype,
                output.dtype
            )),
        }
    }

    fn run(&self, operands: &[&Value]) -> Value {
        match (self, operands) {
            (Self::Moves(moves), _) => moves.run(operands),
            (Self::Float(kernel), [Value::F32(a)]) => Value::F32(kernel.run(a, &[])),
            (Self::Float(kernel), [Value::F32(a), Value::F32(b)]) => Value::F32(kernel.run(a, b)),
            (Self::Integer(kernel), [Value::S8(a)]) => Value::S8(kernel.run(a, &[])),
            (Self::Integer(kernel), [Value::S8(a), Value::S8(b)]) => Value::S8(kernel.run(a, b)),
            (Self::Quantize(quant), [Value::F32(a)]) => {
                Value::S8(a.iter().map(|x| arith::quantize(*x, *quant)).collect())
            }
            (Self::Dequantize(quant), [Value::S8(a)]) => {
                Value::F32(a.iter().map(|q| arith::dequantize(*q, *quant)).collect())
            }
            (_, [value, ..]) => (*value).clone(),
            (_, []) => Value::F32(Vec::new()),
        }
    }
}
