//! A network from a seed: inputs, a few operators, and every value that nothing reads as an output.

use super::operators;
use fastrand::Rng;
use nnz_pruner::ir::{
    Arithmetic, DType, Graph, Node, Op, Order, Quant, Shape, Source, Tensor, TensorId,
};

/// Most elements of an activation: the networks stay small.
const LARGEST: usize = 3000;

/// A network under construction.
#[derive(Debug)]
pub(super) struct Build {
    pub(super) graph: Graph,
    pub(super) rng: Rng,
    pub(super) is_integer: bool,
}

/// The network of a seed; it passes [`Graph::check`].
#[must_use]
pub fn network(seed: u64) -> Graph {
    let mut rng = Rng::with_seed(seed);
    let is_integer = rng.u8(0..4) > 0;
    let arithmetic = if is_integer && rng.u8(0..3) == 0 {
        Arithmetic::Onnx
    } else {
        Arithmetic::TensorFlowLite
    };
    let mut build = Build {
        graph: Graph {
            name: format!("random{seed}"),
            arithmetic,
            ..Graph::default()
        },
        rng,
        is_integer,
    };
    for _ in 0..build.rng.usize(1..=2) {
        let shape = build.shape();
        let id = build.tensor(shape, None);
        build.graph.inputs.push(id);
    }
    let tries = build.rng.usize(1..=7);
    for tried in 0.. {
        if tried >= tries && !build.graph.nodes.is_empty() {
            break;
        }
        operators::append(&mut build);
    }
    build.finish()
}

impl Build {
    /// Between `low` and `high`, both included.
    pub(super) fn size(&mut self, low: usize, high: usize) -> usize {
        self.rng.usize(low..=high)
    }

    /// True in `percent` of the cases.
    pub(super) fn chance(&mut self, percent: u8) -> bool {
        self.rng.u8(0..100) < percent
    }

    /// One of some choices.
    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.usize(0..choices.len())]
    }

    /// An integer; extremes are frequent.
    pub(super) fn s8(&mut self) -> i8 {
        if self.chance(15) {
            return self.one_of(&[-128, -127, 127]);
        }
        self.rng.i8(..)
    }

    /// A number in `[-1, 1)`.
    pub(super) fn unit(&mut self) -> f32 {
        2.0 * self.rng.f32() - 1.0
    }

    fn shape(&mut self) -> Shape {
        match self.rng.u8(0..8) {
            0 => Shape::vector(self.size(1, 70)),
            1 => Shape::new(self.size(1, 6), 1, self.size(2, 40)),
            2 => Shape::new(self.size(12, 40), self.size(1, 5), self.size(1, 5)),
            _ => Shape::new(self.size(1, 9), self.size(2, 13), self.size(2, 17)),
        }
    }

    /// An activation; integers have the quantisation that is given, or one of their own.
    pub(super) fn tensor(&mut self, shape: Shape, quant: Option<Quant>) -> TensorId {
        let own = Quant {
            scale: 0.05 + 0.02 * self.unit(),
            zero_point: self.one_of(&[-128, -128, 0, -7, 30, 127]),
        };
        self.graph.add_tensor(Tensor {
            name: format!("t{}", self.graph.tensors.len()),
            shape,
            dtype: [DType::F32, DType::S8][usize::from(self.is_integer)],
            quant: self.is_integer.then_some(quant.unwrap_or(own)),
            source: Source {
                dims: vec![1, shape.c, shape.h, shape.w],
                order: Order::Nchw,
            },
        })
    }

    /// A value to go on from: the newest one more often than others.
    pub(super) fn some_tensor(&mut self) -> TensorId {
        let count = self.graph.tensors.len();
        TensorId(if self.chance(70) {
            count - 1
        } else {
            self.rng.usize(0..count)
        })
    }

    /// The shape of a value.
    pub(super) fn shape_of(&self, id: TensorId) -> Shape {
        self.graph.tensor(id).shape
    }

    /// Appends an operator where it fits its inputs; its output has `quant`, or a quantisation of its own.
    pub(super) fn push(&mut self, op: Op, inputs: &[TensorId], quant: Option<Quant>) {
        let shapes: Vec<Shape> = inputs.iter().map(|id| self.shape_of(*id)).collect();
        let Ok(shape) = op.shape_of(&shapes) else {
            return;
        };
        if shape.len() > LARGEST {
            return;
        }
        let output = self.tensor(shape, quant);
        self.graph.nodes.push(Node {
            name: format!("{}{}", op.name(), self.graph.nodes.len()),
            op,
            inputs: inputs.to_vec(),
            output,
            source_index: None,
        });
    }

    /// Appends an operator whose output has the quantisation of its input.
    pub(super) fn push_same(&mut self, op: Op, input: TensorId) {
        let quant = self.graph.tensor(input).quant;
        self.push(op, &[input], quant);
    }

    /// Every value that nothing reads is an output; inputs that nothing reads are left out.
    fn finish(mut self) -> Graph {
        let graph = &mut self.graph;
        let read = |graph: &Graph, id: TensorId| !graph.consumers(id).is_empty();
        graph.outputs = graph
            .nodes
            .iter()
            .map(|node| node.output)
            .filter(|id| !read(graph, *id))
            .collect();
        let (used, unused): (Vec<_>, Vec<_>) =
            graph.inputs.iter().partition(|id| read(graph, **id));
        graph.inputs = if used.is_empty() { unused } else { used };
        self.graph.check().unwrap();
        self.graph
    }
}
