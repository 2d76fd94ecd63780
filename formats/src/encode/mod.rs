//! Encoders: a weight matrix in `[row][c][ky][kx]` order becomes the blob of a layout.
//!
//! One function a layout; [`s8()`] and [`f32()`] choose by [`WeightLayout`]. [`decode`](crate::decode) is the inverse.

mod blk;
mod csr;
mod csr_q;
mod dense;
pub(crate) mod places;
mod rows;
mod table;

use alloc::vec::Vec;

use crate::WeightLayout;

pub use blk::{blk_1x4, blk_4x1};
pub use csr::{csr_f, csr_n, csr_p};
pub use csr_q::csr_q;
pub use dense::{dense_f32, dense_s8};
pub use table::{table_f32, table_i16, table_s8, table_taps, table_u16};

/// A weight matrix with the geometry that its addresses depend on.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, T> {
    /// Output channels.
    pub rows: usize,
    /// Input channels; fully connected: columns; depthwise: 1.
    pub cin: usize,
    /// Rows of the kernel; fully connected: 1.
    pub kernel_h: u8,
    /// Columns of the kernel; fully connected: 1.
    pub kernel_w: u8,
    /// Columns between outputs, which orders the band; fully connected: 1.
    pub stride_w: u8,
    /// Deltas count columns instead of band positions.
    pub is_fully_connected: bool,
    /// `rows · cin · kernel_h · kernel_w` weights in `[row][c][ky][kx]` order.
    pub data: &'a [T],
}

/// Requantisation constants of one output channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowQuant {
    /// With the input zero point folded in: bias − zero point · Σw, modulo 2^32.
    pub bias: i32,
    /// Not negative.
    pub multiplier: i32,
    /// Right shift, −30…31.
    pub shift: i32,
}

/// Encoded weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The layout of `bytes`.
    pub layout: WeightLayout,
    /// Whether rows are in the wide form.
    pub wide_rows: bool,
    /// Whether the step says that sums fit 24 bits, see [`Blob::narrow`].
    pub narrow: bool,
    /// Rows table and stream.
    pub bytes: Vec<u8>,
}

impl Blob {
    /// The blob for a convolution of [`Backend::ArmDsp`](crate::Backend::ArmDsp): marked narrow if every one of its
    /// `rows` proves that sums fit 24 bits and results 16.
    #[must_use]
    pub fn narrowed(self, rows: usize) -> Self {
        let narrow = crate::layout::narrow::proves(&self, rows);
        Self { narrow, ..self }
    }
}

/// Why a matrix is not encoded.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodeError {
    /// The number of weights is not the product of the shape, or a dimension is 0 or too large.
    Shape,
    /// There are not as many biases or constants as rows.
    Rows,
    /// The layout does not hold weights of this type.
    Layout(WeightLayout),
    /// The layout is for fully connected layers only.
    NotFullyConnected(WeightLayout),
    /// A multiplier is negative.
    Multiplier {
        /// The output channel.
        row: usize,
    },
    /// A shift is not within −30…31.
    Shift {
        /// The output channel.
        row: usize,
    },
    /// A bias or weight is not a finite number.
    NotFinite {
        /// The output channel.
        row: usize,
    },
    /// A row has more entries than the format counts.
    Entries {
        /// The output channel.
        row: usize,
    },
}

impl core::fmt::Display for EncodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Shape => f.write_str("the weights are not as many as their shape says"),
            Self::Rows => f.write_str("there must be one bias and scale for each output channel"),
            Self::Layout(layout) => {
                write!(
                    f,
                    "layout {} does not hold weights of this type",
                    layout.name()
                )
            }
            Self::NotFullyConnected(layout) => {
                write!(
                    f,
                    "layout {} is for fully connected layers only",
                    layout.name()
                )
            }
            Self::Multiplier { row } => write!(f, "the multiplier of row {row} is negative"),
            Self::Shift { row } => write!(f, "the shift of row {row} is not within -30…31"),
            Self::NotFinite { row } => write!(f, "row {row} holds a number that is not finite"),
            Self::Entries { row } => write!(f, "row {row} has too many entries"),
        }
    }
}

impl core::error::Error for EncodeError {}

impl<'a, T> Matrix<'a, T> {
    /// Kernel rows × kernel columns.
    pub(crate) fn taps(&self) -> usize {
        usize::from(self.kernel_h).saturating_mul(usize::from(self.kernel_w))
    }

    /// Weights of a row.
    pub(crate) fn columns(&self) -> usize {
        self.cin.saturating_mul(self.taps())
    }

    /// The rows in order.
    pub(crate) fn row_slices(&self) -> impl Iterator<Item = &'a [T]> {
        self.data.chunks_exact(self.columns().max(1))
    }

    /// The shape is possible and the constants are as many as the rows.
    fn check(&self, constants: usize) -> Result<(), EncodeError> {
        let sane = self.columns() != 0
            && self.rows != 0
            && self.stride_w != 0
            && u16::try_from(self.rows).is_ok()
            && u32::try_from(self.columns()).is_ok()
            && (self.is_fully_connected || u16::try_from(self.cin).is_ok())
            && (!self.is_fully_connected || self.taps() == 1)
            && self.columns().checked_mul(self.rows) == Some(self.data.len());
        if !sane {
            return Err(EncodeError::Shape);
        }
        if constants != self.rows {
            return Err(EncodeError::Rows);
        }
        Ok(())
    }
}

/// Encodes an `s8` matrix.
///
/// # Errors
///
/// Where shape, constants or layout do not fit.
pub fn s8(
    layout: WeightLayout,
    matrix: &Matrix<'_, i8>,
    rows: &[RowQuant],
) -> Result<Blob, EncodeError> {
    match layout {
        WeightLayout::Dense => dense_s8(matrix, rows),
        WeightLayout::CsrP => csr_p(matrix, rows),
        WeightLayout::CsrN => csr_n(matrix, rows),
        WeightLayout::CsrQ => csr_q(matrix, rows),
        WeightLayout::Blk1x4 => blk_1x4(matrix, rows),
        WeightLayout::Blk4x1 => blk_4x1(matrix, rows),
        WeightLayout::None | WeightLayout::CsrF | WeightLayout::Table => {
            Err(EncodeError::Layout(layout))
        }
    }
}

/// Encodes an `f32` matrix.
///
/// # Errors
///
/// Where shape, biases or layout do not fit, or a number is not finite.
pub fn f32(
    layout: WeightLayout,
    matrix: &Matrix<'_, f32>,
    bias: &[f32],
) -> Result<Blob, EncodeError> {
    match layout {
        WeightLayout::Dense => dense_f32(matrix, bias),
        WeightLayout::CsrF => csr_f(matrix, bias),
        WeightLayout::None
        | WeightLayout::CsrP
        | WeightLayout::CsrN
        | WeightLayout::CsrQ
        | WeightLayout::Blk1x4
        | WeightLayout::Blk4x1
        | WeightLayout::Table => Err(EncodeError::Layout(layout)),
    }
}
