//! `nnz prune`: a trained network in, a compact `.nnz` file out.

use super::common::DataArgs;
use super::prune_args::{BudgetArgs, DTypeArg, LoweringArgs, PruningArgs, ranges, refits, targets};
use crate::failure::{InFile, failure};
use crate::network::Network;
use crate::report::{self, Extra};
use crate::ui::{self, Align, Progress, Style, Table};
use crate::{atomic, host_bench, nnz_file};
use nnz_pruner::data::{Dataset, Targets, read_classes};
use nnz_pruner::export::{self, Mask};
use nnz_pruner::import;
use nnz_pruner::pipeline::{
    self, Allowance, Options, PipelineError, Pruned, PrunedOnnx, Report, Versus,
};
use nnz_pruner::sparsify::{Method, Pattern, Refitted};
use std::path::{Path, PathBuf};

const LONG: &str = "\
Turns a trained network into a compact .nnz file.

MODEL is .onnx (floats) or .tflite (floats or int8). Folding, fusion and the removal of dead channels cost \
nothing and always happen; --lossless stops there, and existing zeros are kept. With --calib a float network \
becomes int8. With --sparsity weights are removed.

  nnz prune kws_int8.tflite -o kws.nnz                                     as trained, outputs bit for bit
  nnz prune net.onnx --calib calib.npz -o net.nnz                          to int8, existing zeros kept
  nnz prune net.onnx --calib calib.npz --sparsity 0.5 -o net.nnz           half of the weights go
  nnz prune net.onnx --calib calib.npz --pattern 2:4 -o net.nnz                 of each four two stay
  nnz prune net.onnx --calib calib.npz --method filter --macs 0.5 -o net.nnz    whole channels, half of the work
  nnz prune net.onnx --calib calib.npz --flash 64K --target cortex-m4 -o net.nnz   as accurate as 64 KB allow
  nnz prune net.onnx --calib calib.npz --latency 20ms --target cortex-m4 -o net.nnz
  nnz prune net.onnx --calib calib.npz --accuracy-drop 1 --data eval.npz -o net.nnz   what one point buys
  nnz prune net.onnx --calib calib.npz --mean 128 --std 64 --layout nhwc -o net.nnz
  nnz prune net.onnx --calib calib.npz --sparsity 0.5 -o net.nnz --report net.html --data eval.npz
  nnz prune net.onnx --calib calib.npz --sparsity 0.5 -o pruned.onnx       floats, for any other runtime
  nnz prune net.onnx --calib calib.npz --sparsity 0.9 -o pruned.onnx --masks masks.safetensors

The last line is the way to fine-tuning: train pruned.onnx with the masks held (examples/finetune), and give the \
result back with --method keep.";

/// Turns a trained network into a compact .nnz file
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The trained network: .onnx or .tflite
    #[arg(value_name = "MODEL")]
    pub(super) model: PathBuf,
    /// The file to write; .onnx writes the pruned floats back for other programs
    #[arg(long, short, value_name = "OUT.nnz|OUT.onnx")]
    pub(super) output: PathBuf,
    /// What the file is for (`nnz targets` explains them)
    #[arg(long, value_name = "T", default_value = "portable", value_parser = targets(), hide_possible_values = true)]
    pub(super) target: String,
    /// Numbers that the network computes with
    #[arg(long, value_enum, default_value_t = DTypeArg::Auto)]
    pub(super) dtype: DTypeArg,
    /// Calibration samples, which set the ranges of int8 activations: `x`, or an array named as each of several inputs
    #[arg(long, value_name = "DATA.npz")]
    pub(super) calib: Option<PathBuf>,
    /// How calibration turns samples into ranges
    #[arg(long, value_name = "R", value_parser = ranges(), default_value = "mse", requires = "calib")]
    pub(super) range: String,
    /// What int8 layers may change after rounding, so that they give what the float layers gave: biases and weights, biases,
    /// or nothing. Samples kept aside decide layer by layer whether they do [default: weights]
    #[arg(long, value_name = "R", value_parser = refits(), requires = "calib")]
    pub(super) refit: Option<String>,
    /// Only what leaves the outputs unchanged: no pruning, no quantisation
    #[arg(long, conflicts_with_all = ["calib", "sparsity", "method", "pattern", "alloc", "threshold"])]
    pub(super) lossless: bool,
    /// Also write which weights stay, keyed by the constants of an ONNX model, for fine-tuning
    #[arg(long, value_name = "M.safetensors")]
    pub(super) masks: Option<PathBuf>,
    /// Also write a page about the result: costs, layers, memory, weights
    #[arg(long, value_name = "OUT.html")]
    pub(super) report: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) pruning: PruningArgs,
    #[command(flatten)]
    pub(super) budget: BudgetArgs,
    #[command(flatten)]
    pub(super) lowering: LoweringArgs,
    #[command(flatten)]
    pub(super) data: DataArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let options = Options {
        labels: labels(args.calib.as_deref()),
        ..args.options()
    };
    check(args, &options)?;
    let bytes = nnz_file::read(&args.model)?;
    if has_extension(&args.output, "onnx") {
        if args.budget.is_given() {
            return Err(failure(
                "budgets are about .nnz files",
                "name the output OUT.nnz, or give --sparsity",
            ));
        }
        return onnx(args, &options, &bytes);
    }
    let pruned = with_progress(args, |_, listener| made(args, &bytes, &options, listener))?;
    atomic::write(&args.output, &pruned.bytes)?;
    write_masks(args, pruned.masks.as_deref())?;
    if let Some(path) = &args.report {
        write_report(path, args, &pruned)?;
    }
    if args.json {
        let mut report = serde_json::to_value(&pruned.report)?;
        if let Some(map) = report.as_object_mut() {
            map.insert("peak_rss_bytes".into(), host_bench::peak_rss().into());
        }
        return ui::print_json(&report);
    }
    ui::print_text(&(render(&args.output, &pruned.report) + &peak_memory()))
}

