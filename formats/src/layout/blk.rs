//! Blocks of four weights under one delta.
//!
//! ```text
//! [delta u8] of every block of every row (4x1: of every block row), padded to 4, then [w0 w1 w2 w3] of every block
//! ```

use super::csr::{byte_deltas, split_words};
use super::{Geometry, Rows, Weights};
use crate::FormatError;
use crate::bytes::{ensure, is_zero, number, some, tri};

/// Blocks of 1 output channel × 4 input channels.
///
/// # Invariants
///
/// 1. `deltas` holds exactly Σ nnz bytes, `weights` 4 bytes a delta.
/// 2. Within a row, the running sum of deltas stays below taps · ⌈cin / 4⌉.
/// 3. Weights of channels past cin are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blk1x4<'a> {
    rows: Rows<'a>,
    deltas: &'a [u8],
    padding: &'a [u8],
    weights: &'a [u8],
}

impl<'a> Blk1x4<'a> {
    pub(super) const fn view(rows: Rows<'a>, stream: &'a [u8]) -> Option<Weights<'a>> {
        match split_words(stream) {
            Some((deltas, padding, weights)) => Some(Weights::Blk1x4(Self {
                rows,
                deltas,
                padding,
                weights,
            })),
            None => None,
        }
    }

    /// The rows table; `nnz` counts blocks.
    #[must_use]
    pub const fn rows(&self) -> Rows<'a> {
        self.rows
    }

    /// The deltas of all rows.
    #[must_use]
    pub const fn deltas(&self) -> &'a [u8] {
        self.deltas
    }

    /// The weights, 4 bytes a block.
    #[must_use]
    pub const fn weights(&self) -> &'a [u8] {
        self.weights
    }

    pub(super) const fn check(&self, shape: &Geometry, step: u16) -> Result<(), FormatError> {
        let quads = shape.cin.div_ceil(4);
        let columns = quads.saturating_mul(shape.taps);
        let mut deltas = self.deltas;
        let mut weights = self.weights;
        let mut index: usize = 0;
        while let Some(row) = self.rows.get(index) {
            tri!(self.rows.check(&row, index, step));
            let nnz = row.nnz as usize;
            let split = deltas.split_at_checked(nnz);
            let (head, tail) = some!(split, FormatError::WeightsLen { step });
            let split = weights.split_at_checked(nnz.saturating_mul(4));
            let (words, rest) = some!(split, FormatError::WeightsLen { step });
            ensure!(
                nnz == 0 || byte_deltas(head) < columns,
                FormatError::RowIndex {
                    step,
                    row: number(index)
                }
            );
            ensure!(
                shape.cin & 3 == 0 || past_is_zero(head, words, quads, shape.cin & 3),
                FormatError::RowPast {
                    step,
                    row: number(index)
                }
            );
            deltas = tail;
            weights = rest;
            index = index.wrapping_add(1);
        }
        ensure!(deltas.is_empty(), FormatError::WeightsLen { step });
        ensure!(is_zero(self.padding), FormatError::WeightsPadding { step });
        Ok(())
    }
}

/// Whether blocks at the last quad of channels have weights in their first `live` places only.
const fn past_is_zero(deltas: &[u8], words: &[u8], quads: u32, live: u32) -> bool {
    let mut deltas = deltas;
    let mut words = words;
    let mut quad: u32 = 0;
    while let ([delta, tail @ ..], [_, b, c, d, rest @ ..]) = (deltas, words) {
        quad = quad.wrapping_add(*delta as u32);
        if quad >= quads {
            quad = match quad.checked_rem(quads) {
                Some(quad) => quad,
                None => 0,
            };
        }
        if quad.wrapping_add(1) == quads {
            let past = match live {
                1 => *b | *c | *d,
                2 => *c | *d,
                _ => *d,
            };
            if past != 0 {
                return false;
            }
        }
        deltas = tail;
        words = rest;
    }
    true
}

/// Blocks of 4 output channels × 1 input channel.
///
/// # Invariants
///
/// 1. The rows of a block row have the same `nnz`; `deltas` holds as many bytes for each block row, `weights` 4 bytes
///    a delta, of rows r … r + 3.
/// 2. Within a block row, the running sum of deltas stays below the columns; column = tap · cin + c.
/// 3. Weights of rows that do not exist are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blk4x1<'a> {
    rows: Rows<'a>,
    deltas: &'a [u8],
    padding: &'a [u8],
    weights: &'a [u8],
}

impl<'a> Blk4x1<'a> {
    pub(super) const fn view(rows: Rows<'a>, stream: &'a [u8]) -> Option<Weights<'a>> {
        match split_words(stream) {
            Some((deltas, padding, weights)) => Some(Weights::Blk4x1(Self {
                rows,
                deltas,
                padding,
                weights,
            })),
            None => None,
        }
    }

    /// The rows table; `nnz` counts the blocks of the row's block row.
    #[must_use]
    pub const fn rows(&self) -> Rows<'a> {
        self.rows
    }

    /// The deltas of all block rows.
    #[must_use]
    pub const fn deltas(&self) -> &'a [u8] {
        self.deltas
    }

    /// The weights, 4 bytes a block.
    #[must_use]
    pub const fn weights(&self) -> &'a [u8] {
        self.weights
    }

    pub(super) const fn check(&self, shape: &Geometry, step: u16) -> Result<(), FormatError> {
        let mut deltas = self.deltas;
        let mut weights = self.weights;
        let mut index: usize = 0;
        let mut nnz: u32 = 0;
        while let Some(row) = self.rows.get(index) {
            tri!(self.rows.check(&row, index, step));
            if index & 3 == 0 {
                nnz = row.nnz;
                let split = deltas.split_at_checked(nnz as usize);
                let (head, tail) = some!(split, FormatError::WeightsLen { step });
                let split = weights.split_at_checked((nnz as usize).saturating_mul(4));
                let (words, rest) = some!(split, FormatError::WeightsLen { step });
                ensure!(
                    nnz == 0 || byte_deltas(head) < shape.columns(),
                    FormatError::RowIndex {
                        step,
                        row: number(index)
                    }
                );
                ensure!(
                    missing_are_zero(words, self.rows.len().saturating_sub(index)),
                    FormatError::RowPast {
                        step,
                        row: number(index)
                    }
                );
                deltas = tail;
                weights = rest;
            }
            ensure!(
                row.nnz == nnz,
                FormatError::RowNnz {
                    step,
                    row: number(index)
                }
            );
            index = index.wrapping_add(1);
        }
        ensure!(deltas.is_empty(), FormatError::WeightsLen { step });
        ensure!(is_zero(self.padding), FormatError::WeightsPadding { step });
        Ok(())
    }
}

/// Whether the blocks have weights in their first `live` rows only.
const fn missing_are_zero(words: &[u8], live: usize) -> bool {
    if live >= 4 {
        return true;
    }
    let mut words = words;
    while let [_, b, c, d, rest @ ..] = words {
        let past = match live {
            1 => *b | *c | *d,
            2 => *c | *d,
            _ => *d,
        };
        if past != 0 {
            return false;
        }
        words = rest;
    }
    true
}
