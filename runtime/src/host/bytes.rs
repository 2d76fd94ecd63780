//! Bytes at addresses that sessions and vectors accept.
#![allow(unsafe_code, reason = "core has no safe cast from words to bytes")]

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What memory begins at multiples of.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Owned bytes that begin at a multiple of 64.
#[derive(Debug)]
pub(super) struct Bytes {
    lines: Box<[Line]>,
    len: usize,
}

impl Bytes {
    /// `len` zeros.
    pub(super) fn zeroed(len: usize) -> Self {
        Self {
            lines: vec![Line([0; 64]); len.div_ceil(64)].into_boxed_slice(),
            len,
        }
    }

    /// A copy of `bytes`.
    pub(super) fn copy_of(bytes: &[u8]) -> Self {
        let mut copy = Self::zeroed(bytes.len());
        copy.as_mut().copy_from_slice(bytes);
        copy
    }

    /// The bytes of a file.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            // Whatever it is, it does not say how long it is.
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            return Ok(Self::copy_of(&bytes));
        }
        let len = usize::try_from(metadata.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut bytes = Self::zeroed(len);
        file.read_exact(bytes.as_mut())?;
        Ok(bytes)
    }

    /// The bytes.
    pub(super) fn as_ref(&self) -> &[u8] {
        // SAFETY: the lines hold at least `len` bytes, all of them initialised.
        unsafe { core::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    /// The bytes, to change.
    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_ref`, and the borrow is exclusive.
        unsafe { core::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}
