//! `nnz ops`: the operators of both source formats, from the importers' table.

use crate::failure::failure;
use crate::ui::{self, Align, Style, Table};
use nnz_pruner::import;

const LONG: &str = "\
Lists every operator that nnz reads, and what of it is supported.

A model that asks for more is refused with the node's name and a way out; nothing is approximated silently.

  nnz ops
  nnz ops conv";

/// Lists the supported operators
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// Only operators whose name contains this
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Print the table as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let wanted = args.name.as_deref().unwrap_or_default().to_lowercase();
    let matches = |text: Option<&str>| text.is_some_and(|t| t.to_lowercase().contains(&wanted));
    let rows: Vec<_> = import::support()
        .iter()
        .filter(|r| matches(Some(r.name)) || matches(r.tflite) || matches(r.onnx))
        .collect();
    if rows.is_empty() {
        return Err(failure(
            format!("no supported operator is called '{wanted}'"),
            "`nnz ops` lists them all",
        ));
    }
    if args.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|r| {
                serde_json::json!({
                    "name": r.name, "tflite": r.tflite, "onnx": r.onnx, "restrictions": r.restrictions,
                })
            })
            .collect();
        return ui::print_json(&serde_json::json!({ "operators": rows }));
    }
    let mut table = Table::new(&[
        ("operator", Align::Left),
        ("TFLite", Align::Left),
        ("ONNX", Align::Left),
        ("what is supported", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.name,
            row.tflite.unwrap_or("-"),
            row.onnx.unwrap_or("-"),
            row.restrictions,
        ]);
    }
    ui::print_text(&table.render(Style::stdout()))
}
