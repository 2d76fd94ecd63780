//! Cortex-M against TensorFlow Lite Micro: `benches/record/cortex-m.csv` and the table of the README.
//!
//! ```text
//! rows.rs ─► nnz prune … ─► emulator ─┬─► cortex-m.csv
//!                          lean image ┘   └─► README.md, between its marks
//! ```
//!
//! Every row prints the command that makes its file. Networks, data and the rival's figures are those of `../shared`.

mod beside;
mod measure;
mod quality;
mod rows;

pub(crate) use measure::run as run_once;
pub(crate) use rows::STACK;

use crate::accuracy::windows;
use crate::command::{self, root};
use crate::firmware;
use anyhow::{Context, Result, bail};
use core::fmt::Write;
use measure::{Bench, Measured};
use rows::{ROWS, Rival, Row};
use std::fs;
use std::path::{Path, PathBuf};

const HEAD: &str = "target,model,options,rival,instructions,cycles,instruction_ratio,most,cycle_ratio,most,arena_bytes,stack_bytes,code_bytes,accuracy,missed\n";
const BEGIN: &str = "<!-- begin cortex-m -->\n";
const END: &str = "<!-- end cortex-m -->";

/// Measures the rows whose target, network or options contain `only`; all of them renew record and README. A row that
/// misses its bounds is an error at the end.
pub(crate) fn run(only: Option<&str>, nnz: Option<PathBuf>) -> Result<()> {
    let chosen = choose(only)?;
    let mut targets: Vec<&str> = chosen.iter().map(|row| row.target).collect();
    targets.dedup();
    let folder = tempfile::tempdir()?;
    let bench = prepared(&targets, nnz, folder.path())?;
    let made = |name: &str| folder.path().join(name);
    let recording = bench.shared.join("data/ad01_toycar_clip.npz");
    windows::write(&recording, &made("ad01_calib.npy"), &made("ad01_eval.npy"))?;
    measure_all(&bench, &chosen, only.is_none())
}

/// Networks at several sparsities beside their dense files, instead.
pub(crate) fn beside_dense(nnz: Option<PathBuf>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    beside::all(&prepared(&beside::TARGETS, nnz, folder.path())?)
}

/// Images of the targets and the program, built; room for files in `folder`.
fn prepared(targets: &[&str], nnz: Option<PathBuf>, folder: &Path) -> Result<Bench> {
    let shared = root().join("../shared");
    if !shared.join("baselines").is_dir() {
        bail!(
            "{} is not there: the networks and baselines of this table are not part of the repository",
            shared.display()
        );
    }
    let targets: Vec<String> = targets.iter().map(|name| (*name).to_owned()).collect();
    firmware::run(&targets)?;
    Ok(Bench {
        nnz: nnz.map_or_else(command::release_nnz, Ok)?,
        shared,
        folder: folder.to_owned(),
    })
}

/// Measures rows; `is_whole` writes record and README.
fn measure_all(bench: &Bench, chosen: &[&Row], is_whole: bool) -> Result<()> {
    let (mut csv, mut table) = (HEAD.to_owned(), head());
    let mut missed = Vec::new();
    for row in chosen {
        let measured = bench.row(row)?;
        let line = line(row, &measured);
        println!("{line}");
        writeln!(csv, "{line}")?;
        table += &cells(row, &measured);
        if !measured.misses(row).is_empty() {
            missed.push(line);
        }
    }
    if is_whole {
        write(&csv, &table)?;
    }
    if missed.is_empty() {
        return Ok(());
    }
    bail!(
        "{} rows miss their bounds:\n{}",
        missed.len(),
        missed.join("\n")
    )
}

/// The rows that contain a text.
fn choose(only: Option<&str>) -> Result<Vec<&'static Row>> {
    let contains = |row: &&Row| {
        let parts = [row.target, row.model, row.options];
        only.is_none_or(|text| parts.iter().any(|part| part.contains(text)))
    };
    let chosen: Vec<&Row> = ROWS.iter().filter(contains).collect();
    if chosen.is_empty() {
        bail!("no row contains '{}'", only.unwrap_or_default());
    }
    Ok(chosen)
}

/// A row of the record.
fn line(row: &Row, measured: &Measured) -> String {
    let (instructions, cycles) = measured.ratios();
    let shown = |n: Option<f64>| n.map(|n| format!("{n:.3}")).unwrap_or_default();
    let count = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
    [
        row.target.to_owned(),
        row.model.to_owned(),
        row.options.to_owned(),
        rival(row).to_owned(),
        measured.cost.instructions.to_string(),
        count(measured.cost.cycles),
        shown(Some(instructions)),
        shown(row.instructions),
        shown(cycles),
        shown(row.cycles),
        measured.cost.arena.to_string(),
        measured.cost.stack.to_string(),
        count(measured.code),
        accuracy(measured).unwrap_or_default(),
        measured.misses(row).join(" "),
    ]
    .join(",")
}

fn accuracy(measured: &Measured) -> Option<String> {
    measured.quality.map(|found| found.figure.to_string())
}

fn rival(row: &Row) -> &'static str {
    match row.rival {
        Rival::Tflm(_) => "TFLM + CMSIS-NN",
        Rival::Dense => "nnz with dense weights",
    }
}

fn head() -> String {
    "| target | `nnz prune` | against | instructions | cycles | arena | stack | code | right |\n\
     |---|---|---|---:|---:|---:|---:|---:|---:|\n"
        .to_owned()
}

/// A row of the table: ratios, and what may be reached at most in brackets.
fn cells(row: &Row, measured: &Measured) -> String {
    let (instructions, cycles) = measured.ratios();
    let ratio = |found: Option<f64>, most: Option<f64>| match (found, most) {
        (Some(found), Some(most)) => format!("{found:.3} (≤ {most:.2})"),
        (Some(found), None) => format!("{found:.3}"),
        (None, _) => "–".to_owned(),
    };
    let code = measured
        .code
        .map_or_else(|| "–".to_owned(), |n| n.to_string());
    format!(
        "| {} | `{} {}` | {} | {} | {} | {} | {} | {code} | {} |\n",
        row.target,
        row.model,
        row.options,
        rival(row),
        ratio(Some(instructions), row.instructions),
        ratio(cycles, row.cycles),
        measured.cost.arena,
        measured.cost.stack,
        accuracy(measured).unwrap_or_else(|| "–".to_owned()),
    )
}

fn write(csv: &str, table: &str) -> Result<()> {
    let record = root().join("benches/record/cortex-m.csv");
    fs::write(&record, csv).with_context(|| format!("writing {}", record.display()))?;
    let page = root().join("README.md");
    let text = fs::read_to_string(&page).with_context(|| format!("reading {}", page.display()))?;
    let parts = text
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        bail!("{} has lost its marks", page.display());
    };
    let text = format!("{before}{BEGIN}{table}{END}{after}");
    fs::write(&page, text).with_context(|| format!("writing {}", page.display()))
}
