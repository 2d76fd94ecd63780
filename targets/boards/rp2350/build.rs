//! Names the network to embed (`NNZ_MODEL`, a path) and the linker scripts: the map of this folder, interrupts, riscv-rt's.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=memory.x");
    println!("cargo:rerun-if-env-changed=NNZ_MODEL");
    match std::env::var("NNZ_MODEL") {
        Ok(model) => {
            println!("cargo:rerun-if-changed={model}");
            println!("cargo:rustc-env=NNZ_EMBEDDED={model}");
        }
        Err(_) => println!(
            "cargo:warning=NNZ_MODEL names no network: build with `cargo xtask firmware --board rp2350`"
        ),
    }
    println!("cargo:rustc-link-search={}", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rustc-link-arg-bins=--nmagic");
    println!("cargo:rustc-link-arg-bins=-Tmemory.x");
    println!("cargo:rustc-link-arg-bins=-Tdevice.x");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
}
