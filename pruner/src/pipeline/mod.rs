//! `nnz prune` as one function: a trained network in, a `.nnz` file and a report out.
//!
//! ```text
//! bytes ─import→ Graph ─passes→ ─sparsify→ ─passes→ ─quantise→ ─lower→ Program ─plan→ Plan ─emit→ bytes
//!                                                                 └ again with dense weights, for the report
//! ```
//!
//! The second round of passes removes channels that the new zeros made dead.

mod budget;
mod build;
mod error;
mod export;
mod options;
mod report;
mod stages;
#[cfg(test)]
mod tests;

pub use budget::{Allowance, Budget, LEVELS, Spent, Use};
pub use error::PipelineError;
pub use export::{PrunedOnnx, prune_to_onnx};
pub use options::{Dtype, Options, Passes};
pub use report::{LayerRow, Report, Versus};

use crate::export::Mask;
use crate::import;
use crate::sparsify;
use build::{Input, dense_reference, finish};
use nnz_format::Rounding;
use std::path::Path;

/// A finished file.
#[derive(Debug, Clone)]
pub struct Pruned {
    /// The `.nnz` file.
    pub bytes: Vec<u8>,
    /// What was gained, and what the user should know.
    pub report: Report,
    /// Which weights of the source stay, where [`Options::masks`] asks for them.
    pub masks: Option<Vec<Mask>>,
}

/// Told which stage runs, how many of its items are done, and how many there are (0 of 0 at its beginning).
pub type Listener<'a> = &'a (dyn Fn(Stage, usize, usize) + Sync);

/// What [`prune`] is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Reading the network.
    Import,
    /// Simplifying the graph.
    Passes,
    /// Trying what every layer can lose.
    Measure,
    /// Building files of which the best fills a budget.
    Search,
    /// Choosing weights to remove.
    Sparsify,
    /// Measuring what was kept.
    Judge,
    /// Choosing scales from calibration data.
    Quantize,
    /// Correcting biases and weights.
    Refit,
    /// Choosing layouts.
    Lower,
    /// Placing tensors.
    Plan,
    /// Writing.
    Emit,
}

impl Stage {
    /// What a progress line says.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Import => "reading",
            Self::Passes => "simplifying",
            Self::Measure => "trying layers",
            Self::Search => "filling the budget",
            Self::Sparsify => "pruning",
            Self::Judge => "measuring accuracy",
            Self::Quantize => "quantising",
            Self::Refit => "refitting",
            Self::Lower => "choosing layouts",
            Self::Plan => "planning memory",
            Self::Emit => "writing",
        }
    }
}

/// Prunes the network in the file `path`.
///
/// # Errors
///
/// As [`prune_bytes`], and if the file cannot be read.
pub fn prune(
    path: &Path,
    options: &Options,
    progress: Listener<'_>,
) -> Result<Pruned, PipelineError> {
    let bytes = std::fs::read(path).map_err(|e| PipelineError::Read {
        path: path.to_owned(),
        reason: e.to_string(),
    })?;
    prune_beside(path, &bytes, options, progress)
}

/// Prunes the network in `bytes`, the content of `path`, whose folder may hold constants in other files.
///
/// # Errors
///
/// As [`prune_bytes`].
pub fn prune_beside(
    path: &Path,
    bytes: &[u8],
    options: &Options,
    progress: Listener<'_>,
) -> Result<Pruned, PipelineError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    prune_from((&name, bytes, path.parent()), options, None, progress)
}

/// [`prune_beside`], as far as an accuracy allows: the result is the smallest network that was found.
///
/// # Errors
///
/// As [`prune_bytes`]; where the accuracy cannot be measured, or leaves no network within the budget.
pub fn prune_within(
    path: &Path,
    bytes: &[u8],
    options: &Options,
    allowance: Allowance<'_>,
    progress: Listener<'_>,
) -> Result<Pruned, PipelineError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let from = (&*name, bytes, path.parent());
    prune_from(from, options, Some(allowance), progress)
}

/// Prunes the network in `bytes`; `name` is its file name, for errors and provenance.
///
/// # Errors
///
/// The first stage that cannot do what was asked, with file, node, reason and a way out.
pub fn prune_bytes(
    name: &str,
    bytes: &[u8],
    options: &Options,
    progress: Listener<'_>,
) -> Result<Pruned, PipelineError> {
    prune_from((name, bytes, None), options, None, progress)
}

/// Prunes the network in `bytes`, whose constants may lie in other files of `folder`.
fn prune_from(
    (name, bytes, folder): (&str, &[u8], Option<&Path>),
    options: &Options,
    allowance: Option<Allowance<'_>>,
    progress: Listener<'_>,
) -> Result<Pruned, PipelineError> {
    options.check(allowance.is_some())?;
    progress(Stage::Import, 0, 0);
    let graph = import::from_bytes_beside(name, bytes, folder).map_err(PipelineError::Import)?;
    let default = if graph.is_quantized() {
        graph.arithmetic.rounding()
    } else {
        Rounding::Single
    };
    let rounding = options.rounding.unwrap_or(default);
    let options = &options.resolved(allowance.is_some() || !options.budget.is_open());
    let imported = graph.clone();
    let source = export::source(name, bytes, options)?;
    let graph = source.as_ref().map_or(graph, |s| s.graph().clone());
    let input = Input {
        name,
        bytes,
        rounding,
        source: source.as_ref(),
    };
    let graph = match options.permute {
        true => stages::permuted(stages::simplified(graph, options, &input)?, options)?,
        false => graph,
    };
    let (finished, spent) = match allowance {
        Some(allowance) => {
            let (finished, spent) = budget::spend(&graph, &input, options, allowance, progress)?;
            (finished, Some(spent))
        }
        None if options.budget.is_open() => (finish(graph, &input, options, progress)?, None),
        None => (budget::meet(&graph, &input, options, progress)?, None),
    };
    let dense = dense_reference(imported, options, rounding)?;
    let dense_file = dense.file(&finished.provenance)?;
    let uses = options.budget.uses(finished.need(), options.target);
    let report = Report::new(
        (
            &finished.built.program,
            &finished.built.plan,
            finished.file.len(),
        ),
        (&dense.program, &dense.plan, dense_file.len()),
        (finished.sparsity, finished.refitted),
        &finished.graph.notes,
        options,
    )
    .counted(&finished.graph)
    .held_to(finished.method.row().name, uses, spent);
    Ok(Pruned {
        bytes: finished.file,
        report,
        masks: finished.masks,
    })
}

/// What every layer of the network in `bytes` can lose, at the sparsities [`LEVELS`].
///
/// # Errors
///
/// As [`prune_bytes`]; without calibration data.
pub fn sensitivity(
    name: &str,
    bytes: &[u8],
    options: &Options,
    progress: Listener<'_>,
) -> Result<Vec<sparsify::Curve>, PipelineError> {
    let graph = import::from_bytes(name, bytes).map_err(PipelineError::Import)?;
    let rounding = options.rounding.unwrap_or(Rounding::Double);
    let input = Input {
        name,
        bytes,
        rounding,
        source: None,
    };
    let graph = stages::simplified(graph, options, &input)?;
    let data = stages::calibration_data(options, &graph)?;
    let Some(calibration) = stages::calibration(data.as_ref(), options, rounding) else {
        return Err(PipelineError::option(
            "samples are needed to see what a layer loses",
            "give `--calib DATA.npz`",
        ));
    };
    let tell = |done, total| progress(Stage::Measure, done, total);
    sparsify::sensitivity(&graph, &options.sparsify(), &LEVELS, &calibration, &tell)
        .map_err(PipelineError::Sparsify)
}
