//! `nnz explain`: what becomes of a model, and why; or what stops its import.

mod layers;
mod origins;
mod show;

use super::common::DataArgs;
use super::prune_args::targets;
use crate::failure::InFile;
use crate::nnz_file;
use crate::ui::Progress;
use layers::Layer;
use nnz_pruner::arith::Rounding;
use nnz_pruner::data::Dataset;
use nnz_pruner::import::{self, Blocker, Origins};
use nnz_pruner::ir::Graph;
use nnz_pruner::pass::{self, Effect, PassSet};
use nnz_pruner::quantize;
use nnz_pruner::target::Target;
use std::path::PathBuf;

const LONG: &str = "\
What becomes of a model, and why: what was imported, which nodes became one operator (of a quantised network, which \
QuantizeLinear and DequantizeLinear each int8 operator stands for), what each pass folded, fused and removed, which layers become \
sparse or stay dense with the predicted cost of both, and what stops the import, each operator once, with the way \
around it.

Layouts are those of the numbers that the model has; --calib shows those of the int8 network that `prune --calib` makes.

  nnz explain net.onnx
  nnz explain net.onnx --calib calib.npz --target cortex-m4
  nnz explain kws.tflite --json";

/// What becomes of a model and why, or what stops its import
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The model: .onnx or .tflite
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// What it would be made for (`nnz targets` explains them)
    #[arg(long, value_name = "T", default_value = "portable", value_parser = targets(), hide_possible_values = true)]
    target: String,
    /// Calibration samples: explain the int8 network
    #[arg(long, value_name = "DATA.npz")]
    calib: Option<PathBuf>,
    /// Print the explanation as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// What is known of a model that can be imported.
#[derive(Debug)]
struct Explained {
    imported: Graph,
    /// What the nodes of the file became.
    origins: Origins,
    /// The file has integers already.
    is_quantized_source: bool,
    effects: Vec<Effect>,
    layers: Vec<Layer>,
    notes: Vec<String>,
    is_integer: bool,
    /// What the predictions count.
    unit: String,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let bytes = nnz_file::read(&args.model)?;
    let name = args.model.display().to_string();
    match import::from_bytes_beside(&name, &bytes, args.model.parent()) {
        Ok(graph) => {
            let explained = explain(args, &bytes, graph)?;
            if args.json {
                return show::json(&explained);
            }
            show::print(args, &explained)
        }
        Err(_) => {
            let blockers: Vec<Blocker> = import::blockers(&name, &bytes, args.model.parent());
            if args.json {
                return show::json_blocked(&blockers);
            }
            show::print_blocked(&name, &blockers)
        }
    }
}

fn explain(args: &Args, bytes: &[u8], imported: Graph) -> anyhow::Result<Explained> {
    let target = Target::named(&args.target).unwrap_or(Target::portable());
    let float = !imported.is_quantized();
    let rounding = if float {
        Rounding::Single
    } else {
        imported.arithmetic.rounding()
    };
    let (mut graph, effects) =
        pass::trace(imported.clone(), PassSet::All, rounding).in_file(&args.model)?;
    if let (Some(calib), true) = (&args.calib, float) {
        let data = Dataset::open_for(calib, &imported.input_names())?;
        let options = quantize::Options {
            preprocess: args.data.preprocess(),
            layout: args.data.order(),
            ..quantize::Options::default()
        };
        let progress = Progress::bar("quantising", data.len());
        graph = quantize::post_training(graph, &data, &options, &|done, _| progress.set(done))
            .in_file(&args.model)?;
    }
    let is_integer = graph.is_quantized();
    // Machines without floats are explained by the layouts that floats have anywhere.
    let target = if is_integer {
        target
    } else {
        Target::portable()
    };
    let (layers, notes) = layers::of(&graph, target, rounding).in_file(&args.model)?;
    Ok(Explained {
        origins: import::origins(bytes, &imported),
        is_quantized_source: !float,
        imported,
        effects,
        layers,
        notes,
        is_integer,
        unit: format!("{:?}", target.cost.unit).to_lowercase(),
    })
}
