//! Lists the `target.toml` of every folder beside this crate, so that a new target is a new folder.

use core::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let crate_dir = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let folders = crate_dir.join("..");
    println!("cargo:rerun-if-changed={}", folders.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&folders)? {
        let folder = entry?.path();
        let file = folder.join("target.toml");
        if let (true, Some(name)) = (file.is_file(), folder.file_name()) {
            files.push((name.to_string_lossy().into_owned(), file.canonicalize()?));
        }
    }
    files.sort();
    let mut table = String::from("&[\n");
    for (name, file) in files {
        println!("cargo:rerun-if-changed={}", file.display());
        writeln!(
            table,
            "    ({name:?}, include_str!({:?})),",
            file.display().to_string()
        )
        .map_err(io::Error::other)?;
    }
    table.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("targets.in"), table)
}
