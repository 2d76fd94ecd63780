//! Networks that nnz writes as ONNX compute what it computes: in its own interpreter, and in ONNX Runtime where a
//! Python has it.

use nnz_pruner::data::Elements;
use nnz_pruner::export::{Mask, OnnxSource, to_onnx, to_safetensors};
use nnz_pruner::import;
use nnz_pruner::interpret::{Interpreter, Value, to_source_order};
use nnz_pruner::ir::{Bias, Graph, Values};
use nnz_pruner::pass::{self, PassSet};
use nnz_tests::command::nnz;
use nnz_tests::fixtures::{self, Fixture};
use nnz_tests::npy;
use nnz_tests::python::python;
use nnz_tests::shared::repository;
use std::path::Path;

/// ‖y − g‖₂ / ‖g‖₂ of float outputs.
const TOLERANCE: f64 = 1e-4;

/// Runs `NAME.onnx` on `NAME.inputK.npy` row by row and writes `NAME.outputK.npy`.
const RUN: &str = "
import sys, glob, numpy, onnxruntime
for model in sorted(glob.glob(sys.argv[1] + '/*.onnx')):
    session = onnxruntime.InferenceSession(model, providers=['CPUExecutionProvider'])
    stem = model[:-5]
    inputs = session.get_inputs()
    x = [numpy.load(f'{stem}.input{k}.npy') for k in range(len(inputs))]
    rows = []
    for row in range(len(x[0])):
        rows.append(session.run(None, {i.name: a[row] for i, a in zip(inputs, x)}))
    for k in range(len(rows[0])):
        numpy.save(f'{stem}.output{k}.npy', numpy.stack([r[k] for r in rows]))
";

/// Every exported float network.
fn floats() -> Vec<(Fixture, Graph)> {
    let all = fixtures::all().into_iter();
    let loaded = all.filter_map(|f| f.load().ok().map(|graph| (f, graph)));
    let found: Vec<_> = loaded
        .filter(|(_, g)| {
            g.tensors.iter().all(|t| t.quant.is_none())
                && g.nodes.iter().all(|n| {
                    n.op.weights()
                        .is_none_or(|w| matches!(w.values, Values::F32(_)))
                })
        })
        .collect();
    assert!(found.len() > 10, "{} networks", found.len());
    found
}

/// The outputs of all rows, in the source's axis order.
fn run(graph: &Graph, rows: &[Vec<Value>]) -> Vec<Vec<f32>> {
    let interpreter = Interpreter::new(graph).expect("executable");
    let mut outputs = vec![Vec::new(); graph.outputs.len()];
    for row in rows {
        let found = interpreter.run(row).expect("runs");
        for ((all, value), id) in outputs.iter_mut().zip(found).zip(&graph.outputs) {
            let tensor = graph.tensor(*id);
            let real = value.to_real(tensor);
            all.extend(to_source_order(&real, tensor.shape, tensor.source.order));
        }
    }
    outputs
}

fn assert_near(what: &str, found: &[Vec<f32>], expected: &[Vec<f32>]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (y, g) in found.iter().zip(expected) {
        assert_eq!(y.len(), g.len(), "{what}");
        let square = |d: f64| d * d;
        let error: f64 = y.iter().zip(g).map(|(y, g)| square(f64::from(y - g))).sum();
        let norm: f64 = g.iter().map(|g| square(f64::from(*g))).sum();
        let ratio = (error / norm.max(f64::MIN_POSITIVE)).sqrt();
        assert!(ratio <= TOLERANCE, "{what}: {ratio}");
    }
}

/// Files for ONNX Runtime, and what it should give.
struct Runtime {
    folder: tempfile::TempDir,
    expected: Vec<(String, Vec<Vec<f32>>)>,
}

