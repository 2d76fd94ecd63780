//! Real networks against their golden outputs: importer, interpreter and passes together.
//!
//! Integer networks must give the bytes of TensorFlow Lite Micro, float ones its values up to rounding.
//! The models lie beside the project (`../shared`); without them the tests say so and pass.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where its data are damaged"
)]

use nnz_pruner::data::{Elements, read_npy};
use nnz_pruner::import;
use nnz_pruner::interpret::{Interpreter, Value, from_source_order, to_source_order};
use nnz_pruner::ir::{Graph, Tensor};
use nnz_pruner::pass::{PassSet, run};
use std::path::{Path, PathBuf};

fn shared() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    if path.join("models").is_dir() {
        return Some(path);
    }
    eprintln!("skipped: {} is absent", path.display());
    None
}

/// One sample of an array in the source model's order, as a tensor's value.
fn sample(elements: &Elements, i: usize, tensor: &Tensor) -> Option<Value> {
    let (n, shape, order) = (tensor.shape.len(), tensor.shape, tensor.source.order);
    match elements {
        Elements::F32(v) => Some(Value::F32(from_source_order(
            v.get(i * n..(i + 1) * n)?,
            shape,
            order,
        ))),
        Elements::S8(v) => Some(Value::S8(from_source_order(
            v.get(i * n..(i + 1) * n)?,
            shape,
            order,
        ))),
        Elements::U8(_) | Elements::S64(_) => None,
    }
}

/// A network with its golden inputs and the outputs that it must give.
struct Golden {
    name: String,
    graph: Graph,
    inputs: Elements,
    outputs: Vec<Elements>,
}

