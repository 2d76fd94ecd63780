//! Runs a network on an emulated microcontroller.
//!
//! The driver itself, with the search for images and emulators, is `nnz_support::emulator`; here
//! its outcome becomes a [`BenchReport`].

use crate::bench_report::{BenchReport, Latency, LayerReport, SliceReport};
use crate::failure::InFile;
use anyhow::Context;
use core::time::Duration;
use nnz_support::emulator::{self, FlashModel, Metered, Outcome};
use nnz_support::targets::Target;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Time that a run may take; a row of a large network emulates in a few seconds.
const TIMEOUT: Duration = Duration::from_secs(600);
/// Time that a run on a simulated core may take: half a million cycles a second.
const RTL_TIMEOUT: Duration = Duration::from_secs(3600);

/// Names of the machines that `nnz bench --on` emulates or simulates.
pub fn machines() -> impl Iterator<Item = &'static str> {
    Target::all()
        .iter()
        .filter(|t| t.is_runnable())
        .map(|t| t.name.as_str())
}

/// One run on one machine.
#[derive(Debug, Clone)]
pub struct Request {
    /// One of [`machines`].
    pub machine: String,
    /// The `.nnz` file.
    pub model: PathBuf,
    /// Bytes of every network input, one after the other, as the session expects them; `None` for all zero.
    /// Several rows follow each other and run one after the other.
    pub input: Option<Vec<u8>>,
    /// Whether the bytes of the outputs are wanted.
    pub want_output: bool,
    /// Wait states of the flash, other than the target's.
    pub flash_ws: Option<u32>,
    /// Lines of flash that are buffered, other than the target's.
    pub flash_lines: Option<u32>,
    /// Multiply-accumulates after which another run of the first row pauses.
    pub slice: Option<u32>,
}

/// What an emulated run brings back.
#[derive(Debug, Clone, Default)]
pub struct Emulated {
    /// The figures of one inference, the first row's. Layers have instructions and a number only:
    /// names, operators and MACs are in the model.
    pub report: BenchReport,
    /// Bytes of every network output, row by row, where they were wanted.
    pub output: Option<Vec<u8>>,
}

/// Runs the request's network on the request's machine.
///
/// # Errors
///
/// Says what to install or build where there is no emulator or firmware, and what the firmware
/// reported where it refused the model.
pub fn run(request: &Request) -> anyhow::Result<Emulated> {
    let target = Target::find(&request.machine)?;
    let model = fs::read(&request.model).in_file(&request.model)?;
    let mut flash = FlashModel::of(target);
    flash.wait_states = request.flash_ws.unwrap_or(flash.wait_states);
    flash.lines = request.flash_lines.unwrap_or(flash.lines).max(1);
    let outcome = emulator::run(&emulator::Request {
        target,
        model: &model,
        input: request.input.as_deref().unwrap_or_default(),
        timeout: if target.rtl.is_some() {
            RTL_TIMEOUT
        } else {
            TIMEOUT
        },
        meter: Some(flash),
        slice: request.slice,
    })
    .with_context(|| format!("{} on {}", request.model.display(), target.name))?;
    let mut report = report(target, &outcome, flash);
    report.slices = request.slice.and_then(|budget| slices(&outcome, budget));
    Ok(Emulated {
        report,
        output: request.want_output.then_some(outcome.output),
    })
}

fn report(target: &Target, outcome: &Outcome, flash: FlashModel) -> BenchReport {
    let run = &outcome.run;
    let step = |index: usize| outcome.metering.as_ref()?.steps.get(index)?.cycles;
    let layers = run
        .steps
        .iter()
        .enumerate()
        .map(|(index, &instructions)| LayerReport {
            name: format!("step {index}"),
            layout: "-".to_owned(),
            instructions: Some(instructions),
            cycles: step(index),
            ..LayerReport::default()
        });
    let row = outcome.metering.as_ref().and_then(|m| m.rows.first());
    let mix = row.map(instruction_mix).filter(|mix| !mix.is_empty());
    let cycles = row.and_then(|row| row.cycles);
    let clock_hz = target.clock.map(|clock| clock.hz);
    BenchReport {
        target: target.name.clone(),
        instructions: run.rows.first().copied(),
        cycles,
        clock_hz,
        latency_us: latency(outcome, clock_hz),
        arena_bytes: Some(run.arena_bytes.into()),
        stack_bytes: Some(run.stack_bytes.into()),
        code_bytes: outcome.code_bytes,
        model_bytes: Some(run.model_bytes.into()),
        layers: layers.collect(),
        instruction_mix: mix,
        environment: Some(environment(target, outcome, flash)),
        ..BenchReport::default()
    }
}

