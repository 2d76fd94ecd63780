//! Real networks through the whole line: prune, run, compare with what TensorFlow Lite Micro computes.
//!
//! The models are not part of the repository; without them every test prints what it skips. Emulation in
//! debug builds is slow, so the suite runs in release: `cargo test --release -p nnz-tests --test golden`.

#![expect(
    clippy::panic,
    reason = "helpers of tests: a failure is the test's failure"
)]

use nnz_tests::command::{Ran, nnz};
use nnz_tests::hash::fnv1a32;
use nnz_tests::npy;
use nnz_tests::shared::shared;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Integer models and the golden output that TensorFlow Lite Micro's arithmetic gives.
const INTEGER_MODELS: [(&str, &str); 5] = [
    ("kws_int8", "out0"),
    ("resnet8_int8", "out0"),
    ("vww96_int8", "out0"),
    ("ad01_int8", "tflm_out0"),
    ("hello_world_int8", "tflm_out0"),
];

/// TensorFlow Lite Micro's arena in bytes.
const TFLM_ARENAS: [(&str, u64); 4] = [
    ("kws_int8", 22_820),
    ("resnet8_int8", 54_996),
    ("vww96_int8", 100_708),
    ("ad01_int8", 2_580),
];

/// A file made by `nnz prune`, in a folder that goes with it.
struct Pruned {
    folder: TempDir,
    file: PathBuf,
}

fn prune(model: &Path, options: &[&str]) -> Pruned {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("net.nnz");
    let mut args = vec!["prune".into(), model.display().to_string()];
    args.extend(["-o".into(), file.display().to_string()]);
    args.extend(options.iter().map(|&o| o.to_owned()));
    let _ = nnz(&args).succeeded();
    Pruned { folder, file }
}

impl Pruned {
    fn ask(&self, command: &str, options: &[&str]) -> Ran {
        let file = self.file.display().to_string();
        let all = [&[command, &file][..], options].concat();
        nnz(all).succeeded()
    }

    fn inspect(&self) -> serde_json::Value {
        self.ask("inspect", &["--json"]).json()
    }

    fn len(&self) -> u64 {
        self.file.metadata().expect("written").len()
    }
}

