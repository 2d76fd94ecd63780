//! Names the instruction sets that stable compilers do not show as target features.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(isa, values(\"thumb2\"))");
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    if target.starts_with("thumbv7") || target.starts_with("thumbv8m.main") {
        println!("cargo::rustc-cfg=isa=\"thumb2\"");
    }
}
