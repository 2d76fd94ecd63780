//! `nnz eval` as people meet it: what it measures, and how two networks compare.

use nnz_pruner::data::{Array, Elements, to_bytes};
use nnz_tests::command::nnz;
use nnz_tests::shared::{repository, shared};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

fn example(name: &str) -> String {
    text(&repository("examples/keywords").join(name))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// The dense and a sparse keyword network as int8, made once.
fn networks() -> [String; 2] {
    static MADE: OnceLock<(TempDir, [String; 2])> = OnceLock::new();
    let (_, files) = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("folder");
        let (model, calib) = (example("keywords_dense.onnx"), example("calib.npz"));
        let files = [("dense", "keep"), ("sparse", "magnitude")].map(|(name, method)| {
            let out = text(&folder.path().join(format!("{name}.nnz")));
            let mut args = vec!["prune", &model, "-o", &out, "--calib", &calib];
            args.extend(["--method", method]);
            if method != "keep" {
                args.extend(["--sparsity", "0.8"]);
            }
            let _ = nnz(args).succeeded();
            out
        });
        (folder, files)
    });
    files.clone()
}

/// An `.npy` file of samples without labels.
fn unlabelled(folder: &TempDir, shape: &[usize]) -> PathBuf {
    let len = shape.iter().product();
    let values = (0..len).map(|i| f32::from(u8::try_from(i * 37 % 200).unwrap_or(0)) / 20.0);
    let array = Array::new(shape.to_vec(), Elements::F32(values.collect())).expect("fits");
    let path = folder.path().join("x.npy");
    std::fs::write(&path, to_bytes(&array)).expect("written");
    path
}

#[test]
fn accuracy_has_its_interval_its_classes_and_the_best_k() {
    let [dense, _] = networks();
    let data = example("eval.npz");
    let found = nnz(["eval", &dense, "--data", &data, "--top", "3", "--json"])
        .succeeded()
        .json();
    let count = |v: &serde_json::Value| v.as_u64().expect("a count");
    let (correct, n) = (count(&found["correct"]), count(&found["n"]));
    let accuracy = found["accuracy"].as_f64().expect("a fraction");
    let bound = |i: usize| found["interval"][i].as_f64().expect("a bound");
    assert!(bound(0) < accuracy && accuracy < bound(1));
    let classes = found["classes"].as_array().expect("classes");
    let sum = |key: &str| classes.iter().map(|c| count(&c[key])).sum::<u64>();
    assert_eq!((sum("correct"), sum("n")), (correct, n));
    let top = count(&found["top"]["correct"]);
    assert!(correct < top && top <= n, "{top}");
    let plain = nnz(["eval", &dense, "--data", &data]).succeeded().stdout;
    assert!(plain.contains("95 % interval") && plain.contains("most confused"));
    let matrix = nnz(["eval", &dense, "--data", &data, "--confusion"]).succeeded();
    assert!(matrix.stdout.contains("label \\ said"));
}

#[test]
fn two_networks_are_compared_on_the_same_samples() {
    let [dense, sparse] = networks();
    let data = example("eval.npz");
    let found = nnz([
        "eval",
        &sparse,
        "--data",
        &data,
        "--compare",
        &dense,
        "--json",
    ])
    .succeeded()
    .json();
    let paired = &found["compare"]["paired"];
    let count = |key: &str| paired[key].as_i64().expect("a count");
    let all = count("both_right") + count("gained") + count("lost") + count("both_wrong");
    assert_eq!(all, found["n"].as_i64().expect("a count"));
    assert_eq!(
        count("gained") - count("lost"),
        found["correct"].as_i64().expect("a count")
            - found["compare"]["correct"].as_i64().expect("a count")
    );
    assert!(found["compare"]["class_drop"].is_array());
    let itself = nnz(["eval", &dense, "--data", &data, "--compare", &dense]).succeeded();
    assert!(
        itself.stdout.contains("no more than chance"),
        "{}",
        itself.stdout
    );
}

#[test]
fn a_network_that_is_no_autoencoder_needs_labels() {
    let folder = tempfile::tempdir().expect("folder");
    let [dense, _] = networks();
    let data = text(&unlabelled(&folder, &[2, 1, 49, 10]));
    let error = nnz(["eval", &dense, "--data", &data]).failed();
    assert!(error.contains("needs class indices"), "{error}");
}

#[test]
fn an_autoencoder_needs_no_labels() {
    let Some(model) = shared("models/ad01_int8.tflite") else {
        return;
    };
    let folder = tempfile::tempdir().expect("folder");
    let data = text(&unlabelled(&folder, &[3, 640]));
    let out = text(&folder.path().join("ad01.nnz"));
    let _ = nnz(["prune", &text(&model), "-o", &out]).succeeded();
    let of = |file: &str| {
        nnz(["eval", file, "--data", &data, "--json"])
            .succeeded()
            .json()
    };
    let found = of(&out);
    assert_eq!(found["per_sample"].as_array().map(Vec::len), Some(3));
    assert_eq!(found["mean_squared"], of(&text(&model))["mean_squared"]);
}

#[test]
fn preprocessing_that_a_file_knows_serves_the_original_beside_it() {
    let (Some(model), Some(data), Some(calib)) = (
        shared("models/lenet5_mnist_dense.onnx"),
        shared("data/mnist_eval.npz"),
        shared("data/mnist_calib.npz"),
    ) else {
        return;
    };
    let folder = tempfile::tempdir().expect("folder");
    let out = text(&folder.path().join("lenet.nnz"));
    let [model, data, calib] = [model, data, calib].map(|p| text(&p));
    let options = ["--mean", "0", "--std", "255"];
    let prune = ["prune", &model, "-o", &out, "--calib", &calib];
    let _ = nnz([&prune[..], &options].concat()).succeeded();
    let found = nnz(["eval", &out, "--data", &data, "--compare", &model, "--json"])
        .succeeded()
        .json();
    assert_eq!(found["compare"]["correct"].as_u64(), Some(1975));
}
