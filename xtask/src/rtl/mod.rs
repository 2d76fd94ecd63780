//! Builds simulators of real RISC-V cores from their descriptions.
//!
//! ```text
//! PyPI package ─pip→ target/rtl/python      the core's description
//! targets/rtl/CORE.f ─Verilator→ target/rtl/NAME → target/firmware/NAME.rtl   where `nnz bench` finds it
//! target/firmware/NAME.rtl.txt              what it was built from; nothing is done while that stays the same
//! target/rtl/runs                          finished runs of the table: an interrupted one goes on
//! ```

mod beside;
mod kept;
mod table;

use crate::command::{self, root};
use crate::{firmware, setup};
use anyhow::{Context, Result, bail};
use core::fmt::Write;
use nnz_support::emulator::simulator_file;
use nnz_support::targets::{Rtl, Target};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What Verilator does with any core: optimised, two-valued, without the description's assertions.
const OPTIONS: [&str; 13] = [
    "--cc",
    "--exe",
    "--build",
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--noassert",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
    "-DSYNTHESIS",
];

/// The targets of these names that are simulated, or all of them.
pub(crate) fn select(names: &[String]) -> Result<Vec<&'static Target>> {
    if names.is_empty() {
        return Ok(Target::all().iter().filter(|t| t.rtl.is_some()).collect());
    }
    names.iter().map(|name| Ok(Target::find(name)?)).collect()
}

/// Which networks run on the simulators after they are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Networks {
    /// None.
    None,
    /// Keyword spotting and anomaly detection: minutes.
    Small,
    /// Every one of the table: an hour and more.
    All,
    /// Four at several sparsities beside their dense files, instead.
    BesideDense,
}

/// Builds the simulators of the named targets, or of all, and the images that they run; then prints the table.
pub(crate) fn run(names: &[String], networks: Networks) -> Result<()> {
    install()?;
    let targets = select(names)?;
    for target in &targets {
        let Some(rtl) = &target.rtl else {
            bail!(
                "{} is not simulated: targets/{0}/target.toml has no [rtl]",
                target.name
            );
        };
        println!("{}", build(rtl)?.display());
        if nnz_support::emulator::find_image(target).is_err() {
            firmware::build_any(Target::find(&rtl.image)?)?;
        }
    }
    match networks {
        Networks::None => Ok(()),
        Networks::Small => table::with_files(|files| table::run(&targets, false, files)),
        Networks::All => table::with_files(|files| table::run(&targets, true, files)),
        Networks::BesideDense => table::with_files(beside::all),
    }
}

/// Installs Verilator and the compiler that it calls.
pub(crate) fn install() -> Result<()> {
    let programs = [
        ("verilator", "verilator"),
        ("g++", "g++"),
        ("make", "make"),
        ("python3", "python3"),
    ];
    let missing = programs
        .iter()
        .filter(|(program, _)| !command::is_installed(program));
    setup::install_packages(&missing.map(|(_, package)| *package).collect::<Vec<_>>())
}

/// Builds the simulator of one core, unless it is there.
pub(crate) fn build(rtl: &Rtl) -> Result<PathBuf> {
    let folder = root().join("target/firmware");
    let simulator = folder.join(simulator_file(rtl));
    let notes = simulator.with_extension("rtl.txt");
    let sources = sources(rtl)?;
    if simulator.is_file() && fs::read_to_string(&notes).is_ok_and(|built| built == sources) {
        return Ok(simulator);
    }
    let built = verilate(rtl, &description(rtl)?)?;
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let partial = simulator.with_extension("partial");
    fs::copy(&built, &partial).with_context(|| format!("copying {}", built.display()))?;
    fs::rename(&partial, &simulator).with_context(|| format!("writing {}", simulator.display()))?;
    fs::write(&notes, sources).with_context(|| format!("writing {}", notes.display()))?;
    Ok(simulator)
}

