//! The stages before lowering: passes, pruning, the element type.

use super::{Dtype, Input, Listener, Options, Passes, PipelineError, Stage};
use crate::data::Dataset;
use crate::export::{Mask, OnnxSource};
use crate::ir::Graph;
use crate::lower::WeightChoice;
use crate::pass::{self, PassSet};
use crate::quantize;
use crate::sparsify::{self, Calibration, Method, Refitted, SparsityReport};
use nnz_format::Rounding;

/// The graph after the passes that come before pruning.
pub(super) fn simplified(
    graph: Graph,
    options: &Options,
    input: &Input<'_>,
) -> Result<Graph, PipelineError> {
    let passes = pass_set(options, PassSet::All);
    pass::run_with_rounding(graph, passes, input.rounding).map_err(PipelineError::Pass)
}

/// The simplified graph with its channels in the order that suits the pattern.
pub(super) fn permuted(mut graph: Graph, options: &Options) -> Result<Graph, PipelineError> {
    sparsify::permute(&mut graph, &options.sparsify()).map_err(PipelineError::Sparsify)?;
    Ok(graph)
}

/// The calibration data set for a network's inputs, opened.
pub(super) fn calibration_data(
    options: &Options,
    graph: &Graph,
) -> Result<Option<Dataset>, PipelineError> {
    let open = |path| Dataset::open_for(path, &graph.input_names());
    let data = options.calib.as_deref().map(open).transpose();
    data.map_err(PipelineError::Data)
}

/// The data as the pruning methods take them.
pub(super) fn calibration<'a>(
    data: Option<&'a Dataset>,
    options: &'a Options,
    rounding: Rounding,
) -> Option<Calibration<'a>> {
    data.map(|data| Calibration {
        data,
        layout: options.layout,
        preprocess: &options.preprocess,
        skip: 0,
        limit: options.solve_limit,
        rounding,
    })
}

/// Passes and pruning; masks where the graph is that of a `source`, which keeps all channels until then.
pub(super) fn optimise(
    mut graph: Graph,
    options: &Options,
    rounding: Rounding,
    source: Option<&OnnxSource>,
    progress: Listener<'_>,
) -> Result<(Graph, SparsityReport, Option<Vec<Mask>>), PipelineError> {
    let wanted = if options.lossless {
        PassSet::Lossless
    } else {
        PassSet::All
    };
    let passes = pass_set(options, wanted);
    if source.is_none() {
        progress(Stage::Passes, 0, 0);
        graph = pass::run_with_rounding(graph, passes, rounding).map_err(PipelineError::Pass)?;
    }
    let report = prune_weights(&mut graph, options, rounding, progress)?;
    let masks = source.map(|s| s.masks(&graph)).transpose();
    let masks = masks.map_err(PipelineError::Export)?;
    if options.method() != Method::Keep || source.is_some() {
        progress(Stage::Passes, 0, 0);
        graph = pass::run_with_rounding(graph, passes, rounding).map_err(PipelineError::Pass)?;
    }
    Ok((graph, report, masks))
}

/// Puts zeros into the weights of a simplified graph.
pub(super) fn prune_weights(
    graph: &mut Graph,
    options: &Options,
    rounding: Rounding,
    progress: Listener<'_>,
) -> Result<SparsityReport, PipelineError> {
    progress(Stage::Sparsify, 0, 0);
    let pruning = options.sparsify();
    let data = match pruning.method.is_calibrated() {
        true => calibration_data(options, graph)?,
        false => None,
    };
    let calibration = calibration(data.as_ref(), options, rounding);
    sparsify::apply_with(graph, &pruning, calibration.as_ref(), &|done, total| {
        progress(Stage::Sparsify, done, total);
    })
    .map_err(PipelineError::Sparsify)
}

/// Who applies mean and deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applied {
    /// The caller, or scale and zero point of the input.
    ByCaller,
    /// Layers of the network.
    ByNetwork,
}

