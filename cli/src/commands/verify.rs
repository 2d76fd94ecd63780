//! `nnz verify`: does a `.nnz` file compute what the source model computes?

use super::common::{DataArgs, at_least_one};
use crate::failure::{InFile, failure};
use crate::infer::{self, Runner};
use crate::meta::Meta;
use crate::network::{self, Kind, Network};
use crate::nnz_file;
use crate::ui::{self, Align, Progress, Style, Table};
use nnz::Model;
use nnz_pruner::data::{Elements, Samples};
use nnz_pruner::interpret::Interpreter;
use nnz_pruner::ir::Graph;
use nnz_pruner::pass::{self, PassSet};
use std::path::PathBuf;

const LONG: &str = "\
Compares a .nnz file with the model that it was made from, sample by sample.

Every output, and every layer that both have in the same shape, is compared in real numbers; SNR is the power of \
the model's values over the power of the difference, in dB. An integer model that was only made smaller \
(`--lossless`) is identical: SNR inf. A pruned or quantised one differs, and the table says from which layer on.

A network of several inputs takes an .npz with one array each, named like the inputs, or x0, x1, … in their order.

The exit code is 1 where an output is outside the tolerance: --snr, by default 10 dB for an integer file of a float model, \
80 dB (1e-4) for a float file, and no difference at all for an integer file of an integer model.

  nnz verify net.nnz net.onnx --data eval.npz
  nnz verify kws.nnz kws_int8.tflite --data calib.npz --json";

/// Compares a .nnz file with its source model, layer by layer
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The file
    #[arg(value_name = "FILE.nnz")]
    file: PathBuf,
    /// The model that it was made from
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Samples (`x`)
    #[arg(long, value_name = "X.npz")]
    data: PathBuf,
    /// Samples to compare at most
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = at_least_one)]
    limit: usize,
    /// Smallest signal-to-noise ratio of an output; below it the exit code is 1
    #[arg(long, value_name = "DB", allow_hyphen_values = true)]
    snr: Option<f64>,
    /// Print the comparison as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    preprocess: DataArgs,
}

/// Sums over all values of one tensor.
#[derive(Debug, Clone, Copy, Default)]
struct Difference {
    signal: f64,
    noise: f64,
    largest: f64,
    differing: u64,
    values: u64,
}

impl Difference {
    fn add(&mut self, found: &[f32], expected: &[f32]) {
        for (&a, &b) in found.iter().zip(expected) {
            let (a, b) = (f64::from(a), f64::from(b));
            self.signal += b * b;
            self.noise += (a - b) * (a - b);
            self.largest = self.largest.max((a - b).abs());
            self.differing += u64::from(a.to_bits() != b.to_bits() && a != b);
            self.values += 1;
        }
    }

    /// In dB; infinite where nothing differs.
    fn snr(&self) -> f64 {
        10.0 * (self.signal / self.noise).log10()
    }

    const fn is_identical(&self) -> bool {
        self.differing == 0
    }
}

/// One line of the result.
#[derive(Debug)]
struct Compared {
    name: String,
    op: String,
    difference: Difference,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let file = Network::open(&args.file)?;
    let source = Network::open(&args.model)?;
    let (Kind::Nnz(bytes), Kind::Source(graph)) = (&file.kind, &source.kind) else {
        return Err(failure(
            "verify compares a .nnz file with an .onnx or .tflite model",
            "`nnz verify FILE.nnz MODEL.onnx --data X.npz`; `nnz diff` compares two .nnz files",
        ));
    };
    let model = nnz_file::parse(&args.file, bytes.bytes())?;
    let data = file.data(&args.data)?;
    let order = args.preprocess.order();
    let ours = file.samples(&data, order, &args.preprocess.preprocess())?;
    let known = file
        .trained_on()?
        .filter(|_| !args.preprocess.has_preprocess());
    let preprocess = known.unwrap_or_else(|| args.preprocess.preprocess());
    let theirs = source.samples(&data, order, &preprocess)?;
    let rows = data.len().min(args.limit.max(1));
    let outputs = compare_outputs(&model, graph, &ours, &theirs, rows).in_file(&args.model)?;
    let passed = pass::run((**graph).clone(), PassSet::All).in_file(&args.model)?;
    let layers = compare_layers(&model, &passed, &ours, &theirs, rows).in_file(&args.model)?;
    let wanted = args.snr.unwrap_or_else(|| tolerance(&model, graph));
    report(args, rows, &outputs, &layers, wanted)?;
    judge(&outputs, wanted).in_file(&args.file)
}

/// The SNR in dB that an output must have where nobody says.
fn tolerance(model: &Model<'_>, graph: &Graph) -> f64 {
    let integers = infer::outputs(model)
        .iter()
        .any(|p| p.tensor.quant.is_some());
    match (integers, graph.is_quantized()) {
        (true, true) => f64::INFINITY,
        (true, false) => 10.0,
        (false, _) => 80.0,
    }
}

/// Fails where an output is outside the tolerance.
fn judge(outputs: &[Compared], wanted: f64) -> anyhow::Result<()> {
    let within = |d: &Difference| d.is_identical() || d.snr() >= wanted;
    let Some(bad) = outputs.iter().find(|o| !within(&o.difference)) else {
        return Ok(());
    };
    Err(failure(
        format!(
            "output '{}' has {:.1} dB, {wanted:.1} dB are asked for",
            bad.name,
            bad.difference.snr()
        ),
        "the table shows from which layer on it differs; `--snr DB` sets another tolerance",
    ))
}

