//! What pruning costs in accuracy, measured: `benches/record/accuracy.csv` and the table of `docs/accuracy.md`.
//!
//! ```text
//! rows.rs ─► nnz prune … ─► nnz eval … ─► accuracy.csv
//!                                     └─► docs/accuracy.md, between its marks
//! ```
//!
//! Each row runs twice, with the method that is judged and with the one beside it, on the networks and data of
//! `../shared`.

mod rows;

use crate::command::{self, root};
use anyhow::{Context, Result, bail};
use core::fmt::Write;
use rows::{Network, ROWS, Row};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const BEGIN: &str = "<!-- begin accuracy -->\n";
const END: &str = "<!-- end accuracy -->";

/// Right answers of one network.
#[derive(Debug, Clone, Copy)]
struct Count {
    correct: u64,
    n: u64,
}

/// One row, measured.
struct Measured {
    row: &'static Row,
    dense: Count,
    first: Count,
    second: Count,
}

/// Runs the rows whose network or options contain `only`, and writes the record where all of them ran.
pub(crate) fn run(only: Option<&str>) -> Result<()> {
    let shared = root().join("../shared");
    if !shared.join("models").is_dir() {
        bail!(
            "{} is not there: the networks and data of this table are not part of the repository",
            shared.display()
        );
    }
    let nnz = command::release_nnz()?;
    let folder = tempfile::tempdir()?;
    let bench = Bench {
        nnz,
        shared,
        out: folder.path().join("network.nnz"),
    };
    let chosen: Vec<&Row> = ROWS
        .iter()
        .filter(|row| only.is_none_or(|text| name(row).contains(text)))
        .collect();
    if chosen.is_empty() {
        bail!("no row contains '{}'", only.unwrap_or_default());
    }
    let mut measured: Vec<Measured> = Vec::new();
    for row in chosen {
        let known = measured
            .iter()
            .find(|m| m.row.network.model == row.network.model);
        let dense = match known {
            Some(m) => m.dense,
            None => bench.count(row.network, "--method keep")?,
        };
        let [first, second] = row
            .methods
            .map(|method| bench.count(row.network, &format!("--method {method} {}", row.options)));
        let result = Measured {
            row,
            dense,
            first: first?,
            second: second?,
        };
        println!("{}", line(&result));
        measured.push(result);
    }
    if only.is_none() {
        write(&measured)?;
    }
    let short = measured.iter().filter(|m| !m.reached()).count();
    println!(
        "{} of {} rows reach their target",
        measured.len() - short,
        measured.len()
    );
    Ok(())
}

/// The program and where things are.
struct Bench {
    nnz: PathBuf,
    shared: PathBuf,
    out: PathBuf,
}

impl Bench {
    /// Prunes with these options to int8 and counts the right answers.
    fn count(&self, network: &Network, options: &str) -> Result<Count> {
        let data = |name: &str| self.shared.join(format!("data/{name}.npz"));
        let mut prune = Command::new(&self.nnz);
        prune
            .arg("prune")
            .arg(self.shared.join("models").join(network.model))
            .arg("--calib")
            .arg(data(network.calib))
            .args(network.data)
            .args(options.split_whitespace())
            .arg("-o")
            .arg(&self.out);
        command::read(&mut prune)?;
        let mut eval = Command::new(&self.nnz);
        eval.arg("eval").arg(&self.out).arg("--json").arg("--data");
        eval.arg(data(network.eval));
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
}

impl Measured {
    fn reached(&self) -> bool {
        self.row
            .target
            .is_none_or(|target| self.first.correct >= target)
    }
}

/// Network and options, as `--only` finds them.
fn name(row: &Row) -> String {
    format!("{} {}", stem(row.network), row.options)
}

fn stem(network: &Network) -> &str {
    let stem = Path::new(network.model).file_stem();
    stem.and_then(|s| s.to_str()).unwrap_or(network.model)
}

fn target(row: &Row) -> String {
    row.target.map_or_else(|| "-".to_owned(), |t| t.to_string())
}

fn line(m: &Measured) -> String {
    format!(
        "{}: dense {} of {}, {} {} (target {}), {} {}{}",
        name(m.row),
        m.dense.correct,
        m.dense.n,
        m.row.methods[0],
        m.first.correct,
        target(m.row),
        m.row.methods[1],
        m.second.correct,
        if m.reached() { "" } else { "  SHORT" }
    )
}

/// Writes the record and the table.
fn write(measured: &[Measured]) -> Result<()> {
    let mut csv =
        String::from("network,options,method,correct,beside,beside_correct,dense,n,target\n");
    let mut table = String::from(
        "| network (dense int8) | options | method | right | target | beside it | right |\n|---|---|---|---:|---:|---|---:|\n",
    );
    for m in measured {
        let [first, second] = m.row.methods;
        writeln!(
            csv,
            "{},{},{first},{},{second},{},{},{},{}",
            stem(m.row.network),
            m.row.options,
            m.first.correct,
            m.second.correct,
            m.dense.correct,
            m.dense.n,
            target(m.row)
        )?;
        writeln!(
            table,
            "| {} ({} of {}) | `{}` | `{first}` | {}{} | {} | `{second}` | {} |",
            stem(m.row.network),
            m.dense.correct,
            m.dense.n,
            m.row.options,
            m.first.correct,
            if m.reached() { "" } else { " (short)" },
            target(m.row),
            m.second.correct
        )?;
    }
    save(&root().join("benches/record/accuracy.csv"), &csv)?;
    let page = root().join("docs/accuracy.md");
    let text = fs::read_to_string(&page).with_context(|| format!("reading {}", page.display()))?;
    let parts = text
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        bail!("{} has lost its marks", page.display());
    };
    save(&page, &format!("{before}{BEGIN}{table}{END}{after}"))
}

fn save(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}
