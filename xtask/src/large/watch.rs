//! What a program takes: time, and on Linux CPU time and memory, read from `/proc` while it runs.

use crate::command::shown;
use anyhow::{Context, Result, bail};
use core::time::Duration;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

/// How often is looked.
const EVERY: Duration = Duration::from_millis(50);
/// Clock ticks of `/proc`, the same on every Linux that this runs on.
const TICKS: f64 = 100.0;

/// What a run took; zero where the system does not say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
    pub(super) peak_bytes: u64,
}

/// Runs a program quietly.
pub(super) fn run(command: &mut Command) -> Result<Usage> {
    println!("+ {}", shown(command));
    let begin = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("starting `{}`", shown(command)))?;
    let mut usage = Usage::default();
    let status = loop {
        usage.look(child.id());
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(EVERY);
    };
    usage.wall = begin.elapsed();
    if !status.success() {
        bail!("`{}` failed: {status}", shown(command));
    }
    Ok(usage)
}

impl Usage {
    fn look(&mut self, process: u32) {
        if let Some(bytes) = peak(process) {
            self.peak_bytes = self.peak_bytes.max(bytes);
        }
        if let Some(cpu) = cpu(process) {
            self.cpu = self.cpu.max(cpu);
        }
    }
}

fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// User and system time.
fn cpu(process: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold blanks; user and system time are fields 12 and 13 after it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(Duration::from_secs_f64(ticks / TICKS))
}
