//! How good a network is on labelled data, whatever runs it.
//!
//! The caller gives a state per thread (a session, an interpreter) and a function from sample index to real
//! outputs; samples run in parallel, and the result does not depend on the number of threads.

mod classify;
mod paired;
mod reconstruct;
mod regress;
pub mod statistics;
#[cfg(test)]
mod tests;

pub use classify::{Accuracy, accuracy};
pub use paired::Paired;
pub use reconstruct::{Reconstruction, reconstruction};
pub use regress::{Deviation, deviation};

/// Why an evaluation has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvalError {
    /// The data have no class indices.
    NoLabels {
        /// Path of the data.
        file: String,
        /// What is there instead.
        found: &'static str,
    },
    /// The data have no real targets.
    NoTargets {
        /// Path of the data.
        file: String,
    },
    /// A label that the network has no output for.
    Label {
        /// Path of the data.
        file: String,
        /// Index of the sample.
        sample: usize,
        /// Its label.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// The network has another number of outputs than the targets.
    Outputs {
        /// Outputs of the network.
        found: usize,
        /// Values of a target.
        expected: usize,
    },
    /// The network failed or gave a NaN.
    Run {
        /// Index of the sample.
        sample: usize,
        /// What the network's runner said.
        reason: String,
    },
}

impl core::fmt::Display for EvalError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoLabels { file, found } => {
                write!(
                    f,
                    "{file}: accuracy needs class indices in the array 'y', found {found}"
                )
            }
            Self::NoTargets { file } => {
                write!(
                    f,
                    "{file}: the error of a regression needs real values in the array 'y'"
                )
            }
            Self::Label {
                file,
                sample,
                label,
                classes,
            } => write!(
                f,
                "{file}: sample {sample} has label {label}, the network knows classes 0 to {}",
                classes.saturating_sub(1)
            ),
            Self::Outputs { found, expected } => {
                write!(
                    f,
                    "the network has {found} outputs, the targets {expected} values"
                )
            }
            Self::Run { sample, reason } => write!(f, "sample {sample}: {reason}"),
        }
    }
}

impl core::error::Error for EvalError {}
