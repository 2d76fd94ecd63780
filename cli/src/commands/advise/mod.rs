//! `nnz advise`: which technique suits a network and a target.

mod candidates;
mod judge;
mod show;

use super::common::DataArgs;
use super::prune_args::{points, targets};
use crate::failure::failure;
use crate::network::Network;
use crate::report::{self, Extra};
use crate::ui::{self, Progress};
use crate::{atomic, nnz_file};
use candidates::{CANDIDATES, Candidate};
use judge::Judge;
use nnz_pruner::pipeline::{self, Pruned};
use nnz_pruner::sparsify::Method;
use serde::Serialize;
use std::path::{Path, PathBuf};

const LONG: &str = "\
Tries what nnz can do with a network, measures each result, and recommends one with its reason.

With labelled --data the accuracy is measured. Without, the calibration samples tell how often a candidate decides \
as the original does (networks that are no classifiers: how near its outputs are). A candidate qualifies where it \
loses at most --drop points; of those the one with the least predicted cost on the target is recommended.

  nnz advise net.onnx --calib calib.npz --target cortex-m4
  nnz advise net.tflite --calib calib.npz --data eval.npz --drop 0.5 --svg pareto.svg
  nnz advise net.onnx --calib calib.npz --data eval.npz --report best.html       a page about the recommended file";

/// Tries the techniques on a network and recommends one
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The trained network: .onnx or .tflite
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Calibration samples (`x`)
    #[arg(long, value_name = "DATA.npz")]
    calib: PathBuf,
    /// Labelled samples (`x`, `y`), other than those of --calib
    #[arg(long, value_name = "DATA.npz")]
    data: Option<PathBuf>,
    /// What the file is for
    #[arg(long, value_name = "T", default_value = "portable", value_parser = targets(), hide_possible_values = true)]
    target: String,
    /// Percentage points of accuracy or agreement that may be lost
    #[arg(long, value_name = "P", default_value_t = 1.0, value_parser = points)]
    drop: f64,
    /// Also draw accuracy against bytes and against cost
    #[arg(long, value_name = "OUT.svg")]
    svg: Option<PathBuf>,
    /// Also write a page about the recommended file, with the drawing
    #[arg(long, value_name = "OUT.html")]
    report: Option<PathBuf>,
    /// Print {"candidates": […], "recommended", "options", "reason"} as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    preprocess: DataArgs,
}

/// One candidate, measured.
#[derive(Debug, Clone, Serialize)]
struct Row {
    name: &'static str,
    /// Options of `nnz prune`.
    options: String,
    /// Accuracy, agreement or fidelity.
    accuracy: f64,
    bytes: u64,
    arena_bytes: u64,
    /// Predicted, in the unit of the target's table.
    cost: u64,
    /// No other candidate is at least as good in accuracy, bytes and cost, and better in one.
    pareto: bool,
    #[serde(skip)]
    pruned: Box<Pruned>,
}

/// What was found.
struct Advice<'a> {
    args: &'a Args,
    rows: Vec<Row>,
    best: usize,
    reason: String,
    measure: &'static str,
    notes: Vec<String>,
    unit: &'static str,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    for path in [&args.svg, &args.report].into_iter().flatten() {
        atomic::check_writable(path)?;
    }
    let advice = advise(args)?;
    if let Some(path) = &args.svg {
        atomic::write(path, advice.plots().as_bytes())?;
    }
    if let Some(path) = &args.report {
        advice.write_report(path)?;
    }
    if args.json {
        return ui::print_json(&advice.json());
    }
    ui::print_text(&advice.text())
}

fn advise(args: &Args) -> anyhow::Result<Advice<'_>> {
    let bytes = nnz_file::read(&args.model)?;
    let network = Network::from_bytes(&args.model, &bytes)?;
    let judge = Judge::new(
        &network,
        args.data.as_deref(),
        &args.calib,
        &args.preprocess,
    )?;
    let progress = Progress::bar("trying", CANDIDATES.len());
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for candidate in &CANDIDATES {
        progress.say(candidate.name);
        let options = candidate.options(&args.target, &args.calib, &args.preprocess)?;
        match pipeline::prune_beside(&args.model, &bytes, &options, &|_, _, _| ()) {
            Ok(pruned) => rows.push(row(candidate, pruned, &judge)?),
            Err(error) if candidate.method != Method::Keep => {
                notes.push(format!("{}: {error}", candidate.name));
            }
            Err(error) => return Err(error.into()),
        }
        progress.step();
    }
    drop(progress);
    let unit = rows.first().and_then(|r| r.pruned.report.cycles);
    mark_pareto(&mut rows);
    let (best, reason) = recommend(&rows, args.drop)?;
    Ok(Advice {
        args,
        rows,
        best,
        reason,
        measure: judge.name(),
        notes,
        unit: unit.map_or("instructions", |_| "cycles"),
    })
}

