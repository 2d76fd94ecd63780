//! `nnz sensitivity`: what each layer can lose.

use super::common::DataArgs;
use crate::svg::{Plot, Series};
use crate::ui::{self, Align, Progress, Style, Table};
use crate::{atomic, nnz_file};
use nnz_pruner::pipeline::{self, Options};
use nnz_pruner::sparsify::{Curve, Pattern};
use std::path::PathBuf;

const LONG: &str = "\
What each layer can lose: one layer at a time is pruned by solving, the others stay dense, and the outputs are \
compared with those of the dense network. A loss of 0.01 means that the squared error of the outputs, before a \
softmax, is 1 % of their variance.

  nnz sensitivity net.onnx --calib calib.npz
  nnz sensitivity net.tflite --calib calib.npz --pattern 1x4 --svg layers.svg";

/// What each layer can lose, over sparsity
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The trained network: .onnx or .tflite
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Calibration samples (`x`)
    #[arg(long, value_name = "DATA.npz", visible_alias = "data")]
    calib: PathBuf,
    /// Which weights go together
    #[arg(long, value_name = "P", value_parser = super::prune_args::pattern, default_value = "unstructured")]
    pattern: Pattern,
    /// Also draw the curves
    #[arg(long, value_name = "OUT.svg")]
    svg: Option<PathBuf>,
    /// Print {"layers": [{"name", "weights", "points": [{"sparsity", "loss"}]}]} as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    if let Some(path) = &args.svg {
        atomic::check_writable(path)?;
    }
    let bytes = nnz_file::read(&args.model)?;
    let name = args.model.file_name().unwrap_or_default().to_string_lossy();
    let options = Options {
        calib: Some(args.calib.clone()),
        pattern: args.pattern,
        preprocess: args.data.preprocess(),
        layout: args.data.order(),
        ..Options::default()
    };
    let progress = Progress::spinner("trying layers");
    let curves = pipeline::sensitivity(&name, &bytes, &options, &|stage, done, total| {
        progress.stage(stage.label(), done, total);
    });
    drop(progress);
    let curves = curves?;
    if let Some(path) = &args.svg {
        atomic::write(path, Plot::document(&[plot(&name, &curves)]).as_bytes())?;
    }
    if args.json {
        return ui::print_json(&serde_json::json!({ "layers": curves }));
    }
    ui::print_text(&table(&curves))
}

fn table(curves: &[Curve]) -> String {
    let levels: Vec<f64> = pipeline::LEVELS
        .into_iter()
        .filter(|l| curves.iter().any(|c| at(c, *l).is_some()))
        .collect();
    let heads: Vec<String> = levels
        .iter()
        .map(|l| format!("{:.0} %", 100.0 * l))
        .collect();
    let mut columns = vec![("layer", Align::Left), ("weights", Align::Right)];
    columns.extend(heads.iter().map(|h| (h.as_str(), Align::Right)));
    let mut table = Table::new(&columns);
    for curve in curves {
        let mut row = vec![curve.name.clone(), ui::grouped(curve.weights as u64)];
        let cell = |l: &f64| at(curve, *l).map_or_else(String::new, |loss| format!("{loss:.4}"));
        row.extend(levels.iter().map(cell));
        table.row(row);
    }
    let mut out = table.render(Style::stdout());
    out.push_str("\nsquared error of the outputs by their variance, one layer pruned at a time\n");
    out
}

/// The loss near a sparsity.
fn at(curve: &Curve, level: f64) -> Option<f64> {
    let near = curve
        .points
        .iter()
        .filter(|p| (p.sparsity - level).abs() < 0.02);
    let nearest = near.min_by(|a, b| {
        let off = |p: &nnz_pruner::sparsify::Point| (p.sparsity - level).abs();
        off(a).total_cmp(&off(b))
    });
    nearest.map(|p| p.loss)
}

fn plot(name: &str, curves: &[Curve]) -> Plot {
    let series = |curve: &Curve| Series {
        name: curve.name.clone(),
        points: curve
            .points
            .iter()
            .map(|p| (p.sparsity, p.loss.sqrt().min(2.0), String::new()))
            .collect(),
        joined: true,
    };
    Plot {
        title: format!("{name}: what each layer can lose"),
        x: "sparsity of the layer".into(),
        y: "error of the outputs by their deviation".into(),
        series: curves.iter().map(series).collect(),
    }
}
