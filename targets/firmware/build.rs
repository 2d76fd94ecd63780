//! Turns the `target.toml` named by `NNZ_TARGET` into the linker's memory map and the constants
//! of the clock, and tells the compiler which model to embed (`NNZ_MODEL`, a path), if any.

use nnz_support::targets::{Counter, Serial, Target};
use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=NNZ_TARGET");
    println!("cargo:rerun-if-changed=build.rs");
    embed();
    let name = env::var("NNZ_TARGET")
        .map_err(|_| "NNZ_TARGET is not set: build firmware with `cargo xtask firmware`")?;
    let target = Target::find(&name)?;
    let triple = env::var("TARGET")?;
    if triple != target.triple {
        return Err(format!("{name} needs --target {}, not {triple}", target.triple).into());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out.join("memory.x"), memory(target)?)?;
    fs::write(out.join("machine.rs"), machine(target)?)?;
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg=--nmagic");
    if triple.starts_with("riscv") {
        println!("cargo:rustc-link-arg=-Tmemory.x");
    }
    println!("cargo:rustc-link-arg=-Tlink.x");
    Ok(())
}

/// Names the model to embed.
fn embed() {
    println!("cargo:rerun-if-env-changed=NNZ_MODEL");
    println!("cargo:rustc-check-cfg=cfg(embedded)");
    if let Some(model) = env::var_os("NNZ_MODEL") {
        let model = PathBuf::from(model);
        println!("cargo:rerun-if-changed={}", model.display());
        println!("cargo:rustc-env=NNZ_EMBEDDED={}", model.display());
        println!("cargo:rustc-cfg=embedded");
    }
}

/// The linker's memory map: code and constants in flash, everything else in the first RAM.
fn memory(target: &Target) -> Result<String, Box<dyn Error>> {
    let flash = target.memory.flash;
    let ram = target.memory.ram.first().ok_or("the target has no RAM")?;
    let mut text = format!(
        "MEMORY {{\n  FLASH (rx) : ORIGIN = {:#x}, LENGTH = {:#x}\n  \
         RAM (rwx) : ORIGIN = {:#x}, LENGTH = {:#x}\n}}\n",
        flash.origin, flash.bytes, ram.origin, ram.bytes
    );
    if target.triple.starts_with("riscv") {
        for region in ["TEXT", "RODATA"] {
            text += &format!("REGION_ALIAS(\"REGION_{region}\", FLASH);\n");
        }
        for region in ["DATA", "BSS", "HEAP", "STACK"] {
            text += &format!("REGION_ALIAS(\"REGION_{region}\", RAM);\n");
        }
    }
    Ok(text)
}

/// The constants of the clock.
fn machine(target: &Target) -> Result<String, Box<dyn Error>> {
    let (counter, serial, shift) = match (&target.emulator, &target.rtl) {
        (Some(emulator), _) => (emulator.counter, emulator.serial, emulator.icount_shift),
        // Simulated cores are RISC-V.
        (None, Some(_)) => (Counter::Minstret, None, 0),
        (None, None) => return Err("the target has no emulator".into()),
    };
    let (address, tick_ps, counts_up) = match counter {
        Counter::CmsdkTimer { address, tick_ns } => (address, tick_ns * 1000, false),
        Counter::SseCounter { address, tick_ps } => (address, tick_ps, true),
        Counter::Minstret => (0, 1000, true),
    };
    let uart = match serial {
        Some(Serial::CmsdkUart { address }) => address,
        None => 0,
    };
    Ok(format!(
        "/// Base address of the serial port, 0 without one.\n#[cfg(all(target_arch = \"arm\", feature = \"wire\"))]\n\
         pub(crate) const UART: usize = {uart:#x};\n\
         /// Name of the target.\npub const NAME: &str = {:?};\n\
         /// Base address of the timer, 0 without one.\n#[cfg(target_arch = \"arm\")]\n\
         pub(crate) const TIMER: usize = {address:#x};\n\
         /// Whether the timer is a system counter.\n#[cfg(target_arch = \"arm\")]\n\
         pub(crate) const COUNTS_UP: bool = {counts_up};\n\
         /// Virtual time of a tick and of an instruction.\npub(crate) const RATE: Rate = \
         Rate {{ tick_ps: {tick_ps}, insn_ps: {} }};\n",
        target.name,
        1000_u32 << shift
    ))
}