/// Every network that has golden outputs, those of TensorFlow Lite Micro where they differ.
fn goldens(shared: &Path) -> Vec<Golden> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(shared.join("golden")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = file.strip_suffix(".in.npy") else {
            continue;
        };
        let golden = |kind: &str| {
            let path = shared.join(format!("golden/{name}.{kind}.npy"));
            path.exists().then(|| read_npy(&path).unwrap().elements)
        };
        let model = ["tflite", "onnx"]
            .map(|extension| shared.join(format!("models/{name}.{extension}")))
            .into_iter()
            .find(|path| path.exists());
        let graph = match import::load(&model.unwrap()) {
            Ok(graph) => graph,
            Err(error) => {
                eprintln!("{name}: not imported: {error}");
                continue;
            }
        };
        let outputs = (0..graph.outputs.len()).map(|k| {
            let micro = golden(&format!("tflm_out{k}"));
            micro.or_else(|| golden(&format!("out{k}"))).unwrap()
        });
        let outputs = outputs.collect();
        let inputs = golden("in").unwrap();
        found.push(Golden {
            name: name.to_string(),
            graph,
            inputs,
            outputs,
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Runs every sample and compares: integers to the byte, floats within `tolerance` of the norm.
fn compare(golden: &Golden, graph: &Graph, tolerance: f32) -> usize {
    let interpreter = Interpreter::new(graph).unwrap();
    let input = graph.tensor(graph.inputs[0]);
    let mut samples = 0;
    while let Some(value) = sample(&golden.inputs, samples, input) {
        let found = interpreter.run(&[value]).unwrap();
        for ((found, expected), id) in found.iter().zip(&golden.outputs).zip(&graph.outputs) {
            let expected = sample(expected, samples, graph.tensor(*id)).unwrap();
            if let (Value::F32(found), Value::F32(expected)) = (found, &expected) {
                let norm = |v: &mut dyn Iterator<Item = f32>| v.map(|x| x * x).sum::<f32>().sqrt();
                let error = norm(&mut found.iter().zip(expected).map(|(a, b)| a - b));
                let size = norm(&mut expected.iter().copied());
                assert!(
                    error <= tolerance * size,
                    "{} sample {samples}: {error} of {size}",
                    golden.name
                );
            } else {
                assert_eq!(*found, expected, "{} sample {samples}", golden.name);
            }
        }
        samples += 1;
    }
    samples
}

/// Largest relative error of a network's floats: weights in half precision have wider bounds, and of hybrid networks
/// TFLite rounds the activations to 8 bits, nnz does not.
fn tolerance(name: &str) -> f32 {
    if name.contains("hybrid") {
        0.12
    } else if name.contains("f16") {
        1.0e-3
    } else {
        1.0e-4
    }
}

#[test]
fn every_network_gives_its_golden_outputs() {
    let Some(shared) = shared() else { return };
    let goldens = goldens(&shared);
    assert!(
        goldens.len() >= 23,
        "{} networks were imported",
        goldens.len()
    );
    for golden in goldens {
        let samples = compare(&golden, &golden.graph, tolerance(&golden.name));
        assert!(samples > 0, "{} has golden inputs", golden.name);
    }
}

#[test]
fn passes_change_no_golden_output() {
    let Some(shared) = shared() else { return };
    for golden in goldens(&shared) {
        for set in [PassSet::All, PassSet::Lossless, PassSet::None] {
            let graph = run(golden.graph.clone(), set).unwrap();
            compare(&golden, &graph, tolerance(&golden.name));
        }
    }
}

fn fnv1a(bytes: &[i8]) -> u64 {
    let step =
        |hash: u32, byte: &i8| (hash ^ u32::from(byte.cast_unsigned())).wrapping_mul(0x0100_0193);
    u64::from(bytes.iter().fold(0x811C_9DC5, step))
}

#[test]
fn every_operator_gives_the_bytes_of_tensorflow_lite_micro() {
    let Some(shared) = shared() else { return };
    for (record, model) in [
        ("kws", "kws_int8"),
        ("resnet8", "resnet8_int8"),
        ("vww", "vww96_int8"),
        ("ad01", "ad01_int8"),
    ] {
        let text =
            std::fs::read_to_string(shared.join(format!("golden/tflm/{record}.json"))).unwrap();
        let record: serde_json::Value = serde_json::from_str(&text).unwrap();
        let graph = import::load(&shared.join(format!("models/{model}.tflite"))).unwrap();
        let hex = record["input_hex"].as_str().unwrap();
        let byte = |i: usize| {
            u8::from_str_radix(&hex[2 * i..2 * i + 2], 16)
                .unwrap()
                .cast_signed()
        };
        let bytes = Elements::S8((0..hex.len() / 2).map(byte).collect());
        let input = sample(&bytes, 0, graph.tensor(graph.inputs[0])).unwrap();
        let values = Interpreter::new(&graph).unwrap().run_all(&[input]).unwrap();
        for op in record["ops"].as_array().unwrap() {
            let index = usize::try_from(op["op"].as_u64().unwrap()).unwrap();
            let node = graph.nodes.iter().rfind(|n| n.source_index == Some(index));
            let node = node.unwrap_or_else(|| panic!("{model}: no node of operator {index}"));
            let tensor = graph.tensor(node.output);
            let Some(Value::S8(value)) = &values[node.output.0] else {
                panic!("{model}: operator {index} has no integer output")
            };
            let bytes = to_source_order(value, tensor.shape, tensor.source.order);
            assert_eq!(
                fnv1a(&bytes),
                op["fnv1a32"].as_u64().unwrap(),
                "{model} operator {index}"
            );
        }
    }
}

#[test]
fn dead_channels_of_vww96_leave_less_than_a_seventh_of_its_weights() {
    let Some(shared) = shared() else { return };
    let graph = import::load(&shared.join("models/vww96_int8.tflite")).unwrap();
    let graph = run(graph, PassSet::Lossless).unwrap();
    let (mut weights, mut nonzeros, mut macs) = (0, 0, 0);
    for node in &graph.nodes {
        if let Some(layer) = node.op.weights() {
            weights += layer.len();
            nonzeros += layer.nonzeros();
            macs += layer.nonzeros() * graph.tensor(node.output).shape.pixels();
        }
    }
    assert!(weights <= 29_100, "{weights} of 208,112 weights remain");
    assert!(nonzeros <= 28_650, "{nonzeros} of them are not zero");
    assert!(macs <= 3_700_000, "{macs} multiply-accumulates");
}
