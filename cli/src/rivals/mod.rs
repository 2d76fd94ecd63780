//! Other runtimes beside ours: each in a Python process of its own, measured in turns, by CPU time.
//!
//! ```text
//! turn     nnz runs k times │ rival 1 runs k times │ rival 2 … │          k so that a turn of nnz takes some 40 ms
//! result   medians over the turns, and the median of the ratios within a turn
//! ```

use crate::bench_report::RivalReport;
use crate::failure::failure;
use crate::machine;
use anyhow::Context;
use core::str::FromStr;
use serde::Deserialize;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

/// The program that runs a rival.
const PROGRAM: &str = include_str!("rival.py");
/// Turns of a measurement.
const TURNS: usize = 20;
/// How long nnz runs in a turn at least, nanoseconds: many ticks of the clock that the system keeps of a running
/// thread.
const TURN: f64 = 4e7;

/// A runtime and a model for it: `ENGINE:FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    engine: String,
    model: PathBuf,
}

impl FromStr for Rival {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((engine @ ("ort" | "litert" | "openvino"), model)) if !model.is_empty() => {
                Ok(Self {
                    engine: engine.into(),
                    model: model.into(),
                })
            }
            _ => Err("expected ort:MODEL.onnx, litert:MODEL.tflite or openvino:MODEL.onnx".into()),
        }
    }
}

/// What a rival says of itself.
#[derive(Debug, Deserialize)]
struct Hello {
    name: String,
    isa: String,
}

/// A rival's process.
struct Running {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    hello: Hello,
    model: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(rival: &Rival, python: &Path, input: Option<&Path>) -> anyhow::Result<Self> {
        let model = rival.model.display().to_string();
        let mut command = Command::new(python);
        command
            .args(["-c", PROGRAM, &rival.engine])
            .arg(&rival.model)
            .args(input);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            failure(
                format!("cannot start {}: {error}", python.display()),
                "name a Python that has the runtime with --python PATH",
            )
        })?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            anyhow::bail!("{} has no pipes", python.display());
        };
        let mut from = BufReader::new(from);
        let mut line = String::new();
        from.read_line(&mut line)?;
        let hello = serde_json::from_str(&line).map_err(|_| {
            failure(
                format!(
                    "{} cannot run {model}; its own words are above",
                    rival.engine
                ),
                format!(
                    "the Python of --python needs numpy and {}",
                    package(&rival.engine)
                ),
            )
        })?;
        Ok(Self {
            child,
            to,
            from,
            hello,
            model,
        })
    }

    /// CPU time of `count` runs, nanoseconds.
    fn run(&mut self, count: usize) -> anyhow::Result<f64> {
        writeln!(self.to, "{count}")?;
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        line.trim()
            .parse()
            .with_context(|| format!("{} stopped", self.hello.name))
    }
}

/// The package that an engine is in.
fn package(engine: &str) -> &'static str {
    match engine {
        "ort" => "onnxruntime",
        "litert" => "ai-edge-litert",
        _ => "openvino",
    }
}

/// CPU time of `count` calls of `run`, nanoseconds; wall-clock time where the system does not tell.
fn time(count: usize, run: &mut impl FnMut()) -> f64 {
    let (before, start) = (machine::thread_cpu_ns(), Instant::now());
    for _ in 0..count {
        run();
    }
    let wall = start.elapsed().as_secs_f64() * 1e9;
    match (before, machine::thread_cpu_ns()) {
        (Some(before), Some(after)) if after > before => (after - before) as f64,
        _ => wall,
    }
}

/// The middle of some figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}

/// Measures `run` and `rivals` in turns.
///
/// # Errors
///
/// A rival cannot be started, or stops.
pub fn compare(
    rivals: &[Rival],
    python: &Path,
    input: Option<&Path>,
    mut run: impl FnMut(),
) -> anyhow::Result<Vec<RivalReport>> {
    let mut running = Vec::new();
    for rival in rivals {
        running.push(Running::start(rival, python, input)?);
    }
    let mut count = 4;
    while time(count, &mut run) < TURN && count < 100_000 {
        count *= 2;
    }
    let mut ours = Vec::new();
    let mut theirs = vec![Vec::new(); running.len()];
    for turn in 0..=TURNS {
        let mine = time(count, &mut run) / count as f64;
        let mut others = Vec::new();
        for rival in &mut running {
            others.push(rival.run(count)? / count as f64);
        }
        // The first turn warms up.
        if turn > 0 {
            ours.push(mine);
            for (theirs, other) in theirs.iter_mut().zip(others) {
                theirs.push(other);
            }
        }
    }
    let report = |(rival, times): (&Running, Vec<f64>)| RivalReport {
        name: rival.hello.name.clone(),
        model: rival.model.clone(),
        isa: rival.hello.isa.clone(),
        ratio: median(
            times
                .iter()
                .zip(&ours)
                .map(|(theirs, mine)| theirs / mine)
                .collect(),
        ),
        cpu_us: median(times) / 1e3,
        nnz_cpu_us: median(ours.clone()) / 1e3,
    };
    Ok(running.iter().zip(theirs).map(report).collect())
}