impl Runtime {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("folder"),
            expected: Vec::new(),
        }
    }

    fn add(&mut self, name: &str, bytes: &[u8], graph: &Graph, rows: &[Vec<Value>]) {
        let file = |suffix: &str| self.folder.path().join(format!("{name}.{suffix}"));
        std::fs::write(file("onnx"), bytes).expect("written");
        for (k, id) in graph.inputs.iter().enumerate() {
            let tensor = graph.tensor(*id);
            let real = rows.iter().map(|row| row[k].to_real(tensor));
            let values = real.flat_map(|r| to_source_order(&r, tensor.shape, tensor.source.order));
            let dims = [&[rows.len()], &tensor.source.dims[..]].concat();
            npy::write(
                &file(&format!("input{k}.npy")),
                &dims,
                Elements::F32(values.collect()),
            );
        }
        self.expected.push((name.to_owned(), run(graph, rows)));
    }

    fn check(&self) {
        if python(&["numpy", "onnxruntime"], RUN, [self.folder.path()]).is_none() {
            return;
        }
        for (name, expected) in &self.expected {
            let read = |k: usize| {
                let file = self.folder.path().join(format!("{name}.output{k}.npy"));
                let array = nnz_pruner::data::read_npy(Path::new(&file)).expect("written by it");
                (0..array.elements.len())
                    .map(|i| array.elements.real(i))
                    .collect()
            };
            let found: Vec<Vec<f32>> = (0..expected.len()).map(read).collect();
            assert_near(&format!("{name} in ONNX Runtime"), &found, expected);
        }
    }
}

/// Every second weight is zero, the others and the biases move; not in layers that passes made.
fn disturbed(graph: &Graph, fixed: &[String]) -> Graph {
    let mut graph = graph.clone();
    for node in &mut graph.nodes {
        let Some((weights, bias, _)) = node.op.layer_mut() else {
            continue;
        };
        if weights.name == format!("{}.scale", node.name) || fixed.contains(&node.name) {
            continue;
        }
        let Values::F32(values) = &mut weights.values else {
            continue;
        };
        for (i, w) in values.iter_mut().enumerate() {
            *w *= [0.9, 0.0, 1.2, 0.0][i * 7 % 11 % 4];
        }
        let mut moved = match bias {
            Bias::F32(b) => b.clone(),
            Bias::None | Bias::S32(_) => vec![0.0; weights.shape[0]],
        };
        moved
            .iter_mut()
            .zip((0_u8..7).cycle())
            .for_each(|(b, i)| *b += 0.02 * f32::from(i));
        *bias = Bias::F32(moved);
    }
    graph
}

/// The zeros of a written file are those of its masks.
fn assert_masked(name: &str, bytes: &[u8], masks: &[Mask]) {
    let written = OnnxSource::open(name, bytes).expect("written by us");
    let found = written.masks(written.graph()).expect("its own");
    for mask in masks {
        let same = found
            .iter()
            .find(|m| m.name == mask.name)
            .expect("the same constants");
        assert_eq!(same, mask, "{name}: {}", mask.name);
        assert_eq!(mask.dims.iter().product::<usize>(), mask.values.len());
    }
}

#[test]
fn a_pruned_source_keeps_its_nodes_and_computes_what_the_pruned_graph_computes() {
    let mut runtime = Runtime::new();
    let mut written = 0;
    for (fixture, _) in floats() {
        let bytes = std::fs::read(fixture.path()).expect("a fixture");
        if import::from_bytes(&fixture.model, &bytes).is_err() || bytes.get(4..8) == Some(b"TFL3") {
            continue;
        }
        let source = match OnnxSource::open(&fixture.model, &bytes) {
            Ok(source) => source,
            Err(e) => panic!("{}: {e}", fixture.model),
        };
        let unchanged = source
            .with_values_of(source.graph())
            .expect("its own graph");
        let rows = fixture.input_rows(source.graph());
        let read = |bytes: &[u8]| import::from_bytes(&fixture.model, bytes).expect("readable");
        let before = read(&bytes);
        assert_near(
            &fixture.model,
            &run(&read(&unchanged), &rows),
            &run(&before, &rows),
        );
        let pruned = disturbed(source.graph(), &source.untraced());
        let out = source.with_values_of(&pruned).expect("the same layers");
        let after = read(&out);
        assert_near(&fixture.model, &run(&after, &rows), &run(&pruned, &rows));
        let masks = source.masks(&pruned).expect("the same layers");
        assert_masked(&fixture.model, &out, &masks);
        assert!(to_safetensors(&masks).expect("masks").len() > masks[0].values.len());
        runtime.add(&fixture.model, &out, &pruned, &rows);
        written += 1;
    }
    assert!(written > 8, "{written}");
    runtime.check();
}

