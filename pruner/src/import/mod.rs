//! Reads trained networks: TFLite and ONNX files become a [`Graph`].
//!
//! ```text
//! file ─ size limit ─► bytes ─ sniff ─► tflite ─┐
//!                                  └──► onnx ───┴─ handlers of `support` ─► assembler ─► Graph::check
//! ```
//!
//! Files are hostile until proved otherwise: every count is compared with `limits` before anything of that size
//! is allocated, every offset is checked where it is followed, nothing recurses, and no bytes lead to a panic.
//! What is not supported is refused by name, with the reason and a way out ([`ImportError`]).

mod assemble;
mod blockers;
mod error;
mod geometry;
mod limits;
pub(crate) mod onnx;
mod origins;
mod phases;
mod picks;
mod spread;
mod support;
#[cfg(test)]
mod tests;
mod tflite;

pub use blockers::{Blocker, blockers};
pub use error::ImportError;
pub use origins::{Origin, Origins, SourceNode, origins};
pub use support::{SupportRow, support};

use crate::ir::Graph;
use std::io::Read as _;
use std::path::Path;

/// Reads a model file.
///
/// # Errors
///
/// See [`ImportError`]; nothing larger than 512 MiB is read.
pub fn load(path: &Path) -> Result<Graph, ImportError> {
    let file = path.to_string_lossy().into_owned();
    let read = |e: std::io::Error| ImportError::Read {
        file: file.clone(),
        reason: e.to_string(),
    };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .map_err(read)?
        .take(limits::FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(read)?;
    from_bytes_beside(&file, &bytes, path.parent())
}

/// Reads a model from memory; `name` is what errors call it, and its stem names the graph.
///
/// # Errors
///
/// See [`ImportError`].
pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Graph, ImportError> {
    from_bytes_beside(name, bytes, None)
}

/// Reads a model from memory whose constants may lie in other files of `folder` (ONNX's external data).
///
/// # Errors
///
/// See [`ImportError`]; without a folder, a model that names other files is refused.
pub fn from_bytes_beside(
    name: &str,
    bytes: &[u8],
    folder: Option<&Path>,
) -> Result<Graph, ImportError> {
    read(name, bytes, folder).map_err(|first| blockers::rather_unknown(first, bytes))
}

/// Reads a model; the error is about the first node that cannot be imported.
fn read(name: &str, bytes: &[u8], folder: Option<&Path>) -> Result<Graph, ImportError> {
    let len = bytes.len() as u64;
    if len > limits::FILE_BYTES {
        return Err(ImportError::Limit {
            file: name.to_owned(),
            what: "bytes of the file".into(),
            found: len,
            limit: limits::FILE_BYTES,
        });
    }
    if tflite::is_tflite(bytes) {
        tflite::import(name, bytes)
    } else if onnx::is_onnx(bytes) {
        onnx::import(name, bytes, folder)
    } else {
        Err(unknown(name, bytes))
    }
}

/// Whether the bytes are those of a TFLite model.
pub(crate) fn is_tflite(bytes: &[u8]) -> bool {
    tflite::is_tflite(bytes)
}

/// The refusal of bytes that are neither format, with a guess at what they are.
fn unknown(name: &str, bytes: &[u8]) -> ImportError {
    let known: [(&[u8], &str, &str); 5] = [
        (
            b"nnz\0",
            "an .nnz file",
            "give the model that it was made from",
        ),
        (
            b"\x89HDF",
            "an HDF5 file (Keras)",
            "convert it with `tf.lite.TFLiteConverter`",
        ),
        (
            b"PK\x03\x04",
            "a zip archive (PyTorch, Keras or npz)",
            "export with `torch.onnx.export`",
        ),
        (
            b"\x80",
            "a pickle (PyTorch)",
            "export with `torch.onnx.export`",
        ),
        (b"\x93NUMPY", "a NumPy array", "give a model, not data"),
    ];
    let (found, help) = match known.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        Some((_, found, help)) => (*found, *help),
        None if bytes.is_empty() => ("the file is empty", "export or copy it again"),
        None => (
            "its first bytes are those of neither",
            "export the model to .tflite or .onnx",
        ),
    };
    ImportError::UnknownFormat {
        file: name.to_owned(),
        found: found.to_owned(),
        help: help.to_owned(),
    }
}
