//! What the operators of ONNX become in the graph.

use super::fixture::{filter, floats, graph, ints, node};
use crate::ir::{Bias, Clamp, FlattenOrder, Op, Order, Shape, Values};

#[test]
fn auto_pad_and_ceil_mode_become_explicit_padding() {
    for (scheme, begin, end) in [
        ("SAME_UPPER", [0, 0], [1, 1]),
        ("SAME_LOWER", [1, 1], [0, 0]),
        ("VALID", [0; 2], [0; 2]),
    ] {
        let conv = node("Conv", &["x", "w"], "y").text("auto_pad", scheme);
        let graph = graph(&[1, 1, 4, 4], vec![conv], vec![filter()]);
        let Op::Conv2d(conv) = &graph.nodes[0].op else {
            panic!("{:?}", graph.nodes[0].op);
        };
        assert_eq!(
            (conv.window.pad_begin, conv.window.pad_end),
            (begin, end),
            "{scheme}"
        );
    }
    let pool = node("MaxPool", &["x"], "y")
        .ints("kernel_shape", &[3, 3])
        .ints("strides", &[2, 2])
        .int("ceil_mode", 1);
    let graph = graph(&[1, 1, 6, 7], vec![pool], vec![]);
    let Op::MaxPool2d(pool) = &graph.nodes[0].op else {
        panic!("{:?}", graph.nodes[0].op);
    };
    assert_eq!(
        (pool.window.pad_begin, pool.window.pad_end),
        ([0, 0], [1, 0])
    );
}

#[test]
fn padding_beyond_the_kernel_and_counted_padding_become_a_pad() {
    let conv = node("Conv", &["x", "w"], "y").ints("pads", &[2, 0, 0, 0]);
    let first = graph(&[1, 1, 4, 4], vec![conv], vec![filter()]);
    let expected = Op::Pad {
        begin: [2, 0],
        end: [0, 0],
        value: 0.0,
    };
    assert_eq!(
        (&first.nodes[0].op, first.nodes[0].source_index),
        (&expected, None)
    );
    assert_eq!(first.nodes[1].source_index, Some(0));

    let pool = node("AveragePool", &["x"], "y")
        .ints("kernel_shape", &[2, 2])
        .ints("pads", &[1, 1, 1, 1]);
    let plain = graph(&[1, 1, 4, 4], vec![pool.clone()], vec![]);
    assert_eq!(plain.nodes.len(), 1);
    let counted = graph(
        &[1, 1, 4, 4],
        vec![pool.int("count_include_pad", 1)],
        vec![],
    );
    assert_eq!(
        (counted.nodes.len(), counted.nodes[0].op.name()),
        (2, "pad")
    );
}

#[test]
fn gemm_scales_and_transposes_its_weights_and_bias() {
    let gemm = node("Gemm", &["x", "w", "c"], "y")
        .float("alpha", 2.0)
        .float("beta", 3.0);
    let weights = floats("w", &[2, 3], &[1., 2., 3., 4., 5., 6.]);
    let graph = graph(
        &[1, 2],
        vec![gemm],
        vec![weights, floats("c", &[1], &[1.0])],
    );
    let Op::FullyConnected(layer) = &graph.nodes[0].op else {
        panic!("{:?}", graph.nodes[0].op);
    };
    assert_eq!(layer.weights.shape, [3, 2, 1, 1]);
    assert_eq!(
        layer.weights.values,
        Values::F32(vec![2., 8., 4., 10., 6., 12.])
    );
    assert_eq!(layer.bias, Bias::F32(vec![3.0; 3]));
}

#[test]
fn a_constant_sum_after_a_product_is_its_bias_only_where_nothing_else_reads_it() {
    let weights = || {
        vec![
            floats("w", &[2, 2], &[1., 0., 0., 1.]),
            floats("b", &[2], &[5., 6.]),
        ]
    };
    let product = || node("MatMul", &["x", "w"], "t");
    let folded = graph(
        &[1, 2],
        vec![product(), node("Add", &["b", "t"], "y")],
        weights(),
    );
    assert_eq!(folded.nodes.len(), 1);
    assert_eq!(folded.tensor(folded.outputs[0]).name, "y");
    let shared = vec![
        product(),
        node("Add", &["t", "b"], "u"),
        node("Add", &["u", "t"], "y"),
    ];
    let shared = graph(&[1, 2], shared, weights());
    let names: Vec<_> = shared.nodes.iter().map(|n| n.op.name()).collect();
    assert_eq!(names, ["fully_connected", "channel_affine", "add"]);
}

