//! Networks as `PyTorch`, Keras and ONNX Runtime export them: each imports, computes what its own runtime computes,
//! and goes through the whole line to int8.
//!
//! ```text
//! model ─import→ Graph ─┬ interpreter ────────┬ as ONNX Runtime or LiteRT gave it (1e-4, or one step)
//!                       ├ passes, interpreter ┘
//!                       └ prune --calib its own inputs → runtime: SNR against the float outputs
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test a panic is the report"
)]

use nnz_cli::infer::{self, Runner};
use nnz_cli::nnz_file::{self, Aligned};
use nnz_pruner::data::Dataset;
use nnz_pruner::interpret::Interpreter;
use nnz_pruner::ir::{Graph, Order};
use nnz_pruner::pass::{self, PassSet};
use nnz_pruner::pipeline::{self, Options};
use nnz_tests::fixtures::{self, Fixture};

/// Largest relative L2 distance of float outputs; of networks with float16 weights.
const FLOAT: f64 = 1e-4;
const FLOAT16: f64 = 1e-3;
/// Smallest signal-to-noise ratio of int8 networks against their float parents, in dB.
const INT8_SNR: f64 = 20.0;

/// Networks that are refused, with the sentence that says so.
const REFUSED: &[(&str, &str)] = &[];

/// What quantising says of networks with more than one input.
const SEVERAL_INPUTS: &str = "calibration feeds one input, the network has 2";

fn imported() -> Vec<(Fixture, Graph)> {
    let mut found = Vec::new();
    for fixture in fixtures::all() {
        match REFUSED.iter().find(|(model, _)| *model == fixture.model) {
            Some((_, sentence)) => {
                let refusal = fixture.load().unwrap_err();
                assert!(refusal.contains(sentence), "{refusal}");
            }
            None => {
                let graph = fixture.load().unwrap_or_else(|e| panic!("{e}"));
                found.push((fixture, graph));
            }
        }
    }
    found
}

/// Every output of a graph on all rows of its inputs, as real numbers.
fn outputs(fixture: &Fixture, graph: &Graph) -> Vec<Vec<f32>> {
    let interpreter = Interpreter::new(graph).unwrap_or_else(|e| panic!("{}: {e}", fixture.model));
    let mut all = vec![Vec::new(); graph.outputs.len()];
    for row in fixture.input_rows(graph) {
        let values = interpreter.run(&row).unwrap();
        for ((value, id), all) in values.iter().zip(&graph.outputs).zip(&mut all) {
            all.extend(value.to_real(graph.tensor(*id)));
        }
    }
    all
}

fn energy(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum()
}

fn noise(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    energy(
        found
            .iter()
            .zip(expected)
            .map(|(a, b)| f64::from(*a) - f64::from(*b)),
    )
}

fn signal(expected: &[f32]) -> f64 {
    energy(expected.iter().map(|v| f64::from(*v))).max(f64::MIN_POSITIVE)
}

/// Fails where an output is not what the exporter's runtime gave; integers may be one step away.
fn compare(fixture: &Fixture, graph: &Graph, what: &str) {
    let (model, expected) = (&fixture.model, fixture.expected(graph));
    for (k, (found, expected)) in outputs(fixture, graph).iter().zip(&expected).enumerate() {
        let quant = graph.tensor(graph.outputs[k]).quant;
        match (fixture.step, quant) {
            (Some(step), _) => {
                let step = quant.map_or(step, |q| f64::from(q.scale));
                let distance = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).abs() / step;
                let steps: Vec<f64> = found.iter().zip(expected).map(distance).collect();
                let differ = steps.iter().filter(|s| **s > 0.5).count();
                let largest = steps.iter().fold(0.0, |a: f64, b| a.max(*b));
                println!(
                    "{model} {what}: {differ} of {} values one step away",
                    steps.len()
                );
                assert!(largest < 1.5, "{model} {what}: output {k}: {largest} steps");
            }
            (None, None) => {
                let error = (noise(found, expected) / signal(expected)).sqrt();
                let half = model.contains("float16");
                println!("{model} {what}: {error:.1e}");
                let limit = if half { FLOAT16 } else { FLOAT };
                assert!(error <= limit, "{model} {what}: output {k}: {error:e}");
            }
            (None, Some(_)) => panic!("{model}: an integer output is not listed as one"),
        }
    }
}

