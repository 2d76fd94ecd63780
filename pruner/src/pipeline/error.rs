//! Why `nnz prune` stopped.

use crate::data::DataError;
use crate::emit::EmitError;
use crate::export::ExportError;
use crate::import::ImportError;
use crate::lower::LowerError;
use crate::pass::PassError;
use crate::plan::PlanError;
use crate::quantize::QuantizeError;
use crate::sparsify::PruneError;
use std::path::PathBuf;

/// The stage that failed, and why.
#[derive(Debug)]
#[non_exhaustive]
pub enum PipelineError {
    /// The file cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// Options that cannot be followed together, or not for this network.
    Option {
        /// What does not work.
        reason: String,
        /// A way out.
        help: String,
    },
    /// The network cannot be read.
    Import(ImportError),
    /// A pass broke the graph.
    Pass(PassError),
    /// The pruning options do not fit the network.
    Sparsify(PruneError),
    /// The calibration data cannot be read.
    Data(DataError),
    /// The network cannot be quantised.
    Quantize(QuantizeError),
    /// The network does not fit the backend.
    Lower(LowerError),
    /// The network does not fit in memory.
    Plan(PlanError),
    /// The network does not fit the file.
    Emit(EmitError),
    /// The network cannot be written as ONNX, or its weights not followed back to their source.
    Export(ExportError),
}

impl PipelineError {
    pub(super) fn option(reason: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Option {
            reason: reason.into(),
            help: help.into(),
        }
    }
}

impl core::fmt::Display for PipelineError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Read { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::Option { reason, help } => write!(f, "{reason}\n  help: {help}"),
            Self::Import(e) => e.fmt(f),
            Self::Pass(e) => e.fmt(f),
            Self::Sparsify(e) => e.fmt(f),
            Self::Data(e) => e.fmt(f),
            Self::Quantize(e) => e.fmt(f),
            Self::Lower(e) => e.fmt(f),
            Self::Plan(e) => e.fmt(f),
            Self::Emit(e) => e.fmt(f),
            Self::Export(e) => e.fmt(f),
        }
    }
}

impl core::error::Error for PipelineError {}
