//! Every rule of the ONNX importer, provoked by small models encoded here.

use super::schema::{
    Attribute, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetId, SparseTensor,
    TensorProto, TensorShape, TensorType, TypeProto, ValueInfo,
};
use crate::import::{ImportError, from_bytes};
use crate::ir::{Bias, Clamp, FlattenOrder, Graph, Op, Order, Shape, Values};
use prost::Message as _;

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        input: inputs.iter().map(|s| (*s).into()).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

impl NodeProto {
    fn ints(mut self, name: &str, ints: &[i64]) -> Self {
        self.attribute.push(Attribute {
            name: name.into(),
            ints: ints.to_vec(),
            ..Attribute::default()
        });
        self
    }

    fn int(mut self, name: &str, i: i64) -> Self {
        self.attribute.push(Attribute {
            name: name.into(),
            i: Some(i),
            ..Attribute::default()
        });
        self
    }

    fn float(mut self, name: &str, f: f32) -> Self {
        self.attribute.push(Attribute {
            name: name.into(),
            f: Some(f),
            ..Attribute::default()
        });
        self
    }

    fn text(mut self, name: &str, text: &str) -> Self {
        self.attribute.push(Attribute {
            name: name.into(),
            s: Some(text.into()),
            ..Attribute::default()
        });
        self
    }
}

fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: 1,
        float_data: values.to_vec(),
        ..TensorProto::default()
    }
}

fn ints(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![i64::try_from(values.len()).unwrap()],
        data_type: 7,
        int64_data: values.to_vec(),
        ..TensorProto::default()
    }
}

fn value(name: &str, dims: &[i64]) -> ValueInfo {
    let dim = dims.iter().map(|d| Dimension {
        dim_value: (*d > 0).then_some(*d),
        dim_param: (*d <= 0).then(|| "N".to_owned()),
    });
    let tensor = TensorType {
        elem_type: 1,
        shape: Some(TensorShape { dim: dim.collect() }),
    };
    ValueInfo {
        name: name.into(),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor),
        }),
    }
}

