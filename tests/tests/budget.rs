//! What people ask first: how small, how fast, how much accuracy, which technique. The program's answers are kept.

use nnz_pruner::data::{Array, Elements, read_npz, write_npy};
use nnz_tests::command::{Ran, binary, nnz};
use nnz_tests::shared::repository;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn example(name: &str) -> String {
    let path = repository("examples/keywords").join(name);
    path.display().to_string()
}

/// Samples that the budgets are met with.
const SAMPLES: usize = 64;

/// The first calibration samples of the example network, in a file of their own: a budget builds dozens of networks.
fn calib(folder: &Path) -> String {
    let path = folder.join("calib.npy");
    let all = read_npz(&repository("examples/keywords/calib.npz"), "x");
    let all = all.expect("an archive").expect("an array x");
    let mut dims = all.shape.clone();
    let sample: usize = dims[1..].iter().product();
    dims[0] = SAMPLES;
    let values = if let Elements::F32(values) = &all.elements {
        values.get(..SAMPLES * sample)
    } else {
        None
    };
    let few = Elements::F32(values.expect("floats").to_vec());
    let few = Array::new(dims, few).expect("whole samples");
    write_npy(&path, &few).expect("written");
    path.display().to_string()
}

/// Prunes the dense example network for a Cortex-M4.
fn prune(out: &Path, options: &[&str]) -> Ran {
    let folder = out.parent().expect("in a folder");
    let (model, calib) = (example("keywords_dense.onnx"), calib(folder));
    let out = out.display().to_string();
    let always = ["prune", &model, "--calib", &calib, "-o", &out];
    nnz([&always[..], &["--target", "cortex-m4", "--json"], options].concat())
}

fn number(report: &Value, key: &str, of: &str) -> u64 {
    report[key][of].as_u64().expect("a number")
}

#[test]
fn limits_hold_are_nearly_used_up_and_the_binding_one_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    let out = folder.path().join("k.nnz");
    let dense = prune(&out, &["--weights", "dense"]).succeeded().json();
    let flash = number(&dense, "bytes", "now") * 7 / 10;
    let cycles = number(&dense, "cycles", "now") * 7 / 10;
    let (flash, cycles) = (flash.to_string(), cycles.to_string());
    for (option, limit) in [("--flash", &flash), ("--cycles", &cycles)] {
        for how in [&["--alloc", "layer"][..], &[]] {
            let report = prune(&out, &[&[option, limit][..], how].concat());
            let report = report.succeeded().json();
            let found = &report["budget"][0];
            assert_eq!(found["limit"], option, "{found}");
            assert_eq!(found["binds"], true);
            let used = found["used"].as_u64().expect("a number") * 100;
            let most: u64 = limit.parse().expect("a number");
            assert!(used <= most * 100 && used >= most * 97, "{how:?}: {found}");
        }
    }
    assert!(std::fs::metadata(&out).is_ok());
}

#[test]
fn a_budget_out_of_reach_is_said_with_what_lacks() {
    let folder = tempfile::tempdir().expect("folder");
    let out = folder.path().join("k.nnz");
    let cases = [
        (["--flash", "2K"], "--flash cannot be met: 2048 bytes"),
        (["--ram", "1K"], "--method filter"),
        (["--latency", "1ms"], "--latency cannot be met: 1000"),
    ];
    for (options, said) in cases {
        let stderr = prune(&out, &options).failed();
        assert!(
            stderr.contains(said) && stderr.contains("too many"),
            "{stderr}"
        );
        assert!(!out.exists());
    }
    let (model, calib) = (example("keywords_dense.onnx"), calib(folder.path()));
    let out = out.display().to_string();
    let portable = [
        "prune",
        &model,
        "--calib",
        &calib,
        "--latency",
        "5ms",
        "-o",
        &out,
    ];
    assert!(nnz(portable).failed().contains("cortex-m4"));
    let unlabelled = ["prune", &model, "--calib", &calib, "-o", &out];
    let unlabelled = nnz([&unlabelled[..], &["--accuracy-drop", "1"]].concat());
    assert!(unlabelled.failed().contains("--data EVAL.npz"));
}

