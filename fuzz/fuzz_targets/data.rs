//! Samples, pictures, sounds and tables.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nnz_hostile::data;
use std::path::PathBuf;
use std::sync::LazyLock;

/// A folder in memory where the machine has one.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    folder.map_or_else(|_| PathBuf::from("."), tempfile::TempDir::keep)
});

fuzz_target!(|bytes: &[u8]| {
    data::read(bytes, &FOLDER);
});
