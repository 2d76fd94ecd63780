//! `nnz eval`: how good a network is on data, alone or beside another.

mod choose;
mod judge;
mod show;

use super::common::DataArgs;
use crate::network::Network;
use crate::ui;
use choose::Judging;
use judge::Judged;
pub(super) use judge::{accuracy, options, quiet_accuracy};
use std::path::PathBuf;

const LONG: &str = "\
How good a network is on data.

FILE is a .nnz file, which runs as on a device, or the original .onnx or .tflite, which a reference interpreter \
runs (floats as floats, integers bit for bit as TensorFlow Lite Micro). DATA.npz holds `x` [N, ...], for a network \
of several inputs one array each (named like the inputs, or x0, x1, … in their order), and, in `y`,

  classes [N]        accuracy, its 95 % interval, each class, the classes that are confused, and --top K;
                     a network with one output says class 1 above 0.5
  floats [N, ...]    a regression: mean squared and mean absolute error
  nothing            an autoencoder (outputs shaped as inputs): mean squared reconstruction error; classes 0
                     (normal) and 1 (anomalous) in `y` add the area under the ROC curve

Of several outputs the first is judged, or the one that --output names; an array named like an output holds what is \
expected of it.

--compare runs a second network on the same samples: what each class lost, on how many samples the two disagree, \
the 95 % interval of the difference, and McNemar's exact test, so that a small difference is not taken for a real one.

A .nnz file knows its preprocessing; originals need --mean and --std where they were trained so, or take them \
from the .nnz file that they are compared with.

  nnz eval net.nnz --data eval.npz
  nnz eval net.nnz --data eval.npz --compare net.onnx --top 5
  nnz eval net.onnx --data eval.npz --mean 128 --std 64 --layout nhwc
  nnz eval two_heads.nnz --data eval.npz --output age";

/// How good a network is on data, alone or beside another
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The network: .nnz, .onnx or .tflite
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Samples, labelled unless the network is an autoencoder
    #[arg(long, value_name = "DATA.npz")]
    data: PathBuf,
    /// A second network, usually the dense or float original, on the same samples
    #[arg(long, value_name = "OTHER")]
    compare: Option<PathBuf>,
    /// Which output is judged, where the network has several
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// Also count a sample as right where its class is among the best K
    #[arg(long, value_name = "K", value_parser = super::common::at_least_one)]
    top: Option<usize>,
    /// Show the whole confusion matrix
    #[arg(long)]
    confusion: bool,
    /// Print {"accuracy", "correct", "n", …} as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    preprocess: DataArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let network = Network::open(&args.file)?;
    let other = args.compare.as_deref().map(Network::open).transpose()?;
    let judging = Judging::new(&network, &args.data, args.output.as_deref())?;
    let first = judging.judge(&network, other.as_ref(), &args.preprocess, "evaluating")?;
    let second = match &other {
        Some(other) => Some(judging.of(other, &args.data)?.judge(
            other,
            Some(&network),
            &args.preprocess,
            "evaluating the other",
        )?),
        None => None,
    };
    judging.tell();
    let view = show::View {
        first: &first,
        second: args.compare.as_deref().zip(second.as_ref()),
        top: args.top,
        labels: network.labels(),
        targets: judging.data.labels(),
    };
    if args.json {
        return ui::print_json(&view.json());
    }
    ui::print_text(&view.text(args.confusion))
}
