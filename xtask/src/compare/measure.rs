//! One comparison, measured: prune, emulate, and build the image of the model alone.

use super::quality::Found;
use super::rows::{Rival, Row, STACK};
use crate::command;
use crate::size;
use anyhow::{Context, Result};
use core::time::Duration;
use nnz_support::emulator::{self, FlashModel, Request};
use nnz_support::targets::Target;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where things are.
pub(super) struct Bench {
    /// The program.
    pub(super) nnz: PathBuf,
    /// Networks, data and baselines.
    pub(super) shared: PathBuf,
    /// Room for files.
    pub(super) folder: PathBuf,
}

/// What a run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) instructions: u64,
    /// Modelled, where the core has a model.
    pub(crate) cycles: Option<u64>,
    pub(crate) arena: u64,
    /// Painted.
    pub(crate) stack: u64,
}

/// A row's figures.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) cost: Cost,
    pub(super) rival: (u64, Option<u64>),
    /// Code of the model's image, where the row bounds it.
    pub(super) code: Option<u64>,
    /// How good the file is, where the row bounds it.
    pub(super) quality: Option<Found>,
}

impl Measured {
    /// Instructions and modelled cycles as shares of the rival's.
    pub(super) fn ratios(&self) -> (f64, Option<f64>) {
        let (instructions, cycles) = self.rival;
        (
            ratio(self.cost.instructions, instructions),
            self.cost.cycles.zip(cycles).map(|(a, b)| ratio(a, b)),
        )
    }

    /// What the row asks for and does not get.
    pub(super) fn misses(&self, row: &Row) -> Vec<&'static str> {
        let (instructions, cycles) = self.ratios();
        let over = |found: Option<f64>, most: Option<f64>| {
            most.is_some_and(|most| found.is_none_or(|found| found > most))
        };
        let above = |found: Option<u64>, most: Option<u64>| {
            most.is_some_and(|most| found.is_none_or(|found| found > most))
        };
        let is_bounded = row.arena.is_some();
        [
            (over(Some(instructions), row.instructions), "instructions"),
            (over(cycles, row.cycles), "cycles"),
            (above(Some(self.cost.arena), row.arena), "arena"),
            (above(self.code, row.code), "code"),
            (is_bounded && self.cost.stack > STACK, "stack"),
            (self.quality.is_some_and(|found| !found.passed), "accuracy"),
        ]
        .into_iter()
        .filter_map(|(is_missed, what)| is_missed.then_some(what))
        .collect()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of one inference are far below 2^52"
)]
pub(super) fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b as f64
}

impl Bench {
    /// Measures a row.
    pub(super) fn row(&self, row: &Row) -> Result<Measured> {
        let target = Target::find(row.target)?;
        let model = self.prune(row, row.options)?;
        let cost = run(target, &model)?;
        let code = match row.code {
            Some(_) => Some(size::code_bytes(&model, target)?),
            None => None,
        };
        let quality = match row.quality {
            Some(quality) => Some(self.quality(row, quality)?),
            None => None,
        };
        let rival = match row.rival {
            Rival::Tflm(name) => self.tflm(name, row.target)?,
            Rival::Dense => {
                let dense = run(target, &self.prune(row, "--weights dense")?)?;
                (dense.instructions, dense.cycles)
            }
        };
        Ok(Measured {
            cost,
            rival,
            code,
            quality,
        })
    }

    /// Makes the row's file.
    pub(super) fn prune(&self, row: &Row, options: &str) -> Result<PathBuf> {
        self.make(row.model, row.target, options)
    }

    /// Makes a file with these options.
    pub(super) fn make(&self, model: &str, target: &str, options: &str) -> Result<PathBuf> {
        let out = self.folder.join("network.nnz");
        let mut prune = Command::new(&self.nnz);
        prune
            .arg("prune")
            .arg(self.shared.join("models").join(model))
            .args(["--target", target, "--json", "-o"])
            .arg(&out);
        for word in options.split_whitespace() {
            if word.ends_with(".npz") || word.ends_with(".npy") {
                prune.arg(self.data(word));
            } else {
                prune.arg(word);
            }
        }
        command::read(&mut prune)?;
        Ok(out)
    }

    /// Data beside the repository, or made of them.
    pub(super) fn data(&self, name: &str) -> PathBuf {
        let made = self.folder.join(name);
        if made.exists() {
            made
        } else {
            self.shared.join("data").join(name)
        }
    }

    /// TensorFlow Lite Micro's instructions and modelled cycles.
    fn tflm(&self, name: &str, target: &str) -> Result<(u64, Option<u64>)> {
        let path = self.shared.join(format!("baselines/tflm_{name}.json"));
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let json: Value = serde_json::from_str(&text)?;
        let key = format!("tflm_cmsisnn_{}", target.replace('-', "_"));
        let number = |field: &str| json.get(&key)?.get(field)?.as_u64();
        let instructions = number("instructions")
            .with_context(|| format!("{} has no {key}.instructions", path.display()))?;
        Ok((instructions, number("cycles_model_mid")))
    }
}

/// Runs a file once.
pub(crate) fn run(target: &Target, model: &Path) -> Result<Cost> {
    let bytes = fs::read(model).with_context(|| format!("reading {}", model.display()))?;
    let outcome = emulator::run(&Request {
        target,
        model: &bytes,
        input: &[],
        timeout: Duration::from_secs(600),
        meter: Some(FlashModel::of(target)),
        slice: None,
    })?;
    let metered = outcome.metering.as_ref().and_then(|m| m.rows.first());
    Ok(Cost {
        instructions: outcome.run.rows.first().copied().unwrap_or_default(),
        cycles: metered.and_then(|row| row.cycles),
        arena: outcome.run.arena_bytes.into(),
        stack: outcome.run.stack_bytes.into(),
    })
}
