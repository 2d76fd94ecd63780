//! Constant weights and biases of operators.

/// Weight values in `[o][i][kh][kw]` order.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Floats.
    F32(Vec<f32>),
    /// Integers; real = scale of the output channel × value, zero point 0.
    S8(Vec<i8>),
}

/// A weight tensor.
///
/// Convolution: `[o, i, kh, kw]`; depthwise: `[c·multiplier, 1, kh, kw]` (output channel = c·multiplier + m);
/// fully connected: `[o, i, 1, 1]`, the input in `[c][h][w]` order.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// The initializer's name in the source model, the key of masks.
    pub name: String,
    /// Output channels, input channels, rows, columns.
    pub shape: [usize; 4],
    /// `shape` product many values.
    pub values: Values,
    /// Per output channel; empty for floats.
    pub scales: Vec<f32>,
}

impl Weights {
    /// Number of weights.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.values {
            Values::F32(v) => v.len(),
            Values::S8(v) => v.len(),
        }
    }

    /// Whether there are none (never in a checked graph).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of weights that are not exactly zero.
    #[must_use]
    pub fn nonzeros(&self) -> usize {
        match &self.values {
            Values::F32(v) => v.iter().filter(|w| **w != 0.0).count(),
            Values::S8(v) => v.iter().filter(|w| **w != 0).count(),
        }
    }

    /// Weights of one output channel (input channels × rows × columns).
    #[must_use]
    pub const fn row_len(&self) -> usize {
        self.shape[1] * self.shape[2] * self.shape[3]
    }
}

/// A bias, one value an output channel.
#[derive(Debug, Clone, PartialEq)]
pub enum Bias {
    /// All zero.
    None,
    /// Floats.
    F32(Vec<f32>),
    /// Integers; real = input scale × weight scale × value. Input zero points are not folded in.
    S32(Vec<i32>),
}
