//! Fuzzing every reader of bytes from strangers, under `AddressSanitizer`.
//!
//! ```text
//! fuzz/fuzz_targets/NAME.rs ─ cargo-fuzz ─► libFuzzer ─► target/fuzz/NAME    what it learnt, stays on this machine
//!   fuzz/corpus/NAME, seeds of this repository ─┘    └──► fuzz/artifacts/NAME   a finding
//! ```
//!
//! Each target's statistics become a row of `benches/record/fuzz.csv` with `--record`. cargo-fuzz is installed where it is missing;
//! sanitizers are switched on in the stable compiler that the project uses anyway (`RUSTC_BOOTSTRAP`).

mod record;
mod seeds;
mod statistics;

use crate::command::{self, cargo, root};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use statistics::Statistics;

/// What a target reads, which says where its seeds come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    Models,
    Commands,
    Networks(&'static str),
    Data,
}

/// A target, what it reads, and the longest input that libFuzzer makes.
const TARGETS: [(&str, Reads, usize); 6] = [
    ("parse", Reads::Models, 4096),
    ("run", Reads::Models, 4096),
    ("wire", Reads::Commands, 4096),
    ("onnx", Reads::Networks("onnx"), 8192),
    ("tflite", Reads::Networks("tflite"), 8192),
    ("data", Reads::Data, 4096),
];

/// How long to fuzz, and what to do besides.
#[derive(Debug)]
pub(crate) struct Options {
    /// Targets; all where none is named.
    pub(crate) targets: Vec<String>,
    /// Seconds for each target.
    pub(crate) seconds: u64,
    /// Executions after which a target is done earlier.
    pub(crate) runs: Option<u64>,
    /// Whether to add rows to the record.
    pub(crate) record: bool,
    /// Whether to keep what is new in the repository's corpus.
    pub(crate) keep: bool,
}

/// Fuzzes.
pub(crate) fn run(options: &Options) -> Result<()> {
    let known = TARGETS.map(|(name, ..)| name);
    if let Some(name) = options
        .targets
        .iter()
        .find(|t| !known.contains(&t.as_str()))
    {
        bail!(
            "no fuzz target is called {name}; there are {}",
            known.join(", ")
        );
    }
    install()?;
    let chosen = TARGETS.iter().filter(|(name, ..)| {
        options.targets.is_empty() || options.targets.iter().any(|t| t == name)
    });
    let mut failed = Vec::new();
    for &(name, reads, longest) in chosen {
        let statistics = fuzz(name, reads, longest, options)?;
        println!("{name}: {statistics}");
        if options.record {
            record::add(name, &statistics)?;
        }
        if statistics.findings > 0 {
            failed.push(name);
        } else if options.keep {
            keep(name)?;
        }
    }
    ensure!(
        failed.is_empty(),
        "findings in fuzz/artifacts of {}: make each a file of fuzz/regressions",
        failed.join(", ")
    );
    Ok(())
}

/// Whether fuzzing can begin at once.
pub(crate) fn is_ready() -> bool {
    command::is_installed("cargo-fuzz")
}

fn install() -> Result<()> {
    if is_ready() {
        return Ok(());
    }
    command::run(cargo().args(["install", "--locked", "cargo-fuzz"]))
}

/// What libFuzzer learns of a target, on this machine.
fn learnt(name: &str) -> PathBuf {
    root().join("target/fuzz").join(name)
}

/// What every machine begins with.
fn corpus(name: &str) -> PathBuf {
    root().join("fuzz/corpus").join(name)
}

/// `cargo fuzz ACTION TARGET`.
fn cargo_fuzz(action: &str, name: &str) -> Command {
    let mut command = cargo();
    command
        .args(["fuzz", action, "--fuzz-dir", "fuzz"])
        .arg("--target-dir")
        .arg(root().join("target/fuzz-build"))
        .env("RUSTC_BOOTSTRAP", "1")
        // Only the target's own readers are compiled.
        .args(match name {
            "parse" | "run" | "wire" => &["--no-default-features"][..],
            _ => &[],
        })
        .arg(name);
    command
}

/// Runs one target; its findings are counted, not errors.
fn fuzz(name: &str, reads: Reads, longest: usize, options: &Options) -> Result<Statistics> {
    let (learnt, corpus) = (learnt(name), corpus(name));
    fs::create_dir_all(&learnt).with_context(|| format!("making {}", learnt.display()))?;
    fs::create_dir_all(&corpus).with_context(|| format!("making {}", corpus.display()))?;
    let seeds = seeds::folder(reads)?;
    let mut command = cargo_fuzz("run", name);
    command
        .arg(&learnt)
        .arg(&corpus)
        .args(seeds)
        .arg("--")
        .args([
            format!("-max_total_time={}", options.seconds),
            format!("-max_len={longest}"),
            "-timeout=25".to_owned(),
            "-rss_limit_mb=3072".to_owned(),
            "-print_final_stats=1".to_owned(),
        ]);
    command.args(options.runs.map(|runs| format!("-runs={runs}")));
    println!("+ {}", command::shown(&command));
    let start = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::inherit())
        .stderr(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .context("starting cargo fuzz")?;
    let log = String::from_utf8_lossy(&output.stderr);
    let statistics = Statistics::read(&log, output.status.success(), start.elapsed());
    if !output.status.success() {
        let tail: Vec<&str> = log.lines().rev().take(60).collect();
        tail.iter().rev().for_each(|line| eprintln!("{line}"));
        ensure!(
            statistics.executions > 0,
            "the target {name} does not run: {}",
            output.status
        );
    }
    Ok(statistics)
}

/// Keeps in `fuzz/corpus` what reaches most of the code in fewest bytes.
fn keep(name: &str) -> Result<()> {
    let mut command = cargo_fuzz("cmin", name);
    let merged = learnt(name);
    let seeds = corpus(name);
    // `cmin` leaves in a folder what the folder needs: everything known goes through the machine's own.
    for entry in fs::read_dir(&seeds)? {
        let entry = entry?;
        fs::copy(entry.path(), merged.join(entry.file_name()))?;
    }
    command::run(command.arg(&merged))?;
    fs::remove_dir_all(&seeds)?;
    fs::create_dir_all(&seeds)?;
    for entry in smallest(&merged, MOST_KEPT)? {
        let name = entry.file_name().context("a file without a name")?;
        fs::copy(&entry, seeds.join(name))?;
    }
    Ok(())
}

/// Files of a corpus that the repository keeps.
const MOST_KEPT: usize = 200;

/// The smallest files of a folder.
fn smallest(folder: &std::path::Path, most: usize) -> Result<Vec<PathBuf>> {
    let mut files: Vec<(u64, PathBuf)> = fs::read_dir(folder)?
        .map(|entry| -> Result<_> {
            let entry = entry?;
            Ok((entry.metadata()?.len(), entry.path()))
        })
        .collect::<Result<_>>()?;
    files.sort();
    Ok(files.into_iter().take(most).map(|(_, path)| path).collect())
}
