//! A `.nnz` file in memory, aligned as the runtime wants it.

use crate::failure::{InFile, failure};
use nnz::Model;
use std::path::Path;

/// The bytes that every `.nnz` file begins with.
pub const MAGIC: &[u8; 4] = b"nnz\0";

/// Bytes at an address that is a multiple of 16.
#[derive(Debug, Clone, Default)]
pub struct Aligned {
    words: Vec<u128>,
    len: usize,
}

impl Aligned {
    /// `len` zero bytes.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        Self {
            words: vec![0; len.div_ceil(16)],
            len,
        }
    }

    /// A copy of `bytes`.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut copy = Self::zeroed(bytes.len());
        copy.bytes_mut().copy_from_slice(bytes);
        copy
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        let all: &[u8] = bytemuck::cast_slice(&self.words);
        &all[..self.len]
    }

    /// The bytes, to change.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let all: &mut [u8] = bytemuck::cast_slice_mut(&mut self.words);
        &mut all[..self.len]
    }
}

/// Reads a file whole; a missing file, a folder and an empty file are told apart.
///
/// # Errors
///
/// Names the file and the reason.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path.is_dir() {
        return Err(failure("is a folder", "name the file in it")).in_file(path);
    }
    let bytes = std::fs::read(path).map_err(|e| {
        if e.kind() == std::io::ErrorKind::NotFound {
            failure("no such file", "check the path")
        } else {
            anyhow::anyhow!("cannot be read: {e}")
        }
    });
    let bytes = bytes.in_file(path)?;
    if bytes.is_empty() {
        return Err(failure("the file is empty", "export or copy it again")).in_file(path);
    }
    Ok(bytes)
}

/// Whether bytes claim to be a `.nnz` file.
#[must_use]
pub fn is_nnz(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Checks the bytes of a `.nnz` file once, for everything that runs it later.
///
/// # Errors
///
/// What the first failing check says, with the file's name.
pub fn parse<'a>(path: &Path, bytes: &'a [u8]) -> anyhow::Result<Model<'a>> {
    if !is_nnz(bytes) {
        return Err(failure(
            "is not an .nnz file",
            "`nnz prune MODEL -o OUT.nnz` makes one from .onnx or .tflite",
        ))
        .in_file(path);
    }
    Model::parse(bytes)
        .map_err(|e| {
            failure(
                e.to_string(),
                "the file is damaged or of another version: make it again with `nnz prune`",
            )
        })
        .in_file(path)
}
