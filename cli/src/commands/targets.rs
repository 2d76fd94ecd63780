//! `nnz targets`: what `--target` takes.

use crate::ui::{self, Align, Style, Table};
use nnz_pruner::target::Target;

const LONG: &str = "\
Lists the targets that `nnz prune --target` lowers for, and where `nnz bench --on` can run them.

A file for `portable` runs everywhere. A target that is a microcontroller takes integer networks only.

  nnz targets
  nnz prune net.onnx --calib calib.npz --target cortex-m4 -o net.nnz";

/// Lists the targets
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// Print the table as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    if args.json {
        let rows: Vec<_> = Target::all()
            .iter()
            .map(|t| {
                serde_json::json!({
                    "name": t.name, "backend": t.backend.name(), "microcontroller": t.microcontroller,
                    "bench": can_bench(t.name), "summary": t.summary,
                })
            })
            .collect();
        return ui::print_json(&serde_json::json!({ "targets": rows }));
    }
    let mut table = Table::new(&[
        ("target", Align::Left),
        ("backend", Align::Left),
        ("nnz bench", Align::Left),
        ("what it is", Align::Left),
    ]);
    for target in Target::all() {
        let bench = if can_bench(target.name) { "--on" } else { "-" };
        table.row([target.name, target.backend.name(), bench, target.summary]);
    }
    ui::print_text(&table.render(Style::stdout()))
}

fn can_bench(target: &str) -> bool {
    target == "host" || crate::emulate::machines().any(|m| m == target)
}
