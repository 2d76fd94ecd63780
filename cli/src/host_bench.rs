//! Measures inference on this machine: wall-clock time of single runs, by the runtime of hosts.

use crate::bench_report::{BenchReport, Latency, LayerReport};
use crate::infer::{self, Port};
use crate::machine;
use core::time::Duration;
use nnz::host::{Network, Session};
use nnz::{Model, RunError};
use nnz_pruner::inspect::{Inspection, inspect};
use std::collections::BTreeMap;
use std::time::Instant;

/// Runs that are measured at least, whatever the time.
const MIN_RUNS: usize = 30;
/// Share of the time that goes to warming up.
const WARM_UP: f64 = 0.2;

/// Measures a network in `session` for about `seconds` and returns the report and the outputs of all rows.
///
/// `rows` are inputs as the arena holds them; without any, the input is zero.
///
/// # Errors
///
/// Where the runtime does not have what the file needs.
pub fn run(
    network: &Network,
    mut session: Session,
    rows: &[Vec<u8>],
    seconds: f64,
) -> Result<(BenchReport, Vec<u8>), RunError> {
    let model = network.model();
    let outputs = run_rows(model, &mut session, rows)?;
    let first = rows.first().map_or(&[][..], Vec::as_slice);
    let inputs = infer::inputs(model);
    let warm_up = Instant::now();
    while warm_up.elapsed().as_secs_f64() < seconds * WARM_UP {
        load(&mut session, &inputs, first)?;
        session.run();
    }
    let limit = Duration::from_secs_f64(seconds);
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < MIN_RUNS || begin.elapsed() < limit {
        load(&mut session, &inputs, first)?;
        let start = Instant::now();
        session.run();
        times.push(start.elapsed());
    }
    let mut report = report(network, session.threads(), &mut times);
    let steps = step_times(&mut session, &inputs, first, report.layers.len())?;
    for (layer, time) in report.layers.iter_mut().zip(steps) {
        layer.latency_us = time.map(|t| t.as_secs_f64() * 1e6);
    }
    Ok((report, outputs))
}

/// The median time of each step over runs of their own, so that clock readings do not burden the total.
fn step_times(
    session: &mut Session,
    inputs: &[Port],
    row: &[u8],
    steps: usize,
) -> Result<Vec<Option<Duration>>, RunError> {
    let mut times = vec![Vec::new(); steps];
    for _ in 0..MIN_RUNS {
        load(session, inputs, row)?;
        let mut last = Instant::now();
        session.run_with(|index| {
            let now = Instant::now();
            if let Some(times) = times.get_mut(index) {
                times.push(now - last);
            }
            last = now;
        });
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    };
    Ok(times.iter_mut().map(median).collect())
}

/// Every row once, for the outputs.
fn run_rows(
    model: &Model<'_>,
    session: &mut Session,
    rows: &[Vec<u8>],
) -> Result<Vec<u8>, RunError> {
    let inputs = infer::inputs(model);
    let mut outputs = Vec::new();
    for row in rows {
        load(session, &inputs, row)?;
        session.run();
        for i in 0..model.outputs_len() {
            outputs.extend(session.output_bytes(i)?);
        }
    }
    Ok(outputs)
}

/// Puts one row into the inputs; zeros where it is short.
fn load(session: &mut Session, inputs: &[Port], row: &[u8]) -> Result<(), RunError> {
    let mut rest = row;
    for (i, port) in inputs.iter().enumerate() {
        let (mine, next) = rest.split_at(port.len().min(rest.len()));
        let memory = session.input_bytes(i)?;
        memory.fill(0);
        for (slot, byte) in memory.iter_mut().zip(mine) {
            *slot = *byte;
        }
        rest = next;
    }
    Ok(())
}

fn report(network: &Network, threads: usize, times: &mut [Duration]) -> BenchReport {
    let model = network.model();
    times.sort_unstable();
    let at = |per_mille: usize| {
        let i = (times.len() * per_mille / 1000).min(times.len().saturating_sub(1));
        times.get(i).map_or(0.0, |t| t.as_secs_f64() * 1e6)
    };
    let latency = Latency {
        min: at(0),
        median: at(500),
        p90: Some(at(900)),
        p99: at(990),
        p999: Some(at(999)),
    };
    let counted = inspect(model);
    BenchReport {
        target: "host".into(),
        latency_us: Some(latency),
        throughput_per_s: Some(1e6 / latency.median.max(1e-3)),
        arena_bytes: Some(model.arena_len() as u64),
        model_bytes: Some(model.file_len() as u64),
        macs: Some(model.macs()),
        nonzero_macs: Some(counted.nonzero_macs),
        layers: layers(&counted),
        peak_rss_bytes: peak_rss(),
        environment: Some(environment(network, threads)),
        ..BenchReport::default()
    }
}

/// The layers of a file, without figures of any machine.
#[must_use]
pub fn layers(counted: &Inspection) -> Vec<LayerReport> {
    counted
        .layers
        .iter()
        .map(|layer| LayerReport {
            name: layer.name.clone(),
            op: layer.op.to_owned(),
            layout: layer.layout.to_owned(),
            macs: layer.macs,
            nonzeros: layer.nonzeros,
            ..LayerReport::default()
        })
        .collect()
}

/// `VmHWM` of this process, where the system tells.
#[must_use]
pub fn peak_rss() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// What the figures depend on.
fn environment(network: &Network, threads: usize) -> BTreeMap<String, String> {
    let build = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    let mut facts = BTreeMap::from([
        ("cpu".into(), machine::cpu()),
        ("cpu features".into(), machine::features()),
        ("kernels".into(), network.isa().to_string()),
        (
            "os".into(),
            format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        ),
        (
            "nnz".into(),
            format!("{} {build}", env!("CARGO_PKG_VERSION")),
        ),
        ("threads".into(), threads.to_string()),
    ]);
    facts.extend(machine::clock());
    facts
}
