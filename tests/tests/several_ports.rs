//! Networks of several inputs and outputs through every command that takes data.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use nnz_pruner::data::{self, Array, Elements};
use nnz_tests::command::nnz;
use nnz_tests::shared::repository;
use std::path::Path;
use tempfile::TempDir;

fn fixture(name: &str) -> String {
    let path = repository(&format!("tests/fixtures/exported/{name}"));
    path.display().to_string()
}

fn array(name: &str) -> Array {
    data::read_npy(Path::new(&fixture(name))).unwrap()
}

/// An archive of arrays by name.
fn archive(folder: &TempDir, file: &str, members: &[(&str, &Array)]) -> String {
    let path = folder.path().join(file);
    let bytes = data::npz_bytes(file, members, &[]).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

/// The class of every row: where the array is largest.
fn classes(of: &Array) -> Array {
    let width = of.elements.len() / of.shape[0];
    let best = |row: usize| {
        let at = |i: usize| of.elements.real(row * width + i);
        (0..width).fold(0, |b, i| if at(i) > at(b) { i } else { b })
    };
    let found = (0..of.shape[0]).map(|row| i64::try_from(best(row)).unwrap());
    Array::new(vec![of.shape[0]], Elements::S64(found.collect())).unwrap()
}

fn out(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

#[test]
fn two_inputs_calibrate_run_verify_and_are_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let model = fixture("two_ports.dynamo.onnx");
    let [left, right] = ["two_ports.in0.npy", "two_ports.in1.npy"].map(array);
    let expected = classes(&array("two_ports.dynamo.out0.npy"));
    let members = [("input0", &left), ("input1", &right), ("y", &expected)];
    let named = archive(&folder, "named.npz", &members);
    let members = [("x0", &left), ("x1", &right), ("y", &expected)];
    let numbered = archive(&folder, "numbered.npz", &members);
    let file = out(&folder, "net.nnz");
    let prune = ["prune", &model, "-o", &file, "--calib", &numbered];
    let _ = nnz([&prune[..], &["--sparsity", "0.25"]].concat()).succeeded();
    let _ = nnz(["prune", &model, "-o", &file, "--calib", &named]).succeeded();
    let verify = |data: &str| nnz(["verify", &file, &model, "--data", data, "--json"]);
    let found = verify(&named).succeeded().json();
    assert_eq!(found["outputs"].as_array().unwrap().len(), 2);
    assert!(found["layers"].as_array().unwrap().len() > 2);
    assert_eq!(found, verify(&numbered).succeeded().json());
    let eval = |file: &str| nnz(["eval", file, "--data", &named, "--json"]).succeeded();
    let original = eval(&model);
    assert_eq!(original.json()["correct"], 8);
    assert!(
        original.stderr.contains("`--output NAME`"),
        "{}",
        original.stderr
    );
    assert!(eval(&file).json()["correct"].as_u64().unwrap() >= 7);
    let (a, b) = (out(&folder, "a"), out(&folder, "b"));
    let _ = nnz(["run", &model, "--input", &named, "-o", &a]).succeeded();
    let each = [("input0", "in0"), ("input1", "in1")];
    let each =
        each.map(|(name, file)| format!("{name}={}", fixture(&format!("two_ports.{file}.npy"))));
    let _ = nnz([
        "run", &model, "--input", &each[0], "--input", &each[1], "-o", &b,
    ])
    .succeeded();
    for entry in std::fs::read_dir(&a).unwrap() {
        let name = entry.unwrap().file_name();
        let read = |folder: &str| std::fs::read(Path::new(folder).join(&name)).unwrap();
        assert_eq!(read(&a), read(&b), "{}", name.display());
    }
}

#[test]
fn the_output_that_has_targets_is_judged_and_networks_with_other_names_compare() {
    let folder = tempfile::tempdir().unwrap();
    let models = [
        "keras_two_ports.float.tflite",
        "keras_two_ports.int8.tflite",
    ]
    .map(fixture);
    let [left, right] = ["keras_two_ports.in0.npy", "keras_two_ports.in1.npy"].map(array);
    let inspected = nnz(["inspect", &models[0], "--json"]).succeeded().json();
    let name = |i: usize| inspected["outputs"][i]["name"].as_str().unwrap().to_owned();
    let (first, second) = (name(0), name(1));
    let maps = array("keras_two_ports.float.out0.npy");
    let expected = classes(&array("keras_two_ports.float.out1.npy"));
    let inputs = [("x0", &left), ("x1", &right)];
    let one = [&inputs[..], &[(&*second, &expected)]].concat();
    let one = archive(&folder, "one.npz", &one);
    let eval = |data: &str, more: &[&str]| {
        nnz([&["eval", &models[0], "--data", data, "--json"], more].concat())
    };
    let found = eval(&one, &["--compare", &models[1]]).succeeded().json();
    assert_eq!((&found["correct"], &found["n"]), (&8.into(), &8.into()));
    assert!(found["compare"]["correct"].as_u64().unwrap() >= 7);
    let both = [&inputs[..], &[(&*first, &maps), (&*second, &expected)]].concat();
    let both = archive(&folder, "both.npz", &both);
    let refused = eval(&both, &[]).failed();
    assert!(refused.contains("has arrays for 2 outputs"), "{refused}");
    let map = eval(&both, &["--output", &first]).succeeded().json();
    assert!(map["mean_squared"].as_f64().unwrap() < 1e-9, "{map}");
    let unknown = eval(&both, &["--output", "age"]).failed();
    assert!(
        unknown.contains("no output 'age'") && unknown.contains(&second),
        "{unknown}"
    );
}

#[test]
fn data_that_do_not_cover_the_inputs_are_refused_with_what_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let model = fixture("two_ports.dynamo.onnx");
    let file = out(&folder, "net.nnz");
    let _ = nnz(["prune", &model, "-o", &file]).succeeded();
    let left = array("two_ports.in0.npy");
    let short = Array::new(vec![2, 3, 8, 8], Elements::F32(vec![0.5; 384])).unwrap();
    let one = archive(&folder, "one.npz", &[("x", &left)]);
    let uneven = [("input0", &left), ("input1", &short)];
    let uneven = archive(&folder, "uneven.npz", &uneven);
    let npy = fixture("two_ports.in0.npy");
    let wanted = "with one array for each, named input0, input1 or x0 to x1";
    let say = |data: &str, text: &str| {
        for command in [
            &["verify", &file, &model, "--data", data][..],
            &["eval", &file, "--data", data],
            &["prune", &model, "-o", &file, "--calib", data],
            &["explain", &model, "--calib", data],
        ] {
            let refused = nnz(command).failed();
            assert!(refused.contains(text), "{command:?}: {refused}");
        }
    };
    say(&one, wanted);
    say(&npy, wanted);
    say(&uneven, "as many samples as 'input0', 8");
    let refused = nnz(["run", &file, "--input", &npy]).failed();
    assert!(refused.contains("all in one .npz"), "{refused}");
    let both = out(&folder, "both.npz");
    let right = array("two_ports.in1.npy");
    let members = [("input0", &left), ("input1", &right)];
    std::fs::write(&both, data::npz_bytes("both", &members, &[]).unwrap()).unwrap();
    let refused = nnz(["eval", &file, "--data", &both, "--mean", "3"]).failed();
    assert!(
        refused.contains("belong to one input, the network has 2"),
        "{refused}"
    );
}

#[test]
fn an_array_may_have_the_name_of_the_one_input() {
    let folder = tempfile::tempdir().unwrap();
    let model = fixture("cnn.torchscript.onnx");
    let x = array("cnn.in0.npy");
    let named = archive(&folder, "named.npz", &[("input0", &x)]);
    let file = out(&folder, "net.nnz");
    let _ = nnz(["prune", &model, "-o", &file, "--calib", &named]).succeeded();
    let _ = nnz(["verify", &file, &model, "--data", &named]).succeeded();
    let (a, b) = (out(&folder, "a.npy"), out(&folder, "b.npy"));
    let _ = nnz(["run", &file, "--input", &named, "-o", &a]).succeeded();
    let array = fixture("cnn.in0.npy");
    let _ = nnz(["run", &file, "--input", &array, "-o", &b]).succeeded();
    assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
}
