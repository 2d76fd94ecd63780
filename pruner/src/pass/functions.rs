//! Functions of one value that exporters write as several operators become one.
//!
//! ```text
//! x ─┬─ sigmoid ─┐                x ─┬─ ·1/√2 ─ erf ─ +1 ─┐
//!    └────────── × ─ y  = silu       └────────────────── × ─ ·½ ─ y  = gelu
//! ```
//!
//! They are recognised by what they compute, not by how it is written: every operator that follows from one tensor alone
//! is evaluated at sample points, and compared with the functions that have a name.

use super::rewrite::drop_unused;
use crate::arith::Rounding;
use crate::ir::{Binary, BinaryKind, Clamp, DType, Function, Graph, Node, Op, TensorId, Unary};
use std::collections::{BTreeSet, HashMap};

/// What is recognised.
const KNOWN: [Unary; 8] = [
    Unary::of(Function::Silu),
    Unary::of(Function::HardSwish),
    Unary::of(Function::Gelu),
    Unary::of(Function::GeluTanh),
    Unary::of(Function::Mish),
    Unary::of(Function::Sigmoid),
    Unary::of(Function::Softplus),
    Unary::with(Function::HardSigmoid, 1.0 / 6.0, 0.5),
];
/// Sample points, on both sides of zero and beyond every bend.
const SAMPLES: u32 = 97;
const FIRST: f64 = -9.03;
const STEP: f64 = 0.19;
/// Largest distance, relative where values are large: constants are `f32`.
const NEAR: f64 = 4e-6;
/// Operators of one function at most.
const LONGEST: usize = 16;

/// Values at the sample points.
type Sampled = Vec<f64>;

/// Replaces the last operator of each such group; the others disappear where nothing else reads them.
pub(super) fn fuse(mut graph: Graph, rounding: Rounding) -> Result<Graph, String> {
    let mut readers: HashMap<TensorId, Vec<usize>> = HashMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        for id in &node.inputs {
            readers.entry(*id).or_default().push(index);
        }
    }
    let known: Vec<Sampled> = KNOWN
        .iter()
        .map(|f| points().map(|x| f.real(x)).collect())
        .collect();
    let mut found = false;
    for root in (0..graph.tensors.len()).map(TensorId) {
        for (index, which) in named(&graph, &readers, root, &known) {
            let node = &mut graph.nodes[index];
            (node.op, node.inputs) = (Op::Unary(KNOWN[which]), vec![root]);
            found = true;
        }
    }
    if found {
        return drop_unused(graph, rounding);
    }
    Ok(graph)
}

fn points() -> impl Iterator<Item = f64> {
    (0..SAMPLES).map(|i| STEP.mul_add(f64::from(i), FIRST))
}

/// The nodes that are a known function of `root`, with its place in [`KNOWN`].
fn named(
    graph: &Graph,
    readers: &HashMap<TensorId, Vec<usize>>,
    root: TensorId,
    known: &[Sampled],
) -> Vec<(usize, usize)> {
    let mut values: HashMap<TensorId, Sampled> = HashMap::new();
    if graph.tensor(root).dtype != DType::F32 {
        return Vec::new();
    }
    values.insert(root, points().collect());
    let none = Vec::new();
    let mut open: BTreeSet<usize> = readers
        .get(&root)
        .unwrap_or(&none)
        .iter()
        .copied()
        .collect();
    let mut found = Vec::new();
    while let Some(index) = open.pop_first() {
        let node = &graph.nodes[index];
        let Some(sampled) = evaluate(graph, node, &values) else {
            continue;
        };
        let is_one = matches!(node.op, Op::Unary(_)) && node.inputs == [root];
        if !is_one && let Some(which) = known.iter().position(|k| is_near(k, &sampled)) {
            found.push((index, which));
        }
        if values.len() < LONGEST {
            values.insert(node.output, sampled);
            open.extend(readers.get(&node.output).unwrap_or(&none));
        }
    }
    found
}

fn is_near(known: &[f64], sampled: &[f64]) -> bool {
    let near = |(k, s): (&f64, &f64)| (k - s).abs() <= NEAR * (1.0 + k.abs());
    known.iter().zip(sampled).all(near)
}

/// What a node computes from values at the sample points; `None` where it is not a function of these alone.
fn evaluate(graph: &Graph, node: &Node, values: &HashMap<TensorId, Sampled>) -> Option<Sampled> {
    let shape = graph.tensor(node.output).shape;
    let inputs: Vec<&Sampled> = node
        .inputs
        .iter()
        .filter(|id| graph.tensor(**id).shape == shape)
        .filter_map(|id| values.get(id))
        .collect();
    if inputs.len() != node.inputs.len() {
        return None;
    }
    let one = |f: &dyn Fn(f64) -> f64| Some(inputs.first()?.iter().map(|x| f(*x)).collect());
    let two = |f: &dyn Fn(f64, f64) -> f64, clamp: Clamp| {
        let [a, b] = inputs[..] else {
            return None;
        };
        let pairs = a.iter().zip(b);
        Some(pairs.map(|(a, b)| clamped(f(*a, *b), clamp)).collect())
    };
    if let Op::Unary(unary) = &node.op {
        one(&|x| unary.real(x))
    } else if let Op::Clamp(clamp) = node.op {
        one(&|x| clamped(x, clamp))
    } else if let Op::ChannelAffine { scale, shift } = &node.op {
        let (scale, shift) = (uniform(scale)?, uniform(shift)?);
        one(&|x| scale * x + shift)
    } else if let Op::Add(clamp) = node.op {
        two(&|a, b| a + b, clamp)
    } else if let Op::Binary(Binary { kind, clamp }) = node.op {
        two(&|a, b| combined(kind, a, b), clamp)
    } else {
        None
    }
}

