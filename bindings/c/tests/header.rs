//! The header that C programs include is the one that the code says.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::{env, fs};

/// `NNZ_WRITE_DOCS=1` writes it.
#[test]
fn the_header_is_made_of_the_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut made = Vec::new();
    cbindgen::generate(folder).unwrap().write(&mut made);
    let file = folder.join("include/nnz.h");
    if env::var_os("NNZ_WRITE_DOCS").is_some() {
        fs::write(&file, &made).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found.as_bytes() == made,
        "include/nnz.h is not what the code says: NNZ_WRITE_DOCS=1 cargo test -p nnz-c writes it"
    );
}
