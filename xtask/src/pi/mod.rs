//! Raspberry Pi and other 64-bit Arm machines: a program that needs nothing there, tested on emulated cores.
//!
//! ```text
//! cargo xtask pi   target/pi/nnz, static  →  suites and networks under qemu-aarch64, both cores
//! cargo xtask mca  assembly of the runtime →  loops.rs  →  llvm-mca, cycles a product
//! ```

mod loops;
mod mca;
mod networks;

pub(crate) use mca::run as mca;

use crate::command::{self, root};
use crate::setup;
use crate::toolchain::Toolchain;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program runs on.
pub(crate) const TRIPLE: &str = "aarch64-unknown-linux-gnu";
/// Links for it.
const LINKER: &str = "aarch64-linux-gnu-gcc";
/// Runs it here.
const EMULATOR: &str = "qemu-aarch64";
/// Debian's packages of both.
const PACKAGES: [&str; 3] = [
    "gcc-aarch64-linux-gnu",
    "libc6-dev-arm64-cross",
    "qemu-user",
];
/// A core with dot products (Raspberry Pi 5) and one without (Raspberry Pi 4).
const CORES: [&str; 2] = ["cortex-a76", "cortex-a72"];
/// Suites of the runtime that run vectors, and whether they are quick under emulation.
const SUITES: [(&str, bool); 7] = [
    ("host", true),
    ("convolutions", true),
    ("fully_connected", true),
    ("pools", true),
    ("elementwise", false),
    ("activations", false),
    ("saved", false),
];

/// What `cargo xtask pi` does beside building.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tests {
    /// Suites and networks on both cores.
    All,
    /// The quick suites on the core with dot products, dispatch on the other; nothing else is built.
    Quick,
    /// Nothing.
    None,
}

/// Builds `target/pi/nnz` and tests it.
pub(crate) fn run(tests: Tests) -> Result<()> {
    install()?;
    let toolchain = toolchain()?;
    if tests != Tests::Quick {
        let program = build(&toolchain)?;
        println!("{}", program.display());
        if tests == Tests::All {
            networks::run(&program)?;
        }
    }
    match tests {
        Tests::All => {
            networks::save()?;
            CORES
                .iter()
                .try_for_each(|core| suites(&toolchain, core, |_| true))
        }
        Tests::Quick => {
            suites(&toolchain, CORES[0], |(_, is_quick)| *is_quick)?;
            suites(&toolchain, CORES[1], |(name, _)| *name == "host")
        }
        Tests::None => Ok(()),
    }
}

/// Installs what is missing.
pub(crate) fn install() -> Result<()> {
    if !is_ready() {
        setup::install_packages(&PACKAGES)?;
    }
    if Toolchain::with_std(TRIPLE).is_none() {
        setup::install_std(TRIPLE)?;
    }
    Ok(())
}

/// Whether linker and emulator are there.
pub(crate) fn is_ready() -> bool {
    [LINKER, EMULATOR]
        .iter()
        .all(|program| command::is_installed(program))
}

fn toolchain() -> Result<Toolchain> {
    Toolchain::with_std(TRIPLE).context("no compiler here builds for 64-bit Arm")
}

/// Where it is built.
fn folder() -> PathBuf {
    root().join("target/pi")
}

/// A cargo command for [`TRIPLE`], static.
fn cargo(toolchain: &Toolchain, chore: &str) -> Command {
    let mut command = toolchain.cargo();
    let variable = |name: &str| format!("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_{name}");
    command
        .current_dir(root())
        .args([chore, "--release", "--target", TRIPLE, "--target-dir"])
        .arg(folder())
        .env(variable("LINKER"), LINKER)
        .env(variable("RUSTFLAGS"), "-Ctarget-feature=+crt-static");
    command
}

/// The program, static.
fn build(toolchain: &Toolchain) -> Result<PathBuf> {
    let mut command = cargo(toolchain, "build");
    command.args(["--quiet", "--package", "nnz-cli"]);
    command::run(&mut command)?;
    let built = folder().join(TRIPLE).join("release/nnz");
    let program = folder().join("nnz");
    let what = || format!("copying {} to {}", built.display(), program.display());
    fs::copy(&built, &program).with_context(what)?;
    Ok(program)
}

/// Runs suites on an emulated core.
fn suites(toolchain: &Toolchain, core: &str, wanted: impl Fn(&(&str, bool)) -> bool) -> Result<()> {
    let mut command = cargo(toolchain, "test");
    command.args(["--package", "nnz", "--features", "std"]);
    for (name, _) in SUITES.iter().filter(|suite| wanted(suite)) {
        command.args(["--test", name]);
    }
    let runner = format!("{EMULATOR} -cpu {core}");
    command.env("NNZ_SAVED", networks::saved());
    println!("== {core}");
    command::run(command.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", runner))
}

/// What a program prints on an emulated core.
fn emulate(core: &str, program: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(EMULATOR);
    command.args(["-cpu", core]).arg(program).args(arguments);
    command::read(&mut command)
}
