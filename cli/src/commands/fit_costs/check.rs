//! Predictions of the built-in table against what layers take.

use super::Machine;
use crate::failure::{InFile, failure};
use crate::nnz_file;
use crate::ui::{self, Align, Progress, Style, Table};
use nnz_pruner::inspect::inspect;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Largest error of a layer.
const ALLOWED: f64 = 0.10;
/// Layers below this share of a file's cost may be off by more.
const SHARE: f64 = 0.01;

#[derive(Debug, Serialize)]
struct Row {
    file: String,
    layer: String,
    kernel: String,
    measured: u64,
    predicted: u64,
    error: f64,
    counts: bool,
}

/// Runs each file and compares.
pub(super) fn run(machine: &Machine, files: &[PathBuf], json: bool) -> anyhow::Result<()> {
    let progress = Progress::spinner(&format!("running on {}", machine.target.name));
    let mut rows = Vec::new();
    for file in files {
        rows.extend(compare(machine, file)?);
    }
    drop(progress);
    let worst = rows
        .iter()
        .filter(|r| r.counts)
        .map(|r| r.error.abs())
        .fold(0.0, f64::max);
    if json {
        ui::print_json(&serde_json::json!({
            "target": machine.target.name, "unit": machine.unit.name(), "worst_error": worst, "layers": rows,
        }))?;
    } else {
        let table = render(&rows).render(Style::stdout());
        ui::print_text(&format!("{table}\nlargest error {:.1} %\n", worst * 100.0))?;
    }
    if worst > ALLOWED {
        return Err(failure(
            format!("a layer's cost is predicted {:.1} % off", worst * 100.0),
            "`nnz fit-costs` without --check fits the table anew",
        ));
    }
    Ok(())
}

fn compare(machine: &Machine, file: &Path) -> anyhow::Result<Vec<Row>> {
    let bytes = nnz_file::Aligned::copy_of(&nnz_file::read(file)?);
    let model = nnz_file::parse(file, bytes.bytes())?;
    let measured = machine.measure(bytes.bytes(), &[]).in_file(file)?;
    let inspection = inspect(&model);
    let name = &machine.target.name;
    let Some(predicted) = inspection.predicted.iter().find(|p| p.target == *name) else {
        return Err(failure(
            format!("{}: its kernels are not those of {name}", file.display()),
            "lower it with `nnz prune --target`",
        ));
    };
    let total: u64 = measured.iter().sum();
    let layers = inspection
        .layers
        .iter()
        .zip(&predicted.layers)
        .zip(measured);
    Ok(layers
        .map(|((layer, &predicted), measured)| Row {
            file: file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            layer: layer.name.clone(),
            kernel: format!("{}.{}", layer.op, layer.layout),
            measured,
            predicted,
            error: predicted as f64 / (measured as f64).max(1.0) - 1.0,
            counts: measured as f64 >= SHARE * total as f64,
        })
        .collect())
}

fn render(rows: &[Row]) -> Table {
    let mut table = Table::new(&[
        ("file", Align::Left),
        ("layer", Align::Left),
        ("kernel", Align::Left),
        ("measured", Align::Right),
        ("predicted", Align::Right),
        ("error", Align::Right),
    ]);
    for row in rows {
        table.row([
            row.file.clone(),
            row.layer.clone(),
            row.kernel.clone(),
            ui::grouped(row.measured),
            ui::grouped(row.predicted),
            format!(
                "{:+.1} %{}",
                row.error * 100.0,
                if row.counts { "" } else { " (small)" }
            ),
        ]);
    }
    table
}