#[test]
fn an_accuracy_that_may_be_lost_is_spent_and_not_exceeded() {
    let folder = tempfile::tempdir().expect("folder");
    let out = folder.path().join("k.nnz");
    let data = example("eval.npz");
    let options = ["--accuracy-drop", "2", "--data", &data];
    let report = prune(&out, &options).succeeded().json();
    let of = |key: &str| report["spent"][key].as_f64().expect("a number");
    assert!(100.0 * (of("before") - of("after")) <= 2.0 + 1e-6);
    assert!(number(&report, "cycles", "now") * 10 < number(&report, "cycles", "dense") * 9);
    let file = out.display().to_string();
    let eval = nnz(["eval", &file, "--data", &data, "--json"]);
    let accuracy = eval.succeeded().json()["accuracy"].as_f64();
    assert!((accuracy.expect("a number") - of("after")).abs() < 1e-9);
}

#[test]
fn sensitivity_has_a_curve_a_layer_and_a_drawing() {
    let folder = tempfile::tempdir().expect("folder");
    let svg = folder.path().join("layers.svg").display().to_string();
    let (model, calib) = (example("keywords_dense.onnx"), calib(folder.path()));
    let args = ["sensitivity", &model, "--calib", &calib, "--svg", &svg];
    let found = nnz([&args[..], &["--json"]].concat()).succeeded().json();
    let layers = found["layers"].as_array().expect("layers");
    assert_eq!(layers.len(), 4);
    for layer in layers {
        let losses: Vec<f64> = layer["points"]
            .as_array()
            .expect("points")
            .iter()
            .map(|p| p["loss"].as_f64().expect("a number"))
            .collect();
        let most = losses.iter().copied().fold(0.0, f64::max);
        assert!(losses[0].abs() < 1e-12 && losses[losses.len() - 1] > 0.5 * most);
    }
    let drawing = std::fs::read_to_string(&svg).expect("written");
    assert_eq!(drawing.matches("<polyline").count(), 4);
    let text = nnz(args).succeeded().stdout;
    assert!(text.contains("50 %") && text.contains("97 %"), "{text}");
}

#[test]
fn advice_measures_its_candidates_and_gives_a_reason() {
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (svg, html) = (path("pareto.svg"), path("best.html"));
    let (model, calib, data) = (
        example("keywords_dense.onnx"),
        calib(folder.path()),
        example("eval.npz"),
    );
    let args = [
        "advise",
        &model,
        "--calib",
        &calib,
        "--data",
        &data,
        "--target",
        "cortex-m4",
        "--drop",
        "2",
        "--svg",
        &svg,
        "--report",
        &html,
        "--json",
    ];
    let found = nnz(args).succeeded().json();
    assert_eq!(
        (&found["measure"], &found["cost_unit"]),
        (&"accuracy".into(), &"cycles".into())
    );
    let candidates = found["candidates"].as_array().expect("candidates");
    assert!(candidates.len() >= 10, "{found}");
    let dense = &candidates[0];
    let best = candidates
        .iter()
        .find(|c| c["name"] == found["recommended"])
        .expect("one of them");
    let of = |c: &Value, key: &str| c[key].as_f64().expect("a number");
    assert!(of(best, "accuracy") >= of(dense, "accuracy") - 0.02 - 1e-9);
    assert!(of(best, "cost") <= of(dense, "cost"));
    assert!(
        found["reason"]
            .as_str()
            .is_some_and(|r| r.contains("points"))
    );
    let drawing = std::fs::read_to_string(&svg).expect("written");
    assert!(drawing.contains("bytes of flash") && drawing.contains("predicted cycles"));
    let page = std::fs::read_to_string(&html).expect("written");
    assert!(page.contains("Candidates") && page.contains("Pareto front"));
    assert!(page.contains("unstructured 50 %</th>") && page.contains("nnz prune "));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let folder = tempfile::tempdir().expect("folder");
    let (model, calib) = (example("keywords_dense.onnx"), calib(folder.path()));
    let cases = [
        &["--sparsity", "0.7"][..],
        &["--method", "filter", "--macs", "0.5"],
        &["--target", "cortex-m4", "--flash", "22000"],
        &["--target", "cortex-m4", "--cycles", "3M"],
    ];
    for options in cases {
        let with_threads = |n: usize| {
            let out = folder.path().join(format!("{n}.nnz"));
            let ran = Command::new(binary())
                .args(["prune", &model, "--calib", &calib, "-o"])
                .arg(&out)
                .args(options)
                .env("RAYON_NUM_THREADS", n.to_string())
                .output()
                .expect("it starts");
            assert!(ran.status.success(), "{ran:?}");
            std::fs::read(out).expect("written")
        };
        let one = with_threads(1);
        for n in [2, 3] {
            assert!(with_threads(n) == one, "{n} threads, {options:?}");
        }
    }
}