/// What this program needed at most, where the system tells.
fn peak_memory() -> String {
    host_bench::peak_rss().map_or_else(String::new, |peak| {
        format!("peak memory of this program {}\n", ui::bytes(peak))
    })
}

/// Whether the options fit each other and what is to be written can be written.
fn check(args: &Args, options: &Options) -> anyhow::Result<()> {
    check_pattern(options)?;
    check_output(&args.output, &args.model)?;
    for beside in [&args.masks, &args.report].into_iter().flatten() {
        atomic::check_writable(beside)?;
    }
    if args.budget.data.is_some() && args.budget.accuracy_drop.is_none() && args.report.is_none() {
        return Err(failure(
            "--data is what --accuracy-drop and --report measure accuracy on",
            "give one of them, or measure the finished file with `nnz eval OUT.nnz --data EVAL.npz`",
        ));
    }
    if args.report.is_some() && has_extension(&args.output, "onnx") {
        return Err(failure(
            "--report is about .nnz files",
            "name the output OUT.nnz, or leave --report out",
        ));
    }
    Ok(())
}

/// The file, as small as the accuracy on labelled samples allows where that is the limit.
fn made(
    args: &Args,
    bytes: &[u8],
    options: &Options,
    listener: pipeline::Listener<'_>,
) -> Result<Pruned, Box<PipelineError>> {
    let Some(points) = args.budget.accuracy_drop else {
        return pipeline::prune_beside(&args.model, bytes, options, listener).map_err(Box::new);
    };
    let name = args.model.display().to_string();
    let graph = import::from_bytes_beside(&name, bytes, args.model.parent());
    let graph = graph.map_err(|e| Box::new(PipelineError::Import(e)))?;
    let data = labelled(args, &graph.input_names())?;
    let accuracy = |file: &[u8]| {
        let network = Network::from_bytes(Path::new("candidate.nnz"), file);
        let found = network.and_then(|n| super::eval::quiet_accuracy(&n, &data, &args.data));
        found.map(|a| a.fraction()).map_err(|e| format!("{e:#}"))
    };
    let allowance = Allowance {
        points,
        accuracy: &accuracy,
    };
    pipeline::prune_within(&args.model, bytes, options, allowance, listener).map_err(Box::new)
}

/// The samples with classes that an allowed loss is measured on.
fn labelled(args: &Args, inputs: &[&str]) -> Result<Dataset, Box<PipelineError>> {
    let path = args.budget.data.as_ref().or(args.calib.as_ref());
    let data = path.map(|path| Dataset::open_for(path, inputs)).transpose();
    let data = data.map_err(|e| Box::new(PipelineError::Data(e)))?;
    data.filter(|d| matches!(d.targets(), Targets::Classes(_)))
        .ok_or_else(|| {
            Box::new(PipelineError::Option {
                reason: "--accuracy-drop is measured on samples with classes, and there are none"
                    .into(),
                help: "give `--data EVAL.npz` with arrays `x` and `y`".into(),
            })
        })
}

