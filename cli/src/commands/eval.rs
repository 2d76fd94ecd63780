//! `nnz eval`: accuracy of a network on labelled data.

use super::common::DataArgs;
use crate::network::Network;
use crate::ui::{self, Progress, Style};
use nnz_pruner::data::{Dataset, Targets};
use nnz_pruner::eval::{self, Accuracy, Deviation};
use std::path::PathBuf;

const LONG: &str = "\
Accuracy of a network on labelled data.

FILE is a .nnz file, which runs as on a device, or the original .onnx or .tflite, which a reference interpreter \
runs (floats as floats, integers bit for bit as TensorFlow Lite Micro). DATA.npz holds `x` [N, ...] and the \
classes `y` [N]; a network with one output says class 1 above 0.5, and a `y` of floats is compared as a \
regression. A .nnz file knows its preprocessing; originals need --mean and --std where they were trained so.

  nnz eval net.nnz --data eval.npz
  nnz eval net.onnx --data eval.npz --mean 128 --std 64 --layout nhwc";

/// Accuracy of a network on labelled data
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The network: .nnz, .onnx or .tflite
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Labelled samples
    #[arg(long, value_name = "DATA.npz")]
    data: PathBuf,
    /// Print {"accuracy", "correct", "n"} as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    preprocess: DataArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let network = Network::open(&args.file)?;
    let data = Dataset::open(&args.data)?;
    if matches!(data.targets(), Targets::Values(_)) {
        let result = deviation(&network, &data, &args.preprocess)?;
        return report_deviation(args, &result);
    }
    let result = accuracy(&network, &data, &args.preprocess)?;
    if args.json {
        return ui::print_json(&serde_json::json!({
            "accuracy": result.fraction(), "correct": result.correct, "n": result.n,
        }));
    }
    let style = Style::stdout();
    ui::print_text(&format!(
        "{}  {} of {} right\n",
        style.strong(&format!("accuracy {:.4}", result.fraction())),
        result.correct,
        result.n
    ))
}

/// Top-1 accuracy of a network.
pub(super) fn accuracy(
    network: &Network,
    data: &Dataset,
    options: &DataArgs,
) -> anyhow::Result<Accuracy> {
    let samples = network.samples(data, options.order(), &options.preprocess())?;
    let scorer = network.scorer(&samples)?;
    let progress = Progress::bar("evaluating", data.len());
    let result = eval::accuracy(
        data,
        || Ok::<_, anyhow::Error>(scorer.state()),
        |state, sample| scorer.scores(state, sample),
        &|done, _| progress.set(done),
    )?;
    Ok(result)
}

fn deviation(network: &Network, data: &Dataset, options: &DataArgs) -> anyhow::Result<Deviation> {
    let samples = network.samples(data, options.order(), &options.preprocess())?;
    let scorer = network.scorer(&samples)?;
    let progress = Progress::bar("evaluating", data.len());
    let result = eval::deviation(
        data,
        || Ok::<_, anyhow::Error>(scorer.state()),
        |state, sample| scorer.scores(state, sample),
        &|done, _| progress.set(done),
    )?;
    Ok(result)
}

fn report_deviation(args: &Args, result: &Deviation) -> anyhow::Result<()> {
    if args.json {
        return ui::print_json(result);
    }
    ui::print_text(&format!(
        "mean absolute error {:.6}  root mean square {:.6}  largest {:.6}  n {}\n",
        result.mean_absolute, result.root_mean_square, result.largest, result.n
    ))
}
