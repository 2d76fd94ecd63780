//! Constants in files beside the model, and what is not read.

use super::fixture::{filter, model, node};
use super::schema::{ModelProto, StringEntry};
use crate::import::{from_bytes_beside, load};
use crate::ir::Values;
use prost::Message as _;
use std::path::{Path, PathBuf};

/// A fresh folder of the test's own.
fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("nnz-external-{}-{name}", std::process::id()));
    drop(std::fs::remove_dir_all(&path));
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A convolution whose weights lie at `location`.
fn external(location: &str, offset: &str, length: &str) -> ModelProto {
    let mut weights = filter();
    weights.float_data.clear();
    weights.data_location = 1;
    for (key, value) in [
        ("location", location),
        ("offset", offset),
        ("length", length),
    ] {
        weights.external_data.push(StringEntry {
            key: key.into(),
            value: value.into(),
        });
    }
    model(
        &[1, 1, 2, 2],
        vec![node("Conv", &["x", "w"], "y")],
        vec![weights],
    )
}

fn bytes() -> Vec<u8> {
    let values = [9.0_f32, 1.0, 2.0, 3.0, 4.0];
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn refusal(model: &ModelProto, folder: Option<&Path>) -> String {
    from_bytes_beside("net.onnx", &model.encode_to_vec(), folder)
        .expect_err("it was imported")
        .to_string()
}

#[test]
fn weights_in_a_file_beside_the_model_are_read() {
    let folder = folder("read");
    std::fs::write(folder.join("net.data"), bytes()).unwrap();
    let path = folder.join("net.onnx");
    for location in ["net.data", "./net.data"] {
        std::fs::write(&path, external(location, "4", "16").encode_to_vec()).unwrap();
        let graph = load(&path).unwrap_or_else(|e| panic!("{e}"));
        let weights = graph.nodes[0].op.weights().unwrap();
        assert_eq!(weights.values, Values::F32(vec![1.0, 2.0, 3.0, 4.0]));
    }
    let whole = external("net.data", "4", "");
    from_bytes_beside("net.onnx", &whole.encode_to_vec(), Some(&folder)).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn files_elsewhere_and_missing_ones_are_refused_by_name() {
    let folder = folder("refused");
    let inner = folder.join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(folder.join("secret"), bytes()).unwrap();
    std::fs::write(inner.join("short"), [0; 8]).unwrap();
    let absolute = folder.join("secret").to_string_lossy().into_owned();
    for (location, expected) in [
        ("../secret", "not a file name in the model's folder"),
        ("inner/../../secret", "not a file name"),
        (absolute.as_str(), "not a file name"),
        ("", "not a file name"),
        (".", "not a file name"),
        ("absent.data", "'absent.data', which cannot be read"),
        ("short", "past its end"),
    ] {
        let text = refusal(&external(location, "0", "16"), Some(&inner));
        assert!(text.contains(expected) && text.contains("'w'"), "{text}");
        assert!(text.contains("\n  help: "), "{text}");
    }
    let text = refusal(&external("short", "x", "4"), Some(&inner));
    assert!(text.contains("offset 'x' is no number"), "{text}");
    let text = refusal(
        &external("short", "99999999999999999999", "4"),
        Some(&inner),
    );
    assert!(text.contains("is no number"), "{text}");
    let text = refusal(&external("short", "0", "4"), None);
    assert!(text.contains("not read from a folder"), "{text}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_refused() {
    let folder = folder("links");
    let inner = folder.join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(folder.join("secret"), bytes()).unwrap();
    std::fs::write(inner.join("here"), bytes()).unwrap();
    std::os::unix::fs::symlink("../secret", inner.join("out")).unwrap();
    std::os::unix::fs::symlink("here", inner.join("link")).unwrap();
    let text = refusal(&external("out", "4", "16"), Some(&inner));
    assert!(text.contains("leads out of the model's folder"), "{text}");
    let linked = external("link", "4", "16").encode_to_vec();
    from_bytes_beside("net.onnx", &linked, Some(&inner)).unwrap_or_else(|e| panic!("{e}"));
    std::fs::create_dir(inner.join("folder")).unwrap();
    let text = refusal(&external("folder", "0", "4"), Some(&inner));
    assert!(text.contains("not a plain file"), "{text}");
    std::fs::remove_dir_all(folder).unwrap();
}
