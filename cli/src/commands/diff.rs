//! `nnz diff`: two files side by side.

use crate::nnz_file::{self, Aligned};
use crate::ui::{self, Align, Style, Table};
use nnz_pruner::inspect::{InspectedLayer, Inspection, inspect};
use std::path::{Path, PathBuf};

const LONG: &str = "\
Compares two .nnz files: bytes, arena, weights, and every layer with its layout.

Layers are matched by name, so that files of one model with other options can be compared.

  nnz prune net.onnx --calib calib.npz --weights dense -o dense.nnz
  nnz prune net.onnx --calib calib.npz --sparsity 0.8 -o sparse.nnz
  nnz diff dense.nnz sparse.nnz";

/// Compares two .nnz files side by side
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// One file
    #[arg(value_name = "A.nnz")]
    a: PathBuf,
    /// The other
    #[arg(value_name = "B.nnz")]
    b: PathBuf,
    /// Print both as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let (a, bytes_a) = load(&args.a)?;
    let (b, bytes_b) = load(&args.b)?;
    let identical = bytes_a.bytes() == bytes_b.bytes();
    if args.json {
        return ui::print_json(&serde_json::json!({ "identical": identical, "a": a, "b": b }));
    }
    let style = Style::stdout();
    let mut out = totals(&a, &b).render(style);
    out.push('\n');
    out.push_str(&layers(&a, &b).render(style));
    if identical {
        out.push_str(&format!("\n{}\n", style.good("the files are identical")));
    }
    ui::print_text(&out)
}

fn load(path: &Path) -> anyhow::Result<(Inspection, Aligned)> {
    let bytes = Aligned::copy_of(&nnz_file::read(path)?);
    let inspection = inspect(&nnz_file::parse(path, bytes.bytes())?);
    Ok((inspection, bytes))
}

fn totals(a: &Inspection, b: &Inspection) -> Table {
    let mut table = Table::new(&[
        ("", Align::Left),
        ("A", Align::Right),
        ("B", Align::Right),
        ("B / A", Align::Right),
    ]);
    let mut row = |label: &str, of: fn(&Inspection) -> u64| {
        let (x, y) = (of(a), of(b));
        table.row([
            label.to_owned(),
            ui::grouped(x),
            ui::grouped(y),
            ui::percent(y, x),
        ]);
    };
    row("bytes", |i| i.bytes);
    row("arena bytes", |i| i.arena_bytes);
    row("nonzeros", |i| i.nonzeros);
    row("stored weights", |i| i.stored_weights);
    row("stored MACs", |i| i.stored_macs);
    table
}

fn layers(a: &Inspection, b: &Inspection) -> Table {
    let mut table = Table::new(&[
        ("layer", Align::Left),
        ("operator", Align::Left),
        ("layout A", Align::Left),
        ("layout B", Align::Left),
        ("bytes A", Align::Right),
        ("bytes B", Align::Right),
        ("stored MACs A", Align::Right),
        ("stored MACs B", Align::Right),
    ]);
    for (left, right) in matched(a, b) {
        let Some(any) = left.or(right) else { continue };
        let text = |side: Option<&InspectedLayer>, of: fn(&InspectedLayer) -> &'static str| {
            side.map_or("", of).to_owned()
        };
        let count = |side: Option<&InspectedLayer>, of: fn(&InspectedLayer) -> u64| {
            side.map_or_else(String::new, |layer| ui::grouped(of(layer)))
        };
        table.row([
            any.name.clone(),
            any.op.to_owned(),
            text(left, |l| l.layout),
            text(right, |l| l.layout),
            count(left, |l| l.weight_bytes),
            count(right, |l| l.weight_bytes),
            count(left, |l| l.stored_macs),
            count(right, |l| l.stored_macs),
        ]);
    }
    table
}

type Pair<'i> = (Option<&'i InspectedLayer>, Option<&'i InspectedLayer>);

/// Layers of the same name and operator together, in A's order, then what only B has.
fn matched<'i>(a: &'i Inspection, b: &'i Inspection) -> Vec<Pair<'i>> {
    let mut used = vec![false; b.layers.len()];
    let mut pairs: Vec<Pair<'i>> = Vec::new();
    for left in &a.layers {
        let same = |(i, right): &(usize, &InspectedLayer)| {
            !used[*i] && right.name == left.name && right.op == left.op
        };
        let found = b.layers.iter().enumerate().find(same);
        if let Some((i, _)) = found {
            used[i] = true;
        }
        pairs.push((Some(left), found.map(|(_, right)| right)));
    }
    let rest = b.layers.iter().zip(&used).filter(|(_, used)| !**used);
    pairs.extend(rest.map(|(right, _)| (None, Some(right))));
    pairs
}
