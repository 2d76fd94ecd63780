//! The binary as people meet it: exit codes, JSON keys, and errors that say what to do.
//!
//! Everything runs on the keyword networks that the repository ships.

use nnz_pruner::data::Elements;
use nnz_tests::command::{Ran, nnz};
use nnz_tests::npy;
use nnz_tests::shared::repository;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

const COMMANDS: [&str; 13] = [
    "prune", "run", "eval", "verify", "calib", "inspect", "explain", "diff", "bench", "demo",
    "ops", "targets", "report",
];

fn example(name: &str) -> String {
    repository("examples/keywords")
        .join(name)
        .display()
        .to_string()
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("folder")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// The sparse keyword network as int8, made once.
fn keywords() -> String {
    static FILE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = FILE.get_or_init(|| {
        let folder = folder();
        let path = folder.path().join("keywords.nnz");
        let _ = prune(&path, &[]).succeeded();
        (folder, path)
    });
    text(path)
}

fn prune(out: &Path, options: &[&str]) -> Ran {
    let (model, calib, out) = (
        example("keywords_u75.onnx"),
        example("calib.npz"),
        text(out),
    );
    nnz([
        &["prune", &model, "-o", &out, "--calib", &calib][..],
        options,
    ]
    .concat())
}

/// A file with this content.
fn file(folder: &TempDir, name: &str, content: &[u8]) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("written");
    text(&path)
}

/// The dense keyword network with `from` replaced by `to`, of one length, wherever it occurs.
fn edited_model(folder: &TempDir, from: &[u8], to: &[u8]) -> String {
    let mut bytes = std::fs::read(example("keywords_dense.onnx")).expect("shipped");
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(from.len()).position(|w| w == from) {
        bytes[at + found..at + found + from.len()].copy_from_slice(to);
        at += found + from.len();
    }
    assert!(at > 0, "nothing was replaced");
    file(folder, "edited.onnx", &bytes)
}

fn keys(value: &serde_json::Value, expected: &[&str]) {
    for key in expected {
        assert!(value.get(key).is_some(), "no key {key} in {value}");
    }
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let general = nnz(["--help"]).succeeded().stdout;
    for command in COMMANDS {
        assert!(general.contains(command), "{command} is not listed");
        let help = nnz([command, "--help"]).succeeded().stdout;
        assert!(
            help.contains(&format!("nnz {command}")),
            "{command} has no example:\n{help}"
        );
    }
}

#[test]
fn wrong_usage_has_exit_code_2() {
    for args in [
        &["paint"][..],
        &["prune"],
        &["prune", "x.onnx"],
        &["prune", "x.onnx", "-o", "y.nnz", "--sparsity", "1.5"],
        &["prune", "x.onnx", "-o", "y.nnz", "--sparsity", "half"],
        &["prune", "x.onnx", "-o", "y.nnz", "--target", "z80"],
        &["prune", "x.onnx", "-o", "y.nnz", "--method", "guess"],
        &["prune", "x.onnx", "-o", "y.nnz", "--pattern", "4:2"],
        &[
            "prune",
            "x.onnx",
            "-o",
            "y.nnz",
            "--lossless",
            "--sparsity",
            "0.5",
        ],
        &["bench", "x.nnz", "--on", "z80"],
    ] {
        let ran = nnz(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("error:"), "{args:?}: {ran:?}");
    }
}

#[test]
fn a_percentage_as_sparsity_is_answered_with_the_fraction() {
    let ran = nnz(["prune", "x.onnx", "-o", "y.nnz", "--sparsity", "80"]);
    assert!(ran.stderr.contains("0.8"), "{ran:?}");
}

#[test]
fn missing_empty_and_foreign_files_are_named() {
    let folder = folder();
    let empty = file(&folder, "empty.onnx", b"");
    let garbage = file(&folder, "garbage.tflite", &[0x5a; 4096]);
    let absent = text(&folder.path().join("absent.onnx"));
    let out = text(&folder.path().join("out.nnz"));
    for (path, reason) in [(&absent, "no such file"), (&empty, "empty"), (&garbage, "")] {
        let stderr = nnz(["prune", path, "-o", &out]).failed();
        assert!(
            stderr.contains(path.as_str()) && stderr.contains(reason),
            "{stderr}"
        );
        assert!(stderr.contains("  help: "), "{stderr}");
        let stderr = nnz(["eval", path, "--data", &example("eval.npz")]).failed();
        assert!(stderr.contains(path.as_str()), "{stderr}");
    }
    assert!(!Path::new(&out).exists());
}

