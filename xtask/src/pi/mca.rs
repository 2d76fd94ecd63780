//! Cycles that llvm-mca predicts for the inner loops of the vector kernels.
//!
//! The model of Cortex-A76 is LLVM's Neoverse N1, the same core for servers, with the eight operations a cycle that its
//! front end dispatches (LLVM's own figure is three) and never more than four instructions a cycle. That of Cortex-A72
//! is LLVM's. Loads hit the first cache.

use super::loops::{self, Kernel, Loop};
use super::{TRIPLE, cargo, install, toolchain};
use crate::command;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Turns of a loop that are simulated.
const TURNS: u32 = 1000;

/// A core.
struct Core {
    name: &'static str,
    has_dot: bool,
    options: &'static [&'static str],
    /// Instructions that it decodes in a cycle.
    decodes: f64,
    /// Least products a cycle of blocks of 1x4.
    goal: f64,
}

impl Core {
    /// Whether it runs a loop: weights are packed for at most two rows, although loops for four are compiled.
    fn runs(&self, found: &Loop) -> bool {
        let rows = match found.kernel {
            Kernel::Quads(rows) | Kernel::Planes(rows) => rows,
            Kernel::Depthwise => 1,
        };
        found.is_dot == self.has_dot && rows <= 2
    }
}

const CORES: [Core; 2] = [
    Core {
        name: "Cortex-A76",
        has_dot: true,
        options: &["-mcpu=neoverse-n1", "-dispatch=8"],
        decodes: 4.0,
        goal: 22.0,
    },
    Core {
        name: "Cortex-A72",
        has_dot: false,
        options: &["-mcpu=cortex-a72"],
        decodes: 3.0,
        goal: 7.0,
    },
];

/// Prints every loop's figures; fails where one of 1x4 blocks misses its goal.
pub(crate) fn run() -> Result<()> {
    install()?;
    let loops = loops::find(&assembly()?);
    let analyser = analyser()?;
    println!("core        kernel                   instructions  products  cycles  products/cycle");
    for core in &CORES {
        let mut best: BTreeMap<Kernel, (f64, f64, &Loop)> = BTreeMap::new();
        for found in loops.iter().filter(|found| core.runs(found)) {
            let cycles = cycles(&analyser, core, found)?;
            let rate = number(found.products) / cycles;
            let entry = best.entry(found.kernel).or_insert((rate, cycles, found));
            if rate > entry.0 {
                *entry = (rate, cycles, found);
            }
        }
        for (kernel, (rate, cycles, found)) in &best {
            println!(
                "{:<11} {:<24} {:>12} {:>9} {cycles:>7.2} {rate:>15.1}",
                core.name,
                title(*kernel),
                found.instructions.len(),
                found.products
            );
        }
        match best.get(&Kernel::Quads(1)) {
            Some((rate, ..)) if *rate >= core.goal => {}
            Some((rate, ..)) => bail!("1x4 on {}: {rate:.1} of {}", core.name, core.goal),
            None => bail!("1x4 on {}: no loop found", core.name),
        }
    }
    Ok(())
}

fn title(kernel: Kernel) -> String {
    match kernel {
        Kernel::Quads(1) => "1x4 blocks".to_owned(),
        Kernel::Quads(rows) => format!("{rows}x4 blocks, dense"),
        Kernel::Planes(1) => "unstructured".to_owned(),
        Kernel::Planes(rows) => format!("any columns, {rows} rows"),
        Kernel::Depthwise => "depthwise".to_owned(),
    }
}

/// A count as a float.
fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// The runtime's assembly.
fn assembly() -> Result<String> {
    let mut command = cargo(&toolchain()?, "rustc");
    command
        .args(["--quiet", "--package", "nnz", "--lib", "--features", "std"])
        .args(["--", "--emit=asm", "-Ccodegen-units=1", "-Cdebuginfo=0"])
        .arg("-Csymbol-mangling-version=v0");
    command::run(&mut command)?;
    let folder = super::folder().join(TRIPLE).join("release/deps");
    let listing = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("nnz-") && name.ends_with(".s")
    };
    let files = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let files = files.filter_map(|file| Some(file.ok()?.path()));
    let newest = files
        .filter(listing)
        .max_by_key(|path| fs::metadata(path).and_then(|data| data.modified()).ok());
    let newest = newest.context("the compiler wrote no assembly")?;
    fs::read_to_string(&newest).with_context(|| format!("reading {}", newest.display()))
}

/// The newest llvm-mca.
fn analyser() -> Result<String> {
    let versions = (15..=40).rev().map(|version| format!("llvm-mca-{version}"));
    let mut names = versions.chain(["llvm-mca".to_owned()]);
    let found = names.find(|name| command::is_installed(name));
    found.context("no llvm-mca from 15 on: install Debian's package llvm, or llvm-22")
}

/// Cycles of a turn.
fn cycles(analyser: &str, core: &Core, found: &Loop) -> Result<f64> {
    let mut child = Command::new(analyser)
        .args(["-mtriple=aarch64", "-mattr=+dotprod"])
        .args(core.options)
        .arg(format!("-iterations={TURNS}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {analyser}"))?;
    let mut input = child.stdin.take().context("llvm-mca has no input")?;
    input.write_all(found.instructions.join("\n").as_bytes())?;
    drop(input);
    let text = String::from_utf8_lossy(&child.wait_with_output()?.stdout).into_owned();
    let total = text
        .lines()
        .find_map(|line| line.strip_prefix("Total Cycles:"));
    let total: f64 = total
        .context("llvm-mca printed no cycles")?
        .trim()
        .parse()?;
    let decoding = number(found.instructions.len()) / core.decodes;
    Ok((total / f64::from(TURNS)).max(decoding))
}
