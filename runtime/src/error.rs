//! Why a session cannot be made, or a tensor not be had.

use core::fmt;

/// Everything that can go wrong; running a session cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunError {
    /// The arena is too small.
    ArenaLen {
        /// Bytes that the model needs.
        needed: usize,
        /// Bytes that were given.
        found: usize,
    },
    /// The arena does not begin at a multiple of 16.
    ArenaAlignment {
        /// Address modulo 16.
        remainder: usize,
    },
    /// The model's bytes do not begin at a multiple of 4.
    ModelAlignment {
        /// Address modulo 4.
        remainder: usize,
    },
    /// The session's operator set lacks kernels that the model needs.
    Kernels {
        /// The missing bits of the kernel mask.
        missing: u128,
    },
    /// The model has no such input or output.
    NoSuchTensor {
        /// The index that was asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// The input or output has another number of elements than was given.
    Elements {
        /// The index that was asked for.
        index: usize,
        /// How many it has.
        needed: usize,
        /// How many were given.
        found: usize,
    },
    /// The input or output holds other elements than were asked for.
    ElementType {
        /// The index that was asked for.
        index: usize,
    },
    /// The network has several inputs or outputs, and the call takes one of each.
    #[cfg(feature = "std")]
    Several {
        /// Inputs.
        inputs: usize,
        /// Outputs.
        outputs: usize,
    },
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ArenaLen { needed, found } => {
                write!(f, "the arena has {found} bytes, the model needs {needed}")
            }
            Self::ArenaAlignment { remainder } => {
                write!(
                    f,
                    "the arena begins {remainder} bytes past a multiple of 16"
                )
            }
            Self::ModelAlignment { remainder } => {
                write!(f, "the model begins {remainder} bytes past a multiple of 4")
            }
            Self::Kernels { missing } => {
                write!(f, "the session was built without kernels {missing:#x}")
            }
            Self::NoSuchTensor { index, count } => {
                write!(f, "no tensor {index}, there are {count}")
            }
            Self::Elements {
                index,
                needed,
                found,
            } => {
                write!(
                    f,
                    "tensor {index} has {needed} elements, {found} were given"
                )
            }
            Self::ElementType { index } => {
                write!(f, "tensor {index} holds elements of another type")
            }
            #[cfg(feature = "std")]
            Self::Several { inputs, outputs } => write!(
                f,
                "the network has {inputs} inputs and {outputs} outputs, a batch takes one of each"
            ),
        }
    }
}

impl core::error::Error for RunError {}
