//! `nnz demo`: the whole line on networks that come with the program.

use super::common::DataArgs;
use super::eval;
use crate::failure::describe;
use crate::network::{Kind, Network};
use crate::ui::{self, Align, Progress, Style, Table};
use crate::{atomic, emulate, nnz_file};
use nnz_pruner::data::Dataset;
use nnz_pruner::inspect::inspect;
use nnz_pruner::lower::WeightChoice;
use nnz_pruner::pipeline::{self, Options};
use serde::Serialize;
use std::path::{Path, PathBuf};

const LONG: &str = "\
Shows the whole line on two keyword-spotting networks that come with the program.

One network is dense, the other was trained with 75 % of its weights at zero. Both are quantised with 200 \
samples, evaluated on 300 others, and run on an emulated Cortex-M4 where QEMU and a firmware image are there.

  nnz demo
  nnz demo --keep keywords       and leaves networks, data and .nnz files in the folder `keywords`";

/// The machine of the last column.
const MACHINE: &str = "cortex-m4";

/// Files of the demonstration, by name.
const FILES: [(&str, &[u8]); 4] = [
    (
        DENSE,
        include_bytes!("../../../examples/keywords/keywords_dense.onnx"),
    ),
    (
        SPARSE,
        include_bytes!("../../../examples/keywords/keywords_u75.onnx"),
    ),
    (
        CALIB,
        include_bytes!("../../../examples/keywords/calib.npz"),
    ),
    (EVAL, include_bytes!("../../../examples/keywords/eval.npz")),
];
const DENSE: &str = "keywords_dense.onnx";
const SPARSE: &str = "keywords_u75.onnx";
const CALIB: &str = "calib.npz";
const EVAL: &str = "eval.npz";

/// Shows the whole line on networks that come with the program
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// Leave networks, data and results in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Print the table as JSON
    #[arg(long)]
    json: bool,
}

/// One line of the table.
#[derive(Debug, Serialize)]
struct Row {
    network: &'static str,
    file: String,
    bytes: u64,
    correct: usize,
    n: usize,
    accuracy: f64,
    stored_macs: u64,
    arena_bytes: Option<u64>,
    instructions: Option<u64>,
    code_bytes: Option<u64>,
    stack_bytes: Option<u64>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let temporary;
    let folder = match &args.keep {
        Some(folder) => {
            atomic::make_folder(folder)?;
            folder.as_path()
        }
        None => {
            temporary = tempfile::tempdir()?;
            temporary.path()
        }
    };
    for (name, content) in FILES {
        atomic::write(&folder.join(name), content)?;
    }
    let progress = Progress::spinner("pruning and quantising");
    prune(folder, DENSE, "dense.nnz", WeightChoice::Dense)?;
    prune(folder, SPARSE, "sparse.nnz", WeightChoice::Auto)?;
    progress.say("evaluating");
    let data = Dataset::open(&folder.join(EVAL))?;
    let mut rows = Vec::new();
    for (title, name) in [
        ("dense, float, as trained", DENSE),
        ("dense, int8", "dense.nnz"),
        ("75 % zeros, float, as trained", SPARSE),
        ("75 % zeros, int8", "sparse.nnz"),
    ] {
        rows.push(measure(title, folder, name, &data)?);
    }
    progress.say("emulating");
    let missing = emulate(folder, &mut rows);
    drop(progress);
    report(args, &rows, missing)
}

/// Makes one `.nnz` file as `nnz prune MODEL --calib calib.npz` does.
fn prune(folder: &Path, model: &str, out: &str, weights: WeightChoice) -> anyhow::Result<()> {
    let options = Options {
        calib: Some(folder.join(CALIB)),
        weights,
        ..Options::default()
    };
    let bytes = nnz_file::read(&folder.join(model))?;
    let pruned = pipeline::prune_bytes(model, &bytes, &options, &|_, _, _| ())?;
    atomic::write(&folder.join(out), &pruned.bytes)
}

