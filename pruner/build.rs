//! Generates the ONNX decoder from our trimmed schema; pure Rust, no `protoc` needed.

use std::path::Path;

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let folder = Path::new("src/import/onnx");
    let schema = folder.join("schema.proto");
    println!("cargo::rerun-if-changed={}", schema.display());
    let descriptors = protox::compile([&schema], [folder])?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