fn row(candidate: &Candidate, pruned: Pruned, judge: &Judge<'_>) -> anyhow::Result<Row> {
    let network = Network::from_bytes(Path::new("candidate.nnz"), &pruned.bytes)?;
    Ok(Row {
        name: candidate.name,
        options: candidate.words(),
        accuracy: judge.measure(&network)?,
        bytes: pruned.report.bytes.now,
        arena_bytes: pruned.report.arena.now,
        cost: pruned.report.cost().now,
        pareto: false,
        pruned: Box::new(pruned),
    })
}

/// Marks the candidates that none beats.
fn mark_pareto(rows: &mut [Row]) {
    let key = |r: &Row| (r.accuracy, r.bytes, r.cost);
    let all: Vec<_> = rows.iter().map(key).collect();
    for row in rows {
        let own = key(row);
        let beats =
            |o: &&(f64, u64, u64)| o.0 >= own.0 && o.1 <= own.1 && o.2 <= own.2 && **o != own;
        row.pareto = !all.iter().any(|o| beats(&o));
    }
}

/// The candidate to take, and why.
fn recommend(rows: &[Row], drop: f64) -> anyhow::Result<(usize, String)> {
    let Some(dense) = rows.first() else {
        return Err(failure("nothing could be tried", "see `nnz prune --help`"));
    };
    let least = dense.accuracy - drop / 100.0 - 1e-9;
    let good = (0..rows.len()).filter(|i| rows[*i].accuracy >= least);
    let best = good.min_by_key(|i| (rows[*i].cost, rows[*i].bytes));
    let best = best.unwrap_or(0);
    let found = &rows[best];
    let plural = if drop == 1.0 { "" } else { "s" };
    let reason = if best == 0 {
        format!(
            "every pruned candidate loses more than {drop} point{plural}, or costs more than dense"
        )
    } else {
        format!(
            "of the candidates within {drop} point{plural} of dense it has the least predicted cost: {} of dense, {} of its bytes, {:+.2} points",
            ui::percent(found.cost, dense.cost),
            ui::percent(found.bytes, dense.bytes),
            100.0 * (found.accuracy - dense.accuracy)
        )
    };
    Ok((best, reason))
}

impl Advice<'_> {
    /// The page about the recommended file.
    fn write_report(&self, path: &Path) -> anyhow::Result<()> {
        let best = &self.rows[self.best];
        let bytes = nnz_file::Aligned::copy_of(&best.pruned.bytes);
        let name = self.args.model.file_name().unwrap_or_default();
        let text = format!(
            "Recommended for {}: {}; {}.",
            self.args.target, best.name, self.reason
        );
        let mut extra = Extra::of(
            format!("{}, {}", name.to_string_lossy(), best.name),
            &best.pruned.report,
        );
        extra.drawings.push(report::Drawing {
            title: "Candidates".into(),
            text,
            command: self.command(best),
            svg: self.plots(),
            rows: self.cells(),
        });
        let model = nnz_file::parse(path, bytes.bytes())?;
        atomic::write(path, report::html(&model, &extra).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nnz_pruner::pipeline::Options;

    /// Rows with accuracy, bytes and cost; their files are those of the example network.
    fn rows(of: &[(f64, u64, u64)]) -> Vec<Row> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/keywords");
        let model = folder.join("keywords_dense.onnx");
        let pruned = pipeline::prune(&model, &Options::default(), &|_, _, _| ()).unwrap();
        let row = |(candidate, (accuracy, bytes, cost)): (&Candidate, &(f64, u64, u64))| Row {
            name: candidate.name,
            options: candidate.words(),
            accuracy: *accuracy,
            bytes: *bytes,
            arena_bytes: 0,
            cost: *cost,
            pareto: false,
            pruned: Box::new(pruned.clone()),
        };
        CANDIDATES.iter().zip(of).map(row).collect()
    }

    #[test]
    fn the_cheapest_within_the_allowed_drop_is_recommended() {
        let rows = rows(&[
            (0.9, 100, 100),
            (0.895, 80, 90),
            (0.891, 70, 95),
            (0.8, 10, 10),
        ]);
        assert_eq!(recommend(&rows, 1.0).unwrap().0, 1);
        assert_eq!(recommend(&rows, 0.1).unwrap().0, 0);
        assert_eq!(recommend(&rows, 20.0).unwrap().0, 3);
    }

    #[test]
    fn what_another_beats_everywhere_is_not_on_the_front() {
        let mut rows = rows(&[
            (0.9, 100, 100),
            (0.89, 80, 90),
            (0.88, 85, 95),
            (0.9, 100, 100),
        ]);
        mark_pareto(&mut rows);
        let marked: Vec<bool> = rows.iter().map(|r| r.pareto).collect();
        assert_eq!(marked, [true, true, false, true]);
    }
}
