//! `nnz inspect`: what is in a file, layer by layer.

use crate::failure::{InFile, failure};
use crate::infer::{self, Port};
use crate::meta::Meta;
use crate::network::{Kind, Network};
use crate::ui::{self, Align, Style, Table};
use crate::{atomic, nnz_file, report};
use nnz_pruner::inspect::{InspectedLayer, Inspection, inspect};
use nnz_pruner::ir::{Graph, Tensor, Weights};
use std::path::{Path, PathBuf};

const LONG: &str = "\
Shows what is in a .nnz file, or in a model that could become one.

Stored weights are the nonzeros of sparse layers and all weights of dense ones; stored MACs are stored weights \
times output pixels, which is what the kernels really compute.

  nnz inspect net.nnz
  nnz inspect net.onnx
  nnz inspect net.nnz --svg arena.svg
  nnz inspect net.nnz --json";

/// Shows what is in a file, layer by layer
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// A .nnz file, or an .onnx or .tflite model
    #[arg(value_name = "FILE|MODEL")]
    file: PathBuf,
    /// Also draw the arena over time
    #[arg(long, value_name = "OUT.svg")]
    svg: Option<PathBuf>,
    /// Print the numbers as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let network = Network::open(&args.file)?;
    let (inspection, facts) = match &network.kind {
        Kind::Nnz(bytes) => {
            let model = nnz_file::parse(&args.file, bytes.bytes())?;
            (inspect(&model), file_facts(&model))
        }
        Kind::Source(graph) => {
            let bytes = args.file.metadata().map_or(0, |m| m.len());
            (of_graph(graph, bytes), graph_facts(graph))
        }
    };
    if let Some(path) = &args.svg {
        draw(path, &network)?;
    }
    if args.json {
        return ui::print_json(&json(&inspection, &network)?);
    }
    ui::print_text(&render(&inspection, &facts))
}

/// The numbers, and what goes in and comes out.
fn json(inspection: &Inspection, network: &Network) -> anyhow::Result<serde_json::Value> {
    let port = |tensor: &Tensor| {
        serde_json::json!({
            "name": tensor.name,
            "dims": tensor.source.dims,
            "dtype": if tensor.quant.is_some() { "s8" } else { "f32" },
            "scale": tensor.quant.map(|q| q.scale),
            "zero_point": tensor.quant.map(|q| q.zero_point),
        })
    };
    let ports = |tensors: Vec<Tensor>| tensors.iter().map(port).collect::<serde_json::Value>();
    let mut value = serde_json::to_value(inspection)?;
    if let Some(map) = value.as_object_mut() {
        map.insert("inputs".into(), ports(network.inputs()?));
        map.insert("outputs".into(), ports(network.outputs()?));
    }
    Ok(value)
}

/// Draws the arena of a file that has one.
fn draw(path: &Path, network: &Network) -> anyhow::Result<()> {
    let Kind::Nnz(bytes) = &network.kind else {
        return Err(failure(
            "a model has no memory plan yet",
            "`nnz prune MODEL -o OUT.nnz` makes the file to draw",
        ))
        .in_file(&network.path);
    };
    let model = nnz_file::parse(&network.path, bytes.bytes())?;
    let names = nnz_pruner::inspect::layer_names(&model);
    atomic::write(
        path,
        report::standalone(&report::memory_map(&model, &names)).as_bytes(),
    )
}

/// Label and text of one line below the table.
type Fact = (&'static str, String);

fn file_facts(model: &nnz::Model<'_>) -> Vec<Fact> {
    let meta = Meta::of(model);
    let port = |p: &Port| describe(&p.tensor);
    let mut facts: Vec<Fact> = infer::inputs(model)
        .iter()
        .map(|p| ("input", port(p)))
        .collect();
    facts.extend(infer::outputs(model).iter().map(|p| ("output", port(p))));
    let rounding = match model.rounding() {
        nnz_format::Rounding::Single => "single",
        nnz_format::Rounding::Double => "double, as TensorFlow Lite Micro",
    };
    facts.push(("rounding", rounding.into()));
    facts.extend(meta.source.map(|s| ("source", s)));
    facts.extend(meta.recipe.map(|s| ("recipe", s)));
    facts
}

fn graph_facts(graph: &Graph) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    facts.extend(
        graph
            .inputs
            .iter()
            .map(|&id| ("input", describe(graph.tensor(id)))),
    );
    facts.extend(
        graph
            .outputs
            .iter()
            .map(|&id| ("output", describe(graph.tensor(id)))),
    );
    facts.extend(graph.notes.iter().map(|n| ("note", n.clone())));
    facts
}