/// A model from input `x` to output `y`.
fn model(x: &[i64], nodes: Vec<NodeProto>, initializer: Vec<TensorProto>) -> ModelProto {
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetId {
            domain: String::new(),
            version: 13,
        }],
        graph: Some(GraphProto {
            node: nodes,
            initializer,
            input: vec![value("x", x)],
            output: vec![value("y", &[1])],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

fn import(model: &ModelProto) -> Result<Graph, ImportError> {
    from_bytes("net.onnx", &model.encode_to_vec())
}

fn graph(x: &[i64], nodes: Vec<NodeProto>, initializer: Vec<TensorProto>) -> Graph {
    import(&model(x, nodes, initializer)).unwrap_or_else(|e| panic!("{e}"))
}

fn refusal(model: &ModelProto) -> String {
    let text = import(model).expect_err("it was imported").to_string();
    assert!(
        text.starts_with("net.onnx: ") && text.contains("\n  help: "),
        "{text}"
    );
    text
}

/// Weights of a 2x2 convolution from one to one channel.
fn filter() -> TensorProto {
    floats("w", &[1, 1, 2, 2], &[1., 2., 3., 4.])
}

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

#[test]
fn constants_are_read_from_every_encoding_of_floats() {
    let half = |v: f32| half::f16::from_f32(v).to_le_bytes();
    let bf = |v: f32| half::bf16::from_f32(v).to_le_bytes();
    let values = [1.0_f32, -2.0, 0.5, 4.0];
    let base = TensorProto {
        dims: vec![1, 1, 2, 2],
        name: "w".into(),
        ..TensorProto::default()
    };
    let raw = |data_type: i32, bytes: Vec<u8>| TensorProto {
        data_type,
        raw_data: Some(bytes),
        ..base.clone()
    };
    let encodings = [
        raw(1, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        raw(
            11,
            values
                .iter()
                .flat_map(|v| f64::from(*v).to_le_bytes())
                .collect(),
        ),
        raw(10, values.iter().flat_map(|v| half(*v)).collect()),
        raw(16, values.iter().flat_map(|v| bf(*v)).collect()),
        TensorProto {
            data_type: 1,
            float_data: values.to_vec(),
            ..base.clone()
        },
        TensorProto {
            data_type: 11,
            double_data: values.map(f64::from).to_vec(),
            ..base.clone()
        },
        TensorProto {
            data_type: 10,
            int32_data: values
                .iter()
                .map(|v| i32::from(u16::from_le_bytes(half(*v))))
                .collect(),
            ..base.clone()
        },
    ];
    for tensor in encodings {
        let text = format!("{tensor:?}");
        let graph = graph(
            &[1, 1, 4, 4],
            vec![node("Conv", &["x", "w"], "y")],
            vec![tensor],
        );
        let weights = graph.nodes[0].op.weights().unwrap();
        assert_eq!(weights.values, Values::F32(values.to_vec()), "{text}");
        assert_eq!(weights.name, "w");
    }
}

#[test]
fn constants_of_other_sizes_types_and_places_are_refused() {
    let with = |tensor: TensorProto| {
        refusal(&model(
            &[1, 1, 4, 4],
            vec![node("Conv", &["x", "w"], "y")],
            vec![tensor],
        ))
    };
    let short = floats("w", &[1, 1, 2, 2], &[1.0; 3]);
    assert!(with(short).contains("need 4 numbers or bytes, there are 3"));
    assert!(
        with(TensorProto {
            data_type: 3,
            ..filter()
        })
        .contains("is int8, not float")
    );
    assert!(
        with(TensorProto {
            data_location: 1,
            ..filter()
        })
        .contains("lies in another file")
    );
    assert!(
        with(TensorProto {
            dims: vec![1; 9],
            ..filter()
        })
        .contains("rank 9")
    );
    assert!(
        with(TensorProto {
            dims: vec![1, -1],
            ..filter()
        })
        .contains("dimensions [1, -1]")
    );
    let huge = TensorProto {
        dims: vec![i64::MAX; 4],
        ..filter()
    };
    assert!(with(huge).contains("overflow"));
    for bad in [f32::NAN, f32::INFINITY] {
        let text = with(floats("w", &[1, 1, 2, 2], &[1.0, bad, 0.0, 0.0]));
        assert!(
            text.contains("tensor 'w' holds a NaN or an infinity"),
            "{text}"
        );
    }
    let tiny = TensorProto {
        data_type: 11,
        double_data: vec![1e300; 4],
        float_data: vec![],
        ..filter()
    };
    assert!(with(tiny).contains("infinity"));
}

#[test]
fn what_an_operator_does_not_support_is_refused_with_its_name_and_reason() {
    let image = [1, 2, 4, 4];
    let pads = || ints("p", &[0, 1, 0, 0, 0, 0, 0, 0]);
    let w = || floats("w", &[2, 1, 1, 1], &[1.0; 2]);
    let w2 = || floats("w", &[2, 2, 1, 1], &[1.0; 4]);
    let square = || floats("w", &[2, 2], &[1.0; 4]);
    let cases: Vec<(&[i64], NodeProto, Vec<TensorProto>, &str)> = vec![
        (
            &image,
            node("PRelu", &["x", "w"], "y"),
            vec![w()],
            "(PRelu): this operator is not",
        ),
        (
            &image,
            node("QuantizeLinear", &["x", "w"], "y"),
            vec![w()],
            "--calib",
        ),
        (
            &image,
            node("Conv", &["x", "w"], "y").ints("dilations", &[2, 2]),
            vec![w2()],
            "dilation 2x2",
        ),
        (
            &image,
            node("Conv", &["x", "w"], "y"),
            vec![w()],
            "1 groups of filters [2, 1, 1, 1] for 2",
        ),
        (
            &image,
            node("Conv", &["x", "w"], "y").ints("pads", &[-1, 0, 0, 0]),
            vec![w2()],
            "padding -1",
        ),
        (
            &image,
            node("Conv", &["x", "w"], "y").ints("pads", &[1]),
            vec![w2()],
            "pads [1], not 4",
        ),
        (
            &image,
            node("Conv", &["x", "w"], "y").text("auto_pad", "ODD"),
            vec![w2()],
            "auto_pad 'ODD'",
        ),
        (
            &image,
            node("Conv", &["x", "w"], "y").ints("kernel_shape", &[3, 3]),
            vec![w2()],
            "kernel_shape",
        ),
        (
            &[1, 2, 4],
            node("Conv", &["x", "w"], "y"),
            vec![w2()],
            "only [1, c, h, w]",
        ),
        (
            &[1, 2],
            node("Gemm", &["x", "w"], "y").int("transA", 1),
            vec![square()],
            "transA",
        ),
        (
            &[1, 3, 2],
            node("MatMul", &["x", "w"], "y"),
            vec![square()],
            "over the last axis of [1, 3, 2]",
        ),
        (
            &image,
            node("MatMul", &["x", "x"], "y"),
            vec![],
            "must be a constant",
        ),
        (
            &image,
            node("Softmax", &["x"], "y").int("axis", 1),
            vec![],
            "only vectors",
        ),
        (
            &image,
            node("Softmax", &["x"], "y").int("axis", 9),
            vec![],
            "axis 9 of rank 4",
        ),
        (
            &image,
            node("Pad", &["x", "p"], "y"),
            vec![pads()],
            "padding the batch or channels",
        ),
        (
            &image,
            node("Pad", &["x", "p"], "y").text("mode", "reflect"),
            vec![pads()],
            "'reflect'",
        ),
        (
            &image,
            node("MaxPool", &["x"], "y"),
            vec![],
            "'kernel_shape' is missing",
        ),
        (
            &image,
            node("ReduceMean", &["x"], "y").ints("axes", &[1]),
            vec![],
            "a mean over axes [1]",
        ),
        (
            &image,
            node("Transpose", &["x"], "y").ints("perm", &[0, 1, 3, 2]),
            vec![],
            "moves values",
        ),
        (
            &image,
            node("Transpose", &["x"], "y").ints("perm", &[0, 0, 1, 2]),
            vec![],
            "no order of 4",
        ),
        (
            &image,
            node("Reshape", &["x", "s"], "y"),
            vec![ints("s", &[5, -1])],
            "reshaping",
        ),
        (
            &image,
            node("Mul", &["x", "x"], "y"),
            vec![],
            "two activations",
        ),
        (
            &image,
            node("Add", &["x", "w"], "y"),
            vec![floats("w", &[4], &[1.0; 4])],
            "per channel",
        ),
        (
            &image,
            node("Div", &["x", "w"], "y"),
            vec![floats("w", &[], &[0.0])],
            "infinity",
        ),
        (
            &image,
            node("Clip", &["x"], "y")
                .float("min", 2.0)
                .float("max", 1.0),
            vec![],
            "bounds 2 to 1",
        ),
        (
            &image,
            node("Cast", &["x"], "y").int("to", 7),
            vec![],
            "another type than float32",
        ),
        (&[3, 2], node("Relu", &["x"], "y"), vec![], "a batch of 3"),
        (
            &image,
            node("Relu", &["z"], "y"),
            vec![],
            "'z', which nothing before it writes",
        ),
        (
            &image,
            node("Relu", &[], "y"),
            vec![],
            "its input 0 is missing",
        ),
    ];
    for (x, node, initializers, reason) in cases {
        let text = refusal(&model(x, vec![node], initializers));
        assert!(text.contains(reason), "expected '{reason}' in '{text}'");
    }
}

#[test]
fn models_that_are_wrong_as_a_whole_are_refused() {
    let sound = || model(&[1, 4], vec![node("Relu", &["x"], "y")], vec![]);
    assert!(import(&sound()).is_ok());
    let broken = |change: fn(&mut ModelProto)| {
        let mut model = sound();
        change(&mut model);
        refusal(&model)
    };
    fn graph(m: &mut ModelProto) -> &mut GraphProto {
        m.graph.as_mut().unwrap()
    }
    assert!(broken(|m| m.graph = None).contains("no graph"));
    assert!(broken(|m| m.opset_import.clear()).contains("no version"));
    assert!(broken(|m| m.opset_import[0].version = 6).contains("opset 6"));
    assert!(broken(|m| graph(m).output[0].name = "q".into()).contains("nothing writes output 'q'"));
    assert!(broken(|m| graph(m).output.clear()).contains("at least one"));
    assert!(broken(|m| graph(m).input[0].r#type = None).contains("has no shape"));
    assert!(broken(|m| graph(m).input[0] = value("x", &[1, 0])).contains("is not fixed"));
    assert!(broken(|m| graph(m).node[0].domain = "com.acme".into()).contains("'com.acme'"));
    assert!(broken(|m| graph(m).node[0].name = "n".repeat(2000)).contains("bytes of a name"));
    assert!(
        broken(|m| graph(m).sparse_initializer.push(SparseTensor::default())).contains("sparse")
    );
    let twice = |m: &mut ModelProto| graph(m).node.push(node("Relu", &["x"], "y"));
    assert!(broken(twice).contains("two nodes write 'y'"));
    let many = |m: &mut ModelProto| graph(m).node = vec![NodeProto::default(); 20_000];
    assert!(broken(many).contains("nodes: 20000, at most 16384"));
    let typed = |m: &mut ModelProto| {
        let mut x = value("x", &[1, 4]);
        x.r#type
            .as_mut()
            .unwrap()
            .tensor_type
            .as_mut()
            .unwrap()
            .elem_type = 2;
        graph(m).input[0] = x;
    };
    assert!(broken(typed).contains("is uint8"));
}

#[test]
fn nodes_that_no_output_needs_are_skipped_even_if_unsupported() {
    let nodes = vec![node("Relu", &["x"], "y"), node("Loop", &["x"], "unused")];
    let graph = graph(&[1, 4], nodes, vec![]);
    assert_eq!(graph.nodes.len(), 1);
    assert!(
        graph.notes.iter().any(|n| n.starts_with("1 nodes")),
        "{:?}",
        graph.notes
    );
}

#[test]
fn what_decoding_would_allocate_is_bounded_before_it_is_decoded() {
    // Two bytes per node: an empty message each.
    let nodes = [0x0a, 0x00].repeat(600_000);
    let mut bytes = vec![0x3a];
    prost::encode_length_delimiter(nodes.len(), &mut bytes).unwrap();
    bytes.extend(nodes);
    let text = from_bytes("net.onnx", &bytes).unwrap_err().to_string();
    assert!(
        text.contains("bytes of memory to decode the model"),
        "{text}"
    );

    let text = from_bytes("net.onnx", &[0x3a, 0xff, 0xff])
        .unwrap_err()
        .to_string();
    assert!(text.contains("byte 0 starts no protobuf field"), "{text}");
}

#[test]
fn a_file_that_shares_weights_without_end_runs_out_of_budget() {
    let count = 60;
    let nodes = (0..count)
        .map(|i| {
            let from = if i == 0 { "x".into() } else { format!("t{i}") };
            let to = if i + 1 == count {
                "y".into()
            } else {
                format!("t{}", i + 1)
            };
            node("MatMul", &[&from, "w"], &to)
        })
        .collect();
    let weights = floats("w", &[500, 500], &vec![0.5; 250_000]);
    let text = refusal(&model(&[1, 500], nodes, vec![weights]));
    assert!(text.contains("values of all weights"), "{text}");
}
