//! Trained networks: refused with a way out, or a graph that checks.

use nnz_pruner::import;

/// Imports ONNX; returns whether `file` is a network that is supported.
pub fn onnx(file: &[u8]) -> bool {
    import("net.onnx", file)
}

/// Imports TFLite, with the identifier made right that says that it is; returns whether `file` is supported.
pub fn tflite(file: &[u8]) -> bool {
    let mut named = file.to_vec();
    if let Some(identifier) = named.get_mut(4..8) {
        identifier.copy_from_slice(b"TFL3");
    }
    import("net.tflite", &named)
}

fn import(name: &str, bytes: &[u8]) -> bool {
    match import::from_bytes(name, bytes) {
        Ok(graph) => {
            let checked = graph.check();
            assert!(checked.is_ok(), "{name}: {checked:?}");
            true
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(name) && text.contains("help:"), "{text}");
            false
        }
    }
}