fn number(value: &serde_json::Value, key: &str) -> u64 {
    value[key]
        .as_u64()
        .unwrap_or_else(|| panic!("no number {key} in {value}"))
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run in release")]
fn lossless_files_compute_what_tensorflow_lite_micro_computes() {
    for (name, golden) in INTEGER_MODELS {
        let Some(model) = shared(&format!("models/{name}.tflite")) else {
            continue;
        };
        let (Some(input), Some(expected)) = (
            shared(&format!("golden/{name}.in.npy")),
            shared(&format!("golden/{name}.{golden}.npy")),
        ) else {
            continue;
        };
        let pruned = prune(
            &model,
            &["--lossless", "--target", "portable", "--rounding", "double"],
        );
        let output = pruned.folder.path().join("y.npy");
        let (input, out) = (input.display().to_string(), output.display().to_string());
        let _ = pruned.ask("run", &["--input", &input, "--output", &out]);
        let (found, expected) = (npy::read_s8(&output), npy::read_s8(&expected));
        assert_eq!(found, expected, "{name}");
        println!("{name}: {} rows identical", expected.0[0]);
    }
}

/// Whether a failed bench means that there is no emulator or no image here.
fn cannot_emulate(stderr: &str) -> bool {
    ["no firmware image", "is not installed", "cargo xtask"]
        .iter()
        .any(|text| stderr.contains(text))
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run in release")]
fn emulated_machines_give_the_golden_bytes() {
    let (Some(model), Some(input), Some(golden)) = (
        shared("models/kws_int8.tflite"),
        shared("golden/kws_int8.in.npy"),
        shared("golden/kws_int8.out0.npy"),
    ) else {
        return;
    };
    let pruned = prune(&model, &["--lossless"]);
    let (mut shape, values) = npy::read_s8(&input);
    let rows = 2;
    let len = values.len() / shape[0];
    shape[0] = rows;
    let path = |name: &str| pruned.folder.path().join(name).display().to_string();
    let (file, x, y) = (path("net.nnz"), path("x.npy"), path("y.npy"));
    let two = nnz_pruner::data::Elements::S8(values[..rows * len].to_vec());
    npy::write(Path::new(&x), &shape, two);
    let expected = npy::read_s8(&golden).1;
    for machine in ["cortex-m0", "cortex-m4", "rv32"] {
        let ran = nnz([
            "bench", &file, "--on", machine, "--input", &x, "--output", &y, "--json",
        ]);
        if ran.code != Some(0) && cannot_emulate(&ran.stderr) {
            println!("skipped: {machine}: {}", ran.stderr.trim());
            continue;
        }
        let report = ran.succeeded().json();
        let (shape, found) = npy::read_s8(Path::new(&y));
        assert_eq!(shape, [rows, expected.len() / 32], "{machine}");
        assert_eq!(found[..], expected[..found.len()], "{machine}");
        println!("{machine}: {} instructions", report["instructions"]);
    }
}

/// `input_hex` of a golden file as a `.npy` in `folder`.
fn hex_input(golden: &serde_json::Value, shape: &[usize], folder: &Path) -> PathBuf {
    let text = golden["input_hex"].as_str().expect("has an input");
    let values: Vec<i8> = (0..text.len())
        .step_by(2)
        .map(|i| {
            u8::from_str_radix(&text[i..i + 2], 16)
                .expect("is hex")
                .cast_signed()
        })
        .collect();
    let path = folder.join("x.npy");
    npy::write(&path, shape, nnz_pruner::data::Elements::S8(values));
    path
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run in release")]
fn without_passes_every_operator_has_the_golden_hash() {
    for (name, golden) in [
        ("kws_int8", "kws"),
        ("resnet8_int8", "resnet8"),
        ("vww96_int8", "vww"),
        ("ad01_int8", "ad01"),
    ] {
        let (Some(model), Some(golden), Some(input)) = (
            shared(&format!("models/{name}.tflite")),
            shared(&format!("golden/tflm/{golden}.json")),
            shared(&format!("golden/{name}.in.npy")),
        ) else {
            continue;
        };
        let text = std::fs::read_to_string(golden).expect("readable");
        let golden: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
        let pruned = prune(
            &model,
            &["--lossless", "--passes", "none", "--rounding", "double"],
        );
        let mut shape = npy::read_s8(&input).0;
        shape[0] = 1;
        let input = hex_input(&golden, &shape, pruned.folder.path());
        let dumps = pruned.folder.path().join("dumps");
        let (input, folder) = (input.display().to_string(), dumps.display().to_string());
        let _ = pruned.ask("run", &["--input", &input, "--dump-tensors", &folder]);
        for op in golden["ops"].as_array().expect("operators") {
            check_operator(name, op, &dumps);
        }
    }
}

fn check_operator(model: &str, op: &serde_json::Value, dumps: &Path) {
    let index = number(op, "op");
    let dump = std::fs::read_dir(dumps)
        .expect("folder")
        .map(|entry| entry.expect("entry").path())
        .find(|path| {
            let name = path
                .file_name()
                .and_then(|n| n.to_str())
                .unwrap_or_default();
            name.starts_with(&format!("{index:03}_"))
        });
    let dump = dump.unwrap_or_else(|| panic!("{model}: no dump of operator {op}"));
    let (shape, values) = npy::read_s8(&dump);
    let expected: Vec<u64> = op["out_shape"]
        .as_array()
        .expect("shape")
        .iter()
        .filter_map(serde_json::Value::as_u64)
        .collect();
    let shape: Vec<u64> = shape.iter().map(|&d| d as u64).collect();
    assert_eq!(shape, expected, "{model}: {op}");
    assert_eq!(
        u64::from(fnv1a32(&npy::bytes(&values))),
        number(op, "fnv1a32"),
        "{model}: {op}"
    );
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run in release")]
fn dead_channels_leave_visual_wake_words_without_changing_it() {
    let Some(model) = shared("models/vww96_int8.tflite") else {
        return;
    };
    let pruned = prune(&model, &["--lossless"]);
    let report = pruned.inspect();
    assert!(number(&report, "stored_weights") <= 29_000, "{report}");
    assert!(number(&report, "stored_macs") <= 3_720_000, "{report}");
    assert!(pruned.len() <= 48 * 1024, "{} bytes", pruned.len());
    println!(
        "vww96: {} weights, {} MACs, {} bytes",
        report["stored_weights"],
        report["stored_macs"],
        pruned.len()
    );
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run in release")]
fn arenas_are_not_larger_than_tensorflow_lite_micros() {
    for (name, limit) in TFLM_ARENAS {
        let Some(model) = shared(&format!("models/{name}.tflite")) else {
            continue;
        };
        let arena = number(&prune(&model, &["--lossless"]).inspect(), "arena_bytes");
        println!("{name}: arena {arena} of {limit} bytes");
        assert!(arena <= limit, "{name}: {arena} > {limit}");
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run in release")]
fn keyword_spotting_gets_265_of_300_right() {
    let (Some(model), Some(data)) = (
        shared("models/kws_int8.tflite"),
        shared("data/kws_eval.npz"),
    ) else {
        return;
    };
    let data = data.display().to_string();
    let by_file = prune(&model, &[])
        .ask("eval", &["--data", &data, "--json"])
        .json();
    assert_eq!(
        (number(&by_file, "correct"), number(&by_file, "n")),
        (265, 300)
    );
    let model = model.display().to_string();
    let by_interpreter = nnz(["eval", &model, "--data", &data, "--json"])
        .succeeded()
        .json();
    assert_eq!(number(&by_interpreter, "correct"), 265);
}

/// How CIFAR networks take the data.
const CIFAR: [&str; 6] = ["--mean", "128", "--std", "64", "--layout", "nhwc"];

fn accuracy(ran: &Ran) -> f64 {
    let value = ran.json();
    value["accuracy"]
        .as_f64()
        .unwrap_or_else(|| panic!("no accuracy in {value}"))
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run in release")]
fn quantised_sparse_networks_lose_at_most_0_7_points() {
    let (Some(calib), Some(data)) = (
        shared("data/cifar10_calib.npz"),
        shared("data/cifar10_eval.npz"),
    ) else {
        return;
    };
    let (calib, data) = (calib.display().to_string(), data.display().to_string());
    for name in ["cifar_resnet8_u_80", "cifar_mbv1_u_80"] {
        let Some(model) = shared(&format!("models/{name}.onnx")) else {
            continue;
        };
        let options = [&["--method", "keep", "--calib", &calib][..], &CIFAR].concat();
        let pruned = prune(&model, &options);
        let after = accuracy(&pruned.ask("eval", &["--data", &data, "--layout", "nhwc", "--json"]));
        let model = model.display().to_string();
        let float = [&["eval", &model, "--data", &data, "--json"][..], &CIFAR].concat();
        let before = accuracy(&nnz(float).succeeded());
        println!(
            "{name}: {:.2} % before, {:.2} % after",
            100.0 * before,
            100.0 * after
        );
        assert!(
            before - after <= 0.007,
            "{name}: {before} before, {after} after"
        );
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run in release")]
fn sparse_files_are_small() {
    let Some(calib) = shared("data/cifar10_calib.npz") else {
        return;
    };
    let calib = calib.display().to_string();
    let len = |model: &Path, options: &[&str]| {
        let all = [&["--calib", &calib][..], &CIFAR, options].concat();
        prune(model, &all).len()
    };
    // Highest percentage of the dense file: as fast as possible, as small as possible.
    for (name, speed, flash) in [("cifar_resnet8_u_80", 46, 38), ("cifar_mbv1_u_80", 51, 43)] {
        let Some(model) = shared(&format!("models/{name}.onnx")) else {
            continue;
        };
        let dense = len(&model, &["--method", "keep", "--weights", "dense"]);
        let fast = len(&model, &["--method", "keep"]);
        let small = len(&model, &["--method", "keep", "--prefer", "flash"]);
        println!("{name}: {dense} dense, {fast} fast, {small} small");
        assert!(fast * 100 <= dense * speed, "{name}: {fast} of {dense}");
        assert!(small * 100 <= dense * flash, "{name}: {small} of {dense}");
    }
    for name in ["cifar_resnet8_dense", "cifar_mbv1_dense"] {
        let Some(model) = shared(&format!("models/{name}.onnx")) else {
            continue;
        };
        let half = ["--method", "magnitude", "--sparsity", "0.5"];
        let dense = len(&model, &[&half[..], &["--weights", "dense"]].concat());
        let small = len(&model, &[&half[..], &["--prefer", "flash"]].concat());
        println!("{name} at 50 %: {dense} dense, {small} small");
        assert!(small * 100 <= dense * 85, "{name}: {small} of {dense}");
    }
}
