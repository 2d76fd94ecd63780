//! Activations: shape, element type, quantisation.

use super::{Shape, Source};
pub use nnz_format::DType;

/// Index of an activation in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub usize);

/// Affine quantisation: `real = scale · (q − zero_point)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quant {
    /// Step, finite and positive.
    pub scale: f32,
    /// The integer that means 0, −128…127.
    pub zero_point: i32,
}

/// One activation.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// The source model's name.
    pub name: String,
    /// Size.
    pub shape: Shape,
    /// `S8` or `F32`.
    pub dtype: DType,
    /// Present exactly when `dtype` is `S8`.
    pub quant: Option<Quant>,
    /// How the source model shows it.
    pub source: Source,
}