/// Size, accuracy and work of one file.
fn measure(title: &'static str, folder: &Path, name: &str, data: &Dataset) -> anyhow::Result<Row> {
    let path = folder.join(name);
    let network = Network::open(&path)?;
    let accuracy = eval::accuracy(&network, data, &DataArgs::default())?;
    let (stored_macs, arena_bytes) = match &network.kind {
        Kind::Nnz(bytes) => {
            let model = nnz_file::parse(&path, bytes.bytes())?;
            (inspect(&model).stored_macs, Some(model.arena_len() as u64))
        }
        Kind::Source(graph) => (graph.macs(), None),
    };
    Ok(Row {
        network: title,
        file: name.to_owned(),
        bytes: path.metadata()?.len(),
        correct: accuracy.correct,
        n: accuracy.n,
        accuracy: accuracy.fraction(),
        stored_macs,
        arena_bytes,
        instructions: None,
        code_bytes: None,
        stack_bytes: None,
    })
}

/// Runs the `.nnz` files on the emulated machine; says why where that is not possible.
fn emulate(folder: &Path, rows: &mut [Row]) -> Option<anyhow::Error> {
    for row in rows.iter_mut().filter(|r| r.arena_bytes.is_some()) {
        let request = emulate::Request {
            machine: MACHINE.into(),
            model: folder.join(&row.file),
            input: None,
            want_output: false,
            flash_ws: None,
            flash_lines: None,
            slice: None,
        };
        match emulate::run(&request) {
            Ok(done) => {
                row.instructions = done.report.instructions;
                row.code_bytes = done.report.code_bytes;
                row.stack_bytes = done.report.stack_bytes;
            }
            Err(error) => return Some(error),
        }
    }
    None
}

fn report(args: &Args, rows: &[Row], missing: Option<anyhow::Error>) -> anyhow::Result<()> {
    let reason = missing.as_ref().map(describe);
    if args.json {
        return ui::print_json(&serde_json::json!({
            "machine": MACHINE,
            "rows": rows,
            "not_emulated": reason.map(|(reason, help)| match help {
                Some(help) => format!("{reason}; {help}"),
                None => reason,
            }),
        }));
    }
    let style = Style::stdout();
    let mut out =
        String::from("Keyword spotting: 12 words from 49 frames of 10 MFCCs, one inference\n\n");
    out.push_str(&table(rows).render(style));
    if let (Some(dense), Some(sparse)) = (rows.get(1), rows.get(3)) {
        out.push_str(&format!("\n{}\n", style.strong(&gain(dense, sparse))));
    }
    if let Some((reason, help)) = reason {
        out.push_str(&format!("\nNot run on the emulated {MACHINE}: {reason}\n"));
        out.push_str(&help.map_or_else(String::new, |h| format!("  help: {h}\n")));
    }
    if let Some(folder) = &args.keep {
        let folder = folder.display();
        out.push_str(&format!(
            "\nEverything is in {folder}; go on with\n  \
             nnz inspect {folder}/sparse.nnz\n  nnz bench {folder}/sparse.nnz\n  \
             nnz prune {folder}/{DENSE} --calib {folder}/{CALIB} --sparsity 0.5 -o {folder}/half.nnz\n"
        ));
    }
    ui::print_text(&out)
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(&[
        ("network", Align::Left),
        ("bytes", Align::Right),
        ("accuracy", Align::Right),
        ("MACs", Align::Right),
        ("arena bytes", Align::Right),
        ("Cortex-M4 instructions", Align::Right),
    ]);
    let optional = |n: Option<u64>| n.map_or_else(|| "-".into(), ui::grouped);
    for row in rows {
        table.row([
            row.network.to_owned(),
            ui::grouped(row.bytes),
            format!("{:.1} %", 100.0 * row.accuracy),
            ui::grouped(row.stored_macs),
            optional(row.arena_bytes),
            optional(row.instructions),
        ]);
    }
    table
}

/// One sentence: what the zeros are worth.
fn gain(dense: &Row, sparse: &Row) -> String {
    let mut text = format!(
        "The zeros leave {} of the bytes and {} of the MACs",
        ui::percent(sparse.bytes, dense.bytes),
        ui::percent(sparse.stored_macs, dense.stored_macs)
    );
    if let (Some(a), Some(b)) = (sparse.instructions, dense.instructions) {
        text.push_str(&format!(" and {} of the instructions", ui::percent(a, b)));
    }
    text.push('.');
    text
}