#[test]
fn every_export_computes_what_its_own_runtime_computes() {
    for (fixture, graph) in imported() {
        compare(&fixture, &graph, "imported");
    }
}

#[test]
fn passes_keep_what_every_export_computes() {
    for (fixture, graph) in imported() {
        let passed = pass::run(graph, PassSet::All).unwrap();
        compare(&fixture, &passed, "after passes");
    }
}

/// The outputs of a `.nnz` file on the fixture's inputs, as real numbers, in the source's order.
fn run_file(fixture: &Fixture, file: &[u8]) -> Vec<Vec<f32>> {
    let bytes = Aligned::copy_of(file);
    let model = nnz_file::parse(&fixture.path(), bytes.bytes()).unwrap();
    let mut arena = infer::arena_for(&model);
    let mut runner = Runner::new(&model, &mut arena).unwrap();
    let data = Dataset::open(&fixture.input_path()).unwrap();
    let samples = infer::samples(&data, &runner.inputs()[0], None).unwrap();
    let ports = runner.outputs().to_vec();
    let mut all = vec![Vec::new(); ports.len()];
    for row in 0..data.len() {
        runner.set_input(0, &samples, row).unwrap();
        runner.run();
        for (k, (port, all)) in ports.iter().zip(&mut all).enumerate() {
            all.extend(infer::to_real(
                &runner.output(k).unwrap(),
                port.tensor.quant,
            ));
        }
    }
    all
}

/// The interpreter's outputs in the order that files give them.
fn in_source_order(graph: &Graph, outputs: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let sorted = |(k, values): (usize, Vec<f32>)| {
        let tensor = graph.tensor(graph.outputs[k]);
        let rows = values.chunks(tensor.shape.len());
        let order = |row: &[f32]| match tensor.source.order {
            Order::Nchw => row.to_vec(),
            Order::Nhwc => nnz_pruner::interpret::to_source_order(row, tensor.shape, Order::Nhwc),
        };
        rows.flat_map(order).collect()
    };
    outputs.into_iter().enumerate().map(sorted).collect()
}

#[test]
fn the_runtime_runs_every_export() {
    for (fixture, graph) in imported() {
        if graph.inputs.len() > 1 {
            continue;
        }
        let file = pipeline::prune(&fixture.path(), &Options::default(), &|_, _, _| ())
            .unwrap_or_else(|e| panic!("{}: {e}", fixture.model));
        let found = run_file(&fixture, &file.bytes);
        let expected = in_source_order(&graph, outputs(&fixture, &graph));
        for (found, expected) in found.iter().zip(&expected) {
            let limit = if graph.is_quantized() { 0.0 } else { FLOAT };
            let error = (noise(found, expected) / signal(expected)).sqrt();
            assert!(error <= limit, "{}: {error:e}", fixture.model);
        }
    }
}

#[test]
fn every_float_export_survives_quantisation_with_its_own_inputs() {
    for (fixture, graph) in imported() {
        if graph.tensors.iter().any(|t| t.quant.is_some()) {
            continue;
        }
        let options = Options {
            calib: Some(fixture.input_path()),
            ..Options::default()
        };
        let pruned = pipeline::prune(&fixture.path(), &options, &|_, _, _| ());
        if graph.inputs.len() > 1 {
            let refusal = pruned.unwrap_err().to_string();
            assert!(refusal.contains(SEVERAL_INPUTS), "{refusal}");
            continue;
        }
        let file = pruned.unwrap_or_else(|e| panic!("{}: {e}", fixture.model));
        let found = run_file(&fixture, &file.bytes);
        let expected = in_source_order(&graph, outputs(&fixture, &graph));
        for (k, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let snr = 10.0 * (signal(expected) / noise(found, expected)).log10();
            println!("{}: output {k}: {snr:.1} dB", fixture.model);
            assert!(
                snr >= INT8_SNR,
                "{}: output {k}: {snr:.1} dB",
                fixture.model
            );
        }
    }
}