const fn combined(kind: BinaryKind, a: f64, b: f64) -> f64 {
    match kind {
        BinaryKind::Add => a + b,
        BinaryKind::Sub => a - b,
        BinaryKind::Mul => a * b,
        BinaryKind::Div => a / b,
        BinaryKind::Minimum => a.min(b),
        BinaryKind::Maximum => a.max(b),
    }
}

fn clamped(x: f64, clamp: Clamp) -> f64 {
    x.max(clamp.lo.into()).min(clamp.hi.into())
}

/// The value that all channels share.
fn uniform(values: &[f32]) -> Option<f64> {
    let (first, rest) = values.split_first()?;
    let same = rest.iter().all(|v| v.to_bits() == first.to_bits());
    same.then(|| f64::from(*first))
}

#[cfg(test)]
mod tests {
    use super::{Op, Unary, fuse};
    use crate::arith::Rounding;
    use crate::ir::{
        Binary, BinaryKind, Clamp, DType, Function, Graph, Node, Order, Shape, Source, Tensor,
        TensorId,
    };

    /// A graph of nodes over images of 2x3x3 whose tensor 0 is the input and whose last tensor is the output.
    fn graph(nodes: &[(Op, &[usize])]) -> Graph {
        let tensor = |i: usize| Tensor {
            name: format!("t{i}"),
            shape: Shape::new(2, 3, 3),
            dtype: DType::F32,
            quant: None,
            source: Source {
                dims: vec![1, 2, 3, 3],
                order: Order::Nchw,
            },
        };
        let node = |(i, (op, inputs)): (usize, &(Op, &[usize]))| Node {
            name: format!("n{i}"),
            op: op.clone(),
            inputs: inputs.iter().map(|t| TensorId(*t)).collect(),
            output: TensorId(i + 1),
            source_index: None,
        };
        Graph {
            tensors: (0..=nodes.len()).map(tensor).collect(),
            nodes: nodes.iter().enumerate().map(node).collect(),
            inputs: vec![TensorId(0)],
            outputs: vec![TensorId(nodes.len())],
            ..Graph::default()
        }
    }

    const fn unary(function: Function) -> Op {
        Op::Unary(Unary::of(function))
    }

    fn affine(scale: f32, shift: f32) -> Op {
        Op::ChannelAffine {
            scale: vec![scale; 2],
            shift: vec![shift; 2],
        }
    }

    const fn binary(kind: BinaryKind) -> Op {
        let clamp = Clamp::NONE;
        Op::Binary(Binary { kind, clamp })
    }

    /// The functions that a graph is left with.
    fn left(nodes: &[(Op, &[usize])]) -> Vec<&'static str> {
        let fused = fuse(graph(nodes), Rounding::Single).unwrap_or_default();
        assert_eq!(fused.check(), Ok(()));
        fused.nodes.iter().map(|n| n.op.name()).collect()
    }

    #[test]
    fn a_value_times_its_sigmoid_is_silu() {
        let mul = binary(BinaryKind::Mul);
        let nodes: [(Op, &[usize]); 2] = [(unary(Function::Sigmoid), &[0]), (mul, &[1, 0])];
        assert_eq!(left(&nodes), ["silu"]);
    }

    #[test]
    fn gelu_by_erf_and_by_tanh_are_recognised() {
        let mul = || binary(BinaryKind::Mul);
        let exact: [(Op, &[usize]); 5] = [
            (affine(core::f32::consts::FRAC_1_SQRT_2, 0.0), &[0]),
            (unary(Function::Erf), &[1]),
            (affine(1.0, 1.0), &[2]),
            (mul(), &[0, 3]),
            (affine(0.5, 0.0), &[4]),
        ];
        assert_eq!(left(&exact), ["gelu"]);
        let by_tanh: [(Op, &[usize]); 8] = [
            (unary(Function::Cube), &[0]),
            (affine(0.044_715, 0.0), &[1]),
            (Op::Add(Clamp::NONE), &[0, 2]),
            (affine(0.797_884_6, 0.0), &[3]),
            (unary(Function::Tanh), &[4]),
            (affine(1.0, 1.0), &[5]),
            (affine(0.5, 0.0), &[0]),
            (mul(), &[7, 6]),
        ];
        assert_eq!(left(&by_tanh), ["gelu_tanh"]);
    }

    #[test]
    fn hard_swish_of_three_operators_is_recognised_and_a_gate_of_another_tensor_is_not() {
        let clamp = Op::Clamp(Clamp { lo: 0.0, hi: 6.0 });
        let mul = || binary(BinaryKind::Mul);
        let swish: [(Op, &[usize]); 4] = [
            (affine(1.0, 3.0), &[0]),
            (clamp, &[1]),
            (mul(), &[0, 2]),
            (affine(1.0 / 6.0, 0.0), &[3]),
        ];
        assert_eq!(left(&swish), ["hard_swish"]);
        let gate: [(Op, &[usize]); 3] = [
            (affine(2.0, 0.0), &[0]),
            (unary(Function::Sigmoid), &[1]),
            (mul(), &[0, 2]),
        ];
        assert_eq!(left(&gate), ["channel_affine", "logistic", "mul"]);
    }

    #[test]
    fn a_value_that_something_else_reads_stays() {
        let mul = || binary(BinaryKind::Mul);
        let nodes: [(Op, &[usize]); 3] = [
            (unary(Function::Sigmoid), &[0]),
            (mul(), &[1, 0]),
            (binary(BinaryKind::Add), &[2, 1]),
        ];
        assert_eq!(left(&nodes), ["logistic", "silu", "add"]);
    }
}
