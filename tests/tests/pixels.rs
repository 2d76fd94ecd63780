//! Raw pixels go into files whose network was trained on preprocessed ones, and nobody preprocesses twice.

use nnz::Model;
use nnz::format::DType;
use nnz_pruner::data::{Dataset, Elements};
use nnz_tests::command::nnz;
use nnz_tests::npy;
use nnz_tests::shared::shared;
use std::path::Path;

const LAYOUT: [&str; 2] = ["--layout", "nhwc"];
const PREPROCESS: [[&str; 4]; 2] = [
    ["--mean", "125.3,123.0,113.9", "--std", "63.0,62.1,66.7"],
    ["--mean", "127.5", "--std", "63.5"],
];
/// 0.7 points of 3000 samples.
const LOSS: u64 = 21;

/// The file's input is the pixel itself, and its record asks for nothing else.
fn takes_raw_pixels(file: &Path) {
    let bytes = std::fs::read(file).expect("written");
    let model = Model::parse(&bytes).expect("a network");
    let io = model.input(0).expect("an input");
    assert_eq!((io.tensor.scale, io.tensor.zero_point), (1.0, -128));
    assert_eq!((io.source_dtype, io.mean, io.std), (DType::U8, 0.0, 1.0));
    assert_eq!(&io.dims[..io.rank.into()], [1, 3, 32, 32]);
    let meta: serde_json::Value =
        serde_json::from_str(model.meta().expect("metadata")).expect("JSON");
    assert!(meta.get("mean").is_none() && meta.get("std").is_none());
    assert!(meta["folded"]["mean"].is_array());
    assert_eq!(model.output(0).expect("an output").source_dtype, DType::S8);
}

/// Rows whose largest output, the first of equals, is their class.
fn right(outputs: &[i8], classes: &[usize]) -> u64 {
    let rows = outputs.chunks(outputs.len() / classes.len());
    let best = |row: &[i8]| {
        let largest = row.iter().max().expect("outputs");
        row.iter().position(|x| x == largest).expect("itself")
    };
    let hits = rows
        .zip(classes)
        .filter(|(row, class)| best(row) == **class);
    hits.count() as u64
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run in release")]
fn preprocessing_that_no_zero_point_holds_becomes_part_of_the_network() {
    let (Some(model), Some(calib), Some(data)) = (
        shared("models/cifar_resnet8_u_80.onnx"),
        shared("data/cifar10_calib.npz"),
        shared("data/cifar10_eval.npz"),
    ) else {
        return;
    };
    let set = Dataset::open(&data).unwrap();
    let classes = set.labels().unwrap();
    let [model, calib, data] = [model, calib, data].map(|p| p.display().to_string());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (file, input, output) = (path("net.nnz"), path("x.npy"), path("y.npy"));
    let Elements::U8(x) = set.x().elements.clone() else {
        panic!("pixels");
    };
    npy::write(Path::new(&input), &set.x().shape, Elements::U8(x));
    for preprocess in PREPROCESS {
        let correct = |of: &str, options: &[&str]| {
            let eval = [&["eval", of, "--data", &data, "--json"], options].concat();
            let found = nnz(eval).succeeded().json();
            found["correct"].as_u64().unwrap()
        };
        let prune = ["prune", &model, "-o", &file, "--calib", &calib];
        let _ = nnz([&prune[..], &preprocess, &LAYOUT].concat()).succeeded();
        takes_raw_pixels(Path::new(&file));
        let both = [&preprocess[..], &LAYOUT].concat();
        let (float, integer) = (correct(&model, &both), correct(&file, &LAYOUT));
        println!("{preprocess:?}: float {float}, integer {integer}");
        assert!(integer + LOSS >= float, "{integer} of {float}");
        assert_eq!(correct(&file, &both), integer, "repeated is not applied");
        let run = ["run", &file, "--input", &input, "--output", &output];
        let _ = nnz([&run[..], &LAYOUT].concat()).succeeded();
        let (_, outputs) = npy::read_s8(Path::new(&output));
        assert_eq!(right(&outputs, classes), integer, "run and eval");
        let verify = ["verify", &file, &model, "--data", &data, "--json"];
        let found = nnz([&verify[..], &LAYOUT].concat()).succeeded().json();
        assert!(
            found["outputs"][0]["snr_db"].as_f64() > Some(25.0),
            "{found}"
        );
        let eval = ["eval", &file, "--data", &data, "--mean", "3"];
        let stderr = nnz([&eval[..], &LAYOUT].concat()).failed();
        assert!(stderr.contains("--mean and --std differ"), "{stderr}");
    }
}
