//! Why a network cannot be quantised.

use crate::data::DataError;
use crate::ir::GraphError;

/// Why a network cannot be quantised.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuantizeError {
    /// There are no calibration samples.
    NoCalibration,
    /// A tensor is an integer one already.
    AlreadyInteger {
        /// The tensor's name.
        tensor: String,
    },
    /// One mean and deviation are given for a network of several inputs.
    Preprocess {
        /// How many it has.
        inputs: usize,
    },
    /// A sample made a NaN or an infinity.
    NotFinite {
        /// The tensor's name.
        tensor: String,
        /// Index of the sample.
        sample: usize,
    },
    /// A sample cannot be run.
    Run {
        /// Index of the sample.
        sample: usize,
        /// What the interpreter said.
        reason: String,
    },
    /// The calibration data do not fit.
    Data(DataError),
    /// The network is not well formed.
    Graph(GraphError),
}

impl core::fmt::Display for QuantizeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoCalibration => write!(
                f,
                "quantisation needs calibration samples: give --calib DATA.npz, or --dtype f32 to stay with floats"
            ),
            Self::AlreadyInteger { tensor } => write!(
                f,
                "tensor '{tensor}' is an integer one already: leave --dtype and --calib out, or start from the float network"
            ),
            Self::Preprocess { inputs } => write!(
                f,
                "--mean and --std belong to one input, the network has {inputs}: leave them out and write the arrays as the network takes them"
            ),
            Self::NotFinite { tensor, sample } => write!(
                f,
                "calibration sample {sample} makes a NaN or an infinity in tensor '{tensor}': check --mean and --std, and the weights"
            ),
            Self::Run { sample, reason } => write!(f, "calibration sample {sample}: {reason}"),
            Self::Data(e) => write!(f, "{e}"),
            Self::Graph(e) => write!(f, "{e}"),
        }
    }
}

impl core::error::Error for QuantizeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Data(e) => Some(e),
            Self::Graph(e) => Some(e),
            Self::NoCalibration
            | Self::AlreadyInteger { .. }
            | Self::Preprocess { .. }
            | Self::NotFinite { .. }
            | Self::Run { .. } => None,
        }
    }
}

impl From<DataError> for QuantizeError {
    fn from(e: DataError) -> Self {
        Self::Data(e)
    }
}

impl From<GraphError> for QuantizeError {
    fn from(e: GraphError) -> Self {
        Self::Graph(e)
    }
}
