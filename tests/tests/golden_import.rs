//! Imported networks compute what the original runtimes computed.
//!
//! Float networks within 1e-4 (relative L2) of `LiteRT` or ONNX Runtime; int8 networks byte for byte, and every
//! operator of theirs with the FNV-1a hash that TensorFlow Lite Micro's output has.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test a panic is the report"
)]

use nnz_pruner::data::{Dataset, Elements, Preprocess, read_npy};
use nnz_pruner::import;
use nnz_pruner::interpret::{Interpreter, Value, from_source_order, to_source_order};
use nnz_pruner::ir::{DType, Graph, Order, Tensor};
use nnz_tests::hash::fnv1a32;
use nnz_tests::shared::repository;
use std::path::{Path, PathBuf};

/// Largest relative L2 distance of float outputs.
fn tolerance(stem: &str) -> f64 {
    match stem {
        // TFLite rounds this network's activations to 8 bits while it runs, nnz does not: of 32 outputs the median is
        // 0.007 away, the farthest 0.111, and all have the same first class.
        "kws_hybrid_f32io" => 0.12,
        _ if stem.ends_with("_f16") => 1e-3,
        _ => 1e-4,
    }
}

/// Networks without golden outputs: right answers on `keywords_eval`.
const RIGHT: [(&str, usize); 2] = [("keywords_dense", 953), ("keywords_u75", 958)];

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

/// Runs inputs through a model and compares every output with the rows in its file; returns the largest distance.
fn compare(stem: &str, graph: &Graph, inputs: &[Value], expected: &[PathBuf]) -> f64 {
    let interpreter = Interpreter::new(graph).unwrap();
    let mut worst = 0.0_f64;
    let expected: Vec<Vec<Value>> = expected
        .iter()
        .zip(&graph.outputs)
        .map(|(path, id)| rows(path, graph.tensor(*id)))
        .collect();
    assert_eq!(expected.len(), graph.outputs.len(), "{stem}");
    for (i, input) in inputs.iter().enumerate() {
        let found = interpreter.run(core::slice::from_ref(input)).unwrap();
        for (found, golden) in found.iter().zip(&expected) {
            match (found, &golden[i]) {
                (Value::S8(found), Value::S8(golden)) => {
                    assert_eq!(found, golden, "{stem}: row {i}");
                }
                (Value::F32(found), Value::F32(golden)) => {
                    let error = relative_l2(found, golden);
                    assert!(error <= tolerance(stem), "{stem}: row {i}: {error:e}");
                    worst = worst.max(error);
                }
                _ => panic!("{stem}: the golden has another type"),
            }
        }
    }
    worst
}

/// The golden outputs of a model, TensorFlow Lite Micro's where they differ from `LiteRT`'s.
fn golden_outputs(golden: &Path, stem: &str) -> Vec<PathBuf> {
    let exact = golden.join(format!("{stem}.tflm_out0.npy"));
    if exact.is_file() {
        return vec![exact];
    }
    let paths = (0..).map(|k| golden.join(format!("{stem}.out{k}.npy")));
    paths.take_while(|p| p.is_file()).collect()
}

/// The first rows of a data set as inputs of a graph.
fn samples(graph: &Graph, data: &Path, layout: Option<Order>, how: &Preprocess) -> Vec<Value> {
    let data = Dataset::open(data).unwrap();
    let input = graph.tensor(graph.inputs[0]);
    let samples = data.samples(input, layout, how).unwrap();
    (0..samples.len())
        .map(|i| Value::F32(samples.get(i)))
        .collect()
}

/// How many samples of `keywords_eval` a network gets right.
fn right(graph: &Graph, data: &Path) -> usize {
    let labels = Dataset::open(data).unwrap().labels().unwrap().to_vec();
    let interpreter = Interpreter::new(graph).unwrap();
    let inputs = samples(graph, data, None, &Preprocess::NONE);
    let is_right = |(input, label): (Value, usize)| {
        let output = interpreter.run(&[input]).unwrap().remove(0);
        let scores = output.to_real(graph.tensor(graph.outputs[0]));
        let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        usize::from(best.is_some_and(|(class, _)| class == label))
    };
    inputs.into_iter().zip(labels).map(is_right).sum()
}

/// Compares one model with what is known of it, and says how.
fn judge(path: &Path, stem: &str, shared: &Path) -> String {
    let golden = shared.join("golden");
    let graph = import::load(path).unwrap_or_else(|e| panic!("{e}"));
    let inputs = golden.join(format!("{stem}.in.npy"));
    if inputs.is_file() {
        let inputs = rows(&inputs, graph.tensor(graph.inputs[0]));
        let worst = compare(stem, &graph, &inputs, &golden_outputs(&golden, stem));
        return format!("golden, {} rows, {worst:.1e}", inputs.len());
    }
    if let Some((_, expected)) = RIGHT.iter().find(|(name, _)| *name == stem) {
        let found = right(&graph, &shared.join("data/keywords_eval.npz"));
        assert_eq!(found, *expected, "{stem}");
        return format!("{found} right");
    }
    let outputs = repository(&format!("tests/fixtures/cifar/{stem}.out0.npy"));
    assert!(outputs.is_file(), "{stem} is compared with nothing");
    let how = Preprocess {
        mean: vec![128.0],
        std: vec![64.0],
    };
    let data = shared.join("data/cifar10_eval.npz");
    let mut inputs = samples(&graph, &data, Some(Order::Nhwc), &how);
    inputs.truncate(16);
    let worst = compare(stem, &graph, &inputs, &[outputs]);
    format!("ONNX Runtime, 16 images, {worst:.1e}")
}

#[test]
fn every_network_of_the_shared_folder_computes_what_its_runtime_computes() {
    let Some(models) = shared("models") else {
        return;
    };
    let folder = models.parent().unwrap();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&models)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    for path in &paths {
        let stem = path.file_stem().unwrap().to_string_lossy();
        println!("{}: {}", path.display(), judge(path, &stem, folder));
    }
    assert!(paths.len() >= 45, "only {} networks", paths.len());
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
