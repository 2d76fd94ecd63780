//! Runs the image on a simulated core: the same exchange folder and lines, and cycles that are the core's own.
//!
//! ```text
//! NAME.rtl --image rv32.elf --totals cycles.txt [--flash-from A --flash-to B --ws N --lines L]
//! ```
//!
//! The simulator appends a line to the totals whenever the firmware reads its counter of instructions, as the plugin
//! of the emulator does, and the same rules turn lines into rows, steps and slices.

use super::{EmulatorError, FlashModel, Outcome, Request};
use super::{
    collect, exchange, find_file, image_folders, io_error, listen, measured_code_bytes, meter,
};
use crate::targets::{Rtl, Target};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Name of the simulator's program; what it was built from stands beside it, in a file that ends with `.txt`.
pub fn simulator_file(rtl: &Rtl) -> String {
    format!("{}.rtl", rtl.simulator)
}

/// The program that simulates the core.
pub fn find_simulator(rtl: &Rtl) -> Result<PathBuf, EmulatorError> {
    let places = image_folders();
    find_file(&places, &simulator_file(rtl)).ok_or_else(|| EmulatorError::NoSimulator {
        name: rtl.simulator.clone(),
        places,
    })
}

/// Runs a request on a simulated core.
pub(super) fn run(
    rtl: &Rtl,
    image: &Path,
    request: &Request<'_>,
) -> Result<Outcome, EmulatorError> {
    let simulator = find_simulator(rtl)?;
    let folder = exchange(request)?;
    let log = folder.path().join("log.txt");
    let image = image
        .canonicalize()
        .map_err(|e| io_error("finding the firmware image", e))?;
    let flash = request
        .meter
        .unwrap_or_else(|| FlashModel::of(request.target));
    let mut command = Command::new(&simulator);
    command.arg("--image").arg(&image);
    command.args(["--totals", meter::TOTALS_FILE]);
    let imaged = Target::find(&rtl.image).unwrap_or(request.target);
    command.args(waits(imaged, flash));
    listen(&mut command, folder.path(), &log)?;
    let child = command
        .spawn()
        .map_err(|e| io_error(&format!("starting {}", simulator.display()), e))?;
    let (run, output) = collect(child, folder.path(), &log, request.timeout)?;
    let totals = fs::read_to_string(folder.path().join(meter::TOTALS_FILE))
        .map_err(|e| io_error("reading the simulator's totals", e))?;
    let metering = meter::metering(&totals, &run, true)?;
    Ok(Outcome {
        output,
        metering: Some(metering),
        run,
        code_bytes: measured_code_bytes(&image, request.model),
        environment: environment(rtl, &simulator, flash),
    })
}

/// The options that make the core wait for the flash of the target whose image it runs.
fn waits(target: &Target, flash: FlashModel) -> Vec<String> {
    let region = target.memory.flash;
    let options = [
        ("--flash-from", region.origin),
        ("--flash-to", region.origin.saturating_add(region.bytes)),
        ("--ws", flash.wait_states),
        ("--lines", flash.lines),
    ];
    let waits = options.iter().filter(|_| flash.wait_states > 0);
    waits
        .flat_map(|(name, value)| [(*name).to_owned(), value.to_string()])
        .collect()
}

/// What the simulator says it was built from.
fn environment(rtl: &Rtl, simulator: &Path, flash: FlashModel) -> String {
    let built = fs::read_to_string(simulator.with_extension("rtl.txt"));
    let first = built
        .ok()
        .and_then(|text| text.lines().next().map(str::to_owned));
    format!(
        "{}, flash wait states {}, buffered lines {}",
        first.unwrap_or_else(|| rtl.package.clone()),
        flash.wait_states,
        flash.lines
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_simulator_names_the_chore_that_builds_it() {
        let mut rtl = Target::find("ibex").unwrap().rtl.clone().unwrap();
        rtl.simulator = "no-such-core".to_owned();
        let error = find_simulator(&rtl).unwrap_err().to_string();
        assert!(error.contains("no-such-core.rtl"), "{error}");
        assert!(error.contains("cargo xtask rtl"), "{error}");
    }

    #[test]
    fn a_flash_without_wait_states_needs_no_options() {
        let target = Target::find("ibex").unwrap();
        let mut flash = FlashModel {
            wait_states: 0,
            lines: 1,
        };
        assert!(waits(target, flash).is_empty());
        flash.wait_states = 3;
        let options = waits(target, flash).join(" ");
        assert!(options.ends_with("--ws 3 --lines 1"), "{options}");
    }
}