/// Runs a pipeline with its stages shown, and errors under the model's path.
fn with_progress<T>(
    args: &Args,
    run: impl FnOnce(&str, pipeline::Listener<'_>) -> Result<T, Box<PipelineError>>,
) -> anyhow::Result<T> {
    let name = args.model.file_name().unwrap_or_default().to_string_lossy();
    let progress = Progress::spinner("reading");
    let result = run(&name, &|stage, done, total| {
        progress.stage(stage.label(), done, total);
    });
    drop(progress);
    result.map_err(|e| with_file(*e, &args.model))
}

/// Writes the pruned floats back into an ONNX file.
fn onnx(args: &Args, options: &Options, bytes: &[u8]) -> anyhow::Result<()> {
    let pruned = with_progress(args, |name, listener| {
        pipeline::prune_to_onnx(name, bytes, options, listener).map_err(Box::new)
    })?;
    atomic::write(&args.output, &pruned.bytes)?;
    let rebuilt = pruned.masks.is_empty();
    write_masks(args, (!rebuilt).then_some(&pruned.masks[..]))?;
    if args.json {
        return ui::print_json(&serde_json::json!({
            "bytes": pruned.bytes.len(), "method": pruned.report.method, "pattern": pruned.report.pattern,
            "sparsity_of_prunable": pruned.report.sparsity(),
            "sparsity_of_all": pruned.report.sparsity_of_all(),
            "layers": pruned.report.layers, "notes": pruned.notes, "peak_rss_bytes": host_bench::peak_rss(),
        }));
    }
    ui::print_text(&(render_onnx(&args.output, &pruned) + &peak_memory()))
}

/// Writes the page about the result, with accuracy before and after where labelled samples are given.
fn write_report(path: &Path, args: &Args, pruned: &Pruned) -> anyhow::Result<()> {
    let bytes = nnz_file::Aligned::copy_of(&pruned.bytes);
    let output = &args.output;
    let name = output.file_name().unwrap_or(output.as_os_str());
    let mut extra = Extra::of(name.to_string_lossy().into_owned(), &pruned.report);
    if let Some(data) = &args.budget.data {
        let network = Network::from_bytes(output, &pruned.bytes)?;
        let judged = super::report::judge((&network, data), Some(&args.model), &args.data)?;
        extra.judged = Some(judged);
    }
    let html = report::html(&nnz_file::parse(output, bytes.bytes())?, &extra);
    atomic::write(path, html.as_bytes())
}

/// Writes the masks where they are asked for.
fn write_masks(args: &Args, masks: Option<&[Mask]>) -> anyhow::Result<()> {
    let Some(path) = &args.masks else {
        return Ok(());
    };
    let masks = masks.ok_or_else(|| {
        failure(
            "masks need an ONNX model whose weights keep their shapes",
            "start from the ONNX model, choose a method other than filter, or leave --masks out",
        )
    })?;
    let bytes = export::to_safetensors(masks).map_err(|e| anyhow::anyhow!("{e}"))?;
    atomic::write(path, &bytes)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e == extension)
}

/// Class names that the calibration data bring; what is wrong with the file is said when its samples are read.
fn labels(calib: Option<&Path>) -> Vec<String> {
    calib.map_or_else(Vec::new, |path| read_classes(path).unwrap_or_default())
}

/// A block pattern alone does not say how much is to go.
fn check_pattern(options: &Options) -> anyhow::Result<()> {
    let is_named = options.method.is_some();
    if !is_named
        && matches!(options.pattern, Pattern::Block { .. })
        && options.method() == Method::Keep
    {
        return Err(failure(
            format!("--pattern {} alone removes nothing", options.pattern),
            "give `--sparsity S`, the share of zeros; the zeros that are there need no pattern",
        ));
    }
    Ok(())
}

/// Writable, of a kind that nnz writes, and not the model itself.
fn check_output(path: &Path, model: &Path) -> anyhow::Result<()> {
    if let (Ok(output), Ok(model)) = (path.canonicalize(), model.canonicalize())
        && output == model
    {
        return Err(failure(
            "is the model itself",
            "name another output with `-o`/`--output`",
        ))
        .in_file(path);
    }
    if has_extension(path, "tflite") {
        return Err(failure(
            "nnz writes .nnz and .onnx files",
            "name the output OUT.nnz or OUT.onnx",
        ))
        .in_file(path);
    }
    atomic::check_writable(path)
}

/// The error with the model's path: the importer knows its name only, data errors name their own file.
fn with_file(error: PipelineError, model: &Path) -> anyhow::Error {
    if let PipelineError::Import(error) = &error {
        let text = error.to_string();
        let name = model.file_name().unwrap_or_default().to_string_lossy();
        let rest = text
            .strip_prefix(&*name)
            .unwrap_or(&text)
            .trim_start_matches(": ");
        return anyhow::anyhow!("{}: {rest}", model.display());
    }
    let names_its_file = matches!(error, PipelineError::Data(_));
    let error = anyhow::Error::from(error);
    if names_its_file {
        error
    } else {
        error.context(model.display().to_string())
    }
}

