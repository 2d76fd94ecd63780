//! Copies the network named by `NNZ_MODEL` to where `nnz::model!` reads it, writes the samples of the clip named by
//! `NNZ_CLIP`, and for a board the linker's memory map from the facts of the target.

use nnz_support::targets::Target;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Samples of the clip.
const CLIP: usize = 16_000;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let model = input("NNZ_MODEL")
        .ok_or("NNZ_MODEL is not set: name the .nnz file to embed, as README.md shows")?;
    fs::copy(&model, out.join("model.nnz")).map_err(|e| format!("{model}: {e}"))?;
    let clip = input("NNZ_CLIP").unwrap_or_else(|| "yes.wav".to_owned());
    let samples = samples(&clip).map_err(|e| format!("{clip}: {e}"))?;
    fs::write(out.join("clip.in"), format!("{samples:?}"))?;
    if env::var_os("CARGO_FEATURE_BOARD").is_some() {
        let name = env::var("NNZ_TARGET").map_err(|_| "NNZ_TARGET is not set")?;
        link(&out, Target::find(&name)?)?;
    }
    Ok(())
}

/// A file that a variable names.
fn input(variable: &str) -> Option<String> {
    println!("cargo:rerun-if-env-changed={variable}");
    let file = env::var(variable).ok()?;
    println!("cargo:rerun-if-changed={file}");
    Some(file)
}

/// One second at 16 kHz, silence behind it where the file is shorter.
fn samples(file: &str) -> Result<Vec<i16>, Box<dyn Error>> {
    let mut reader = hound::WavReader::open(file)?;
    let spec = reader.spec();
    if (spec.channels, spec.sample_rate, spec.bits_per_sample) != (1, 16_000, 16) {
        return Err("not 16 kHz, mono, 16 bits".into());
    }
    let mut samples = reader.samples().take(CLIP).collect::<Result<Vec<_>, _>>()?;
    samples.resize(CLIP, 0);
    Ok(samples)
}

/// The linker's memory map: code and constants in flash, everything else in the first RAM.
fn link(out: &Path, target: &Target) -> Result<(), Box<dyn Error>> {
    let flash = target.memory.flash;
    let ram = target.memory.ram.first().ok_or("the target has no RAM")?;
    let text = format!(
        "MEMORY {{\n  FLASH (rx) : ORIGIN = {:#x}, LENGTH = {:#x}\n  RAM (rwx) : ORIGIN = {:#x}, LENGTH = {:#x}\n}}\n",
        flash.origin, flash.bytes, ram.origin, ram.bytes
    );
    fs::write(out.join("memory.x"), text)?;
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg=--nmagic");
    println!("cargo:rustc-link-arg=-Tlink.x");
    Ok(())
}
