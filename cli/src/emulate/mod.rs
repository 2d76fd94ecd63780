//! Runs a network on an emulated microcontroller.
//!
//! The driver itself, with the search for images and emulators, is `nnz_support::emulator`; here
//! its outcome becomes a [`BenchReport`].

use crate::bench_report::{BenchReport, LayerReport};
use crate::failure::InFile;
use anyhow::Context;
use core::time::Duration;
use nnz_support::emulator::{self, Outcome};
use nnz_support::targets::Target;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Time that a run may take; a row of a large network emulates in a few seconds.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Names of the machines that `nnz bench --on` emulates.
pub fn machines() -> impl Iterator<Item = &'static str> {
    Target::all()
        .iter()
        .filter(|t| t.emulator.is_some())
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
    let outcome = emulator::run(&emulator::Request {
        target,
        model: &model,
        input: request.input.as_deref().unwrap_or_default(),
        timeout: TIMEOUT,
    })
    .with_context(|| format!("{} on {}", request.model.display(), target.name))?;
    let report = report(target, &outcome);
    Ok(Emulated {
        report,
        output: request.want_output.then_some(outcome.output),
    })
}

fn report(target: &Target, outcome: &Outcome) -> BenchReport {
    let run = &outcome.run;
    let layers = run
        .steps
        .iter()
        .enumerate()
        .map(|(index, &instructions)| LayerReport {
            name: format!("step {index}"),
            layout: "-".to_owned(),
            instructions: Some(instructions),
            ..LayerReport::default()
        });
    BenchReport {
        target: target.name.clone(),
        instructions: run.rows.first().copied(),
        clock_hz: target.clock.map(|clock| clock.hz),
        arena_bytes: Some(run.arena_bytes.into()),
        stack_bytes: Some(run.stack_bytes.into()),
        code_bytes: outcome.code_bytes,
        model_bytes: Some(run.model_bytes.into()),
        layers: layers.collect(),
        environment: Some(BTreeMap::from([
            ("machine".to_owned(), target.title.clone()),
            ("emulator".to_owned(), outcome.environment.clone()),
            (
                "load_instructions".to_owned(),
                run.load_instructions.to_string(),
            ),
        ])),
        ..BenchReport::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_carries_what_the_firmware_said() {
        let target = Target::find("cortex-m4").expect("is a target");
        let mut outcome = Outcome {
            output: vec![1, 2],
            run: nnz_support::report::Run::default(),
            code_bytes: Some(7),
            environment: "emulator".to_owned(),
        };
        outcome.run.rows = vec![100, 101];
        outcome.run.steps = vec![40, 60];
        outcome.run.stack_bytes = 512;
        let report = report(target, &outcome);
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
