//! Why data cannot be used.

use super::array::shape_text;

/// Why a data file, or an array in it, cannot be used; every variant names the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataError {
    /// The file cannot be opened, read or written.
    File {
        /// Path of the file.
        file: String,
        /// What the system said.
        reason: String,
    },
    /// The archive has no such array.
    MissingArray {
        /// Path of the file.
        file: String,
        /// Name of the array.
        array: String,
        /// Names that are there.
        found: Vec<String>,
    },
    /// A network has several inputs, and there is not one array for each.
    Inputs {
        /// Path of the file.
        file: String,
        /// Names of the inputs.
        wanted: Vec<String>,
        /// Names that are there; none where the file holds one array without a name.
        found: Vec<String>,
    },
    /// An array cannot be decoded.
    Array {
        /// Path of the file.
        file: String,
        /// Name of the array; empty for a file that holds one without a name.
        array: String,
        /// What is wrong.
        reason: String,
    },
    /// An array has another shape than is needed.
    Shape {
        /// Path of the file.
        file: String,
        /// Name of the array.
        array: String,
        /// The shape in the file.
        found: Vec<usize>,
        /// What is needed.
        expected: String,
        /// What to do.
        hint: String,
    },
    /// A value is NaN or infinite.
    NotFinite {
        /// Path of the file.
        file: String,
        /// Name of the array.
        array: String,
        /// Index of the sample.
        sample: usize,
    },
    /// Mean or standard deviation cannot be used.
    Preprocess {
        /// What is wrong.
        reason: String,
    },
}

impl core::fmt::Display for DataError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::File { file, reason } => write!(f, "{file}: {reason}"),
            Self::MissingArray { file, array, found } => write!(
                f,
                "{file}: has no array '{array}' (found: {}); data files hold 'x' and, for accuracy, 'y'",
                if found.is_empty() {
                    "none".to_string()
                } else {
                    found.join(", ")
                }
            ),
            Self::Inputs {
                file,
                wanted,
                found,
            } => write!(
                f,
                "{file}: the network has {} inputs, so the file must be an .npz with one array for each, named {} or x0 to x{} (found: {})",
                wanted.len(),
                wanted.join(", "),
                wanted.len().saturating_sub(1),
                if found.is_empty() {
                    "one array without a name".to_string()
                } else {
                    found.join(", ")
                }
            ),
            Self::Array {
                file,
                array,
                reason,
            } if array.is_empty() => write!(f, "{file}: {reason}"),
            Self::Array {
                file,
                array,
                reason,
            } => write!(f, "{file}: array '{array}': {reason}"),
            Self::Shape {
                file,
                array,
                found,
                expected,
                hint,
            } => {
                write!(
                    f,
                    "{file}: array '{array}' has shape {}, expected {expected}",
                    shape_text(found)
                )?;
                if hint.is_empty() {
                    Ok(())
                } else {
                    write!(f, "; {hint}")
                }
            }
            Self::NotFinite {
                file,
                array,
                sample,
            } => {
                write!(
                    f,
                    "{file}: array '{array}': sample {sample} holds a NaN or an infinity"
                )
            }
            Self::Preprocess { reason } => write!(f, "{reason}"),
        }
    }
}

impl core::error::Error for DataError {}
