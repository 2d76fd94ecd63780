//! The logarithm of a softmax, for integers.
//!
//! ```text
//! y = log(softmax(x))     becomes     y = x − (max(x) − log(max(softmax(x))))
//! ```
//!
//! The same real number, but eight bits of a share have no logarithm to speak of below 1/256, while the largest share
//! has; so every output keeps its distance to the largest one.

use crate::ir::{
    Binary, BinaryKind, Clamp, Function, Graph, Node, Op, Order, Pool, Shape, TensorId, Window,
};

/// Columns of the widest pool.
const WIDEST: usize = 255;

/// Rewrites every logarithm that is the only reader of a softmax.
pub(super) fn rewrite(graph: &mut Graph) {
    let mut at = 0;
    while at < graph.nodes.len() {
        if let Some(softmax) = softmax_of(graph, at) {
            at = expand(graph, at, softmax);
        }
        at += 1;
    }
}

/// The softmax of a vector that node `at` alone takes the logarithm of.
fn softmax_of(graph: &Graph, at: usize) -> Option<usize> {
    let node = &graph.nodes[at];
    let is_log = matches!(&node.op, Op::Unary(unary) if unary.function == Function::Log);
    let input = *node.inputs.first().filter(|_| is_log)?;
    let softmax = graph.producer(input)?;
    let is_plain = matches!(graph.nodes[softmax].op, Op::Softmax { beta: 1.0 });
    let shape = graph.tensor(input).shape;
    let is_vector = shape.pixels() == 1 && shape.c <= WIDEST;
    let is_alone = graph.consumers(input) == [at] && !graph.outputs.contains(&input);
    (is_plain && is_vector && is_alone).then_some(softmax)
}

/// Puts the new nodes in the place of the logarithm `at`; returns the last of them.
fn expand(graph: &mut Graph, at: usize, softmax: usize) -> usize {
    let log = graph.nodes[at].clone();
    let x = graph.nodes[softmax].inputs[0];
    let mut insert = Insert {
        graph,
        at,
        name: log.name.clone(),
    };
    let share = insert.largest("share", log.inputs[0]);
    let share_log = insert.node("share_log", log.op.clone(), &[share]);
    let most = insert.largest("largest", x);
    let sum = insert.node("sum_log", subtract(), &[most, share_log]);
    let end = insert.at;
    graph.nodes[end].op = subtract();
    graph.nodes[end].inputs = vec![x, sum];
    end
}

const fn subtract() -> Op {
    Op::Binary(Binary {
        kind: BinaryKind::Sub,
        clamp: Clamp::NONE,
    })
}

/// Adds nodes before a place in a graph, which moves on.
struct Insert<'g> {
    graph: &'g mut Graph,
    at: usize,
    name: String,
}

impl Insert<'_> {
    fn node(&mut self, what: &str, op: Op, inputs: &[TensorId]) -> TensorId {
        let mut tensor = self.graph.tensor(inputs[0]).clone();
        tensor.name = format!("{}/{what}", self.name);
        if let Ok(shape) = op.output_shape(tensor.shape)
            && shape != tensor.shape
        {
            tensor.shape = shape;
            tensor.source.dims = match tensor.source.order {
                Order::Nchw => vec![1, shape.c, shape.h, shape.w],
                Order::Nhwc => vec![1, shape.h, shape.w, shape.c],
            };
        }
        let name = tensor.name.clone();
        let output = self.graph.add_tensor(tensor);
        let node = Node {
            name,
            op,
            inputs: inputs.to_vec(),
            output,
            source_index: None,
        };
        self.graph.nodes.insert(self.at, node);
        self.at += 1;
        output
    }

    /// The largest value of a vector, as a row of pixels is pooled.
    fn largest(&mut self, what: &str, vector: TensorId) -> TensorId {
        let count = self.graph.tensor(vector).shape.c;
        let row = Op::Reshape(Shape::new(1, 1, count));
        let row = self.node(&format!("{what}_row"), row, &[vector]);
        let window = Window {
            kernel: [1, count],
            stride: [1, 1],
            pad_begin: [0, 0],
            pad_end: [0, 0],
        };
        let pool = Op::MaxPool2d(Pool {
            window,
            clamp: Clamp::NONE,
        });
        self.node(what, pool, &[row])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpret::{Interpreter, Value};
    use crate::ir::{DType, Source, Tensor, Unary};

    fn logarithm(classes: usize) -> Graph {
        let mut graph = Graph::default();
        let [x, share, y] = ["x", "share", "y"].map(|name| {
            graph.add_tensor(Tensor {
                name: name.into(),
                shape: Shape::vector(classes),
                dtype: DType::F32,
                quant: None,
                source: Source {
                    dims: vec![1, classes],
                    order: Order::Nchw,
                },
            })
        });
        let node = |name: &str, op, input, output| Node {
            name: name.into(),
            op,
            inputs: vec![input],
            output,
            source_index: None,
        };
        let log = Op::Unary(Unary::of(Function::Log));
        graph.nodes = vec![
            node("softmax", Op::Softmax { beta: 1.0 }, x, share),
            node("log", log, share, y),
        ];
        (graph.inputs, graph.outputs) = (vec![x], vec![y]);
        graph
    }

    fn run(graph: &Graph, x: &[f32]) -> Vec<f32> {
        graph.check().expect("is well formed");
        let interpreter = Interpreter::new(graph).expect("runs");
        let found = interpreter.run(&[Value::F32(x.to_vec())]).expect("runs");
        found[0].to_real(graph.tensor(graph.outputs[0]))
    }

    #[test]
    fn the_rewritten_logarithm_is_the_same_number() {
        let x = [0.5, -3.0, 2.25, 0.0, -9.5];
        let mut graph = logarithm(x.len());
        let expected = run(&graph, &x);
        rewrite(&mut graph);
        assert!(graph.nodes.len() > 2);
        for (a, b) in run(&graph, &x).iter().zip(&expected) {
            assert!((a - b).abs() < 1e-5, "{a} is not {b}");
        }
        let mut wide = logarithm(WIDEST + 1);
        rewrite(&mut wide);
        assert_eq!(wide.nodes.len(), 2);
    }
}
