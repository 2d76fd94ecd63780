//! `nnz run`: a network on one input or a batch.

use super::common::{Layout, at_least_one};
use super::dump::Dump;
use super::outputs;
use crate::failure::{InFile, failure};
use crate::infer::{self, Port, Runner};
use crate::ui::Progress;
use crate::{arrays, atomic, nnz_file};
use nnz_pruner::data::{Dataset, Elements, Samples};
use std::path::{Path, PathBuf};

const LONG: &str = "\
Runs a network on this machine, on one input or a batch.

X.npy has the shape and axis order of the source model (or `--layout`), maybe with a leading batch axis: then \
every row is run and the outputs are stacked. int8 arrays go into an integer network as they are; anything else \
is data, taken through the file's input contract: (x - mean) / std, then scale and zero point.

  nnz run net.nnz --input x.npy --output y.npy
  nnz run net.nnz --input x.npy --top 3
  nnz run net.nnz --input left=a.npy --input right=b.npy --output folder
  nnz run net.nnz --input x.npy --dump-tensors folder";

/// Runs a network on this machine
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The network
    #[arg(value_name = "FILE.nnz")]
    file: PathBuf,
    /// Input array; with its name where the network has several
    #[arg(long, value_name = "[NAME=]X.npy", required = true)]
    input: Vec<String>,
    /// Where to write the outputs: a file, or a folder for one file per output
    #[arg(long, short, value_name = "Y.npy|DIR")]
    output: Option<PathBuf>,
    /// Print the K largest outputs of each row
    #[arg(long, value_name = "K", value_parser = at_least_one)]
    top: Option<usize>,
    /// Write the output of every operator of the source model, as {index}_{operator}.npy
    #[arg(long, value_name = "DIR")]
    dump_tensors: Option<PathBuf>,
    /// Axis order of the input arrays, where it differs from the model's
    #[arg(long, value_enum)]
    layout: Option<Layout>,
    /// Print the outputs as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let bytes = nnz_file::Aligned::copy_of(&nnz_file::read(&args.file)?);
    let model = nnz_file::parse(&args.file, bytes.bytes())?;
    if let Some(path) = &args.output {
        check_output(path, infer::outputs(&model).len())?;
    }
    let mut arena = infer::arena_for(&model);
    let mut runner = Runner::new(&model, &mut arena).in_file(&args.file)?;
    let data = read_inputs(&args.input, runner.inputs(), args.layout)?;
    let samples = bind(&data, runner.inputs(), args.layout)?;
    let rows = row_count(&data, runner.inputs())?;
    let mut dump = match &args.dump_tensors {
        Some(folder) => Some(Dump::new(folder, &model)?),
        None => None,
    };
    let mut stacked: Vec<Elements> = Vec::new();
    let progress = Progress::bar("running", rows);
    for row in 0..rows {
        for (i, samples) in samples.iter().enumerate() {
            runner.set_input(i, samples, row)?;
        }
        match &mut dump {
            Some(dump) => runner.run_with(|index, tensor, values| dump.add(index, tensor, values)),
            None => runner.run(),
        }
        collect(&runner, &mut stacked)?;
        progress.step();
    }
    drop(progress);
    if let Some(dump) = dump {
        dump.write(rows)?;
    }
    if let Some(path) = &args.output {
        outputs::write(path, runner.outputs(), &stacked, rows)?;
    }
    if args.json {
        return outputs::print_json(runner.outputs(), &stacked, rows, args.top);
    }
    if args.output.is_some() && args.top.is_none() {
        return Ok(());
    }
    let count = args.top.unwrap_or(outputs::DEFAULT_TOP);
    outputs::print(runner.outputs(), &stacked, rows, count)
}

/// Appends the outputs of one inference to the outputs of those before.
fn collect(runner: &Runner<'_, '_>, stacked: &mut Vec<Elements>) -> anyhow::Result<()> {
    for i in 0..runner.outputs().len() {
        let values = runner.output(i)?;
        match stacked.get_mut(i) {
            Some(all) => infer::append(all, values),
            None => stacked.push(values),
        }
    }
    Ok(())
}

/// Reads one array per network input, in the network's order.
fn read_inputs(
    args: &[String],
    ports: &[Port],
    layout: Option<Layout>,
) -> anyhow::Result<Vec<Dataset>> {
    let mut found: Vec<Option<Dataset>> = ports.iter().map(|_| None).collect();
    for arg in args {
        let (index, path) = which_input(arg, ports)?;
        let port = &ports[index];
        let array = arrays::read_batch(&path, &port.dims_in(layout.map(Layout::order)))?;
        let set = Dataset::new(&path.display().to_string(), &port.tensor.name, array, None)?;
        if found[index].replace(set).is_some() {
            return Err(failure(
                format!("input '{}' is given twice", port.tensor.name),
                format!("the network's inputs are {}", names(ports)),
            ));
        }
    }
    let missing = found.iter().position(Option::is_none);
    match missing {
        Some(i) => Err(failure(
            format!("input '{}' is missing", ports[i].tensor.name),
            format!("give every input as `--input NAME=X.npy`: {}", names(ports)),
        )),
        None => Ok(found.into_iter().flatten().collect()),
    }
}

/// The input that `[NAME=]X.npy` means; a path that exists may contain `=`.
fn which_input(arg: &str, ports: &[Port]) -> anyhow::Result<(usize, PathBuf)> {
    if let Some((name, path)) = arg.split_once('=') {
        if let Some(i) = ports.iter().position(|p| p.tensor.name == name) {
            return Ok((i, path.into()));
        }
        if !Path::new(arg).exists() {
            return Err(failure(
                format!("the network has no input '{name}'"),
                format!("its inputs are {}", names(ports)),
            ));
        }
    }
    if ports.len() > 1 {
        return Err(failure(
            format!(
                "the network has {} inputs, '{arg}' names none of them",
                ports.len()
            ),
            format!("give each as `--input NAME=X.npy`: {}", names(ports)),
        ));
    }
    Ok((0, arg.into()))
}

fn names(ports: &[Port]) -> String {
    let quoted: Vec<String> = ports
        .iter()
        .map(|p| format!("'{}'", p.tensor.name))
        .collect();
    quoted.join(", ")
}

/// Matches the arrays with the inputs' shapes and preprocessing.
fn bind<'d>(
    data: &'d [Dataset],
    ports: &[Port],
    layout: Option<Layout>,
) -> anyhow::Result<Vec<Samples<'d>>> {
    let order = layout.map(Layout::order);
    data.iter()
        .zip(ports)
        .map(|(set, port)| Ok(infer::samples(set, port, order)?))
        .collect()
}

fn row_count(data: &[Dataset], ports: &[Port]) -> anyhow::Result<usize> {
    let rows = data.first().map_or(0, Dataset::len);
    match data.iter().position(|d| d.len() != rows) {
        Some(i) => Err(failure(
            format!(
                "input '{}' has {} rows, '{}' has {rows}",
                ports[i].tensor.name,
                data[i].len(),
                ports[0].tensor.name
            ),
            "give every input the same number of rows",
        )),
        None => Ok(rows),
    }
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
