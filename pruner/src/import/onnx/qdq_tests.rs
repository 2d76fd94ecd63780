//! Quantised ONNX models become integer networks whose outputs are at most one step from the real ones.

use super::fixture::{floats, graph, ints, model, narrow, node, refusal};
use super::schema::{NodeProto, TensorProto};
use crate::interpret::{Interpreter, Value};
use crate::ir::{Bias, DType, Graph, Op, Quant, Values};

/// Scale and zero point, uint8.
fn steps(name: &str, scale: f32, zero: i32) -> [TensorProto; 2] {
    let zero = narrow(&format!("{name}_z"), 2, &[], &[zero]);
    [floats(&format!("{name}_s"), &[], &[scale]), zero]
}

/// `input → QuantizeLinear → output_q → DequantizeLinear → output`.
fn pair(input: &str, output: &str, steps: &str) -> [NodeProto; 2] {
    let (s, z, q) = (
        format!("{steps}_s"),
        format!("{steps}_z"),
        format!("{output}_q"),
    );
    [
        node("QuantizeLinear", &[input, &s, &z], &q),
        node("DequantizeLinear", &[&q, &s, &z], output),
    ]
}

/// A convolution 1x1 of two filters with a scale each, and its bias.
fn layer() -> Vec<TensorProto> {
    vec![
        narrow("w", 3, &[2, 2, 1, 1], &[100, -50, 0, 127]),
        floats("ws", &[2], &[0.01, 0.02]),
        narrow("wz", 3, &[2], &[0, 0]),
        narrow("b", 6, &[2], &[1000, -2000]),
        floats("bs", &[2], &[0.01 * 0.5, 0.02 * 0.5]),
        narrow("bz", 6, &[2], &[0, 0]),
    ]
}

fn convolution(input: &str, output: &str) -> [NodeProto; 3] {
    [
        node("DequantizeLinear", &["w", "ws", "wz"], "wf").int("axis", 0),
        node("DequantizeLinear", &["b", "bs", "bz"], "bf").int("axis", 0),
        node("Conv", &[input, "wf", "bf"], output),
    ]
}

fn network(tail: Vec<NodeProto>, extra: Vec<TensorProto>) -> (Vec<NodeProto>, Vec<TensorProto>) {
    let mut nodes = pair("x", "a", "in").to_vec();
    nodes.extend(convolution("a", "c"));
    nodes.extend(tail);
    let mut constants = layer();
    constants.extend(steps("in", 0.5, 100));
    constants.extend(steps("out", 0.25, 10));
    constants.extend(extra);
    (nodes, constants)
}

/// The real outputs of a network for the four bytes of its input.
fn run(graph: &Graph, input: [i8; 4]) -> Vec<f32> {
    let interpreter = Interpreter::new(graph).unwrap();
    let output = interpreter
        .run(&[Value::S8(input.to_vec())])
        .unwrap()
        .remove(0);
    output.to_real(graph.tensor(graph.outputs[0]))
}

const INPUT: [i8; 4] = [-128, -28, 0, 127];

/// What [`layer`] gives for [`INPUT`]: `[c][pixel]`.
fn exact() -> Vec<f32> {
    let x: Vec<f32> = INPUT
        .iter()
        .map(|q| 0.5 * f32::from(i16::from(*q) + 28))
        .collect();
    let rows = [([1.0, -0.5], 5.0), ([0.0, 2.54], -20.0)];
    let row = |(w, b): ([f32; 2], f32)| [0, 1].map(|p| w[0] * x[p] + w[1] * x[2 + p] + b);
    rows.into_iter().flat_map(row).collect()
}

fn within_a_step(found: &[f32], exact: &[f32], step: f32) {
    for (found, exact) in found.iter().zip(exact) {
        assert!((found - exact).abs() <= step * 0.51, "{found} for {exact}");
    }
}

#[test]
fn a_quantised_convolution_keeps_its_integers() {
    let mut tail = vec![node("Relu", &["c"], "r")];
    tail.extend(pair("r", "y", "out"));
    let (nodes, constants) = network(tail, vec![]);
    let graph = graph(&[1, 2, 1, 2], nodes, constants);
    assert!(graph.is_quantized(), "{:?}", graph.nodes);
    let [input, output] = [graph.inputs[0], graph.outputs[0]].map(|id| graph.tensor(id));
    let quant = |scale, zero_point| Some(Quant { scale, zero_point });
    assert_eq!(
        (input.quant, output.quant),
        (quant(0.5, -28), quant(0.25, -118))
    );
    assert_eq!((input.name.as_str(), output.name.as_str()), ("x", "y"));
    let [only] = &graph.nodes[..] else {
        panic!("{:?}", graph.nodes);
    };
    let (weights, bias, clamp) = only.op.layer().unwrap();
    assert_eq!(weights.values, Values::S8(vec![100, -50, 0, 127]));
    assert_eq!(weights.scales, [0.01, 0.02]);
    assert_eq!((bias, clamp.lo), (&Bias::S32(vec![1000, -2000]), 0.0));
    let exact: Vec<f32> = exact().iter().map(|y| y.clamp(0.0, 61.25)).collect();
    within_a_step(&run(&graph, INPUT), &exact, 0.25);
}

