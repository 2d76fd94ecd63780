//! Restricts the library to the kernels of one network, where `NNZ_MODEL` names it: all others leave the image.

use core::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=NNZ_MODEL");
    let kernels = match env::var("NNZ_MODEL") {
        Ok(model) => {
            println!("cargo:rerun-if-changed={model}");
            let bytes = fs::read(&model).map_err(|e| format!("NNZ_MODEL: {model}: {e}"))?;
            let parsed = nnz_format::Model::parse(&bytes);
            parsed
                .map_err(|e| format!("NNZ_MODEL: {model}: {e}"))?
                .kernel_mask()
        }
        Err(_) => u128::MAX,
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out.join("kernels.in"), format!("{kernels:#x}"))?;
    Ok(())
}