/// Name, dimensions and numbers of an input or output.
fn describe(tensor: &Tensor) -> String {
    let dims = &tensor.source.dims;
    match tensor.quant {
        Some(q) => format!(
            "{} {dims:?} s8, scale {}, zero point {}",
            tensor.name, q.scale, q.zero_point
        ),
        None => format!("{} {dims:?} f32", tensor.name),
    }
}

/// The same numbers for a network that has not been lowered: everything is stored, nothing is planned.
fn of_graph(graph: &Graph, bytes: u64) -> Inspection {
    let layers: Vec<InspectedLayer> = graph
        .nodes
        .iter()
        .map(|node| {
            let shape = graph.tensor(node.output).shape;
            let dim = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
            let weights = node.op.weights().map_or(0, Weights::len) as u64;
            let nonzeros = node.op.weights().map_or(0, Weights::nonzeros) as u64;
            let pixels = shape.pixels() as u64;
            InspectedLayer {
                name: node.name.clone(),
                op: node.op.name(),
                layout: if weights == 0 { "-" } else { "dense" },
                output: [dim(shape.c), dim(shape.h), dim(shape.w)],
                weights,
                nonzeros,
                stored_weights: weights,
                macs: weights * pixels,
                nonzero_macs: nonzeros * pixels,
                stored_macs: weights * pixels,
                weight_bytes: 0,
                scratch_bytes: 0,
                predicted_instructions: 0,
            }
        })
        .collect();
    let sum = |count: fn(&InspectedLayer) -> u64| layers.iter().map(count).sum::<u64>();
    Inspection {
        bytes,
        target: "source",
        macs: sum(|l| l.macs),
        nonzero_macs: sum(|l| l.nonzero_macs),
        stored_weights: sum(|l| l.stored_weights),
        stored_macs: sum(|l| l.stored_macs),
        weights: sum(|l| l.weights),
        nonzeros: sum(|l| l.nonzeros),
        arena_bytes: 0,
        predicted: Vec::new(),
        layers,
    }
}

fn render(inspection: &Inspection, facts: &[Fact]) -> String {
    let style = Style::stdout();
    let lowered = inspection.target != "source";
    let mut out = layer_table(inspection, lowered).render(style);
    out.push('\n');
    let mut line = |label: &str, value: String| out.push_str(&format!("{label:<14} {value}\n"));
    line("bytes", ui::grouped(inspection.bytes));
    if lowered {
        line("target", inspection.target.into());
        line(
            "arena",
            format!("{} B", ui::grouped(inspection.arena_bytes)),
        );
    }
    line(
        "weights",
        format!(
            "{} of {} stored, {} not zero ({})",
            ui::grouped(inspection.stored_weights),
            ui::grouped(inspection.weights),
            ui::grouped(inspection.nonzeros),
            ui::percent(inspection.nonzeros, inspection.weights)
        ),
    );
    line(
        "MACs",
        format!(
            "{} of {} stored ({})",
            ui::grouped(inspection.stored_macs),
            ui::grouped(inspection.macs),
            ui::percent(inspection.stored_macs, inspection.macs)
        ),
    );
    for it in &inspection.predicted {
        let count = ui::grouped(it.count);
        line("predicted", format!("{count} {} on {}", it.unit, it.target));
    }
    for (label, value) in facts {
        line(label, value.clone());
    }
    out
}

fn layer_table(inspection: &Inspection, lowered: bool) -> Table {
    let mut heads = vec![
        ("layer", Align::Left),
        ("operator", Align::Left),
        ("output c×h×w", Align::Right),
        ("weights", Align::Right),
        ("not zero", Align::Right),
        ("MACs", Align::Right),
    ];
    if lowered {
        heads.push(("stored MACs", Align::Right));
        heads.push(("layout", Align::Left));
        heads.push(("bytes", Align::Right));
    }
    let mut table = Table::new(&heads);
    for layer in &inspection.layers {
        let [c, h, w] = layer.output;
        let count = |n: u64| {
            if layer.weights == 0 {
                "-".into()
            } else {
                ui::grouped(n)
            }
        };
        let mut row = vec![
            layer.name.clone(),
            layer.op.to_owned(),
            format!("{c}×{h}×{w}"),
            count(layer.weights),
            count(layer.nonzeros),
            count(layer.macs),
        ];
        if lowered {
            row.push(count(layer.stored_macs));
            row.push(layer.layout.to_owned());
            row.push(count(layer.weight_bytes));
        }
        table.row(row);
    }
    table
}
