//! Installs what firmware builds and emulation need.
//!
//! Rust's libraries for the targets come from `rustup target add`, or, where rustup must not
//! install (`RUSTUP_AUTO_INSTALL=0`) or is absent, from Debian's compiler packages and their
//! sources. Emulators are Debian packages. The cycle model, a plugin of the emulator, is built. Nothing else is done for what is already there.

use crate::toolchain::Toolchain;
use crate::{command, plugin};
use anyhow::{Result, bail};
use nnz_support::targets::Target;
use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::process::Command;

/// Debian's compiler, its sources, its linker and its lints.
const COMPILER_PACKAGES: [&str; 6] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-llvm",
    "rust-web-clippy",
    "lld-22",
];

/// Installs everything that is missing, and says what could not be.
pub(crate) fn run() -> Result<()> {
    let emulators = install_emulators();
    let compilers = install_compilers();
    for target in Target::all().iter().filter(|target| !target.on_request) {
        let compiler = if Toolchain::with(&target.triple).is_some() {
            "yes"
        } else {
            "no"
        };
        let emulator = target.emulator.as_ref().map_or("none", |e| {
            if command::is_installed(&e.program) {
                "yes"
            } else {
                "no"
            }
        });
        println!(
            "{:<12} {:<30} compiler {compiler}, emulator {emulator}",
            target.name, target.triple
        );
    }
    let plugin = plugin::build();
    println!(
        "cycle model  {}",
        if plugin.is_ok() { "built" } else { "not built" }
    );
    let failures: Vec<String> = [emulators, compilers, plugin.map(drop)]
        .into_iter()
        .filter_map(Result::err)
        .map(|error| format!("{error:#}"))
        .collect();
    if !failures.is_empty() {
        bail!("{}", failures.join("\n"));
    }
    Ok(())
}

fn install_emulators() -> Result<()> {
    let missing: BTreeSet<&str> = Target::all()
        .iter()
        .filter_map(|t| t.emulator.as_ref())
        .filter(|e| !command::is_installed(&e.program))
        .map(|e| e.package.as_str())
        .collect();
    install_packages(&missing.into_iter().collect::<Vec<_>>())
}

fn install_compilers() -> Result<()> {
    let expected = Target::all().iter().filter(|target| !target.on_request);
    install_libraries(expected.map(|target| target.triple.as_str()))
}

/// Installs Rust's libraries for these triples, where they are missing.
pub(crate) fn install_libraries<'a>(triples: impl Iterator<Item = &'a str>) -> Result<()> {
    let triples: BTreeSet<&str> = triples.collect();
    let missing: Vec<&str> = triples
        .into_iter()
        .filter(|triple| Toolchain::with(triple).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if rustup_may_install() {
        match add_rustup_targets(&missing) {
            Ok(()) => return Ok(()),
            Err(error) => eprintln!("note: {error:#}; trying Debian's compiler"),
        }
    }
    let debian = debian_compiler()?;
    missing
        .iter()
        .try_for_each(|triple| debian.build_core(triple))
}

/// Installs the standard library of another machine.
pub(crate) fn install_std(triple: &str) -> Result<()> {
    if rustup_may_install() {
        let mut add = Command::new("rustup");
        match command::run(add.args(["target", "add", triple])) {
            Ok(()) if Toolchain::with_std(triple).is_some() => return Ok(()),
            Ok(()) => eprintln!("note: rustup added it to a toolchain that is not in use"),
            Err(error) => eprintln!("note: {error:#}; trying Debian's compiler"),
        }
    }
    debian_compiler()?.build_std(triple)
}

fn rustup_may_install() -> bool {
    env::var("RUSTUP_AUTO_INSTALL").as_deref() != Ok("0") && command::is_installed("rustup")
}

fn add_rustup_targets(triples: &[&str]) -> Result<()> {
    command::run(Command::new("rustup").args(["target", "add"]).args(triples))?;
    let lacking: Vec<&&str> = triples
        .iter()
        .filter(|triple| Toolchain::with(triple).is_none())
        .collect();
    if !lacking.is_empty() {
        bail!("rustup added the targets to another toolchain than the one in use: {lacking:?}");
    }
    Ok(())
}

fn debian_compiler() -> Result<Toolchain> {
    let has_sources = Path::new("/usr/lib/rustlib/src/rust/library/core/src/lib.rs").is_file();
    if let (Some(toolchain), true) = (Toolchain::debian(), has_sources) {
        return Ok(toolchain);
    }
    install_packages(&COMPILER_PACKAGES)?;
    match Toolchain::debian() {
        Some(toolchain) => Ok(toolchain),
        None => bail!(
            "Debian's packages {} bring no compiler that is new enough here; \
             install the targets with `rustup target add`",
            COMPILER_PACKAGES.join(" ")
        ),
    }
}

/// Installs Debian packages, as root; otherwise the error says what to run.
pub(crate) fn install_packages(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let wanted = packages.join(" ");
    let is_root = command::read(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !command::is_installed("apt-get") {
        bail!("what Debian's packages {wanted} hold is missing: install it, then run this again");
    }
    if !is_root {
        bail!("missing packages: `sudo apt-get install {wanted}`, then run this again");
    }
    let install = || {
        let mut command = Command::new("apt-get");
        command
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive");
        command::run(&mut command)
    };
    install().or_else(|_| {
        command::run(Command::new("apt-get").args(["update", "--quiet"]))?;
        install()
    })
}
