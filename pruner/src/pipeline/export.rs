//! `nnz prune -o OUT.onnx`: the same pruning, written back into the source.

use super::stages::{permuted, prune_weights};
use super::{Dtype, Listener, Options, PipelineError, Stage};
use crate::export::{Mask, OnnxSource, to_onnx};
use crate::import;
use crate::ir::Graph;
use crate::pass::{self, PassSet};
use crate::sparsify::{Method, SparsityReport};
use nnz_format::Rounding;

/// A pruned network for other programs.
#[derive(Debug, Clone)]
pub struct PrunedOnnx {
    /// The ONNX file.
    pub bytes: Vec<u8>,
    /// Which weights of the source stay; none where the file was built anew.
    pub masks: Vec<Mask>,
    /// What pruning did, layer by layer.
    pub report: SparsityReport,
    /// What importer and passes want the user to know.
    pub notes: Vec<String>,
}

/// Prunes the float ONNX network in `bytes` and writes it back: nodes, names and attributes stay, weights change, and
/// biases where the method corrects them. Nothing is quantised.
///
/// # Errors
///
/// The first stage that cannot do what was asked.
pub fn prune_to_onnx(
    name: &str,
    bytes: &[u8],
    options: &Options,
    progress: Listener<'_>,
) -> Result<PrunedOnnx, PipelineError> {
    options.check(false)?;
    progress(Stage::Import, 0, 0);
    let options = &options.resolved(false);
    let imported = import::from_bytes(name, bytes).map_err(PipelineError::Import)?;
    check(&imported, options)?;
    if import::is_tflite(bytes) || options.method() == Method::Filter || options.permute {
        return rebuilt(imported, options, progress);
    }
    let source = OnnxSource::open(name, bytes).map_err(PipelineError::Export)?;
    let mut graph = source.graph().clone();
    let mut options = options.clone();
    for name in source.untraced() {
        graph.notes.push(format!(
            "layer '{name}' stays as it is: its weights are no constant of the file"
        ));
        options.include.retain(|n| *n != name);
        options.skip.push(name);
    }
    let report = prune_weights(&mut graph, &options, Rounding::Single, progress)?;
    progress(Stage::Emit, 0, 0);
    let bytes = source.with_values_of(&graph);
    Ok(PrunedOnnx {
        bytes: bytes.map_err(PipelineError::Export)?,
        masks: source.masks(&graph).map_err(PipelineError::Export)?,
        report,
        notes: graph.notes,
    })
}

/// What ONNX files of floats cannot hold.
fn check(graph: &Graph, options: &Options) -> Result<(), PipelineError> {
    if graph.is_quantized() {
        return Err(PipelineError::option(
            "an integer network cannot be written as ONNX",
            "write OUT.nnz, or prune the float network that it was made from",
        ));
    }
    if matches!(options.dtype, Dtype::S8 | Dtype::F16) {
        return Err(PipelineError::option(
            format!(
                "`--dtype {}` is for .nnz files: an ONNX file keeps its floats",
                options.dtype.name()
            ),
            "leave `--dtype` out",
        ));
    }
    Ok(())
}

/// A new ONNX file from the simplified and pruned graph.
fn rebuilt(
    imported: Graph,
    options: &Options,
    progress: Listener<'_>,
) -> Result<PrunedOnnx, PipelineError> {
    let passes = |graph| pass::run(graph, PassSet::All).map_err(PipelineError::Pass);
    let mut graph = passes(imported)?;
    if options.permute {
        graph = permuted(graph, options)?;
    }
    let report = prune_weights(&mut graph, options, Rounding::Single, progress)?;
    let graph = passes(graph)?;
    progress(Stage::Emit, 0, 0);
    Ok(PrunedOnnx {
        bytes: to_onnx(&graph).map_err(PipelineError::Export)?,
        masks: Vec::new(),
        report,
        notes: graph.notes,
    })
}

/// The source of masks, where they are asked for.
pub(super) fn source(
    name: &str,
    bytes: &[u8],
    options: &Options,
) -> Result<Option<OnnxSource>, PipelineError> {
    if options.masks && options.method() == Method::Filter {
        return Err(PipelineError::option(
            "`--method filter` makes tensors smaller, which masks cannot say",
            "leave `--masks` out, or choose another method",
        ));
    }
    if options.masks && options.permute {
        return Err(PipelineError::option(
            "`--permute` reorders channels, masks are those of the source's order",
            "leave one of them out",
        ));
    }
    let wanted = options.masks.then(|| OnnxSource::open(name, bytes));
    wanted.transpose().map_err(PipelineError::Export)
}