#[test]
fn damaged_and_newer_files_are_refused() {
    let folder = folder();
    let good = std::fs::read(keywords()).expect("made");
    let mut newer = good.clone();
    newer[14] = 99;
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    let cases = [
        file(&folder, "newer.nnz", &newer),
        file(&folder, "flipped.nnz", &flipped),
        file(&folder, "short.nnz", &good[..good.len() / 2]),
        file(&folder, "text.nnz", b"hello"),
        file(&folder, "magic.nnz", b"nnz\0"),
    ];
    for path in &cases {
        for command in [&["inspect"][..], &["bench"], &["run", "--input", "x.npy"]] {
            let stderr = nnz([&command[..1], &[path.as_str()], &command[1..]].concat()).failed();
            assert!(
                stderr.contains(path.as_str()) && stderr.contains("help:"),
                "{stderr}"
            );
        }
    }
}

#[test]
fn an_operator_that_is_not_supported_is_named_with_a_way_out() {
    let folder = folder();
    let model = edited_model(&folder, b"Relu", b"TopK");
    let out = text(&folder.path().join("out.nnz"));
    let stderr = nnz(["prune", &model, "-o", &out]).failed();
    assert!(
        stderr.contains("TopK") && stderr.contains("node '"),
        "{stderr}"
    );
    assert!(stderr.contains("nnz ops"), "{stderr}");
}

#[test]
fn weights_that_are_not_numbers_are_refused() {
    let folder = folder();
    let mut bytes = std::fs::read(example("keywords_dense.onnx")).expect("shipped");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8].fill(0xff);
    let model = file(&folder, "nan.onnx", &bytes);
    let out = text(&folder.path().join("out.nnz"));
    let stderr = nnz(["prune", &model, "-o", &out]).failed();
    assert!(
        stderr.contains("NaN") && stderr.contains(&model),
        "{stderr}"
    );
}

#[test]
fn integers_need_calibration_data_of_the_right_shape() {
    let folder = folder();
    let (model, out) = (
        example("keywords_dense.onnx"),
        text(&folder.path().join("out.nnz")),
    );
    for options in [["--dtype", "s8"], ["--target", "cortex-m4"]] {
        let stderr = nnz([&["prune", &model, "-o", &out][..], &options].concat()).failed();
        assert!(stderr.contains("--calib"), "{stderr}");
    }
    let wrong = folder.path().join("wrong.npy");
    npy::write(&wrong, &[2, 1, 10, 49], Elements::F32(vec![0.5; 980]));
    let wrong = text(&wrong);
    let stderr = nnz(["prune", &model, "-o", &out, "--calib", &wrong]).failed();
    assert!(
        stderr.contains("[2, 1, 10, 49]") && stderr.contains("49, 10"),
        "{stderr}"
    );
    let stderr = nnz([
        "prune",
        &model,
        "-o",
        &out,
        "--calib",
        &example("make_data.py"),
    ])
    .failed();
    assert!(stderr.contains("make_data.py"), "{stderr}");
    assert!(!Path::new(&out).exists());
}

#[test]
fn a_layer_that_does_not_exist_is_answered_with_those_that_do() {
    let folder = folder();
    let out = folder.path().join("out.nnz");
    for option in ["--skip", "--include"] {
        let stderr = prune(&out, &["--sparsity", "0.9", option, "no_such_layer"]).failed();
        assert!(stderr.contains("no_such_layer"), "{stderr}");
    }
}

#[test]
fn a_block_pattern_without_a_sparsity_is_not_ignored() {
    let folder = folder();
    let out = folder.path().join("out.nnz");
    let stderr = prune(&out, &["--pattern", "1x4"]).failed();
    assert!(
        stderr.contains("1x4") && stderr.contains("--sparsity"),
        "{stderr}"
    );
    let _ = prune(&out, &["--pattern", "1x4", "--sparsity", "0.8"]).succeeded();
}

