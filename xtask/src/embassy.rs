//! The example of a network beside other tasks, `examples/embassy`, on the emulated machine.
//!
//! The image runs a network in slices while another task counts its turns. What it prints must be what this machine
//! computes, and the other task must have had a turn after every slice.

use crate::example::{self, Program};
use crate::firmware;
use crate::plugin;
use anyhow::{Context, Result, ensure};
use core::time::Duration;
use nnz_support::emulator::{self, FlashModel, Outcome, Request};
use nnz_support::targets::Target;
use std::fs;
use std::path::Path;

/// The machine that the example is made for.
const TARGET: &str = "cortex-m4";
/// Multiply-accumulates of a slice, as in the example.
const BUDGET: u32 = 4000;
/// The clock of a small radio microcontroller, and what another task on it may have to wait.
const CLOCK_MHZ: u64 = 64;
const LONGEST_US: u64 = 1000;

/// Builds the example for `model`, runs it and checks what it prints.
pub(crate) fn run(model: &Path) -> Result<()> {
    let model = model
        .canonicalize()
        .with_context(|| format!("finding {}", model.display()))?;
    let target = Target::find(TARGET)?;
    let program = Program {
        folder: "embassy",
        name: "nnz-embassy",
        options: &[],
        model: &model,
        clip: None,
    };
    let printed = example::emulate(target, &program.build(target)?, None)?;
    print!("{printed}");
    let alone = alone(target, &model)?;
    check(&printed, &alone)?;
    check_longest(&alone)
}

/// The network without other tasks, on the image that runs any: whole, then in slices.
fn alone(target: &Target, model: &Path) -> Result<Outcome> {
    let bytes = fs::read(model).with_context(|| format!("reading {}", model.display()))?;
    firmware::build_any(target)?;
    plugin::build()?;
    Ok(emulator::run(&Request {
        target,
        model: &bytes,
        input: &[],
        timeout: Duration::from_secs(600),
        meter: Some(FlashModel::of(target)),
        slice: Some(BUDGET),
    })?)
}

/// Compares what was printed with the run without other tasks, and slices with turns.
fn check(printed: &str, alone: &Outcome) -> Result<()> {
    let value = |key: &str| -> Result<&str> {
        let line = printed.lines().find_map(|line| line.strip_prefix(key));
        line.map(str::trim)
            .with_context(|| format!("the image printed no line '{key}'"))
    };
    let count = |key| -> Result<usize> { Ok(value(key)?.parse()?) };
    let (slices, beats) = (count("slices")?, count("beats")?);
    ensure!(
        slices > 1 && slices == alone.run.slices.len(),
        "{slices} slices beside another task, {} alone",
        alone.run.slices.len()
    );
    ensure!(
        beats + 1 >= slices,
        "{slices} slices, but the other task had {beats} turns"
    );
    let scores: Vec<i8> = alone.output.iter().map(|byte| byte.cast_signed()).collect();
    let scores = format!("{scores:?}");
    ensure!(
        value("scores")? == scores,
        "the scores are {} beside another task, {scores} alone",
        value("scores")?
    );
    Ok(())
}

/// Prints the longest slice and fails where it takes longer than [`LONGEST_US`].
fn check_longest(alone: &Outcome) -> Result<()> {
    let slices = alone.metering.iter().flat_map(|m| &m.slices);
    let Some(cycles) = slices.filter_map(|slice| slice.cycles).max() else {
        println!("longest slice: not known, the cycle model is not built");
        return Ok(());
    };
    let us = cycles / CLOCK_MHZ;
    println!("longest slice: {cycles} cycles, {us} us at {CLOCK_MHZ} MHz");
    ensure!(us <= LONGEST_US, "a slice may take {LONGEST_US} us");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nnz_support::report::Run;

    /// Three slices, two scores.
    fn alone() -> Outcome {
        Outcome {
            output: vec![7, 0xFF],
            run: Run {
                slices: vec![9, 9, 4],
                ..Run::default()
            },
            metering: None,
            code_bytes: None,
            environment: String::new(),
        }
    }

    #[test]
    fn equal_scores_and_a_turn_after_every_slice_pass() {
        let printed = "slices 3\nbeats 2\nscores [7, -1]\n";
        check(printed, &alone()).unwrap();
    }

    #[test]
    fn other_scores_a_missing_turn_and_a_missing_line_fail() {
        for (printed, reason) in [
            (
                "slices 3\nbeats 2\nscores [7, 1]\n",
                "the scores are [7, 1]",
            ),
            ("slices 3\nbeats 1\nscores [7, -1]\n", "1 turns"),
            ("slices 2\nbeats 2\nscores [7, -1]\n", "3 alone"),
            ("slices 3\nscores [7, -1]\n", "no line 'beats'"),
        ] {
            let error = check(printed, &alone()).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