/// What a run in slices took; `None` where it was not measured.
fn slices(outcome: &Outcome, budget: u32) -> Option<SliceReport> {
    let metered = outcome.metering.iter().flat_map(|m| &m.slices);
    Some(SliceReport {
        budget_macs: budget,
        count: outcome.run.slices.len(),
        longest_instructions: outcome.run.slices.iter().copied().max()?,
        longest_cycles: metered.filter_map(|slice| slice.cycles).max(),
    })
}

/// Time of a row at the target's clock.
fn latency(outcome: &Outcome, clock_hz: Option<u64>) -> Option<Latency> {
    let hz = clock_hz.filter(|&hz| hz > 0)?;
    let rows = &outcome.metering.as_ref()?.rows;
    let mut cycles: Vec<u64> = rows.iter().filter_map(|row| row.cycles).collect();
    cycles.sort_unstable();
    let last = cycles.len().checked_sub(1)?;
    let at = |percent: usize| {
        let cycles = cycles.get(last * percent / 100).copied();
        cycles.unwrap_or_default() as f64 * 1e6 / hz as f64
    };
    Some(Latency {
        min: at(0),
        median: at(50),
        p99: at(99),
        ..Latency::default()
    })
}

/// Instructions by kind, without the model's other totals.
fn instruction_mix(row: &Metered) -> BTreeMap<String, u64> {
    const OTHER: [&str; 4] = ["taken", "stalls", "unaligned", "flash_waits"];
    let kinds = row
        .mix
        .iter()
        .filter(|(name, _)| !OTHER.contains(&name.as_str()));
    kinds.map(|(name, &count)| (name.clone(), count)).collect()
}

/// What the figures depend on.
fn environment(target: &Target, outcome: &Outcome, flash: FlashModel) -> BTreeMap<String, String> {
    let model = target
        .emulator
        .as_ref()
        .and_then(|e| e.cycle_model.as_ref());
    let cycle_model = match (&outcome.metering, model) {
        _ if target.rtl.is_some() => "none: the core itself, simulated".to_owned(),
        (None, _) => "not built; `cargo xtask setup` builds it".to_owned(),
        (Some(_), None) => "none for this core, instructions only".to_owned(),
        (Some(_), Some(core)) => format!(
            "{core}, flash wait states {}, buffered lines {}",
            flash.wait_states, flash.lines
        ),
    };
    BTreeMap::from([
        ("machine".to_owned(), target.title.clone()),
        ("emulator".to_owned(), outcome.environment.clone()),
        ("cycle_model".to_owned(), cycle_model),
        (
            "load_instructions".to_owned(),
            outcome.run.load_instructions.to_string(),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use nnz_support::emulator::Metering;

    #[test]
    fn the_report_carries_what_the_firmware_said() {
        let target = Target::find("cortex-m4").expect("is a target");
        let mut outcome = Outcome {
            output: vec![1, 2],
            run: nnz_support::report::Run::default(),
            code_bytes: Some(7),
            metering: None,
            environment: "emulator".to_owned(),
        };
        outcome.run.rows = vec![100, 101];
        outcome.run.steps = vec![40, 60];
        outcome.run.stack_bytes = 512;
        let metered = |cycles| Metered {
            cycles: Some(cycles),
            mix: BTreeMap::from([("load".to_owned(), 3), ("taken".to_owned(), 4)]),
            ..Metered::default()
        };
        outcome.metering = Some(Metering {
            slices: Vec::new(),
            rows: vec![metered(250), metered(500)],
            steps: vec![metered(100), metered(150)],
        });
        let report = report(target, &outcome, FlashModel::of(target));
        assert_eq!(
            (report.cycles, report.layers[1].cycles),
            (Some(250), Some(150))
        );
        assert_eq!(report.latency_us.map(|l| l.min), Some(10.0));
        let mix = report.instruction_mix.expect("the plugin counted");
        assert_eq!(mix, BTreeMap::from([("load".to_owned(), 3)]));
        assert_eq!(report.instructions, Some(100));
        assert_eq!(
            report
                .layers
                .iter()
                .filter_map(|l| l.instructions)
                .sum::<u64>(),
            100
        );
        assert_eq!(
            (report.stack_bytes, report.code_bytes),
            (Some(512), Some(7))
        );
    }

    #[test]
    fn an_unknown_machine_is_answered_with_the_known_ones() {
        let request = Request {
            machine: "z80".to_owned(),
            model: PathBuf::from("x.nnz"),
            input: None,
            want_output: false,
            flash_ws: None,
            flash_lines: None,
            slice: None,
        };
        let error = run(&request).expect_err("there is no z80").to_string();
        assert!(error.contains("z80") && error.contains("rv32"), "{error}");
    }

    #[test]
    fn the_issue_s_machines_are_there() {
        let names: Vec<&str> = machines().collect();
        for name in [
            "cortex-m0",
            "cortex-m3",
            "cortex-m4",
            "cortex-m7",
            "cortex-m33",
            "rv32",
        ] {
            assert!(names.contains(&name), "{name}");
        }
    }
}
