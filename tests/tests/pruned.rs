//! Accuracy after one-shot pruning to int8 stays above the bounds of `docs/accuracy.md`: its quick rows.

use nnz_tests::command::nnz;
use nnz_tests::shared::shared;
use std::path::Path;

/// Model, calibration, evaluation, options of data, options of pruning, right answers.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
    u64,
);

const DIGITS: &[&str] = &["--mean", "0", "--std", "255"];
const LENET: &str = "lenet5_mnist_dense.onnx";

const ROWS: [Row; 6] = [
    (
        LENET,
        "mnist_calib",
        "mnist_eval",
        DIGITS,
        "--sparsity 0.75",
        1954,
    ),
    (
        LENET,
        "mnist_calib",
        "mnist_eval",
        DIGITS,
        "--sparsity 0.9",
        1936,
    ),
    (
        LENET,
        "mnist_calib",
        "mnist_eval",
        DIGITS,
        "--pattern 2:4",
        1960,
    ),
    (
        "mlp300_mnist_dense.onnx",
        "mnist_calib",
        "mnist_eval",
        DIGITS,
        "--pattern 2:4",
        1914,
    ),
    (
        "kws_int8.tflite",
        "kws_calib",
        "kws_eval",
        &[],
        "--sparsity 0.4",
        261,
    ),
    (
        "kws_int8.tflite",
        "kws_calib",
        "kws_eval",
        &[],
        "--sparsity 0.5",
        257,
    ),
];

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run with --release")]
fn solved_weights_keep_the_accuracy_that_is_promised() {
    let folder = tempfile::tempdir().expect("folder");
    let out = text(&folder.path().join("p.nnz"));
    for (model, calib, eval, data, options, bound) in ROWS {
        let (Some(model), Some(calib), Some(eval)) = (
            shared(&format!("models/{model}")),
            shared(&format!("data/{calib}.npz")),
            shared(&format!("data/{eval}.npz")),
        ) else {
            return;
        };
        let [source, calib, eval] = [&model, &calib, &eval].map(|p| text(p));
        let mut args = vec![
            "prune", &source, "-o", &out, "--calib", &calib, "--method", "obs",
        ];
        args.extend(data);
        args.extend(options.split_whitespace());
        let _ = nnz(args).succeeded();
        let found = nnz(["eval", &out, "--data", &eval, "--json"])
            .succeeded()
            .json();
        let correct = found["correct"].as_u64().expect("a count");
        assert!(correct >= bound, "{source} {options}: {correct} of {bound}");
    }
}
