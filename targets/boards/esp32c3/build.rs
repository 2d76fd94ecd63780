//! Names the network to embed (`NNZ_MODEL`, a path) and the linker script of esp-hal.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=NNZ_MODEL");
    match std::env::var("NNZ_MODEL") {
        Ok(model) => {
            println!("cargo:rerun-if-changed={model}");
            println!("cargo:rustc-env=NNZ_EMBEDDED={model}");
        }
        Err(_) => println!(
            "cargo:warning=NNZ_MODEL names no network: build with `cargo xtask firmware --board esp32c3`"
        ),
    }
    println!("cargo:rustc-link-arg-bins=-Tlinkall.x");
}
