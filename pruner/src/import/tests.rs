//! Real models import and check; what cannot be imported says why.

use super::{ImportError, from_bytes, load, support};
use std::path::PathBuf;

/// The shared models, or `None` with a note where they are absent.
fn models() -> Option<Vec<PathBuf>> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/models"));
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: {} is absent", folder.display());
        return None;
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "onnx" || e == "tflite"))
        .collect();
    paths.sort();
    Some(paths)
}

#[test]
fn every_shared_model_imports() {
    let Some(paths) = models() else { return };
    for path in paths {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let graph = load(&path).unwrap_or_else(|e| panic!("{e}"));
        graph.check().unwrap();
        assert!(graph.macs() > 0, "{file} computes nothing");
        assert_eq!(graph.is_quantized(), file.contains("int8"), "{file}");
    }
}

#[test]
fn the_table_of_operators_names_each_source_operator_once_per_kind() {
    for row in support() {
        assert!(row.tflite.is_some() || row.onnx.is_some(), "{row:?}");
    }
    let mut names: Vec<&str> = support().iter().filter_map(|r| r.tflite).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn files_of_other_kinds_are_named_with_a_way_out() {
    let cases: [(&[u8], &str); 6] = [
        (b"", "the file is empty"),
        (b"nnz\0....", "an .nnz file"),
        (b"PK\x03\x04....", "torch.onnx.export"),
        (b"\x89HDF\r\n", "Keras"),
        (b"\x93NUMPY..", "NumPy array"),
        (b"{\"json\": 1}", "neither"),
    ];
    for (bytes, expected) in cases {
        let text = from_bytes("net.bin", bytes).unwrap_err().to_string();
        assert!(
            text.contains(expected) && text.contains("\n  help: "),
            "{text}"
        );
    }
}

#[test]
fn a_missing_file_is_an_error_with_its_name() {
    let error = load(std::path::Path::new("/nowhere/net.onnx")).unwrap_err();
    assert!(matches!(error, ImportError::Read { ref file, .. } if file == "/nowhere/net.onnx"));
}
