//! `nnz explain` names what became of every node of models that were quantised before.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use nnz_tests::command::nnz;
use nnz_tests::shared::repository;
use serde_json::Value;

fn explain(name: &str) -> Value {
    let path = repository(&format!("tests/fixtures/exported/{name}"));
    let ran = nnz(["explain", &path.display().to_string(), "--json"]);
    ran.succeeded().json()
}

/// Names of the nodes of one operator that are said to have become the operator `name`.
fn became<'v>(found: &'v Value, name: &str, operator: &str) -> Vec<&'v str> {
    let fused = found["fused"].as_array().unwrap();
    let entry = fused.iter().find(|f| f["name"] == name);
    let nodes = entry.unwrap()["nodes"].as_array().unwrap();
    let of = nodes.iter().filter(|n| n["operator"] == operator);
    of.map(|n| n["name"].as_str().unwrap()).collect()
}

#[test]
fn quantisations_are_named_with_the_integer_operator_that_they_became() {
    let found = explain("residual.qdq_channel.onnx");
    let of = |operator| became(&found, "/1/body/body.0/body.0.0/Conv", operator);
    assert_eq!(of("DequantizeLinear").len(), 3, "input, weights and bias");
    let written = ["/1/body/body.0/body.0.2/Relu_output_0_QuantizeLinear"];
    assert_eq!(of("QuantizeLinear"), written);
    let sum = became(&found, "/1/Add", "DequantizeLinear");
    assert_eq!(sum.len(), 2, "{sum:?}");
    assert_eq!(found["is_integer"], true);
}

#[test]
fn every_node_of_a_quantised_model_belongs_to_an_operator() {
    for name in [
        "cnn.fx.onnx",
        "residual.qdq_pairs.onnx",
        "excite.qdq_channel.onnx",
        "depthwise.qdq_u8_channel.onnx",
        "keras_cnn.float16.tflite",
    ] {
        let found = explain(name);
        let mut known: Vec<&str> = Vec::new();
        for fused in found["fused"].as_array().unwrap() {
            let nodes = fused["nodes"].as_array().unwrap().iter();
            known.extend(nodes.map(|n| n["name"].as_str().unwrap()));
        }
        known.sort_unstable();
        known.dedup();
        let count = |n: &Value| usize::try_from(n.as_u64().unwrap()).unwrap();
        let operators = found["operators"].as_object().unwrap();
        let operators: usize = operators.values().map(count).sum();
        let alone = operators - found["fused"].as_array().unwrap().len();
        let nodes = count(&found["source_nodes"]);
        assert_eq!(known.len() + alone, nodes, "{name}: {known:?}");
    }
}

#[test]
fn a_float_network_shows_what_its_exporter_wrote_in_pieces() {
    let found = explain("shuffle.torchscript.onnx");
    let fused = found["fused"].as_array().unwrap();
    let moved = fused.iter().any(|f| {
        let nodes = f["nodes"].as_array().unwrap();
        nodes.iter().any(|n| n["operator"] == "Reshape")
    });
    assert!(moved, "{found}");
    assert!(found["source_nodes"].as_u64().unwrap() > 0);
}
