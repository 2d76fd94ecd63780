//! `nnz report`: one page about a file, for people.

use super::common::DataArgs;
use super::eval::accuracy;
use crate::failure::failure;
use crate::network::{Kind, Network};
use crate::report::{self, Extra, Judged};
use crate::{atomic, nnz_file, ui};
use std::path::{Path, PathBuf};

const LONG: &str = "\
Writes one self-contained HTML page about a .nnz file.

It shows what the file costs (bytes, memory, multiply-accumulates, predicted cost), the zeros and the cost of every \
layer, the arena over time, pictures of the weights, and how the file was made. Nothing is loaded from elsewhere, \
so the page can be mailed, archived and printed. `nnz prune --report` writes the same page with the dense \
network's numbers beside; --data adds accuracy.

  nnz report net.nnz -o net.html
  nnz report net.nnz -o net.html --data eval.npz --compare dense.nnz";

/// Writes one HTML page about a file
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The .nnz file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The page to write
    #[arg(long, short, value_name = "OUT.html")]
    output: PathBuf,
    /// Labelled samples, to show accuracy
    #[arg(long, value_name = "EVAL.npz")]
    data: Option<PathBuf>,
    /// A second network for the accuracy, usually the dense one
    #[arg(long, value_name = "OTHER", requires = "data")]
    compare: Option<PathBuf>,
    /// Print {"output", "bytes"} as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    preprocess: DataArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    atomic::check_writable(&args.output)?;
    let network = Network::open(&args.file)?;
    let Kind::Nnz(bytes) = &network.kind else {
        return Err(failure(
            format!("{} is not a .nnz file", args.file.display()),
            "`nnz prune MODEL -o OUT.nnz --report OUT.html` reports on a model",
        ));
    };
    let judged = args.data.as_deref().map(|data| {
        let other = args.compare.as_deref();
        judge((&network, data), other, &args.preprocess)
    });
    let extra = Extra {
        title: file_name(&args.file),
        judged: judged.transpose()?,
        ..Extra::default()
    };
    let html = report::html(&nnz_file::parse(&args.file, bytes.bytes())?, &extra);
    atomic::write(&args.output, html.as_bytes())?;
    if args.json {
        let output = args.output.display().to_string();
        return ui::print_json(&serde_json::json!({"output": output, "bytes": html.len()}));
    }
    ui::print_text(&format!(
        "{}  {}\n",
        args.output.display(),
        ui::bytes(html.len() as u64)
    ))
}

/// Accuracy of a file and maybe of another network on labelled samples.
pub(super) fn judge(
    (network, data): (&Network, &Path),
    other: Option<&Path>,
    preprocess: &DataArgs,
) -> anyhow::Result<Judged> {
    let data = network.data(data)?;
    let other = match other {
        Some(path) => {
            let other = Network::open(path)?;
            let options = super::eval::options(&other, Some(network), preprocess)?;
            Some((file_name(path), accuracy(&other, &data, &options)?))
        }
        None => None,
    };
    Ok(Judged {
        accuracy: accuracy(network, &data, preprocess)?,
        other,
    })
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
