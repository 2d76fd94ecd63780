//! Compressed sparse rows whose entries carry the distance to the previous entry of the row.
//!
//! ```text
//! csr_p    [delta u8][weight i8] [delta u8][weight i8] …        rows follow each other, padded to 4 at the end
//! csr_n    [d0 | d1 << 4][w0][w1] …                             two entries in three bytes
//! csr_f    [delta u8] … padded to 4, then [weight f32] …
//! ```
//!
//! Distances never are negative, so a row stays inside its band or columns exactly when the sum of its deltas does:
//! the check adds bytes and compares once a row.

use super::dense::finite;
use super::{Geometry, Rows, RowsF32, check_end, words_of};
use crate::FormatError;
use crate::bytes::{ensure, is_zero, number, padded4, slice, some, tri};

/// Pairs of delta and weight.
///
/// # Invariants
///
/// 1. `pairs` holds exactly Σ nnz pairs and less than 4 bytes of padding.
/// 2. Within a row, the running sum of deltas stays below the columns (fully connected) or, times the band's unit,
///    at least 8 elements before the band's end (convolution).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsrP<'a> {
    rows: Rows<'a>,
    pairs: &'a [u8],
}

impl<'a> CsrP<'a> {
    pub(super) const fn view(rows: Rows<'a>, pairs: &'a [u8]) -> Self {
        Self { rows, pairs }
    }

    /// The rows table.
    #[must_use]
    pub const fn rows(&self) -> Rows<'a> {
        self.rows
    }

    /// The pairs of all rows, then padding.
    #[must_use]
    pub const fn pairs(&self) -> &'a [u8] {
        self.pairs
    }

    pub(super) const fn check(&self, shape: &Geometry, step: u16) -> Result<(), FormatError> {
        let mut rest = self.pairs;
        let mut index: usize = 0;
        while let Some(row) = self.rows.get(index) {
            tri!(self.rows.check(&row, index, step));
            let split = rest.split_at_checked((row.nnz as usize).saturating_mul(2));
            let (pairs, tail) = some!(split, FormatError::WeightsLen { step });
            ensure!(
                row.nnz == 0 || pair_deltas(pairs) < shape.positions,
                FormatError::RowIndex {
                    step,
                    row: number(index)
                }
            );
            rest = tail;
            index = index.wrapping_add(1);
        }
        check_end(rest, step)
    }
}

/// Sum of the deltas of pairs; a row has too few to wrap.
const fn pair_deltas(pairs: &[u8]) -> u32 {
    let mut sum: u32 = 0;
    let mut rest = pairs;
    while let [delta, _, tail @ ..] = rest {
        sum = sum.wrapping_add(*delta as u32);
        rest = tail;
    }
    sum
}

/// Two nibble deltas and two weights in three bytes.
///
/// # Invariants
///
/// 1. Every `nnz` is even; `triples` holds exactly Σ nnz / 2 triples and less than 4 bytes of padding.
/// 2. Within a row, the running sum of deltas stays below the columns; column = tap · cin + c.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsrN<'a> {
    rows: Rows<'a>,
    triples: &'a [u8],
}

impl<'a> CsrN<'a> {
    pub(super) const fn view(rows: Rows<'a>, triples: &'a [u8]) -> Self {
        Self { rows, triples }
    }

    /// The rows table.
    #[must_use]
    pub const fn rows(&self) -> Rows<'a> {
        self.rows
    }

    /// The triples of all rows, then padding.
    #[must_use]
    pub const fn triples(&self) -> &'a [u8] {
        self.triples
    }

    pub(super) const fn check(&self, shape: &Geometry, step: u16) -> Result<(), FormatError> {
        let columns = shape.columns();
        let mut rest = self.triples;
        let mut index: usize = 0;
        while let Some(row) = self.rows.get(index) {
            tri!(self.rows.check(&row, index, step));
            ensure!(
                row.nnz & 1 == 0,
                FormatError::RowNnz {
                    step,
                    row: number(index)
                }
            );
            let split = rest.split_at_checked((row.nnz as usize >> 1).saturating_mul(3));
            let (triples, tail) = some!(split, FormatError::WeightsLen { step });
            ensure!(
                row.nnz == 0 || nibble_deltas(triples) < columns,
                FormatError::RowIndex {
                    step,
                    row: number(index)
                }
            );
            rest = tail;
            index = index.wrapping_add(1);
        }
        check_end(rest, step)
    }
}

