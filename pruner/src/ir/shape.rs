//! Shapes of activations, and how the source model shows them.

pub use nnz_format::AxisOrder as Order;

/// Channels, rows and columns of one activation (batch 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Shape {
    /// Channels; the length of a vector.
    pub c: usize,
    /// Rows; 1 for a vector.
    pub h: usize,
    /// Columns; 1 for a vector.
    pub w: usize,
}

impl Shape {
    /// An image.
    #[must_use]
    pub const fn new(c: usize, h: usize, w: usize) -> Self {
        Self { c, h, w }
    }

    /// A vector of `n` values.
    #[must_use]
    pub const fn vector(n: usize) -> Self {
        Self { c: n, h: 1, w: 1 }
    }

    /// Number of values.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.c * self.h * self.w
    }

    /// Whether there are no values (never in a checked graph).
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Values of one channel.
    #[must_use]
    pub const fn pixels(&self) -> usize {
        self.h * self.w
    }
}

/// How the source model shows an activation: its dimensions with the batch, and their order.
///
/// `order` says how `dims` maps to `[c][h][w]`: `Nchw` = values in channel-row-column order,
/// `Nhwc` = row-column-channel order. Both agree for vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Dimensions as the source model has them, batch first (1).
    pub dims: Vec<usize>,
    /// Order in which the values are laid out.
    pub order: Order,
}
