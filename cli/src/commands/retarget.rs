//! `nnz retarget`: a file for one target becomes a file for another.

use crate::failure::InFile;
use crate::ui::{self, Align, Style, Table};
use crate::{atomic, nnz_file};
use clap::builder::PossibleValuesParser;
use nnz_pruner::inspect::{Inspection, inspect};
use nnz_pruner::lower::{Options, Prefer};
use nnz_pruner::retarget::retarget;
use nnz_pruner::target::Target;
use std::path::PathBuf;

const LONG: &str = "\
Lowers a .nnz file for another target.

Weights, constants and steps are read back from the file; weight layouts and the memory plan are chosen anew for the \
target. The outputs stay the same, bit for bit, and so do names and metadata. What the first lowering left out, such \
as channels that nothing reads, stays out.

  nnz retarget net.nnz --target cortex-m4 -o net_m4.nnz
  nnz retarget net_m4.nnz --target portable --prefer flash -o net.nnz";

/// Lowers a .nnz file for another target, without loss
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The network
    #[arg(value_name = "FILE.nnz")]
    file: PathBuf,
    /// The target, see `nnz targets`
    #[arg(long, short, value_name = "T", value_parser = targets())]
    target: String,
    /// The new file
    #[arg(long, short, value_name = "OUT.nnz")]
    output: PathBuf,
    /// Choose layouts for fewest predicted cycles or for fewest bytes
    #[arg(long, value_name = "WHAT", default_value = "speed", value_parser = ["speed", "flash"])]
    prefer: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

fn targets() -> PossibleValuesParser {
    PossibleValuesParser::new(Target::all().iter().map(|t| t.name))
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let bytes = nnz_file::Aligned::copy_of(&nnz_file::read(&args.file)?);
    let model = nnz_file::parse(&args.file, bytes.bytes())?;
    atomic::check_writable(&args.output)?;
    let options = Options {
        target: Target::named(&args.target).unwrap_or(Target::portable()),
        prefer: if args.prefer == "flash" {
            Prefer::Flash
        } else {
            Prefer::Speed
        },
        ..Options::default()
    };
    let made = retarget(&model, &options).in_file(&args.file)?;
    let made = nnz_file::Aligned::copy_of(&made);
    let (before, after) = (
        inspect(&model),
        inspect(&nnz_file::parse(&args.output, made.bytes())?),
    );
    atomic::write(&args.output, made.bytes())?;
    if args.json {
        return ui::print_json(&serde_json::json!({
            "target": args.target, "bytes": after.bytes, "arena_bytes": after.arena_bytes,
            "bytes_before": before.bytes, "arena_bytes_before": before.arena_bytes,
        }));
    }
    ui::print_text(&render(&before, &after).render(Style::stdout()))
}

fn render(before: &Inspection, after: &Inspection) -> Table {
    let mut table = Table::new(&[
        ("", Align::Left),
        ("before", Align::Right),
        ("after", Align::Right),
    ]);
    table.row([
        "backend".into(),
        before.target.to_owned(),
        after.target.to_owned(),
    ]);
    let counts = [
        ("bytes", before.bytes, after.bytes),
        ("arena bytes", before.arena_bytes, after.arena_bytes),
    ];
    for (label, from, to) in counts {
        table.row([label.into(), ui::grouped(from), ui::grouped(to)]);
    }
    table
}
