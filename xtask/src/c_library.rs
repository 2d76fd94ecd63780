//! The C interface as a static library for microcontrollers.

use crate::command::{self, root};
use crate::firmware;
use crate::toolchain::Toolchain;
use anyhow::{Context, Result};
use nnz_support::targets::Target;
use std::fs;
use std::path::Path;

/// Builds `target/c/TARGET/libnnz_c.a` for each target, with the kernels of `model` only where one is given.
pub(crate) fn run(names: &[String], model: Option<&Path>) -> Result<()> {
    for target in firmware::select(names)? {
        build(target, model)?;
    }
    Ok(())
}

/// Builds one library and copies it, and the header, to where a C project finds them.
pub(crate) fn build(target: &Target, model: Option<&Path>) -> Result<()> {
    let toolchain = Toolchain::require(&target.triple)?;
    let folder = root().join("target/c").join(&target.name);
    let mut command = toolchain.cargo();
    command
        .current_dir(root())
        .args(["rustc", "--quiet", "--release", "--package", "nnz-c"])
        .args(["--no-default-features", "--crate-type", "staticlib"])
        .args(["--target", &target.triple, "--target-dir"])
        .arg(&folder)
        .env("CARGO_PROFILE_RELEASE_LTO", "fat")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort");
    if let Some(model) = model {
        let what = || format!("finding {}", model.display());
        command.env("NNZ_MODEL", model.canonicalize().with_context(what)?);
    }
    if let Some(cpu) = &target.cpu {
        command.env("RUSTFLAGS", format!("-Ctarget-cpu={cpu}"));
    }
    command::run(&mut command)?;
    let built = folder.join(&target.triple).join("release/libnnz_c.a");
    let library = folder.join("libnnz_c.a");
    copy(&built, &library)?;
    copy(
        &root().join("bindings/c/include/nnz.h"),
        &folder.join("nnz.h"),
    )?;
    println!("{}: {}", target.name, library.display());
    Ok(())
}

/// Copies a file.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let what = || format!("copying {} to {}", from.display(), to.display());
    fs::copy(from, to).map(drop).with_context(what)
}
