//! Records of what models cost on the emulated machines.
//!
//! One file a target and day, `benches/record/TARGET/DATE.csv`. The numbers are deterministic, so a
//! difference between two files is a difference between two commits.

use crate::command::{self, root};
use crate::firmware;
use anyhow::{Context, Result};
use core::fmt::Write;
use core::time::Duration;
use nnz_support::emulator::{self, FlashModel, Outcome, Request};
use nnz_support::targets::Target;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const HEADER: &str =
    "model,model_bytes,instructions,cycles,load_instructions,arena_bytes,stack_bytes,code_bytes\n";

/// Runs each model on every target that has an image and writes the records.
pub(crate) fn run(models: &[PathBuf], date: Option<String>) -> Result<()> {
    let date = match date {
        Some(date) => date,
        None => command::read(Command::new("date").arg("+%F"))?
            .trim()
            .to_owned(),
    };
    for target in firmware::select(&[])?
        .into_iter()
        .filter(|t| t.emulator.is_some())
    {
        let mut record = String::from(HEADER);
        for model in models {
            record += &row(target, model)?;
        }
        let folder = root().join("benches/record").join(&target.name);
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let file = folder.join(format!("{date}.csv"));
        fs::write(&file, &record).with_context(|| format!("writing {}", file.display()))?;
        println!("{}\n{record}", file.display());
    }
    Ok(())
}

fn row(target: &Target, model: &PathBuf) -> Result<String> {
    let bytes = fs::read(model).with_context(|| format!("reading {}", model.display()))?;
    let request = Request {
        target,
        model: &bytes,
        input: &[],
        timeout: Duration::from_secs(600),
        meter: Some(FlashModel::of(target)),
        slice: None,
    };
    let outcome = emulator::run(&request)?;
    let name = model.file_stem().unwrap_or_default().to_string_lossy();
    line(&name, &outcome)
}

fn line(name: &str, outcome: &Outcome) -> Result<String> {
    let run = &outcome.run;
    let mut text = String::new();
    let row = outcome.metering.as_ref().and_then(|m| m.rows.first());
    let cycles = row.and_then(|row| row.cycles).map(|n| n.to_string());
    let cycles = cycles.unwrap_or_default();
    let code = outcome
        .code_bytes
        .map(|n| n.to_string())
        .unwrap_or_default();
    writeln!(
        text,
        "{name},{},{},{cycles},{},{},{},{code}",
        run.model_bytes,
        run.rows.first().copied().unwrap_or_default(),
        run.load_instructions,
        run.arena_bytes,
        run.stack_bytes,
    )?;
    Ok(text)
}