#[test]
fn sums_pools_and_reshapes_between_conversions_are_integer_ones() {
    let mut tail = pair("c", "d", "mid").to_vec();
    tail.push(node("Add", &["d", "a"], "s"));
    tail.extend(pair("s", "e", "mid"));
    tail.push(node("MaxPool", &["e"], "m").ints("kernel_shape", &[1, 2]));
    tail.extend(pair("m", "n", "out"));
    tail.push(node("Flatten", &["n"], "y"));
    let (nodes, constants) = network(tail, steps("mid", 1.0, 128).to_vec());
    let graph = graph(&[1, 2, 1, 2], nodes, constants);
    assert!(graph.is_quantized());
    let names: Vec<&str> = graph.nodes.iter().map(|n| n.op.name()).collect();
    assert_eq!(
        names,
        ["conv_2d", "add", "max_pool_2d", "quantize", "identity"]
    );
    let x = INPUT.map(|q| 0.5 * f32::from(i16::from(q) + 28));
    let sums: Vec<f32> = exact().iter().zip(x).map(|(c, x)| c + x).collect();
    let expected: Vec<f32> = sums
        .chunks(2)
        .map(|p| p[0].max(p[1]).clamp(-2.5, 61.25))
        .collect();
    // Two roundings to steps of 1, and one to steps of 1/4.
    within_a_step(&run(&graph, INPUT), &expected, 2.5);
}

#[test]
fn a_softmax_at_the_end_is_an_integer_one() {
    let mut tail = vec![node("Flatten", &["c"], "f")];
    tail.extend(pair("f", "g", "out"));
    tail.push(node("Softmax", &["g"], "y"));
    let (nodes, constants) = network(tail, vec![]);
    let graph = graph(&[1, 2, 1, 2], nodes, constants);
    assert!(graph.is_quantized());
    assert_eq!(graph.tensor(graph.outputs[0]).name, "y");
    let total: f32 = run(&graph, [0; 4]).iter().sum();
    assert!((total - 1.0).abs() < 0.02, "{total}");
}

#[test]
fn what_is_not_quantised_stays_float_and_is_noted() {
    let (nodes, constants) = network(vec![node("Relu", &["c"], "y")], vec![]);
    let graph = graph(&[1, 2, 1, 2], nodes, constants);
    assert!(!graph.is_quantized());
    assert_eq!(graph.tensor(graph.inputs[0]).dtype, DType::F32);
    let conv = graph
        .nodes
        .iter()
        .find(|n| n.op.name() == "conv_2d")
        .unwrap();
    let (weights, bias, _) = conv.op.layer().unwrap();
    assert_eq!(weights.values, Values::F32(vec![1.0, -0.5, 0.0, 2.54]));
    assert!(matches!(bias, Bias::F32(b) if (b[0] - 5.0).abs() < 1e-5));
    let note = graph
        .notes
        .iter()
        .any(|n| n.contains("stays float") && n.contains("conv_4"));
    assert!(note, "{:?}", graph.notes);
}

#[test]
fn fake_quantised_float_weights_are_rounded_as_the_model_says() {
    let mut nodes = pair("x", "a", "in").to_vec();
    nodes.push(node("QuantizeLinear", &["w", "ws", "wz"], "wq").int("axis", 0));
    nodes.push(node("DequantizeLinear", &["wq", "ws", "wz"], "wf").int("axis", 0));
    nodes.push(node("Transpose", &["wf"], "wt").ints("perm", &[1, 0]));
    nodes.push(node("Gemm", &["a", "wt"], "c").int("transB", 0));
    nodes.extend(pair("c", "y", "out"));
    let mut constants = vec![
        floats("w", &[1, 4], &[0.26, -0.74, 9.0, 0.0]),
        floats("ws", &[1], &[0.5]),
        narrow("wz", 3, &[1], &[0]),
    ];
    constants.extend(steps("in", 0.5, 128));
    constants.extend(steps("out", 1.0, 128));
    let graph = graph(&[1, 4], nodes, constants);
    assert!(graph.is_quantized());
    let weights = graph.nodes[0].op.weights().unwrap();
    assert!(matches!(graph.nodes[0].op, Op::FullyConnected(_)));
    assert_eq!(weights.values, Values::S8(vec![1, -1, 18, 0]));
}

#[test]
fn quantisations_that_integers_cannot_follow_are_refused() {
    let wide = vec![floats("s", &[], &[0.5]), narrow("z", 5, &[], &[0])];
    let q = node("QuantizeLinear", &["x", "s", "z"], "y");
    let text = refusal(&model(&[1, 4], vec![q], wide));
    assert!(
        text.contains("activations of int16") && text.contains("quantize_static"),
        "{text}"
    );

    let several = vec![
        floats("s", &[2], &[0.5, 1.0]),
        narrow("z", 2, &[2], &[0, 0]),
    ];
    let q = node("QuantizeLinear", &["x", "s", "z"], "y");
    let text = refusal(&model(&[1, 2], vec![q], several));
    assert!(text.contains("several scales"), "{text}");

    let blocks = node("DequantizeLinear", &["w", "s"], "wf").int("block_size", 32);
    let gemm = node("MatMul", &["x", "wf"], "y");
    let constants = vec![narrow("w", 3, &[2, 2], &[1; 4]), floats("s", &[], &[1.0])];
    let text = refusal(&model(&[1, 2], vec![blocks, gemm], constants));
    assert!(text.contains("blocks of 32"), "{text}");

    let dynamic = node("DynamicQuantizeLinear", &["x"], "y");
    let text = refusal(&model(&[1, 2], vec![dynamic], vec![ints("unused", &[0])]));
    assert!(
        text.contains("while the network runs") && text.contains("--calib"),
        "{text}"
    );
}