#[test]
fn the_model_is_not_overwritten_by_its_own_file() {
    let folder = folder();
    let model = folder.path().join("model");
    std::fs::copy(example("keywords_u75.onnx"), &model).expect("copied");
    let before = std::fs::read(&model).expect("read");
    let stderr = nnz(["prune", &text(&model), "-o", &text(&model)]).failed();
    assert!(stderr.contains("the model itself"), "{stderr}");
    assert_eq!(std::fs::read(&model).expect("read"), before);
}

#[test]
fn options_without_effect_are_wrong_usage() {
    let data = example("eval.npz");
    for args in [
        &["prune", "x.onnx", "-o", "y.nnz", "--range", "min-max"][..],
        &["verify", "x.nnz", "x.onnx", "--data", &data, "--limit", "0"],
        &["run", "x.nnz", "--input", "x.npy", "--top", "0"],
    ] {
        let ran = nnz(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
    }
}

#[test]
fn with_calibration_data_weights_are_solved_for_unless_another_method_is_named() {
    let folder = folder();
    let out = folder.path().join("out.nnz");
    for (options, expected) in [
        (&["--sparsity", "0.8"][..], "obs"),
        (&["--pattern", "2:4"], "obs"),
        (&["--sparsity", "0.8", "--method", "magnitude"], "magnitude"),
        (&[], "keep"),
    ] {
        let report = prune(&out, &[options, &["--json"]].concat()).succeeded();
        let report = report.json();
        assert_eq!(report["method"], expected, "{options:?}");
        let prunable = report["sparsity_of_prunable"].as_f64().expect("number");
        assert!(prunable >= report["sparsity_of_all"].as_f64().expect("number"));
    }
}

#[test]
fn outputs_appear_whole_or_not_at_all() {
    let folder = folder();
    let nowhere = folder.path().join("no/such/folder/out.nnz");
    let stderr = prune(&nowhere, &[]).failed();
    assert!(
        stderr.contains(&text(&nowhere)) && stderr.contains("help:"),
        "{stderr}"
    );
    let stderr = prune(folder.path(), &[]).failed();
    assert!(stderr.contains("directory"), "{stderr}");
    let existing = file(&folder, "out.nnz", b"precious");
    let _ = prune(Path::new(&existing), &["--skip", "no_such_layer"]).failed();
    assert_eq!(std::fs::read(&existing).expect("still there"), b"precious");
    let names: Vec<_> = std::fs::read_dir(folder.path()).expect("list").collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn one_input_and_a_batch_give_the_same_rows() {
    let folder = folder();
    let path = |name: &str| text(&folder.path().join(name));
    let values: Vec<f32> = (0..980u16)
        .map(|i| f32::from(i % 37) / 20.0 - 0.9)
        .collect();
    npy::write(
        Path::new(&path("one.npy")),
        &[1, 49, 10],
        Elements::F32(values[..490].to_vec()),
    );
    npy::write(
        Path::new(&path("two.npy")),
        &[2, 1, 49, 10],
        Elements::F32(values),
    );
    for name in ["one", "two"] {
        let (x, y) = (
            path(&format!("{name}.npy")),
            path(&format!("{name}.out.npy")),
        );
        let _ = nnz(["run", &keywords(), "--input", &x, "--output", &y]).succeeded();
    }
    let (one, two) = (
        npy::read_s8(Path::new(&path("one.out.npy"))),
        npy::read_s8(Path::new(&path("two.out.npy"))),
    );
    assert_eq!((one.0, two.0), (vec![1, 12], vec![2, 12]));
    assert_eq!(one.1, two.1[..12]);
    assert_ne!(two.1[..12], two.1[12..]);
}

#[test]
fn inputs_of_the_wrong_shape_or_name_are_refused() {
    let folder = folder();
    let path = folder.path().join("x.npy");
    npy::write(&path, &[48, 10], Elements::F32(vec![0.0; 480]));
    let stderr = nnz(["run", &keywords(), "--input", &text(&path)]).failed();
    assert!(
        stderr.contains("[48, 10]") && stderr.contains("49, 10"),
        "{stderr}"
    );
    let stderr = nnz(["run", &keywords(), "--input", "sound=x.npy"]).failed();
    assert!(
        stderr.contains("'sound'") && stderr.contains("'mfcc'"),
        "{stderr}"
    );
}

#[test]
fn json_has_the_documented_keys() {
    let (file, data) = (keywords(), example("eval.npz"));
    let eval = nnz(["eval", &file, "--data", &data, "--json"])
        .succeeded()
        .json();
    keys(&eval, &["accuracy", "correct", "n"]);
    assert_eq!(eval["n"], 300);
    let inspect = nnz(["inspect", &file, "--json"]).succeeded().json();
    keys(
        &inspect,
        &[
            "bytes",
            "target",
            "macs",
            "nonzero_macs",
            "stored_weights",
            "stored_macs",
            "weights",
            "nonzeros",
            "arena_bytes",
            "layers",
        ],
    );
    let bench = nnz(["bench", &file, "--seconds", "0.05", "--json"])
        .succeeded()
        .json();
    keys(
        &bench,
        &[
            "target",
            "instructions",
            "cycles",
            "clock_hz",
            "latency_us",
            "arena_bytes",
            "stack_bytes",
            "code_bytes",
            "model_bytes",
            "macs",
            "nonzero_macs",
            "layers",
            "throughput_per_s",
            "peak_rss_bytes",
            "environment",
        ],
    );
    keys(&bench["latency_us"], &["min", "median", "p99"]);
    keys(
        &bench["layers"][0],
        &[
            "name",
            "op",
            "layout",
            "macs",
            "nonzeros",
            "instructions",
            "cycles",
        ],
    );
    let model = example("keywords_u75.onnx");
    let verify = nnz(["verify", &file, &model, "--data", &data, "--json"])
        .succeeded()
        .json();
    keys(
        &verify,
        &["identical", "first_differing_layer", "outputs", "layers"],
    );
    for command in ["ops", "targets"] {
        let _ = nnz([command, "--json"]).succeeded().json();
    }
}

#[test]
fn a_float_file_computes_what_its_model_computes() {
    let folder = folder();
    let (model, out) = (
        example("keywords_u75.onnx"),
        text(&folder.path().join("float.nnz")),
    );
    let _ = nnz(["prune", &model, "-o", &out]).succeeded();
    let data = example("eval.npz");
    let verify = nnz(["verify", &out, &model, "--data", &data, "--json"])
        .succeeded()
        .json();
    let snr = &verify["outputs"][0]["snr_db"];
    assert!(snr.is_null() || snr.as_f64() >= Some(80.0), "{verify}");
    let correct = |file: &str| {
        nnz(["eval", file, "--data", &data, "--json"])
            .succeeded()
            .json()["correct"]
            .clone()
    };
    assert_eq!(correct(&out), correct(&model));
}

#[test]
fn a_file_knows_its_preprocessing() {
    let folder = folder();
    let out = folder.path().join("scaled.nnz");
    let _ = prune(&out, &["--mean", "0.25", "--std", "2"]).succeeded();
    let (out, data) = (text(&out), example("eval.npz"));
    let eval =
        |options: &[&str]| nnz([&["eval", &out, "--data", &data, "--json"][..], options].concat());
    let alone = eval(&[]).succeeded().json();
    let repeated = eval(&["--mean", "0.25", "--std", "2"]).succeeded().json();
    assert_eq!(alone, repeated);
    let stderr = eval(&["--mean", "1"]).failed();
    assert!(
        stderr.contains("--mean") && stderr.contains("0.25"),
        "{stderr}"
    );
}

#[test]
fn the_same_command_writes_the_same_bytes() {
    let folder = folder();
    let (a, b) = (folder.path().join("a.nnz"), folder.path().join("b.nnz"));
    let options = ["--method", "magnitude", "--sparsity", "0.85"];
    let _ = prune(&a, &options).succeeded();
    let _ = prune(&b, &options).succeeded();
    assert_eq!(std::fs::read(a).expect("a"), std::fs::read(b).expect("b"));
}