/// Everything that a simulator depends on: versions and parameters in the first line, then the bench's hashes.
fn sources(rtl: &Rtl) -> Result<String> {
    let version = command::read(Command::new("verilator").arg("--version"))?;
    let version: Vec<&str> = version.split_whitespace().take(2).collect();
    let mut text = format!("{} {}", rtl.package, rtl.version);
    for (name, value) in &rtl.parameters {
        write!(text, " {name}={value}")?;
    }
    writeln!(text, ", {}", version.join(" "))?;
    let own = [format!("{}.f", rtl.core), format!("{}.sv", rtl.core)];
    let shared = ["bench.cpp", "primitives.sv"].map(str::to_owned);
    for name in own.iter().chain(&shared) {
        let file = bench().join(name);
        let bytes = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        writeln!(text, "{name} {:016x}", hash(&bytes))?;
    }
    writeln!(text, "{}", OPTIONS.join(" "))?;
    Ok(text)
}

/// Folder of the bench.
fn bench() -> PathBuf {
    root().join("targets/rtl")
}

/// The core's description, fetched once a version.
fn description(rtl: &Rtl) -> Result<PathBuf> {
    let python = root().join("target/rtl/python").join(&rtl.version);
    let folder = python.join(&rtl.folder);
    if folder.is_dir() {
        return Ok(folder);
    }
    if command::read(Command::new("python3").args(["-m", "pip", "--version"])).is_err() {
        setup::install_packages(&["python3-pip"])?;
    }
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ])
    .args(["--root-user-action", "ignore", "--no-deps", "--target"])
    .arg(&python)
    .arg(format!("{}=={}", rtl.package, rtl.version));
    command::run(&mut pip)?;
    if !folder.is_dir() {
        bail!(
            "{} {} has no folder {}",
            rtl.package,
            rtl.version,
            rtl.folder
        );
    }
    Ok(folder)
}

/// Turns the description into a program.
fn verilate(rtl: &Rtl, description: &Path) -> Result<PathBuf> {
    let folder = root().join("target/rtl").join(&rtl.simulator);
    let mut verilator = Command::new("verilator");
    verilator
        .args(OPTIONS)
        .args(["-j", "2", "-Wno-BLKANDNBLK", "--top-module", "core_top"])
        .args(["-CFLAGS", "-O2 -std=c++17", "--Mdir"])
        .arg(&folder)
        .args(
            rtl.parameters
                .iter()
                .map(|(name, value)| format!("-G{name}={value}")),
        )
        .arg("-f")
        .arg(bench().join(format!("{}.f", rtl.core)))
        .arg(bench().join("bench.cpp"))
        .env("RTL", description)
        .env("BENCH", bench());
    println!("{}: building the simulator", rtl.simulator);
    command::read(&mut verilator)?;
    Ok(folder.join("Vcore_top"))
}

/// FNV-1a, 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_simulated_target_has_a_bench_and_an_image() {
        let simulated = select(&[]).unwrap();
        assert!(simulated.len() >= 3);
        for target in simulated {
            let rtl = target.rtl.as_ref().unwrap();
            let image = Target::find(&rtl.image).unwrap();
            assert!(image.emulator.is_some() || image.extension.is_some());
            for end in ["f", "sv"] {
                let file = bench().join(format!("{}.{end}", rtl.core));
                assert!(file.is_file(), "{}", file.display());
            }
        }
    }

    #[test]
    fn simulators_of_one_name_are_built_from_one_description() {
        for one in select(&[]).unwrap() {
            for other in select(&[]).unwrap() {
                let (one, other) = (one.rtl.as_ref().unwrap(), other.rtl.as_ref().unwrap());
                let facts = |rtl: &Rtl| {
                    (
                        rtl.core.clone(),
                        rtl.version.clone(),
                        rtl.parameters.clone(),
                    )
                };
                assert!(one.simulator != other.simulator || facts(one) == facts(other));
            }
        }
    }

    #[test]
    fn the_hash_is_fnv1a() {
        assert_eq!(hash(b"foobar"), 0x8594_4171_F739_67E8);
    }
}
