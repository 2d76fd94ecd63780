//! Imported networks compute what the original runtimes computed.
//!
//! Float networks within 1e-4 (relative L2) of `LiteRT` or ONNX Runtime; int8 networks byte for byte, and every
//! operator of theirs with the FNV-1a hash that TensorFlow Lite Micro's output has.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test a panic is the report"
)]

use nnz_pruner::data::{Elements, read_npy};
use nnz_pruner::import;
use nnz_pruner::interpret::{Interpreter, Value, from_source_order, to_source_order};
use nnz_pruner::ir::{DType, Graph, Order, Tensor};
use nnz_tests::hash::fnv1a32;
use std::path::{Path, PathBuf};

/// Networks whose operators are not all supported yet, with a word of the reason.
const REFUSED: [(&str, &str); 2] = [
    ("blazeface_full_range_sparse_f16", "DENSIFY"),
    ("kws_hybrid_f32io", "hybrid"),
];

fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared")
        .join(folder);
    if !path.is_dir() {
        eprintln!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

/// Rows of a golden array along its first axis, each in the graph's order for `tensor`.
fn rows(path: &Path, tensor: &Tensor) -> Vec<Value> {
    let array = read_npy(path).unwrap();
    let dims = &array.shape[1..];
    let order = if tensor.source.dims[1..] == *dims {
        tensor.source.order
    } else {
        Order::Nhwc
    };
    let len = tensor.shape.len();
    assert_eq!(dims.iter().product::<usize>(), len, "{}", path.display());
    match array.elements {
        Elements::F32(v) => v
            .chunks(len)
            .map(|row| Value::F32(from_source_order(row, tensor.shape, order)))
            .collect(),
        Elements::S8(v) => v
            .chunks(len)
            .map(|row| Value::S8(from_source_order(row, tensor.shape, order)))
            .collect(),
        other @ (Elements::U8(_) | Elements::S64(_)) => {
            panic!("{}: unexpected {other:?}", path.display())
        }
    }
}

fn relative_l2(found: &[f32], golden: &[f32]) -> f64 {
    let square = |v: f64| v * v;
    let difference: f64 = found
        .iter()
        .zip(golden)
        .map(|(a, b)| square(f64::from(*a) - f64::from(*b)))
        .sum();
    let size: f64 = golden.iter().map(|b| square(f64::from(*b))).sum();
    difference.sqrt() / size.sqrt().max(f64::MIN_POSITIVE)
}

/// Runs every golden input of a model and compares every output.
fn compare(model: &Path, graph: &Graph, golden: &Path) -> usize {
    let stem = model.file_stem().unwrap().to_string_lossy();
    let exact = golden.join(format!("{stem}.tflm_out0.npy"));
    let expected = if exact.is_file() {
        exact
    } else {
        golden.join(format!("{stem}.out0.npy"))
    };
    let input = graph.tensor(graph.inputs[0]);
    let output = graph.tensor(graph.outputs[0]);
    let inputs = rows(&golden.join(format!("{stem}.in.npy")), input);
    let expected = rows(&expected, output);
    assert_eq!(inputs.len(), expected.len());
    let interpreter = Interpreter::new(graph).unwrap();
    for (i, (input, expected)) in inputs.iter().zip(&expected).enumerate() {
        let found = interpreter.run(core::slice::from_ref(input)).unwrap();
        match (&found[0], expected) {
            (Value::S8(found), Value::S8(golden)) => {
                assert_eq!(found, golden, "{}: row {i}", model.display());
            }
            (Value::F32(found), Value::F32(golden)) => {
                let error = relative_l2(found, golden);
                assert!(error <= 1e-4, "{}: row {i}: {error:e}", model.display());
            }
            _ => panic!("{}: the golden has another type", model.display()),
        }
    }
    expected.len()
}

#[test]
fn every_network_with_a_golden_computes_it() {
    let (Some(models), Some(golden)) = (shared("models"), shared("golden")) else {
        return;
    };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(models)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    let mut compared = 0;
    for path in paths {
        let Some(stem) = path.file_stem().map(|s| s.to_string_lossy().into_owned()) else {
            continue;
        };
        if !golden.join(format!("{stem}.in.npy")).is_file() {
            continue;
        }
        if let Some((_, reason)) = REFUSED.iter().find(|(name, _)| *name == stem) {
            let refusal = import::load(&path).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{refusal}");
            continue;
        }
        let graph = import::load(&path).unwrap();
        let rows = compare(&path, &graph, &golden);
        println!("{}: {rows} rows", path.display());
        compared += 1;
    }
    assert!(compared >= 20, "only {compared} networks were compared");
}

fn unhex(text: &str) -> Vec<i8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            let digits = core::str::from_utf8(pair).unwrap();
            i8::from_le_bytes([u8::from_str_radix(digits, 16).unwrap()])
        })
        .collect()
}

#[test]
fn every_operator_of_an_int8_network_gives_the_bytes_of_tensorflow_lite_micro() {
    let (Some(models), Some(golden)) = (shared("models"), shared("golden/tflm")) else {
        return;
    };
    let cases = [
        ("kws", "kws_int8", 13),
        ("vww", "vww96_int8", 31),
        ("resnet8", "resnet8_int8", 16),
        ("ad01", "ad01_int8", 10),
    ];
    for (record, model, operators) in cases {
        let text = std::fs::read_to_string(golden.join(format!("{record}.json"))).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let graph = import::load(&models.join(format!("{model}.tflite"))).unwrap();
        let input = graph.tensor(graph.inputs[0]);
        let bytes = unhex(json["input_hex"].as_str().unwrap());
        let value = Value::S8(from_source_order(&bytes, input.shape, input.source.order));
        let values = Interpreter::new(&graph).unwrap().run_all(&[value]).unwrap();
        let ops = json["ops"].as_array().unwrap();
        assert_eq!(ops.len(), operators);
        for op in ops {
            let index = usize::try_from(op["op"].as_u64().unwrap()).unwrap();
            let node = graph
                .nodes
                .iter()
                .find(|n| n.source_index == Some(index))
                .unwrap();
            let tensor = graph.tensor(node.output);
            let Some(Value::S8(found)) = &values[node.output.0] else {
                panic!("{model}: {} wrote no bytes", node.name);
            };
            assert_eq!(tensor.dtype, DType::S8);
            let found = to_source_order(found, tensor.shape, tensor.source.order);
            let bytes: Vec<u8> = found.into_iter().map(i8::cast_unsigned).collect();
            let hash = fnv1a32(&bytes);
            assert_eq!(
                Some(u64::from(hash)),
                op["fnv1a32"].as_u64(),
                "{model}: operator {index} ({})",
                node.name
            );
        }
    }
}
