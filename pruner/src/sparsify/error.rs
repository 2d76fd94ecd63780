//! Why a network cannot be pruned as asked.

use super::{METHODS, PATTERNS};

/// Why a network cannot be pruned as asked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PruneError {
    /// Not a pattern.
    Pattern {
        /// What was given.
        text: String,
    },
    /// Not a method.
    Method {
        /// What was given.
        text: String,
    },
    /// A sparsity outside 0 ≤ S < 1.
    Sparsity {
        /// What was given.
        sparsity: f64,
    },
    /// The method lacks an option or does not take one that is given.
    Option {
        /// The method's name.
        method: &'static str,
        /// What is wrong, and the way out.
        reason: String,
    },
    /// `--skip` or `--include` names no layer.
    UnknownLayer {
        /// What was given.
        name: String,
        /// The layers with weights.
        layers: Vec<String>,
    },
    /// A layer is in both lists.
    SkippedAndIncluded {
        /// The layer.
        name: String,
    },
    /// Calibration data do not fit, or cannot be run.
    Calibration {
        /// What is wrong.
        reason: String,
    },
    /// No layer is prunable.
    NothingToPrune {
        /// The layers with weights.
        layers: Vec<String>,
    },
}

impl core::fmt::Display for PruneError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let list =
            |names: &mut dyn Iterator<Item = &'static str>| names.collect::<Vec<_>>().join(", ");
        match self {
            Self::Pattern { text } => write!(
                f,
                "'{text}' is not a pattern: use {} with sides of 1 to 64 and N < M",
                list(&mut PATTERNS.iter().map(|p| p.syntax))
            ),
            Self::Method { text } => write!(
                f,
                "'{text}' is not a method: use one of {}",
                list(&mut METHODS.iter().map(|m| m.name))
            ),
            Self::Sparsity { sparsity } => {
                write!(
                    f,
                    "a sparsity of {sparsity} is impossible: give 0 up to, not including, 1"
                )
            }
            Self::Option { method, reason } => write!(f, "method '{method}' {reason}"),
            Self::UnknownLayer { name, layers } => {
                write!(
                    f,
                    "no layer is called '{name}'; the layers are {}",
                    layers.join(", ")
                )
            }
            Self::SkippedAndIncluded { name } => {
                write!(f, "layer '{name}' is both skipped and included")
            }
            Self::Calibration { reason } => write!(f, "calibration: {reason}"),
            Self::NothingToPrune { layers } => write!(
                f,
                "no layer is prunable by the rule; name some with --include: {}",
                layers.join(", ")
            ),
        }
    }
}

impl core::error::Error for PruneError {}
