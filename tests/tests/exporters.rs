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
use nnz_tests::shared::repository;
use std::path::PathBuf;

/// Largest relative L2 distance of float outputs; of networks with float16 weights; of hybrid ones, whose activations
/// `LiteRT` rounds to 8 bits and we do not.
const FLOAT: f64 = 1e-4;
const FLOAT16: f64 = 1e-3;
const HYBRID: f64 = 0.05;
/// Smallest signal-to-noise ratio of int8 networks against their float parents, in dB.
const INT8_SNR: f64 = 20.0;

/// Runs a check on every network; panics with all that failed, not only the first.
fn each(check: impl Fn(&Fixture, Graph) -> Result<(), String>) {
    let failed: Vec<String> = fixtures::all()
        .iter()
        .filter_map(|fixture| {
            let graph = fixture.load();
            let outcome = graph.and_then(|graph| check(fixture, graph));
            outcome.err().map(|e| format!("{}: {e}", fixture.model))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
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

/// An output that is not what the exporter's runtime gave; integers may be one step away.
fn compare(fixture: &Fixture, graph: &Graph, what: &str) -> Result<(), String> {
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
                if largest >= 1.5 {
                    return Err(format!("{what}: output {k}: {largest} steps"));
                }
            }
            (None, None) => {
                let error = (noise(found, expected) / signal(expected)).sqrt();
                println!("{model} {what}: {error:.1e}");
                if error > limit(model) {
                    return Err(format!("{what}: output {k}: {error:e}"));
                }
            }
            (None, Some(_)) => return Err("an integer output is not listed as one".into()),
        }
    }
    Ok(())
}

fn limit(model: &str) -> f64 {
    if model.contains("float16") {
        FLOAT16
    } else if model.contains("hybrid") {
        HYBRID
    } else {
        FLOAT
    }
}

#[test]
fn every_export_computes_what_its_own_runtime_computes() {
    each(|fixture, graph| compare(fixture, &graph, "imported"));
}

#[test]
fn passes_keep_what_every_export_computes() {
    each(|fixture, graph| {
        let passed = pass::run(graph, PassSet::All).map_err(|e| e.to_string())?;
        compare(fixture, &passed, "after passes")
    });
}

/// The outputs of a `.nnz` file on the fixture's inputs, as real numbers, in the source's order.
fn run_file(fixture: &Fixture, file: &[u8]) -> Vec<Vec<f32>> {
    let bytes = Aligned::copy_of(file);
    let model = nnz_file::parse(&fixture.path(), bytes.bytes()).unwrap();
    let mut arena = infer::arena_for(&model);
    let mut runner = Runner::new(&model, &mut arena).unwrap();
    let inputs = runner.inputs().to_vec();
    let names: Vec<&str> = inputs.iter().map(|p| p.tensor.name.as_str()).collect();
    let scratch = tempfile::tempdir().unwrap();
    let data = Dataset::open_for(&fixture.calibration(scratch.path()), &names).unwrap();
    let samples = inputs.iter().map(|port| infer::samples(&data, port, None));
    let samples: Vec<_> = samples.collect::<Result<_, _>>().unwrap();
    let ports = runner.outputs().to_vec();
    let mut all = vec![Vec::new(); ports.len()];
    for row in 0..data.len() {
        for (port, samples) in samples.iter().enumerate() {
            runner.set_input(port, samples, row).unwrap();
        }
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
    each(|fixture, graph| {
        let file = pipeline::prune(&fixture.path(), &Options::default(), &|_, _, _| ())
            .map_err(|e| e.to_string())?;
        let found = run_file(fixture, &file.bytes);
        let expected = in_source_order(&graph, outputs(fixture, &graph));
        for (found, expected) in found.iter().zip(&expected) {
            let limit = if graph.is_quantized() { 0.0 } else { FLOAT };
            let error = (noise(found, expected) / signal(expected)).sqrt();
            if error > limit {
                return Err(format!("{error:e}"));
            }
        }
        Ok(())
    });
}

#[test]
fn several_inputs_are_pruned_and_quantised_by_one_array_each() {
    let all = fixtures::all();
    let fixture = all.iter().find(|f| f.model == "two_ports.dynamo.onnx");
    let fixture = fixture.unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let prune = |calib: PathBuf| {
        let options = Options {
            calib: Some(calib),
            sparsity: Some(0.3),
            ..Options::default()
        };
        pipeline::prune(&fixture.path(), &options, &|_, _, _| ()).map_err(|e| e.to_string())
    };
    let pruned = prune(fixture.calibration(scratch.path())).unwrap();
    let found = run_file(fixture, &pruned.bytes);
    let graph = fixture.load().unwrap();
    let expected = in_source_order(&graph, outputs(fixture, &graph));
    for (found, expected) in found.iter().zip(&expected) {
        assert!(noise(found, expected) < 0.25 * signal(expected));
    }
    let single = repository("tests/fixtures/exported/two_ports.in0.npy");
    let refusal = prune(single).unwrap_err();
    assert!(
        refusal.contains("one array for each, named input0, input1"),
        "{refusal}"
    );
}

#[test]
fn every_float_export_survives_quantisation_with_its_own_inputs() {
    each(|fixture, graph| {
        if graph.tensors.iter().any(|t| t.quant.is_some()) {
            return Ok(());
        }
        let scratch = tempfile::tempdir().unwrap();
        let options = Options {
            calib: Some(fixture.calibration(scratch.path())),
            ..Options::default()
        };
        let pruned = pipeline::prune(&fixture.path(), &options, &|_, _, _| ());
        let file = pruned.map_err(|e| e.to_string())?;
        let found = run_file(fixture, &file.bytes);
        let expected = in_source_order(&graph, outputs(fixture, &graph));
        for (k, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let snr = 10.0 * (signal(expected) / noise(found, expected)).log10();
            println!("{}: output {k}: {snr:.1} dB", fixture.model);
            if snr < INT8_SNR {
                return Err(format!("output {k}: {snr:.1} dB"));
            }
        }
        Ok(())
    });
}

#[test]
fn a_network_whose_scales_are_computed_while_it_runs_is_refused_with_a_way_out() {
    let path = fixtures::folder().join("mlp.dynamic.onnx");
    let refusal = nnz_pruner::import::load(&path).unwrap_err().to_string();
    assert!(refusal.contains("DynamicQuantizeLinear"), "{refusal}");
    assert!(refusal.contains("`quantize_static`"), "{refusal}");
}
