//! One row of the table, measured with the program.

use super::rows::{Bound, Limit, Network, Row};
use crate::command;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Share of a budget that must be used.
const FULL: f64 = 0.97;

/// How good one network is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Score {
    /// Right answers, of so many.
    Right(u64, u64),
    /// Mean squared error of an autoencoder.
    Error(f64),
}

impl Score {
    /// Whether more answers are right.
    fn beats(self, other: Self) -> bool {
        matches!((self, other), (Self::Right(a, _), Self::Right(b, _)) if a > b)
    }

    /// Of how many.
    pub(super) fn of(self) -> String {
        match self {
            Self::Right(_, n) => format!("{self} of {n}"),
            Self::Error(_) => self.to_string(),
        }
    }
}

impl core::fmt::Display for Score {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Right(correct, _) => write!(f, "{correct}"),
            Self::Error(error) => write!(f, "error {error:.2}"),
        }
    }
}

/// One row, measured.
pub(super) struct Measured {
    pub(super) row: &'static Row,
    pub(super) options: String,
    pub(super) dense: Score,
    pub(super) first: Score,
    pub(super) second: Score,
    /// What was asked for beside right answers, with its figures.
    pub(super) said: String,
    pub(super) passed: bool,
}

/// The program and where things are.
pub(super) struct Bench {
    pub(super) nnz: PathBuf,
    pub(super) shared: PathBuf,
    /// Where files of this run are.
    pub(super) folder: PathBuf,
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
    ///
    /// `None` where this machine lacks something.
    pub(super) fn row(&self, row: &'static Row, dense: Option<Score>) -> Result<Option<Measured>> {
        let mut options = row.options.to_owned();
        if let Bound::Budget(limit, share) = row.bound {
            options.push_str(&self.limit(row, limit, share)?);
        }
        let dense = match dense {
            Some(count) => count,
            None => {
                self.make(row.network, "--method keep")?;
                self.score(row.network)?
            }
        };
        let [judged, beside] = row.methods;
        let made = match row.bound {
            Bound::Tuned(_) if self.tune(row.network, &options)? => None,
            Bound::Tuned(_) => return Ok(None),
            Bound::Correct(_)
            | Bound::Error(_)
            | Bound::Small
            | Bound::Refitted
            | Bound::Budget(..)
            | Bound::Seconds(_) => Some(self.make(row.network, &how(judged, &options))?),
        };
        let first = self.score(row.network)?;
        let second = self.make(row.network, &how(beside, &options))?;
        let scores = [dense, first, self.score(row.network)?];
        let (said, passed) = self.judge(row, made.as_ref().unwrap_or(&second), scores)?;
        let [_, _, second] = scores;
        Ok(Some(Measured {
            row,
            options,
            dense,
            first,
            second,
            said,
            passed,
        }))
    }

    /// Whether the row reaches its bound, and the figures.
    fn judge(&self, row: &Row, made: &Made, scores: [Score; 3]) -> Result<(String, bool)> {
        let [dense, first, second] = scores;
        Ok(match (row.bound, dense, first) {
            (Bound::Correct(least) | Bound::Tuned(least), _, Score::Right(right, _)) => {
                (format!("≥ {least}"), right >= least)
            }
            (Bound::Error(most), Score::Error(dense), Score::Error(error)) => {
                let share = error / dense;
                (format!("{share:.3}x; ≤ {most}x"), share <= most)
            }
            (Bound::Small, ..) => self.small(row, made)?,
            (Bound::Refitted, ..) => refitted(made)?,
            (Bound::Budget(..), ..) => held(made, first, second)?,
            (Bound::Seconds(most), ..) => {
                let said = format!("{:.1} s of processor time; ≤ {most}", made.seconds);
                (said, made.seconds <= real(most))
            }
            (Bound::Correct(_) | Bound::Tuned(_) | Bound::Error(_), ..) => {
                bail!("`nnz eval` measures something else than the bound of {row:?}")
            }
        })
    }

    /// MACs, bytes and arena beside the dense network's, and channels that have no weights.
    fn small(&self, row: &Row, made: &Made) -> Result<(String, bool)> {
        let against = |key: &str| -> Result<f64> {
            Ok(ratio(
                made.number(&[key, "now"])?,
                made.number(&[key, "dense"])?,
            ))
        };
        let whole = self.make(row.network, "--method keep --weights dense")?;
        let macs = ratio(made.number(&["macs"])?, whole.number(&["macs"])?);
        let (bytes, arena) = (against("bytes")?, against("arena")?);
        let empty = made.number(&["empty_channels"])?;
        let said = format!(
            "MACs {:.1} %; bytes {:.1} %; arena {:.1} %; {empty} channels without weights",
            100.0 * macs,
            100.0 * bytes,
            100.0 * arena
        );
        let passed = macs <= 0.5 && bytes <= 0.65 && arena <= 1.0 && empty == 0;
        Ok((said, passed))
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
            .arg(self.out());
        let before = processor_seconds();
        let report = serde_json::from_str(&command::read(&mut prune)?)?;
        Ok(Made {
            report,
            seconds: processor_seconds() - before,
        })
    }

    /// How good the file is that was made last.
    fn score(&self, network: &Network) -> Result<Score> {
        let mut eval = Command::new(&self.nnz);
        eval.arg("eval").arg(self.out()).arg("--json").arg("--data");
        eval.arg(self.data(network.eval));
        let mut others = network.data.iter();
        // The file knows mean and deviation; the axis order is the data's own.
        if others.any(|option| *option == "--layout") {
            eval.arg("--layout").args(others.next());
        }
        let found: Value = serde_json::from_str(&command::read(&mut eval)?)?;
        if let Some(error) = found.get("mean_squared").and_then(Value::as_f64) {
            return Ok(Score::Error(error));
        }
        let number = |key: &str| {
            let value = found.get(key).and_then(Value::as_u64);
            value.with_context(|| format!("`nnz eval` prints no '{key}'"))
        };
        Ok(Score::Right(number("correct")?, number("n")?))
    }

    pub(super) fn out(&self) -> PathBuf {
        self.folder.join("network.nnz")
    }

    /// A data file: one of this run's, or one beside the repository.
    pub(super) fn data(&self, name: &str) -> PathBuf {
        let made = self.folder.join(format!("{name}.npy"));
        match made.exists() {
            true => made,
            false => self.shared.join(format!("data/{name}.npz")),
        }
    }
}

/// How much of a budget is used, by what, and whether more answers are right than beside it.
fn held(made: &Made, first: Score, second: Score) -> Result<(String, bool)> {
    let limits = made.report.get("budget").and_then(|b| b.get(0));
    let number = |key: &str| limits.and_then(|l| l.get(key)?.as_u64());
    let (used, most) = number("used").zip(number("most")).context("no budget")?;
    let share = ratio(used, most);
    let chosen = made.report.get("method").and_then(Value::as_str);
    let said = format!(
        "{:.1} % used by {}; > {second}",
        100.0 * share,
        chosen.unwrap_or("?"),
    );
    Ok((said, (FULL..=1.0).contains(&share) && first.beats(second)))
}

/// What refitting after quantisation does to the outputs' error on samples kept aside.
fn refitted(made: &Made) -> Result<(String, bool)> {
    let found = made.report.get("refitted").context("no 'refitted'")?;
    let number = |key: &str| found.get(key).and_then(Value::as_f64);
    let (before, after) = number("before").zip(number("after")).context("no errors")?;
    let said = format!(
        "output error {:.3} % rounded; {:.3} % refitted",
        100.0 * before,
        100.0 * after
    );
    Ok((said, after < before))
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