/// Sum of the deltas of triples.
const fn nibble_deltas(triples: &[u8]) -> u32 {
    let mut sum: u32 = 0;
    let mut rest = triples;
    while let [deltas, _, _, tail @ ..] = rest {
        sum = sum
            .wrapping_add((*deltas & 15) as u32)
            .wrapping_add((*deltas >> 4) as u32);
        rest = tail;
    }
    sum
}

/// Deltas, then `f32` weights.
///
/// # Invariants
///
/// 1. `deltas` holds exactly Σ nnz bytes, `values` Σ nnz little-endian binary32 numbers, all finite.
/// 2. Running sums as in [`CsrP`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsrF<'a> {
    rows: RowsF32<'a>,
    deltas: &'a [u8],
    padding: &'a [u8],
    values: &'a [u8],
}

impl<'a> CsrF<'a> {
    pub(super) const fn view(rows: RowsF32<'a>, stream: &'a [u8]) -> Option<Self> {
        match split_words(stream) {
            Some((deltas, padding, values)) => Some(Self {
                rows,
                deltas,
                padding,
                values,
            }),
            None => None,
        }
    }

    /// The rows table.
    #[must_use]
    pub const fn rows(&self) -> RowsF32<'a> {
        self.rows
    }

    /// The deltas of all rows.
    #[must_use]
    pub const fn deltas(&self) -> &'a [u8] {
        self.deltas
    }

    /// The weights of all rows as little-endian binary32.
    #[must_use]
    pub const fn values(&self) -> &'a [u8] {
        self.values
    }

    pub(super) const fn check(&self, shape: &Geometry, step: u16) -> Result<(), FormatError> {
        let mut deltas = self.deltas;
        let mut values = self.values;
        let mut index: usize = 0;
        while let Some(row) = self.rows.get(index) {
            tri!(self.rows.check(&row, index, step));
            let split = deltas.split_at_checked(row.nnz as usize);
            let (head, tail) = some!(split, FormatError::WeightsLen { step });
            ensure!(
                row.nnz == 0 || byte_deltas(head) < shape.positions,
                FormatError::RowIndex {
                    step,
                    row: number(index)
                }
            );
            values = some!(
                finite(values, row.nnz as usize),
                FormatError::RowValue {
                    step,
                    row: number(index)
                }
            );
            deltas = tail;
            index = index.wrapping_add(1);
        }
        ensure!(deltas.is_empty(), FormatError::WeightsLen { step });
        ensure!(is_zero(self.padding), FormatError::WeightsPadding { step });
        Ok(())
    }
}

/// Sum of bytes.
pub(super) const fn byte_deltas(deltas: &[u8]) -> u32 {
    let mut sum: u32 = 0;
    let mut rest = deltas;
    while let [delta, tail @ ..] = rest {
        sum = sum.wrapping_add(*delta as u32);
        rest = tail;
    }
    sum
}

/// Deltas, their padding to 4, and one word a delta.
pub(super) const fn split_words(stream: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let Some(n) = words_of(stream.len()) else {
        return None;
    };
    let padded = padded4(n);
    match (
        slice(stream, 0, n),
        slice(stream, n, padded.saturating_sub(n)),
        slice(stream, padded, n.saturating_mul(4)),
    ) {
        (Some(deltas), Some(padding), Some(words)) => Some((deltas, padding, words)),
        _ => None,
    }
}