/// A graph in the wanted element type.
pub(super) struct Typed {
    pub(super) graph: Graph,
    /// Who applies mean and deviation.
    pub(super) applied: Applied,
    /// What was changed after quantisation.
    pub(super) refitted: Option<Refitted>,
}

impl Typed {
    /// A graph that stays as it is.
    const fn unchanged(graph: Graph) -> Self {
        Self {
            graph,
            applied: Applied::ByCaller,
            refitted: None,
        }
    }
}

/// The graph in the wanted element type.
pub(super) fn to_dtype(
    graph: Graph,
    options: &Options,
    rounding: Rounding,
    progress: Listener<'_>,
) -> Result<Typed, PipelineError> {
    if graph.is_quantized() {
        return match options.dtype {
            Dtype::Auto | Dtype::S8 => Ok(Typed::unchanged(graph)),
            Dtype::F32 | Dtype::F16 => Err(PipelineError::option(
                format!(
                    "the network is an integer one, `--dtype {}` cannot bring its floats back",
                    options.dtype.name()
                ),
                "leave `--dtype` out, or start from the float network",
            )),
        };
    }
    match (options.dtype, &options.calib) {
        (Dtype::F16, _) => Err(PipelineError::option(
            "f16 weights are not supported yet",
            "use `--dtype f32`, or `--dtype s8` with `--calib DATA.npz`",
        )),
        (Dtype::S8, None) => Err(PipelineError::option(
            "integers need calibration data to choose scales from",
            "give `--calib DATA.npz` with an array `x` of some hundred typical inputs",
        )),
        (Dtype::Auto, None) | (Dtype::F32, _) if options.target.microcontroller => {
            Err(PipelineError::option(
                format!(
                    "{} runs integer networks, this one has floats",
                    options.target.name
                ),
                "give `--calib DATA.npz` to quantise it, or `--target portable`",
            ))
        }
        (Dtype::Auto | Dtype::S8, Some(calib)) => {
            progress(Stage::Quantize, 0, 0);
            let data =
                Dataset::open_for(calib, &graph.input_names()).map_err(PipelineError::Data)?;
            quantized(graph, &data, options, rounding, progress)
        }
        (Dtype::Auto, None) | (Dtype::F32, _) => Ok(Typed::unchanged(graph)),
    }
}

/// The float graph as integers, refitted where samples that were kept aside gain.
fn quantized(
    mut graph: Graph,
    data: &Dataset,
    options: &Options,
    rounding: Rounding,
    progress: Listener<'_>,
) -> Result<Typed, PipelineError> {
    let mut how = options.quantize();
    let folded = quantize::fold_preprocess(&mut graph, data, &mut how);
    let applied = match folded.map_err(PipelineError::Quantize)? {
        true => Applied::ByNetwork,
        false => Applied::ByCaller,
    };
    quantize::for_integers(&mut graph);
    let tell = |done, total| progress(Stage::Quantize, done, total);
    let integers = quantize::post_training(graph.clone(), data, &how, &tell);
    let mut integers = integers.map_err(PipelineError::Quantize)?;
    let calibration = Calibration {
        data,
        layout: how.layout,
        preprocess: &how.preprocess,
        skip: 0,
        limit: how.limit,
        rounding,
    };
    let tell = |done, total| progress(Stage::Refit, done, total);
    let refitted = sparsify::refit(&graph, &mut integers, options.refit, &calibration, &tell);
    let refitted = refitted.map_err(PipelineError::Sparsify)?;
    // Weights that quantisation rounded to zero may leave channels without readers.
    let passes = pass_set(options, PassSet::Lossless);
    let graph = pass::run_with_rounding(integers, passes, rounding).map_err(PipelineError::Pass)?;
    Ok(Typed {
        graph,
        applied,
        refitted,
    })
}

/// `wanted`, as far as `--passes` and `--weights` allow it.
pub(super) fn pass_set(options: &Options, wanted: PassSet) -> PassSet {
    match (options.passes, options.weights) {
        (Passes::None, _) => PassSet::None,
        (Passes::All, WeightChoice::Dense) => PassSet::Dense,
        (Passes::All, WeightChoice::Auto) => wanted,
    }
}
