//! `nnz calib`: folders of pictures, sounds and tables become data files that the other commands take.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test a panic is the report"
)]

use hound::{SampleFormat, WavSpec, WavWriter};
use image::{Rgb, RgbImage};
use nnz_pruner::data::{self, Dataset, Elements};
use nnz_tests::command::nnz;
use nnz_tests::shared::{repository, shared};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder that goes when the test ends.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// A picture of one colour.
    fn picture(&self, name: &str, width: u32, height: u32, color: [u8; 3]) {
        let picture = RgbImage::from_pixel(width, height, Rgb(color));
        picture.save(self.path(name)).unwrap();
    }

    fn wav(&self, name: &str, samples: impl IntoIterator<Item = i16>) {
        let spec = WavSpec {
            channels: 1,
            sample_rate: 16_000,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut writer = WavWriter::create(self.path(name), spec).unwrap();
        samples
            .into_iter()
            .for_each(|s| writer.write_sample(s).unwrap());
        writer.finalize().unwrap();
    }
}

fn two_classes() -> Folder {
    let folder = Folder::new();
    for i in 0..3 {
        folder.picture(&format!("photos/red/{i}.png"), 20, 10, [200, 0, 10]);
        folder.picture(&format!("photos/blue/{i}.bmp"), 10, 20, [0, 0, 250]);
    }
    folder
}

#[test]
fn pictures_become_bytes_with_classes_from_folders() {
    let folder = two_classes();
    let (photos, out) = (folder.text("photos"), folder.text("x.npz"));
    let ran = nnz([
        "calib", "images", &photos, "-o", &out, "--size", "8x4", "--json",
    ]);
    let report = ran.succeeded().json();
    assert_eq!(report["shape"], serde_json::json!([6, 4, 8, 3]));
    assert_eq!(report["classes"], serde_json::json!(["blue", "red"]));
    assert_eq!(report["per_class"], serde_json::json!([3, 3]));
    let set = Dataset::open(Path::new(&out)).unwrap();
    assert_eq!(
        data::read_classes(Path::new(&out)).unwrap(),
        ["blue", "red"]
    );
    let Elements::U8(pixels) = &set.x().elements else {
        panic!("no bytes");
    };
    for (pixels, class) in pixels.chunks(96).zip(set.labels().unwrap()) {
        assert_eq!(pixels[..3], [[0, 0, 250], [200, 0, 10]][*class]);
    }
}

#[test]
fn the_seed_decides_choice_and_order_and_nothing_else_does() {
    let folder = two_classes();
    let photos = folder.text("photos");
    let make = |out: &str, seed: &str| {
        let out = folder.text(out);
        let words = ["--size", "4x4", "--count", "4", "--seed", seed];
        let command = [&["calib", "images", &photos, "-o", &out][..], &words].concat();
        let _ = nnz(command).succeeded();
        std::fs::read(out).unwrap()
    };
    assert_eq!(make("a.npz", "1"), make("b.npz", "1"));
    let others: Vec<_> = (2..8).map(|s| make("c.npz", &s.to_string())).collect();
    assert!(others.iter().any(|o| *o != make("a.npz", "1")));
}

#[test]
fn a_damaged_picture_is_named_and_left_out_only_when_asked() {
    let folder = two_classes();
    std::fs::write(
        folder.path("photos/red/bad.png"),
        b"\x89PNG\r\n\x1a\nnothing",
    )
    .unwrap();
    let (photos, out) = (folder.text("photos"), folder.text("x.npz"));
    let command = ["calib", "images", &photos, "-o", &out, "--size", "4x4"];
    let error = nnz(command).failed();
    assert!(error.contains("red/bad.png: cannot be decoded"), "{error}");
    assert!(error.contains("--skip-bad"), "{error}");
    assert!(!Path::new(&out).exists());
    let report = nnz([&command[..], &["--skip-bad", "--json"]].concat());
    let report = report.succeeded().json();
    assert_eq!(report["n"], 6);
    assert!(report["skipped"][0].as_str().unwrap().contains("bad.png"));
}

#[test]
fn pictures_of_different_sizes_need_a_size() {
    let folder = two_classes();
    let (photos, out) = (folder.text("photos"), folder.text("x.npz"));
    let error = nnz(["calib", "images", &photos, "-o", &out]).failed();
    assert!(error.contains("--size"), "{error}");
    let red = folder.text("photos/red");
    let words = ["--color", "gray", "--layout", "nchw", "--json"];
    let command = [&["calib", "images", &red, "-o", &out][..], &words].concat();
    let report = nnz(command).succeeded().json();
    assert_eq!(report["shape"], serde_json::json!([3, 1, 10, 20]));
    assert_eq!(report["has_y"], false);
}

