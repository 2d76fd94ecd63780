//! Measures on another Linux machine: copies this program and the model there, runs, and fetches what it printed.
//!
//! ```text
//! ssh HOST uname, mktemp  →  scp program, model, input  →  ssh HOST nnz bench --json  →  scp output  →  ssh HOST rm
//! ```
//!
//! `ssh` and `scp` are the user's own, with his keys and his configuration; nothing is asked for.

use crate::bench_report::BenchReport;
use crate::failure::failure;
use anyhow::Context;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What to measure where.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What `ssh` calls the machine.
    pub host: &'a str,
    /// The program for that machine; where none is named, this one or that of `cargo xtask pi`.
    pub program: Option<&'a Path>,
    /// The `.nnz` file.
    pub model: &'a Path,
    /// An input array.
    pub input: Option<&'a Path>,
    /// Where the output goes.
    pub output: Option<&'a Path>,
    /// How long to measure.
    pub seconds: f64,
    /// Threads that share each run.
    pub threads: u16,
}

/// A folder of the other machine, removed when dropped.
struct Folder<'a> {
    host: &'a str,
    path: String,
}

impl Drop for Folder<'_> {
    fn drop(&mut self) {
        let _ = ssh(self.host, &format!("rm -rf {}", self.path));
    }
}

/// Measures and returns what the other machine reports.
///
/// # Errors
///
/// Where a program is missing, the machine cannot be reached or refuses, or runs another version.
pub fn run(request: &Request<'_>) -> anyhow::Result<BenchReport> {
    let host = request.host;
    if host.is_empty() || host.starts_with('-') {
        return Err(failure(
            format!("`{host}` is no name of a machine"),
            "name one as for ssh: --on ssh:pi@raspberrypi.local",
        ));
    }
    let program = program(request)?;
    let folder = Folder {
        host,
        path: temporary(host)?,
    };
    let there = |name: &str| format!("{}/{name}", folder.path);
    let mut command = format!(
        "{} bench {} --json --seconds {} --threads {}",
        there("nnz"),
        there("model.nnz"),
        request.seconds,
        request.threads
    );
    copy(&program, &place(host, &there("nnz")))?;
    copy(request.model, &place(host, &there("model.nnz")))?;
    if let Some(input) = request.input {
        copy(input, &place(host, &there("input.npy")))?;
        command += &format!(" --input {}", there("input.npy"));
    }
    if request.output.is_some() {
        command += &format!(" --output {}", there("output.npy"));
    }
    let text = ssh(host, &command)?;
    let mut report: BenchReport =
        serde_json::from_str(&text).with_context(|| format!("{host} printed no report"))?;
    if let Some(output) = request.output {
        fetch(&place(host, &there("output.npy")), output)?;
    }
    report.target = format!("ssh:{host}");
    Ok(report)
}

/// The program for the machine: its path, checked to be for its kind of CPU where nnz chooses.
fn program(request: &Request<'_>) -> anyhow::Result<PathBuf> {
    if let Some(program) = request.program {
        return Ok(program.to_path_buf());
    }
    let machine = ssh(request.host, "uname -sm")?;
    let this = env::current_exe().context("finding this program")?;
    let (system, cpu) = machine.trim().split_once(' ').unwrap_or_default();
    if system == "Linux" && cpu == env::consts::ARCH && cfg!(target_os = "linux") {
        return Ok(this);
    }
    // target/release/nnz stands beside target/pi/nnz.
    let pi = this.ancestors().nth(2).map(|target| target.join("pi/nnz"));
    pi.filter(|pi| cpu == "aarch64" && pi.is_file())
        .ok_or_else(|| {
            failure(
                format!(
                    "{} is {system} {cpu}: this program does not run there",
                    request.host
                ),
                "name one that does with --program; `cargo xtask pi` makes target/pi/nnz for 64-bit Arm",
            )
        })
}

/// Makes a folder on the machine.
fn temporary(host: &str) -> anyhow::Result<String> {
    let path = ssh(host, "mktemp -d")?.trim().to_owned();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !path.starts_with('/') || path.len() < 3 || !path.chars().all(is_plain) {
        return Err(anyhow::anyhow!("{host} made no folder: `{path}`"));
    }
    Ok(path)
}

/// A file of the machine, as scp takes it.
fn place(host: &str, path: &str) -> OsString {
    OsString::from(format!("{host}:{path}"))
}

/// Runs a command there and returns what it printed.
fn ssh(host: &str, command: &str) -> anyhow::Result<String> {
    started(Command::new("ssh").args([host, command]), "ssh")
}

/// Copies a file there.
fn copy(from: &Path, to: &OsString) -> anyhow::Result<()> {
    // A path with a colon would name a machine.
    let from = from
        .canonicalize()
        .with_context(|| from.display().to_string())?;
    started(
        Command::new("scp").args(["-q", "-p"]).arg(from).arg(to),
        "scp",
    )
    .map(drop)
}

/// Copies a file from there, first beside its place.
fn fetch(from: &OsString, to: &Path) -> anyhow::Result<()> {
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    started(Command::new("scp").arg("-q").arg(from).arg(&part), "scp")?;
    std::fs::rename(&part, to).with_context(|| to.display().to_string())
}

/// What a program printed, or why it failed.
fn started(command: &mut Command, name: &str) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| {
        failure(
            format!("cannot start {name}: {error}"),
            "install an SSH client",
        )
    })?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let reason = text.trim().lines().last().unwrap_or("no reason given");
        return Err(failure(
            format!("{name} failed: {reason}"),
            "try `ssh HOST uname -a` by hand: it must answer without a password",
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
