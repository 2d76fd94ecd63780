//! One row of the table, measured with the program.

use super::rows::{Bound, Limit, Network, Row};
use crate::command;
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Share of a budget that must be used.
const FULL: f64 = 0.97;

/// Right answers of one network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count {
    pub(super) correct: u64,
    pub(super) n: u64,
}

/// One row, measured.
pub(super) struct Measured {
    pub(super) row: &'static Row,
    pub(super) options: String,
    pub(super) dense: Count,
    pub(super) first: Count,
    pub(super) second: Count,
    /// What was asked for beside right answers, with its figures.
    pub(super) said: String,
    pub(super) passed: bool,
}

/// The program and where things are.
pub(super) struct Bench {
    pub(super) nnz: PathBuf,
    pub(super) shared: PathBuf,
    pub(super) out: PathBuf,
}

/// A file that was made: what `nnz prune --json` said, and how long it took.
struct Made {
    report: Value,
    seconds: f64,
}

impl Made {
    fn number(&self, path: &[&str]) -> Result<u64> {
        let found = path.iter().try_fold(&self.report, |v, key| v.get(key));
        let number = found.and_then(Value::as_u64);
        number.with_context(|| format!("`nnz prune --json` prints no {path:?}"))
    }
}

impl Bench {
    /// Runs one row; `dense` is the network without pruning, where it is known already.
    pub(super) fn row(&self, row: &'static Row, dense: Option<Count>) -> Result<Measured> {
        let mut options = row.options.to_owned();
        if let Bound::Budget(limit, share) = row.bound {
            options.push_str(&self.limit(row, limit, share)?);
        }
        let dense = match dense {
            Some(count) => count,
            None => {
                self.make(row.network, "--method keep")?;
                self.count(row.network)?
            }
        };
        let [judged, beside] = row.methods;
        let made = self.make(row.network, &how(judged, &options))?;
        let first = self.count(row.network)?;
        self.make(row.network, &how(beside, &options))?;
        let second = self.count(row.network)?;
        let (said, passed) = self.judge(row, &made, first, second)?;
        Ok(Measured {
            row,
            options,
            dense,
            first,
            second,
            said,
            passed,
        })
    }

    /// Whether the row reaches its bound, and the figures.
    fn judge(&self, row: &Row, made: &Made, first: Count, second: Count) -> Result<(String, bool)> {
        let against = |key: &str| -> Result<f64> {
            Ok(ratio(
                made.number(&[key, "now"])?,
                made.number(&[key, "dense"])?,
            ))
        };
        Ok(match row.bound {
            Bound::Correct(least) => (format!("≥ {least}"), first.correct >= least),
            Bound::Small => {
                let whole = self.make(row.network, "--method keep --weights dense")?;
                let macs = ratio(made.number(&["macs"])?, whole.number(&["macs"])?);
                let (bytes, arena) = (against("bytes")?, against("arena")?);
                let said = format!(
                    "MACs {:.1} %; bytes {:.1} %; arena {:.1} %",
                    100.0 * macs,
                    100.0 * bytes,
                    100.0 * arena
                );
                (said, macs <= 0.5 && bytes <= 0.65 && arena <= 1.0)
            }
            Bound::Budget(..) => {
                let limits = made.report.get("budget").and_then(|b| b.get(0));
                let number = |key: &str| limits.and_then(|l| l.get(key)?.as_u64());
                let (used, most) = number("used").zip(number("most")).context("no budget")?;
                let share = ratio(used, most);
                let full = (FULL..=1.0).contains(&share);
                let chosen = made.report.get("method").and_then(Value::as_str);
                let said = format!(
                    "{:.1} % used by {}; > {}",
                    100.0 * share,
                    chosen.unwrap_or("?"),
                    second.correct
                );
                (said, full && first.correct > second.correct)
            }
            Bound::Seconds(most) => {
                let said = format!("{:.1} s of processor time; ≤ {most}", made.seconds);
                (said, made.seconds <= real(most))
            }
        })
    }

    /// The budget as an option, from what the dense file needs.
    fn limit(&self, row: &Row, limit: Limit, share: f64) -> Result<String> {
        let keep = format!("--method keep --weights dense {}", row.options);
        let dense = self.make(row.network, &keep)?;
        let (option, key) = match limit {
            Limit::Flash => ("--flash", "bytes"),
            Limit::Cycles => ("--cycles", "cycles"),
        };
        let whole = real(dense.number(&[key, "now"])?);
        Ok(format!(" {option} {:.0}", (whole * share).floor()))
    }

    /// Prunes with these options to int8.
    fn make(&self, network: &Network, options: &str) -> Result<Made> {
        let mut prune = Command::new(&self.nnz);
        prune
            .arg("prune")
            .arg(self.shared.join("models").join(network.model))
            .arg("--calib")
            .arg(self.data(network.calib))
            .args(network.data)
            .args(options.split_whitespace())
            .arg("--json")
            .arg("-o")
            .arg(&self.out);
        let before = processor_seconds();
        let report = serde_json::from_str(&command::read(&mut prune)?)?;
        Ok(Made {
            report,
            seconds: processor_seconds() - before,
        })
    }

    /// Counts the right answers of the file that was made last.
    fn count(&self, network: &Network) -> Result<Count> {
        let mut eval = Command::new(&self.nnz);
        eval.arg("eval").arg(&self.out).arg("--json").arg("--data");
        eval.arg(self.data(network.eval));
        let mut others = network.data.iter();
        // The file knows mean and deviation; the axis order is the data's own.
        if others.any(|option| *option == "--layout") {
            eval.arg("--layout").args(others.next());
        }
        let found: Value = serde_json::from_str(&command::read(&mut eval)?)?;
        let number = |key: &str| {
            let value = found.get(key).and_then(Value::as_u64);
            value.with_context(|| format!("`nnz eval` prints no '{key}'"))
        };
        Ok(Count {
            correct: number("correct")?,
            n: number("n")?,
        })
    }

    fn data(&self, name: &str) -> PathBuf {
        self.shared.join(format!("data/{name}.npz"))
    }
}

/// A method with options of its own, and the row's.
fn how(method: &str, options: &str) -> String {
    match method {
        "" => options.to_owned(),
        method => format!("--method {method} {options}"),
    }
}

/// Processor time of the children that have ended, in all threads; 0 where the system does not tell.
fn processor_seconds() -> f64 {
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the program's name in brackets: `cutime` and `cstime` are fields 16 and 17 of all.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(13).take(2);
    ticks.filter_map(|f| f.parse::<f64>().ok()).sum::<f64>() / TICKS
}

fn ratio(part: u64, whole: u64) -> f64 {
    real(part) / real(whole.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn real(n: u64) -> f64 {
    n as f64
}

/// The network's name without its kind.
pub(super) fn stem(network: &Network) -> &str {
    let stem = Path::new(network.model).file_stem();
    stem.and_then(|s| s.to_str()).unwrap_or(network.model)
}