#[test]
fn sounds_become_samples_or_features() {
    let folder = Folder::new();
    folder.wav("clips/a.wav", (0..8_000).map(|i| (i % 100) * 100));
    folder.wav("clips/b.wav", [16_384; 20_000]);
    let (clips, out) = (folder.text("clips"), folder.text("x.npz"));
    let _ = nnz(["calib", "wavs", &clips, "-o", &out]).succeeded();
    let set = Dataset::open(Path::new(&out)).unwrap();
    assert_eq!(set.x().shape, [2, 16_000]);
    let Elements::F32(samples) = &set.x().elements else {
        panic!("no floats");
    };
    let (first, second) = samples.split_at(16_000);
    let (short, long) = if first[15_999] == 0.0 {
        (first, second)
    } else {
        (second, first)
    };
    assert_eq!((short[3], short[8_000]), (300.0 / 32_768.0, 0.0));
    assert!(long.iter().all(|v| *v == 0.5));
    let _ = nnz(["calib", "wavs", &clips, "-o", &out, "--features", "mfcc"]).succeeded();
    assert_eq!(
        Dataset::open(Path::new(&out)).unwrap().x().shape,
        [2, 49, 10]
    );
    let slow = ["--features", "mfcc", "--rate", "8000"];
    let command = [&["calib", "wavs", &clips, "-o", &out][..], &slow].concat();
    assert!(nnz(command).failed().contains("16000 Hz"));
}

#[test]
fn tables_become_columns_and_classes() {
    let folder = Folder::new();
    std::fs::write(folder.path("t.csv"), "a,b,state\n1,2,on\n3,4,off\n5,6,on\n").unwrap();
    let (table, out) = (folder.text("t.csv"), folder.text("x.npz"));
    let ran = nnz([
        "calib", "csv", &table, "-o", &out, "--label", "state", "--json",
    ]);
    let report = ran.succeeded().json();
    assert_eq!(report["shape"], serde_json::json!([3, 2]));
    assert_eq!(report["classes"], serde_json::json!(["off", "on"]));
    assert_eq!(report["per_class"], serde_json::json!([1, 2]));
    let error = nnz(["calib", "csv", &table, "-o", &out]).failed();
    assert!(
        error.contains("t.csv: line 2, column 'state': 'on' is no number"),
        "{error}"
    );
    let error = nnz(["calib", "csv", &table, "-o", &out, "--label", "sate"]).failed();
    assert!(error.contains("its columns are a, b, state"), "{error}");
}

#[test]
fn class_names_go_into_the_network() {
    let folder = Folder::new();
    for class in ["down", "up"] {
        folder.picture(&format!("p/{class}/1.png"), 32, 32, [9, 9, 9]);
    }
    let (photos, calib, net) = (folder.text("p"), folder.text("c.npz"), folder.text("n.nnz"));
    let model = repository("tests/fixtures/exported/keras_residual.float.tflite");
    let model = model.display().to_string();
    let _ = nnz(["calib", "images", &photos, "-o", &calib, "--size", "16x16"]).succeeded();
    let std = ["--mean", "128", "--std", "64"];
    let prune = ["prune", &model, "-o", &net, "--calib", &calib];
    let _ = nnz([&prune[..], &std].concat()).succeeded();
    let bytes = std::fs::read(&net).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.contains(r#"["down","up"]"#),
        "labels are not in the file"
    );
}

#[test]
fn features_are_those_of_the_keyword_networks() {
    let Some(golden) = shared("data/kws_synth_wav30.npz") else {
        return;
    };
    let array = |name| data::read_npz(&golden, name).unwrap().unwrap().elements;
    let (Elements::S64(wav), Elements::F32(mfcc)) = (array("wav"), array("mfcc")) else {
        panic!("other types");
    };
    let (folder, clips) = (Folder::new(), 30);
    for clip in 0..clips {
        let samples = &wav[clip * 16_000..(clip + 1) * 16_000];
        let samples = samples.iter().map(|s| i16::try_from(*s).unwrap());
        folder.wav(&format!("w/{clip:02}/a.wav"), samples);
    }
    let (wavs, out) = (folder.text("w"), folder.text("x.npz"));
    let _ = nnz(["calib", "wavs", &wavs, "-o", &out, "--features", "mfcc"]).succeeded();
    let set = Dataset::open(Path::new(&out)).unwrap();
    let Elements::F32(found) = &set.x().elements else {
        panic!("no floats");
    };
    assert_eq!(set.len(), clips);
    for (features, clip) in found.chunks(490).zip(set.labels().unwrap()) {
        let expected = &mfcc[clip * 490..(clip + 1) * 490];
        let difference = features.iter().zip(expected).map(|(a, b)| (a - b).abs());
        let largest = difference.fold(0.0, f32::max);
        println!("clip {clip}: {largest:e}");
        assert!(largest < 1e-4, "clip {clip}: {largest}");
    }
}
