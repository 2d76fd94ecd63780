//! `nnz run`: a network on one input or a batch.

mod engine;
mod input;

use super::common::{DataArgs, at_least_one};
use super::outputs;
use crate::failure::{InFile, failure};
use crate::network::{Kind, Network};
use crate::ui::Progress;
use crate::{atomic, infer, nnz_file};
use engine::{Dumped, Engine};
use nnz_pruner::data::Elements;
use nnz_pruner::ir::Tensor;
use std::path::{Path, PathBuf};

const LONG: &str = "\
Runs a network on this machine, on one input or a batch.

FILE is a .nnz file, which runs as on a device, or an .onnx or .tflite, which a reference interpreter runs. An input is

  X.npy              an array of the source model's shape and axis order (or `--layout`); a leading batch axis is
                     run row by row and the outputs are stacked
  X.npz              the array `x` of a data file; for several inputs one array each, under their names
  X.png .jpg .bmp    a picture, resized to the network's rows and columns, as pixels 0 to 255
  X.wav              a sound: features where the network takes those of keyword networks, else its samples

int8 arrays go into an integer network as they are; anything else is data, taken through the file's input contract: \
(x - mean) / std, then scale and zero point. A file that knows no mean and deviation takes --mean and --std.

  nnz run net.nnz --input photo.jpg --top 3
  nnz run net.nnz --input x.npy --output y.npy
  nnz run net.nnz --input left=a.npy --input right=b.npy --output folder
  nnz run net.nnz --input both.npz --output folder
  nnz run net.onnx --input photo.jpg --mean 123.7,116.3,103.5 --std 58.4,57.1,57.4
  nnz run net.nnz --input x.npy --dump-tensors folder";

/// Runs a network on this machine
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The network: .nnz, .onnx or .tflite
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Array, picture or sound; with the input's name where the network has several
    #[arg(long, value_name = "[NAME=]X", required = true)]
    input: Vec<String>,
    /// Where to write the outputs: a file, or a folder for one file per output
    #[arg(long, short, value_name = "Y.npy|DIR")]
    output: Option<PathBuf>,
    /// Print the K largest outputs of each row, with the names of the classes where they are known
    #[arg(long, value_name = "K", value_parser = at_least_one)]
    top: Option<usize>,
    /// Names of the classes, one a line, where the file does not know them
    #[arg(long, value_name = "NAMES.txt")]
    labels: Option<PathBuf>,
    /// Write the output of every operator, as {index}_{operator}.npy in the source model's axis order
    #[arg(long, value_name = "DIR")]
    dump_tensors: Option<PathBuf>,
    /// Print the outputs as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: input::Reading,
    #[command(flatten)]
    data: DataArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let network = Network::open(&args.file)?;
    let labels = labels(args, &network)?;
    match &network.kind {
        Kind::Nnz(bytes) => {
            let model = nnz_file::parse(&args.file, bytes.bytes())?;
            let mut arena = infer::arena_for(&model);
            let engine = Engine::of_file(&model, &mut arena).in_file(&args.file)?;
            run_with(args, engine, Dumped::of_file(&model), &labels)
        }
        Kind::Source(graph) => {
            let engine = Engine::of_source(graph).in_file(&args.file)?;
            run_with(args, engine, Dumped::of_source(graph), &labels)
        }
    }
}

fn run_with(
    args: &Args,
    mut engine: Engine<'_, '_>,
    dumped: Dumped,
    labels: &[String],
) -> anyhow::Result<()> {
    let tensors = engine.outputs().to_vec();
    if let Some(path) = &args.output {
        check_output(path, tensors.len())?;
    }
    let data = input::read(&args.input, engine.inputs(), &args.reading, &args.data)?;
    let samples = input::bind(&data, engine.inputs(), &args.data).in_file(&args.file)?;
    input::note_clipping(&data, &samples, engine.inputs());
    let rows = input::rows(&data, engine.inputs())?;
    let mut dump = match &args.dump_tensors {
        Some(folder) => Some(dumped.into_folder(folder)?),
        None => None,
    };
    let mut stacked: Vec<Elements> = Vec::new();
    let progress = Progress::bar("running", rows);
    for row in 0..rows {
        for (i, values) in engine
            .run(&samples, row, dump.as_mut())?
            .into_iter()
            .enumerate()
        {
            match stacked.get_mut(i) {
                Some(all) => infer::append(all, values),
                None => stacked.push(values),
            }
        }
        progress.step();
    }
    drop(progress);
    if let Some(dump) = dump {
        dump.write(rows)?;
    }
    finish(args, &tensors, &stacked, rows, labels)
}

/// Writes and prints the outputs.
fn finish(
    args: &Args,
    tensors: &[Tensor],
    stacked: &[Elements],
    rows: usize,
    labels: &[String],
) -> anyhow::Result<()> {
    if let Some(path) = &args.output {
        outputs::write(path, tensors, stacked, rows)?;
    }
    if args.json {
        return outputs::print_json(tensors, stacked, rows, args.top, labels);
    }
    if args.output.is_some() && args.top.is_none() {
        return Ok(());
    }
    let count = args.top.unwrap_or(outputs::DEFAULT_TOP);
    outputs::print(tensors, stacked, rows, count, labels)
}

/// Names of the classes: those that were given, else the file's own.
fn labels(args: &Args, network: &Network) -> anyhow::Result<Vec<String>> {
    let Some(path) = &args.labels else {
        return Ok(network.labels());
    };
    let text = std::fs::read_to_string(path)
        .map_err(|e| {
            failure(
                format!("cannot be read: {e}"),
                "give a text file, one name a line",
            )
        })
        .in_file(path)?;
    Ok(text.lines().map(|line| line.trim().to_owned()).collect())
}

fn check_output(path: &Path, outputs: usize) -> anyhow::Result<()> {
    if outputs::is_file(path) {
        if outputs > 1 {
            return Err(failure(
                format!("the network has {outputs} outputs, one file cannot hold them"),
                "name a folder: `--output DIR`",
            ))
            .in_file(path);
        }
        atomic::check_writable(path)
    } else {
        atomic::make_folder(path)
    }
}
