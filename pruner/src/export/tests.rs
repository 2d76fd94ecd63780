//! Sources whose constants are shared, missing or in the wrong place.

use super::OnnxSource;
use crate::import::from_bytes;
use crate::import::onnx::fixture::{floats, model, node};
use crate::import::onnx::schema::ModelProto;
use crate::interpret::{Interpreter, Value};
use crate::ir::{Bias, Graph, Values};
use prost::Message as _;

/// Halves the weights, clears the first of each layer, and adds 1, 2, … times `step` to the biases.
fn disturbed(graph: &Graph, step: f32) -> Graph {
    let mut graph = graph.clone();
    let mut layer = 0.0;
    for node in &mut graph.nodes {
        let Some((weights, bias, _)) = node.op.layer_mut() else {
            continue;
        };
        layer += 1.0;
        let rows = weights.shape[0];
        if let Values::F32(values) = &mut weights.values {
            values.iter_mut().for_each(|w| *w *= 0.5 * layer);
            values[0] = 0.0;
        }
        let old = match bias {
            Bias::F32(b) => b.clone(),
            Bias::None | Bias::S32(_) => vec![0.0; rows],
        };
        let mut shift = 0.0;
        let new = old.iter().map(|b| {
            shift += step;
            b + shift
        });
        *bias = Bias::F32(new.collect());
    }
    graph
}

fn outputs(graph: &Graph) -> Vec<f32> {
    let tensor = graph.tensor(graph.inputs[0]);
    let mut x = 0.3;
    let values = (0..tensor.shape.len()).map(|_| {
        x = (x * 7.7_f32 + 0.1) % 1.0;
        x
    });
    let interpreter = Interpreter::new(graph).unwrap();
    let found = interpreter.run(&[Value::F32(values.collect())]).unwrap();
    found[0].to_real(graph.tensor(graph.outputs[0]))
}

/// Writes a disturbed network back and compares what both compute; gives the written model.
fn written(model: &ModelProto, step: f32) -> ModelProto {
    let source = OnnxSource::open("net.onnx", &model.encode_to_vec()).unwrap();
    let pruned = disturbed(source.graph(), step);
    let bytes = source.with_values_of(&pruned).unwrap();
    let again = from_bytes("net.onnx", &bytes).unwrap();
    for (found, expected) in outputs(&again).iter().zip(outputs(&pruned)) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
    ModelProto::decode(&bytes[..]).unwrap()
}

fn names(model: &ModelProto) -> Vec<String> {
    let graph = model.graph.as_ref().unwrap();
    graph.initializer.iter().map(|t| t.name.clone()).collect()
}

#[test]
fn layers_that_share_weights_get_their_own_and_one_mask() {
    let nodes = vec![
        node("Gemm", &["x", "w", "b"], "h"),
        node("Gemm", &["h", "w", "b"], "y"),
    ];
    let weights = floats("w", &[2, 2], &[1., 2., 3., 4.]);
    let net = model(
        &[1, 2],
        nodes,
        vec![weights, floats("b", &[2], &[0.5, 1.0])],
    );
    let out = written(&net, 0.25);
    assert_eq!(names(&out).len(), 4, "{:?}", names(&out));
    let source = OnnxSource::open("net.onnx", &net.encode_to_vec()).unwrap();
    let masks = source.masks(&disturbed(source.graph(), 0.0)).unwrap();
    assert_eq!(masks.len(), 1);
    assert_eq!(
        (masks[0].name.as_str(), &masks[0].dims[..]),
        ("w", &[2, 2][..])
    );
    assert_eq!(masks[0].values, [0, 1, 1, 1]);
}

#[test]
fn a_product_without_a_bias_gets_a_sum_only_where_one_is_needed() {
    let nodes = vec![node("MatMul", &["x", "w"], "y")];
    let net = model(
        &[1, 2],
        nodes,
        vec![floats("w", &[2, 3], &[1., 2., 3., 4., 5., 6.])],
    );
    let plain = written(&net, 0.0);
    assert_eq!(plain.graph.unwrap().node.len(), 1);
    let corrected = written(&net, 0.5).graph.unwrap();
    let operators: Vec<&str> = corrected.node.iter().map(|n| n.op_type.as_str()).collect();
    assert_eq!(operators, ["MatMul", "Add"]);
    assert_eq!(corrected.node[1].output, ["y"]);
}

#[test]
fn the_sum_after_a_product_takes_the_correction() {
    let nodes = vec![
        node("MatMul", &["x", "w"], "h"),
        node("Add", &["h", "b"], "y"),
    ];
    let weights = floats("w", &[2, 2], &[1., 2., 3., 4.]);
    let net = model(
        &[1, 2],
        nodes,
        vec![weights, floats("b", &[2], &[0.5, 1.0])],
    );
    assert_eq!(names(&written(&net, 0.5)), ["w", "b"]);
}

#[test]
fn scaled_and_broadcast_biases_are_followed() {
    let gemm = node("Gemm", &["x", "w", "b"], "y")
        .float("alpha", 2.0)
        .float("beta", 0.5);
    let weights = floats("w", &[2, 3], &[1., 2., 3., 4., 5., 6.]);
    let net = model(
        &[1, 2],
        vec![gemm],
        vec![weights, floats("b", &[1], &[4.0])],
    );
    let _ = written(&net, 0.5);
}

#[test]
fn convolutions_before_a_normalisation_are_followed_through_it() {
    let nodes = vec![
        node("Conv", &["x", "w"], "h"),
        node("BatchNormalization", &["h", "s", "t", "m", "v"], "y"),
    ];
    let two = |name: &str, a: f32, b: f32| floats(name, &[2], &[a, b]);
    let constants = vec![
        floats("w", &[2, 1, 1, 2], &[1., -2., 3., 0.5]),
        two("s", 2.0, -0.7),
        two("t", 0.3, 100.0),
        two("m", 0.1, 0.2),
        two("v", 1.0, 4.0),
    ];
    let net = model(&[1, 1, 2, 3], nodes, constants);
    let out = written(&net, 0.5);
    assert!(names(&out).contains(&"w_bias".to_owned()));
}

#[test]
fn fields_that_nnz_does_not_know_stay() {
    let weights = floats("w", &[2, 2], &[1., 2., 3., 4.]);
    let nodes = vec![node("MatMul", &["x", "w"], "y")];
    let mut bytes = model(&[1, 2], nodes, vec![weights]).encode_to_vec();
    // A metadata entry of the model.
    super::wire::bytes(&mut bytes, 14, b"\x0a\x03key\x12\x05value");
    let source = OnnxSource::open("net.onnx", &bytes).unwrap();
    let out = source
        .with_values_of(&disturbed(source.graph(), 0.1))
        .unwrap();
    assert!(out.windows(5).any(|w| w == b"value"));
}

#[test]
fn a_network_of_another_shape_is_refused() {
    let weights = floats("w", &[2, 2], &[1., 2., 3., 4.]);
    let nodes = vec![node("MatMul", &["x", "w"], "y")];
    let net = model(&[1, 2], nodes, vec![weights]).encode_to_vec();
    let source = OnnxSource::open("net.onnx", &net).unwrap();
    let mut other = source.graph().clone();
    other.nodes.clear();
    let error = source.with_values_of(&other).unwrap_err().to_string();
    assert!(error.contains("cannot be followed back to 'w'"), "{error}");
}
