//! Why each layer is stored as it is: the predictions that its layout was chosen by.

use nnz_pruner::arith::Rounding;
use nnz_pruner::ir::Graph;
use nnz_pruner::lower::{self, LowerError, Options, Prefer, Program, Step, WeightChoice};
use nnz_pruner::target::Target;

/// One layer with weights.
#[derive(Debug)]
pub(super) struct Layer {
    /// The node's name.
    pub(super) name: String,
    /// The operator.
    pub(super) op: &'static str,
    /// The chosen layout.
    pub(super) layout: &'static str,
    /// All weights.
    pub(super) weights: u64,
    /// Weights that are zero.
    pub(super) zeros: u64,
    /// Predicted cost of the chosen layout.
    pub(super) cost: u64,
    /// Predicted cost of the dense layout.
    pub(super) dense: u64,
    /// The smallest layout, where it is another, and its predicted cost.
    pub(super) smallest: Option<(&'static str, u64)>,
    /// Why this layout, one line.
    pub(super) why: String,
}

/// The layers of a graph, and its notes.
///
/// # Errors
///
/// Where the graph cannot be lowered.
pub(super) fn of(
    graph: &Graph,
    target: &'static Target,
    rounding: Rounding,
) -> Result<(Vec<Layer>, Vec<String>), LowerError> {
    let lowered = |weights, prefer| {
        let options = Options {
            weights,
            prefer,
            rounding: Some(rounding),
            target,
            ..Options::default()
        };
        lower::lower(graph, &options)
    };
    let chosen = lowered(WeightChoice::Auto, Prefer::Speed)?;
    let dense = lowered(WeightChoice::Dense, Prefer::Speed)?;
    let smallest = lowered(WeightChoice::Auto, Prefer::Flash)?;
    let layers = chosen
        .steps
        .iter()
        .filter(|step| step.weights.is_some())
        .map(|step| layer(step, twin(&dense, step), twin(&smallest, step)))
        .collect();
    Ok((layers, graph.notes.clone()))
}

/// The step of the same node in another program.
fn twin<'p>(program: &'p Program, step: &Step) -> Option<&'p Step> {
    program.steps.iter().find(|other| other.name == step.name)
}

fn layer(step: &Step, dense: Option<&Step>, smallest: Option<&Step>) -> Layer {
    let cost = |s: &Step| s.stats.cost;
    let chosen = step.layout();
    let smallest = smallest
        .filter(|s| s.layout() != chosen)
        .map(|s| (s.layout().name(), cost(s)));
    let mut layer = Layer {
        name: step.name.clone(),
        op: step.op.name(),
        layout: chosen.name(),
        weights: step.stats.weights,
        zeros: step.stats.weights.saturating_sub(step.stats.nonzeros),
        cost: cost(step),
        dense: dense.map_or(cost(step), cost),
        smallest,
        why: String::new(),
    };
    layer.why = why(&layer);
    layer
}

fn why(layer: &Layer) -> String {
    if layer.layout == "table" {
        return "a table of 256 values, whatever the function costs".into();
    }
    if layer.layout != "dense" {
        return "sparse: predicted to be faster than dense".into();
    }
    if layer.zeros == 0 {
        return "dense: no weight is zero".into();
    }
    match layer.smallest {
        _ if layer.op.starts_with("depthwise") => {
            "dense: depthwise layers have no sparse layout".into()
        }
        Some((layout, sparse)) if sparse >= layer.dense => {
            format!("dense: below break-even, {layout} is smaller but slower (`--prefer flash`)")
        }
        Some((layout, _)) => format!("dense: {layout} is smaller (`--prefer flash`)"),
        None => "dense: too few zeros to pay for their indices".into(),
    }
}
