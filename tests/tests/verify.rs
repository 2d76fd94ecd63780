//! `nnz verify`: its exit code says whether a file computes what its model computes.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use nnz_tests::command::nnz;
use nnz_tests::shared::repository;

fn fixture(name: &str) -> String {
    repository("tests/fixtures/exported")
        .join(name)
        .display()
        .to_string()
}

#[test]
fn verify_succeeds_within_its_tolerance_and_fails_outside() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("net.nnz").display().to_string();
    let (model, data) = (fixture("cnn.torchscript.onnx"), fixture("cnn.in0.npy"));
    let _ = nnz(["prune", &model, "--calib", &data, "-o", &out]).succeeded();
    let verify = |more: &[&str]| nnz([&["verify", &out, &model, "--data", &data], more].concat());
    let within = verify(&[]).succeeded();
    assert!(within.stdout.contains("conv_2d"), "{}", within.stdout);
    let outside = verify(&["--snr", "200"]).failed();
    assert!(
        outside.contains("net.nnz: output") && outside.contains("200.0 dB are asked for"),
        "{outside}"
    );
}

#[test]
fn an_integer_file_of_another_model_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("net.nnz").display().to_string();
    let (model, data) = (
        fixture("keras_mlp.int8.tflite"),
        fixture("keras_mlp.in0_s8.npy"),
    );
    let _ = nnz(["prune", &model, "-o", &out]).succeeded();
    let verify = |file: &str| nnz(["verify", file, &model, "--data", &data, "--json"]);
    assert_eq!(verify(&out).succeeded().json()["identical"], true);
    let pruned = folder.path().join("pruned.nnz").display().to_string();
    let half = ["--method", "magnitude", "--sparsity", "0.5"];
    let _ = nnz([&["prune", &model, "-o", &pruned][..], &half].concat()).succeeded();
    let refused = verify(&pruned).failed();
    assert!(refused.contains("inf dB are asked for"), "{refused}");
}