/// What pruning did to each layer.
fn render_onnx(path: &Path, pruned: &PrunedOnnx) -> String {
    let style = Style::stdout();
    let mut table = Table::new(&[
        ("layer", Align::Left),
        ("operator", Align::Left),
        ("weights", Align::Right),
        ("not zero", Align::Right),
        ("before", Align::Right),
    ]);
    for layer in &pruned.report.layers {
        table.row([
            layer.name.clone(),
            layer.op.to_owned(),
            ui::grouped(layer.weights as u64),
            ui::grouped(layer.nonzeros as u64),
            ui::grouped(layer.nonzeros_before as u64),
        ]);
    }
    let notes: String = pruned
        .notes
        .iter()
        .map(|note| format!("note: {note}\n"))
        .collect();
    format!(
        "{notes}{}\n{}: {} bytes; method {}, {:.1} % of the weights of the prunable layers are zero, {:.1} % of all\n",
        table.render(style),
        path.display(),
        ui::grouped(pruned.bytes.len() as u64),
        pruned.report.method,
        100.0 * pruned.report.sparsity(),
        100.0 * pruned.report.sparsity_of_all()
    )
}

/// What was changed after quantisation.
fn refitted(found: Option<&Refitted>) -> String {
    let Some(found) = found else {
        return String::new();
    };
    let counted = |what: &str| found.layers.iter().filter(|l| l.changed == what).count();
    let changed = match (found.kept, counted("weights"), counted("bias")) {
        (false, ..) | (true, 0, 0) => "nothing, which is best".to_owned(),
        (true, weights, bias) => format!("weights of {weights} layers, biases alone of {bias}"),
    };
    let error = if found.kept {
        found.after
    } else {
        found.before
    };
    format!(
        "\nrefitted after quantisation: {changed}; error of the outputs on samples kept aside {:.3} %, rounded to nearest {:.3} %",
        100.0 * error,
        100.0 * found.before
    )
}

/// What was gained, each against the same network with dense weights.
fn render(path: &Path, report: &Report) -> String {
    let style = Style::stdout();
    let mut out = String::new();
    for note in &report.notes {
        out.push_str(&format!("{} {note}\n", style.dim("note:")));
    }
    let mut table = Table::new(&[
        (&path.display().to_string(), Align::Left),
        ("now", Align::Right),
        ("dense", Align::Right),
        ("now / dense", Align::Right),
    ]);
    let mut row = |label: &str, v: &Versus| {
        table.row([
            label.to_owned(),
            ui::grouped(v.now),
            ui::grouped(v.dense),
            ui::percent(v.now, v.dense),
        ]);
    };
    row("bytes", &report.bytes);
    row("arena bytes", &report.arena);
    if let Some(instructions) = &report.instructions {
        row("predicted instructions", instructions);
    }
    if let Some(cycles) = &report.cycles {
        row("predicted cycles", cycles);
    }
    out.push_str(&table.render(style));
    for limit in &report.budget {
        out.push_str(&format!(
            "\n{} {}: {} {} used, {:.1} %{}",
            limit.limit,
            ui::grouped(limit.most),
            ui::grouped(limit.used),
            limit.unit,
            100.0 * limit.share(),
            if limit.binds {
                "; this limit binds"
            } else {
                ""
            }
        ));
    }
    if let Some(spent) = &report.spent {
        out.push_str(&format!(
            "\naccuracy {:.4}, before {:.4}: {:.2} of {} points spent",
            spent.after,
            spent.before,
            100.0 * (spent.before - spent.after),
            spent.allowed_points
        ));
    }
    out.push_str(&format!(
        "\nmethod {}: {:.1} % of the weights of the prunable layers are zero, {:.1} % of all",
        report.method,
        100.0 * report.sparsity_of_prunable,
        100.0 * report.sparsity_of_all
    ));
    out.push_str(&refitted(report.refitted.as_ref()));
    let zeros = report.weights - report.nonzeros.min(report.weights);
    out.push_str(&format!(
        "\nin the file {} of {} weights are zero ({}), {} of {} MACs remain ({})\n",
        ui::grouped(zeros),
        ui::grouped(report.weights),
        ui::percent(zeros, report.weights),
        ui::grouped(report.stored_macs),
        ui::grouped(report.dense_macs),
        ui::percent(report.stored_macs, report.dense_macs)
    ));
    out
}
