//! Every weight, zeros included: the rows table, then `[row][column]`.

use super::{Geometry, Rows, RowsF32, Weights};
use crate::FormatError;
use crate::bytes::{ensure, is_zero, number, padded4, tri};

/// All weights of an `s8` matrix.
///
/// # Invariants
///
/// 1. `weights` holds exactly rows × columns values, columns in the order `[c][ky][kx]`.
/// 2. Every row's `nnz` is 0, its shift in −30…31, its multiplier not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DenseS8<'a> {
    rows: Rows<'a>,
    weights: &'a [u8],
    padding: &'a [u8],
}

impl<'a> DenseS8<'a> {
    pub(super) const fn view(
        rows: Rows<'a>,
        stream: &'a [u8],
        shape: &Geometry,
    ) -> Option<Weights<'a>> {
        let len = (shape.columns() as usize).saturating_mul(rows.len());
        match stream.split_at_checked(len) {
            Some((weights, padding)) if stream.len() == padded4(len) => {
                Some(Weights::DenseS8(Self {
                    rows,
                    weights,
                    padding,
                }))
            }
            Some(_) | None => None,
        }
    }

    /// The rows table.
    #[must_use]
    pub const fn rows(&self) -> Rows<'a> {
        self.rows
    }

    /// The weights as bytes, two's complement.
    #[must_use]
    pub const fn weights(&self) -> &'a [u8] {
        self.weights
    }

    pub(super) const fn check(&self, step: u16) -> Result<(), FormatError> {
        let mut index: usize = 0;
        while let Some(row) = self.rows.get(index) {
            tri!(self.rows.check(&row, index, step));
            ensure!(
                row.nnz == 0,
                FormatError::RowNnz {
                    step,
                    row: number(index)
                }
            );
            index = index.wrapping_add(1);
        }
        ensure!(is_zero(self.padding), FormatError::WeightsPadding { step });
        Ok(())
    }
}

/// All weights of an `f32` matrix.
///
/// # Invariants
///
/// 1. `weights` holds exactly 4 · rows × columns bytes, columns in the order `[c][ky][kx]`.
/// 2. Every weight and bias is finite; every row's `nnz` is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DenseF32<'a> {
    rows: RowsF32<'a>,
    weights: &'a [u8],
}

impl<'a> DenseF32<'a> {
    pub(super) const fn view(
        rows: RowsF32<'a>,
        weights: &'a [u8],
        shape: &Geometry,
    ) -> Option<Self> {
        let len = (shape.columns() as usize).saturating_mul(rows.len());
        if weights.len() != len.saturating_mul(4) {
            return None;
        }
        Some(Self { rows, weights })
    }

    /// The rows table.
    #[must_use]
    pub const fn rows(&self) -> RowsF32<'a> {
        self.rows
    }

    /// The weights as little-endian binary32.
    #[must_use]
    pub const fn weights(&self) -> &'a [u8] {
        self.weights
    }

    pub(super) const fn check(&self, shape: &Geometry, step: u16) -> Result<(), FormatError> {
        let columns = shape.columns() as usize;
        let mut rest = self.weights;
        let mut index: usize = 0;
        while let Some(row) = self.rows.get(index) {
            tri!(self.rows.check(&row, index, step));
            ensure!(
                row.nnz == 0,
                FormatError::RowNnz {
                    step,
                    row: number(index)
                }
            );
            rest = match finite(rest, columns) {
                Some(rest) => rest,
                None => {
                    return Err(FormatError::RowValue {
                        step,
                        row: number(index),
                    });
                }
            };
            index = index.wrapping_add(1);
        }
        Ok(())
    }
}

/// What follows `len` finite binary32 numbers; `None` where one is not finite.
pub(super) const fn finite(words: &[u8], len: usize) -> Option<&[u8]> {
    let Some((mut words, rest)) = words.split_at_checked(len.saturating_mul(4)) else {
        return None;
    };
    while let [_, _, low, high, tail @ ..] = words {
        // All eight bits of the exponent: infinite or not a number.
        if *high & 0x7F == 0x7F && *low & 0x80 != 0 {
            return None;
        }
        words = tail;
    }
    Some(rest)
}