/// The outputs against those of the model as it is.
fn compare_outputs(
    model: &Model<'_>,
    graph: &Graph,
    ours: &[Samples<'_>],
    theirs: &[Samples<'_>],
    rows: usize,
) -> anyhow::Result<Vec<Compared>> {
    let interpreter = Interpreter::new(graph)?;
    let mut arena = infer::arena_for(model);
    let mut runner = Runner::new(model, &mut arena)?;
    let mut found: Vec<Compared> = infer::outputs(model)
        .iter()
        .map(|port| Compared {
            name: port.tensor.name.clone(),
            op: "output".into(),
            difference: Difference::default(),
        })
        .collect();
    let progress = Progress::bar("comparing outputs", rows);
    for row in 0..rows {
        runner.set_inputs(ours, row)?;
        runner.run();
        let expected = interpreter.run(&network::source_inputs(graph, theirs, row))?;
        for (i, (value, id)) in expected.into_iter().zip(&graph.outputs).enumerate() {
            let tensor = graph.tensor(*id);
            let quant = runner.outputs().get(i).and_then(|p| p.tensor.quant);
            let mine = infer::to_real(&runner.output(i)?, quant);
            let theirs = infer::to_source(
                Elements::F32(value.to_real(tensor)),
                tensor.shape,
                tensor.source.order,
            );
            if let Some(line) = found.get_mut(i) {
                line.difference.add(&mine, &infer::to_real(&theirs, None));
            }
        }
        progress.step();
    }
    Ok(found)
}

/// Each step that ends an operator of `graph`, where both have as many values.
fn compare_layers(
    model: &Model<'_>,
    graph: &Graph,
    ours: &[Samples<'_>],
    theirs: &[Samples<'_>],
    rows: usize,
) -> anyhow::Result<Vec<Compared>> {
    let meta = Meta::of(model);
    let interpreter = Interpreter::new(graph)?;
    let node_of = |step: usize| {
        let op = meta.source_op(step)?;
        graph.nodes.iter().rposition(|n| n.source_index == Some(op))
    };
    let mut found: Vec<Option<Compared>> = (0..model.steps_len()).map(|_| None).collect();
    let mut arena = infer::arena_for(model);
    let mut runner = Runner::new(model, &mut arena)?;
    let progress = Progress::bar("comparing layers", rows);
    for row in 0..rows {
        runner.set_inputs(ours, row)?;
        let all = interpreter.run_all(&network::source_inputs(graph, theirs, row))?;
        runner.run_with(|index, tensor, values| {
            let Some(node) = node_of(index).and_then(|i| graph.nodes.get(i)) else {
                return;
            };
            let expected = all.get(node.output.0).and_then(Option::as_ref);
            let (Some(expected), Some(slot)) = (expected, found.get_mut(index)) else {
                return;
            };
            let expected = expected.to_real(graph.tensor(node.output));
            let mine = infer::to_real(&values, infer::quant_of(tensor));
            if mine.len() == expected.len() {
                let line = slot.get_or_insert_with(|| Compared {
                    name: node.name.clone(),
                    op: node.op.name().into(),
                    difference: Difference::default(),
                });
                line.difference.add(&mine, &expected);
            }
        });
        progress.step();
    }
    Ok(found.into_iter().flatten().collect())
}

/// Prints the comparison.
fn report(
    args: &Args,
    rows: usize,
    outputs: &[Compared],
    layers: &[Compared],
    wanted: f64,
) -> anyhow::Result<()> {
    let first = layers.iter().find(|l| !l.difference.is_identical());
    let identical = outputs.iter().all(|o| o.difference.is_identical());
    if args.json {
        return ui::print_json(&serde_json::json!({
            "identical": identical,
            "within_tolerance": judge(outputs, wanted).is_ok(),
            "tolerance_db": wanted.is_finite().then_some(wanted),
            "n": rows,
            "first_differing_layer": first.map(|l| &l.name),
            "outputs": outputs.iter().map(to_json).collect::<Vec<_>>(),
            "layers": layers.iter().map(to_json).collect::<Vec<_>>(),
        }));
    }
    let style = Style::stdout();
    let mut table = Table::new(&[
        ("layer", Align::Left),
        ("operator", Align::Left),
        ("SNR dB", Align::Right),
        ("largest difference", Align::Right),
        ("values that differ", Align::Right),
    ]);
    for line in layers.iter().chain(outputs) {
        let d = &line.difference;
        table.row([
            line.name.clone(),
            line.op.clone(),
            if d.is_identical() {
                "inf".into()
            } else {
                format!("{:.1}", d.snr())
            },
            format!("{:.6}", d.largest),
            ui::percent(d.differing, d.values),
        ]);
    }
    let verdict = match (identical, first) {
        (true, _) => style.good(&format!("outputs identical on {rows} samples")),
        (false, Some(layer)) => format!("first differing layer: {} ({})", layer.name, layer.op),
        (false, None) => "the outputs differ; no layer of both could be compared".into(),
    };
    ui::print_text(&format!("{}\n{verdict}\n", table.render(style)))
}

fn to_json(line: &Compared) -> serde_json::Value {
    let d = &line.difference;
    serde_json::json!({
        "name": line.name, "op": line.op, "identical": d.is_identical(),
        "snr_db": (!d.is_identical()).then(|| d.snr()),
        "max_abs_difference": d.largest, "differing": d.differing, "values": d.values,
    })
}
