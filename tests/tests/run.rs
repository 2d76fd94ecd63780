//! `nnz run` on pictures, sounds, data files and source models.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test a panic is the report"
)]

use hound::{SampleFormat, WavSpec, WavWriter};
use image::{Rgb, RgbImage};
use nnz_pruner::data::{self, Array, Dataset, Elements};
use nnz_tests::command::nnz;
use nnz_tests::npy;
use nnz_tests::shared::repository;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn fixture(name: &str) -> String {
    repository(&format!("tests/fixtures/exported/{name}"))
        .display()
        .to_string()
}

fn text(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

/// A picture in which every pixel is another colour, and its bytes.
fn picture(path: &Path, width: u32, height: u32) -> Vec<u8> {
    let channel = |n: u32| u8::try_from(n % 256).unwrap();
    let picture = RgbImage::from_fn(width, height, |x, y| {
        Rgb([channel(x * 15), channel(y * 15), channel(x * y)])
    });
    picture.save(path).unwrap();
    picture.into_raw()
}

fn floats(path: &str) -> Vec<f32> {
    let elements = data::read_npy(Path::new(path)).unwrap().elements;
    (0..elements.len()).map(|i| elements.real(i)).collect()
}

#[test]
fn a_picture_is_the_array_of_its_pixels_in_every_axis_order() {
    let folder = tempfile::tempdir().unwrap();
    let (photo, array) = (text(&folder, "p.png"), text(&folder, "p.npy"));
    let pixels = picture(Path::new(&photo), 16, 16);
    npy::write(Path::new(&array), &[16, 16, 3], Elements::U8(pixels));
    let (a, b) = (text(&folder, "a.npy"), text(&folder, "b.npy"));
    for model in ["keras_residual.float.tflite", "residual.torchscript.onnx"] {
        let model = fixture(model);
        let scale = ["--mean", "128", "--std", "64"];
        let by_photo = ["run", &model, "--input", &photo, "--output", &a];
        let _ = nnz([&by_photo[..], &scale].concat()).succeeded();
        let by_array = ["run", &model, "--input", &array, "--output", &b];
        let layout = ["--layout", "nhwc"];
        let _ = nnz([&by_array[..], &scale, &layout].concat()).succeeded();
        assert_eq!(floats(&a), floats(&b), "{model}");
        assert!(floats(&a).iter().any(|v| *v != 0.0));
    }
}

#[test]
fn a_picture_of_another_size_is_resized_and_other_channels_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let photo = text(&folder, "p.png");
    let _ = picture(Path::new(&photo), 40, 30);
    let model = fixture("keras_residual.float.tflite");
    let report = nnz(["run", &model, "--input", &photo, "--top", "2", "--json"]);
    let report = report.succeeded().json();
    assert_eq!(report["outputs"][0]["top"][0].as_array().unwrap().len(), 2);
    let model = fixture("grouped.dynamo.onnx");
    let error = nnz(["run", &model, "--input", &photo]).failed();
    assert!(
        error.contains("p.png: is a picture; input 'input0' has 4 channels of 12x12, not 1 or 3"),
        "{error}"
    );
}

#[test]
fn a_sound_becomes_the_features_that_calib_makes() {
    let folder = tempfile::tempdir().unwrap();
    let wav = folder.path().join("w/a.wav");
    std::fs::create_dir(wav.parent().unwrap()).unwrap();
    let spec = WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(&wav, spec).unwrap();
    (0..12_000_i32).for_each(|t| {
        let sample = i16::try_from(t * t % 9_000 - 4_000).unwrap();
        writer.write_sample(sample).unwrap();
    });
    writer.finalize().unwrap();
    let (clips, npz) = (text(&folder, "w"), text(&folder, "x.npz"));
    let _ = nnz(["calib", "wavs", &clips, "-o", &npz, "--features", "mfcc"]).succeeded();
    let model = repository("examples/keywords/keywords_u75.onnx");
    let (model, wav) = (model.display().to_string(), wav.display().to_string());
    let (a, b) = (text(&folder, "a.npy"), text(&folder, "b.npy"));
    let run = |input: &str, output: &str| {
        let std = ["--std", "16"];
        let command = ["run", &model, "--input", input, "--output", output];
        nnz([&command[..], &std].concat()).succeeded()
    };
    assert!(run(&wav, &a).stderr.contains("49 frames of 10 MFCC"));
    let _ = run(&npz, &b);
    assert_eq!(floats(&a), floats(&b));
}

#[test]
fn names_of_classes_stand_beside_the_largest_outputs() {
    let folder = tempfile::tempdir().unwrap();
    let names = folder.path().join("names.txt");
    let list: Vec<String> = (0..10).map(|i| format!("class-{i}")).collect();
    std::fs::write(&names, list.join("\n")).unwrap();
    let (model, names) = (fixture("cnn.dynamo.onnx"), names.display().to_string());
    let x = fixture("cnn.in0.npy");
    let command = [
        "run", &model, "--input", &x, "--labels", &names, "--top", "1",
    ];
    assert!(nnz(command).succeeded().stdout.contains("class-"));
    let report = nnz([&command[..], &["--json"]].concat()).succeeded().json();
    let first = &report["outputs"][0]["top"][0][0];
    let expected = format!("class-{}", first["index"]);
    assert_eq!(first["label"].as_str(), Some(&*expected));
}

/// The dump of `folder` with the index of `file`: what a file calls its operators is its own affair.
fn same_operator(folder: &Path, file: &Path) -> PathBuf {
    let index = |path: &Path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name[..3].to_owned()
    };
    let mut all = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path());
    all.find(|p| index(p) == index(file)).unwrap()
}

#[test]
fn dumps_of_file_and_source_hold_the_same_tensors_in_the_axis_order_of_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let (model, x) = (
        fixture("depthwise.dynamo.onnx"),
        fixture("depthwise.in0.npy"),
    );
    let net = text(&folder, "net.nnz");
    let _ = nnz(["prune", &model, "-o", &net, "--passes", "none"]).succeeded();
    let (a, b) = (text(&folder, "source"), text(&folder, "file"));
    let _ = nnz(["run", &model, "--input", &x, "--dump-tensors", &a]).succeeded();
    let _ = nnz(["run", &net, "--input", &x, "--dump-tensors", &b]).succeeded();
    let mut compared = 0;
    for entry in std::fs::read_dir(&b).unwrap() {
        let file = entry.unwrap().path();
        let other = same_operator(Path::new(&a), &file);
        let found: Array = data::read_npy(&file).unwrap();
        let expected = data::read_npy(&other).unwrap();
        assert_eq!(found.shape, expected.shape, "{}", file.display());
        let largest = (0..found.elements.len())
            .map(|i| (found.elements.real(i) - expected.elements.real(i)).abs())
            .fold(0.0, f32::max);
        assert!(largest < 1e-4, "{}: {largest}", file.display());
        compared += 1;
    }
    assert!(compared >= 9, "{compared} tensors");
    let first = Dataset::open(&Path::new(&a).join("000_conv_2d.npy")).unwrap();
    assert_eq!(first.x().shape, [8, 8, 8, 8]);
}

#[test]
fn numbers_that_an_integer_input_cannot_hold_are_noted() {
    let folder = tempfile::tempdir().unwrap();
    let photo = text(&folder, "p.png");
    let _ = picture(Path::new(&photo), 16, 16);
    let model = fixture("keras_residual.int8.tflite");
    let ran = nnz(["run", &model, "--input", &photo]).succeeded();
    assert!(ran.stderr.contains("--mean and --std"), "{}", ran.stderr);
}
