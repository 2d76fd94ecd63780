//! What is read from constants, and every refusal, provoked by small models.

use super::fixture::{filter, floats, graph, import, ints, model, node, refusal, value};
use super::schema::{GraphProto, ModelProto, NodeProto, SparseTensor, TensorProto};
use crate::import::from_bytes;
use crate::ir::Values;

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
            "(PRelu): constant 'w' of dimensions [2, 1, 1, 1] does not act per channel",
        ),
        (
            &image,
            node("Cos", &["x"], "y"),
            vec![],
            "(Cos): this operator is not",
        ),
        (
            &image,
            node("Gelu", &["x"], "y").text("approximate", "quick"),
            vec![],
            "approximation 'quick'",
        ),
        (
            &image,
            node("Pow", &["x", "e"], "y"),
            vec![floats("e", &[], &[2.5])],
            "exponent 2.5",
        ),
        (
            &image,
            node("QuantizeLinear", &["x", "w"], "y"),
            vec![w()],
            "--calib",
        ),
        (
            &image,
            node("MaxPool", &["x"], "y")
                .ints("kernel_shape", &[2, 2])
                .ints("dilations", &[2, 2]),
            vec![],
            "dilation 2x2",
        ),
        (
            &image,
            node("Conv", &["x", "w"], "y"),
            vec![w()],
            "its filters 'w' [2, 1, 1, 1] read 1 channels in 1 groups, its input 'x' has 2",
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
            "'pads' is [1] for a window over 2 axes",
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
            "over an input of rank 3",
        ),
        (
            &[1, 2],
            node("Gemm", &["x", "w"], "y").int("transA", 1),
            vec![square()],
            "transA",
        ),
        (
            &[1, 3, 2],
            node("Gemm", &["x", "w"], "y"),
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
            vec![ints("p", &[1, 0, 0, 0, 0, 0, 0, 0])],
            "padding the batch",
        ),
        (
            &image,
            node("Pad", &["x", "p"], "y").text("mode", "reflect"),
            vec![pads()],
            "channels padded by reflect",
        ),
        (
            &image,
            node("MaxPool", &["x"], "y"),
            vec![],
            "'kernel_shape' is missing",
        ),
        (
            &image,
            node("ReduceMean", &["x"], "y").ints("axes", &[0]),
            vec![],
            "a mean over axes [0]",
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
            node("Concat", &["x", "x"], "y").int("axis", 0),
            vec![],
            "axis 0 of [1, 2, 4, 4]",
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
