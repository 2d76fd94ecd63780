//! What a pruned file still answers: rows of equal accuracy say how many right, or with what error.

use super::measure::Bench;
use super::rows::{Quality, Row};
use crate::command;
use anyhow::{Context, Result};
use serde_json::Value;
use std::process::Command;

/// How good a file is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) figure: Figure,
    /// Whether that is enough.
    pub(super) passed: bool,
}

/// What was counted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Figure {
    /// Right answers, of so many, and how many must be.
    Right(u64, u64, u64),
    /// A mean squared error as a share of the published network's, and the most that it may be.
    Error(f64, f64),
}

impl core::fmt::Display for Figure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Right(right, all, least) => write!(f, "{right} of {all} (≥ {least})"),
            Self::Error(share, most) => write!(f, "error {share:.3}x (≤ {most}x)"),
        }
    }
}

impl Bench {
    /// How good the row's file is, which was made last.
    pub(super) fn quality(&self, row: &Row, quality: Quality) -> Result<Found> {
        Ok(match quality {
            Quality::Right(data, least) => {
                let report = self.eval(row, data)?;
                let number = |key: &str| {
                    let value = report.get(key).and_then(Value::as_u64);
                    value.with_context(|| format!("`nnz eval` prints no '{key}'"))
                };
                let (right, all) = (number("correct")?, number("n")?);
                Found {
                    figure: Figure::Right(right, all, least),
                    passed: right >= least,
                }
            }
            Quality::Error(data, most) => {
                let pruned = error(&self.eval(row, data)?)?;
                self.prune(row, "--method keep")?;
                let share = pruned / error(&self.eval(row, data)?)?;
                Found {
                    figure: Figure::Error(share, most),
                    passed: share <= most,
                }
            }
        })
    }

    /// What `nnz eval` says of the file that was made last.
    fn eval(&self, row: &Row, data: &str) -> Result<Value> {
        let mut eval = Command::new(&self.nnz);
        eval.arg("eval").arg(self.folder.join("network.nnz"));
        eval.args(["--json", "--data"]).arg(self.data(data));
        // The file knows mean and deviation; the axis order is the data's own.
        let mut words = row.options.split_whitespace();
        if words.any(|word| word == "--layout") {
            eval.arg("--layout").args(words.next());
        }
        Ok(serde_json::from_str(&command::read(&mut eval)?)?)
    }
}

fn error(report: &Value) -> Result<f64> {
    let value = report.get("mean_squared").and_then(Value::as_f64);
    value.context("`nnz eval` prints no 'mean_squared'")
}
