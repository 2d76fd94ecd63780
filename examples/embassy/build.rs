//! Copies the network named by `NNZ_MODEL` to where `nnz::model!` reads it, and writes the linker's memory map from
//! the facts of the target.

use nnz_support::targets::Target;
use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

/// The machine of the example; another board has another folder in `targets/`.
const TARGET: &str = "cortex-m4";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=NNZ_MODEL");
    println!("cargo:rerun-if-changed=build.rs");
    let model = env::var("NNZ_MODEL")
        .map_err(|_| "NNZ_MODEL is not set: name the .nnz file to embed, as README.md shows")?;
    println!("cargo:rerun-if-changed={model}");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::copy(&model, out.join("model.nnz")).map_err(|e| format!("{model}: {e}"))?;
    fs::write(out.join("memory.x"), memory(Target::find(TARGET)?)?)?;
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg=--nmagic");
    println!("cargo:rustc-link-arg=-Tlink.x");
    Ok(())
}

/// The linker's memory map: code and constants in flash, everything else in the first RAM.
fn memory(target: &Target) -> Result<String, Box<dyn Error>> {
    let flash = target.memory.flash;
    let ram = target.memory.ram.first().ok_or("the target has no RAM")?;
    Ok(format!(
        "MEMORY {{\n  FLASH (rx) : ORIGIN = {:#x}, LENGTH = {:#x}\n  RAM (rwx) : ORIGIN = {:#x}, LENGTH = {:#x}\n}}\n",
        flash.origin, flash.bytes, ram.origin, ram.bytes
    ))
}
