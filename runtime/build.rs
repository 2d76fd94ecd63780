//! Names the instruction sets that stable compilers do not show as target features.

fn main() {
    println!(
        "cargo::rustc-check-cfg=cfg(isa, values(\"thumb\", \"thumb2\", \"dsp\", \"mve\", \"rv32m\", \"xpulp\"))"
    );
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    let is_v7em = target.starts_with("thumbv7em");
    let is_v8m = target.starts_with("thumbv8m.main");
    if target.starts_with("thumbv") {
        println!("cargo::rustc-cfg=isa=\"thumb\"");
    }
    if target.starts_with("thumbv7") || is_v8m {
        println!("cargo::rustc-cfg=isa=\"thumb2\"");
    }
    if is_v7em || is_v8m {
        println!("cargo::rustc-cfg=isa=\"dsp\"");
    }
    if is_rv32m() {
        println!("cargo::rustc-cfg=isa=\"rv32m\"");
        if has_xpulp() {
            println!("cargo::rustc-cfg=isa=\"xpulp\"");
        }
    }
    if is_v8m && has_helium() {
        println!("cargo::rustc-cfg=isa=\"mve\"");
    }
}

/// Whether the core is a 32-bit RISC-V that multiplies.
fn is_rv32m() -> bool {
    let of = |name| std::env::var(name).unwrap_or_default();
    let features = of("CARGO_CFG_TARGET_FEATURE");
    of("CARGO_CFG_TARGET_ARCH") == "riscv32" && features.split(',').any(|f| f == "m")
}

/// Whether the compiler was told (`--cfg nnz_xpulp`) that the core has Xpulp, which it does not know.
fn has_xpulp() -> bool {
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    flags.contains("nnz_xpulp")
}

/// Whether the compiler was told (`-C target-cpu`) that the core has Helium.
fn has_helium() -> bool {
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    ["cortex-m52", "cortex-m55", "cortex-m85"]
        .iter()
        .any(|core| flags.contains(&format!("target-cpu={core}")))
}