#[test]
fn a_graph_of_any_source_becomes_a_new_file_that_computes_the_same() {
    let mut runtime = Runtime::new();
    for (fixture, graph) in floats() {
        let rows = fixture.input_rows(&graph);
        let graph = pass::run(graph, PassSet::All).expect("simplified");
        let bytes = to_onnx(&graph).unwrap_or_else(|e| panic!("{}: {e}", fixture.model));
        let again = import::from_bytes("built.onnx", &bytes)
            .unwrap_or_else(|e| panic!("{}: {e}", fixture.model));
        assert_near(&fixture.model, &run(&again, &rows), &run(&graph, &rows));
        runtime.add(&fixture.model, &bytes, &graph, &rows);
    }
    runtime.check();
}

#[test]
fn pruning_to_onnx_and_then_to_a_file_is_pruning_to_a_file() {
    let example = |name: &str| {
        let file = repository("examples/keywords").join(name);
        file.display().to_string()
    };
    let folder = tempfile::tempdir().expect("folder");
    let out = |name: &str| folder.path().join(name).display().to_string();
    let (dense, calib, data) = (
        example("keywords_dense.onnx"),
        example("calib.npz"),
        example("eval.npz"),
    );
    let (onnx, masks, direct, again) = (
        out("p.onnx"),
        out("m.safetensors"),
        out("a.nnz"),
        out("b.nnz"),
    );
    let prune = |model: &str, out: &str, more: &[&str]| {
        nnz([&["prune", model, "-o", out, "--calib", &calib], more].concat())
    };
    let how = ["--method", "magnitude", "--sparsity", "0.6"];
    let report = prune(
        &dense,
        &onnx,
        &[&how[..], &["--masks", &masks, "--json"]].concat(),
    );
    let sparsity = report.succeeded().json()["sparsity_of_prunable"].as_f64();
    assert!(
        sparsity.is_some_and(|s| (s - 0.6).abs() < 0.01),
        "{sparsity:?}"
    );
    let _ = prune(&dense, &direct, &how).succeeded();
    let _ = prune(&onnx, &again, &["--method", "keep"]).succeeded();
    let found = nnz([
        "eval",
        &again,
        "--data",
        &data,
        "--compare",
        &direct,
        "--json",
    ])
    .succeeded()
    .json();
    let paired = &found["compare"]["paired"];
    assert_eq!(paired["agree"], found["n"], "{found}");
    let header = std::fs::read(&masks).expect("written");
    assert!(header.windows(5).any(|w| w == b"\"U8\","), "no masks");
}

#[test]
fn what_cannot_be_written_as_onnx_is_refused_with_a_way_out() {
    let folder = tempfile::tempdir().expect("folder");
    let out = folder.path().join("p.onnx").display().to_string();
    let fixture = |name: &str| fixtures::folder().join(name).display().to_string();
    let integer = fixture("keras_mlp.int8.tflite");
    let error = nnz(["prune", &integer, "-o", &out]).failed();
    assert!(
        error.contains("integer network") && error.contains("help:"),
        "{error}"
    );
    let float = fixture("keras_mlp.float.tflite");
    let error = nnz(["prune", &float, "-o", &out, "--dtype", "s8"]).failed();
    assert!(error.contains("--dtype s8"), "{error}");
    let masks = folder.path().join("m.safetensors").display().to_string();
    let error = nnz(["prune", &float, "-o", &out, "--masks", &masks]).failed();
    assert!(error.contains("ONNX model"), "{error}");
    let _ = nnz(["prune", &float, "-o", &out]).succeeded();
    assert!(import::load(Path::new(&out)).is_ok());
}