#[test]
fn batch_normalisation_and_constants_per_channel_are_scale_and_shift() {
    let parameters = ["g", "b", "m", "v"];
    let values = [[2.0], [1.0], [3.0], [3.0]];
    let initializers = parameters
        .iter()
        .zip(&values)
        .map(|(n, v)| floats(n, &[1], v))
        .collect();
    let norm = node("BatchNormalization", &["x", "g", "b", "m", "v"], "y").float("epsilon", 1.0);
    let norm = graph(&[1, 1, 2, 2], vec![norm], initializers);
    let expected = Op::ChannelAffine {
        scale: vec![1.0],
        shift: vec![-2.0],
    };
    assert_eq!(norm.nodes[0].op, expected);
    for (op, inputs, scale, shift) in [
        ("Add", ["x", "c"], [1., 1.], [2., 4.]),
        ("Sub", ["x", "c"], [1., 1.], [-2., -4.]),
        ("Sub", ["c", "x"], [-1., -1.], [2., 4.]),
        ("Mul", ["c", "x"], [2., 4.], [0., 0.]),
        ("Div", ["x", "c"], [0.5, 0.25], [0., 0.]),
    ] {
        let constant = floats("c", &[2, 1, 1], &[2., 4.]);
        let graph = graph(&[1, 2, 3, 3], vec![node(op, &inputs, "y")], vec![constant]);
        let expected = Op::ChannelAffine {
            scale: scale.to_vec(),
            shift: shift.to_vec(),
        };
        assert_eq!(graph.nodes[0].op, expected, "{op}");
    }
}

#[test]
fn bounds_come_from_attributes_constants_min_and_max() {
    let scalar = |name: &str, v: f32| floats(name, &[], &[v]);
    let cases = [
        (
            node("Clip", &["x"], "y")
                .float("min", 0.0)
                .float("max", 6.0),
            Clamp::RELU6,
        ),
        (
            node("Clip", &["x", "a"], "y"),
            Clamp {
                lo: -1.0,
                hi: f32::INFINITY,
            },
        ),
        (
            node("Clip", &["x", "", "b"], "y"),
            Clamp {
                lo: f32::NEG_INFINITY,
                hi: 2.0,
            },
        ),
        (
            node("Max", &["a", "x"], "y"),
            Clamp {
                lo: -1.0,
                hi: f32::INFINITY,
            },
        ),
        (
            node("Min", &["x", "b"], "y"),
            Clamp {
                lo: f32::NEG_INFINITY,
                hi: 2.0,
            },
        ),
        (node("Relu", &["x"], "y"), Clamp::RELU),
    ];
    for (clip, expected) in cases {
        let text = format!("{clip:?}");
        let graph = graph(
            &[1, 4],
            vec![clip],
            vec![scalar("a", -1.0), scalar("b", 2.0)],
        );
        assert_eq!(graph.nodes[0].op, Op::Clamp(expected), "{text}");
    }
}

#[test]
fn an_input_that_is_only_transposed_is_channels_last_and_flattens_so() {
    let nodes = vec![
        node("Transpose", &["x"], "t").ints("perm", &[0, 3, 1, 2]),
        node("Conv", &["t", "w"], "c"),
        node("Transpose", &["c"], "u").ints("perm", &[0, 2, 3, 1]),
        node("Reshape", &["u", "s"], "y"),
    ];
    let weights = floats("w", &[3, 2, 1, 1], &[1.0; 6]);
    let graph = graph(&[0, 4, 5, 2], nodes, vec![weights, ints("s", &[-1, 60])]);
    let input = graph.tensor(graph.inputs[0]);
    assert_eq!(
        (input.shape, input.source.order),
        (Shape::new(2, 4, 5), Order::Nhwc)
    );
    assert_eq!(input.source.dims, [1, 4, 5, 2]);
    assert_eq!(graph.nodes[3].op, Op::Flatten(FlattenOrder::ChannelsLast));
    assert!(
        graph
            .notes
            .iter()
            .any(|n| n.contains("batch was fixed to 1")),
        "{:?}",
        graph.notes
    );
}

#[test]
fn the_shape_arithmetic_of_exporters_is_folded() {
    let nodes = vec![
        node("Relu", &["x"], "t"),
        node("Shape", &["t"], "s"),
        node("Gather", &["s", "zero"], "n"),
        node("Unsqueeze", &["n", "axes"], "n1"),
        node("Concat", &["n1", "rest"], "shape"),
        node("Reshape", &["t", "shape"], "y"),
    ];
    let mut zero = ints("zero", &[0]);
    zero.dims.clear();
    let initializers = vec![zero, ints("axes", &[0]), ints("rest", &[-1])];
    let graph = graph(&[0, 2, 3, 3], nodes, initializers);
    assert_eq!(graph.nodes.len(), 2);
    assert_eq!(graph.tensor(graph.outputs[0]).source.dims, [1, 18]);
    assert_eq!(graph.nodes[1].op, Op::Flatten(FlattenOrder::ChannelsFirst));
}
