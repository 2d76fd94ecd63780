//! What pruning costs in accuracy, measured: `benches/record/accuracy.csv` and the table of `docs/accuracy.md`.
//!
//! ```text
//! rows.rs ─► nnz prune … ─► nnz eval … ─► accuracy.csv
//!                                     └─► docs/accuracy.md, between its marks
//! ```
//!
//! Each row runs twice, with the method that is judged and with the one beside it, on the networks and data of
//! `../shared`.

mod measure;
mod record;
mod rows;
mod tuned;
pub(crate) mod windows;

use crate::command::{self, root};
use anyhow::{Result, bail};
use measure::{Bench, Measured, stem};
use record::Record;
use rows::{Bound, CAR_CALIB, CAR_EVAL, Limit, ROWS, Row};

/// Runs the rows whose network or options contain `only` and puts each into the record; a row that misses its bound is
/// an error at the end.
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
        folder: folder.path().to_owned(),
    };
    let made = |name: &str| folder.path().join(format!("{name}.npy"));
    let recording = bench.shared.join("data/ad01_toycar_clip.npz");
    windows::write(&recording, &made(CAR_CALIB), &made(CAR_EVAL))?;
    let chosen: Vec<&Row> = ROWS
        .iter()
        .filter(|row| only.is_none_or(|text| is_meant(row, text)))
        .collect();
    if chosen.is_empty() {
        bail!("no row contains '{}'", only.unwrap_or_default());
    }
    let mut record = Record::read();
    let mut measured: Vec<Measured> = Vec::new();
    for row in chosen {
        let same = |m: &&Measured| m.row.network.model == row.network.model;
        let dense = measured.iter().find(same).map(|m| m.dense);
        let Some(result) = bench.row(row, dense)? else {
            continue;
        };
        println!("{}", line(&result));
        record.put(&result)?;
        measured.push(result);
    }
    let missed: Vec<String> = measured.iter().filter(|m| !m.passed).map(line).collect();
    println!(
        "{} of {} rows pass",
        measured.len() - missed.len(),
        measured.len()
    );
    if !missed.is_empty() {
        bail!("rows that miss their bound:\n{}", missed.join("\n"));
    }
    Ok(())
}

/// Whether `--only TEXT` means a row; the row of time is meant by its own word, since it repeats another's options.
fn is_meant(row: &Row, text: &str) -> bool {
    let timed = matches!(row.bound, Bound::Seconds(_));
    name(row).contains(text) && (!timed || text.contains("time"))
}

/// Network, options and bound, as `--only` finds them.
fn name(row: &Row) -> String {
    let bound = match row.bound {
        Bound::Correct(_) | Bound::Error(_) => "",
        Bound::Refitted => " refit",
        Bound::Small => " size",
        Bound::Tuned(_) => " tuned",
        Bound::Budget(Limit::Flash, _) => " budget flash",
        Bound::Budget(Limit::Cycles, _) => " budget cycles",
        Bound::Seconds(_) => " time",
    };
    format!("{} {}{bound}", stem(row.network), row.options)
}

fn line(m: &Measured) -> String {
    format!(
        "{} {} {}: dense {}, {} {}, {} {} ({})",
        if m.passed { "pass" } else { "MISS" },
        stem(m.row.network),
        m.options,
        m.dense.of(),
        m.row.methods[0],
        m.first,
        m.row.methods[1],
        m.second,
        m.said,
    )
}
