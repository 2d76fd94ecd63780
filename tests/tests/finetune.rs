//! The round trip of fine-tuning: prune to ONNX with masks, train with the zeros held, keep what came back.
//!
//! It runs where a Python has `PyTorch`, and says so elsewhere.

use nnz_pruner::export::OnnxSource;
use nnz_tests::command::nnz;
use nnz_tests::python::python;
use nnz_tests::shared::{repository, shared};
use std::path::Path;

/// Runs the example with the arguments after its folder.
const RUN: &str = "
import runpy, sys
folder = sys.argv.pop(1)
sys.path.insert(0, folder)
runpy.run_path(folder + '/finetune.py', run_name='__main__')
";

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Fine-tunes and gives the right answers of the int8 result; `None` where something is missing.
fn tuned(prune: &[&str], epochs: &str) -> Option<u64> {
    let [model, calib, eval, train] = [
        shared("models/lenet5_mnist_dense.onnx")?,
        shared("data/mnist_calib.npz")?,
        shared("data/mnist_eval.npz")?,
        shared("data/mnist10k.npz")?,
    ]
    .map(|p| text(&p));
    let folder = tempfile::tempdir().expect("folder");
    let out = |name: &str| text(&folder.path().join(name));
    let [pruned, masks, trained, file] = ["p.onnx", "m.safetensors", "t.onnx", "t.nnz"].map(out);
    let data = ["--calib", &calib, "--mean", "0", "--std", "255"];
    let to_onnx = ["prune", &model, "-o", &pruned, "--masks", &masks];
    let _ = nnz([&to_onnx[..], &data, prune].concat()).succeeded();
    let example = text(&repository("examples/finetune"));
    let names = [
        "--x", "train_x", "--y", "train_y", "--std", "255", "--shift", "1",
    ];
    let files = [
        &example,
        &pruned,
        "--masks",
        &masks,
        "--teacher",
        &model,
        "--data",
        &train,
        "-o",
        &trained,
    ];
    let all = [&files[..], &names, &["--epochs", epochs]].concat();
    python(&["torch", "onnx", "numpy"], RUN, all)?;
    let zeros = |path: &str| {
        let bytes = std::fs::read(path).expect("written");
        let source = OnnxSource::open(path, &bytes).expect("a float network");
        source.masks(source.graph()).expect("its own")
    };
    for (before, after) in zeros(&pruned).iter().zip(zeros(&trained)) {
        assert_eq!(before.name, after.name);
        let held = before.values.iter().zip(&after.values).all(|(b, a)| a <= b);
        assert!(held, "{}: a zero came back", before.name);
    }
    let keep = ["prune", &trained, "-o", &file, "--method", "keep"];
    let _ = nnz([&keep[..], &data].concat()).succeeded();
    let found = nnz(["eval", &file, "--data", &eval, "--json"]).succeeded();
    found.json()["correct"].as_u64()
}

#[test]
fn training_holds_the_zeros_and_comes_back() {
    if let Some(correct) = tuned(&["--sparsity", "0.9", "--method", "magnitude"], "1") {
        assert!(correct > 1800, "{correct}");
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run with --release")]
fn ninety_percent_of_zeros_cost_next_to_nothing_after_ten_epochs() {
    if let Some(correct) = tuned(&["--sparsity", "0.9", "--alloc", "lamp"], "10") {
        assert!(correct >= 1956, "{correct}");
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run with --release")]
fn one_of_four_costs_next_to_nothing_after_ten_epochs() {
    if let Some(correct) = tuned(&["--pattern", "1:4"], "10") {
        assert!(correct >= 1958, "{correct}");
    }
}
