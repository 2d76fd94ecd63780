//! The rows table at the head of a weight blob: one row an output channel.
//!
//! ```text
//! compact    { bias i32 | multiplier i32 | sum_w i16 | nnz:11 shift:5 }            12 bytes
//! wide       { bias i32 | multiplier i32 | nnz u32 | shift i8 | 0 0 0 }            16 bytes
//! f32        { bias f32 | nnz u32 }                                                8 bytes
//! ```

use crate::FormatError;
use crate::bytes::{ensure, f32_at, i8_at, i32_at, is_zero, number, slice, u16_at, u32_at};

/// Bytes of a compact row.
pub(crate) const COMPACT: usize = 12;
/// Bytes of a wide row.
pub(crate) const WIDE: usize = 16;
/// Bytes of an `f32` row.
pub(crate) const FLOAT: usize = 8;
/// Most entries of a row: running sums of u8 deltas cannot wrap 32 bits.
pub(crate) const MAX_NNZ: u32 = 1 << 24;

/// Requantisation constants and entry count of one output channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The input zero point is folded in.
    pub bias: i32,
    /// Not negative.
    pub multiplier: i32,
    /// Right shift, −30…31; negative is a left shift.
    pub shift: i32,
    /// Stored entries, fillers included (groups, blocks); 0 in dense layouts.
    pub nnz: u32,
    /// Sum of the weights as a compact row states it, 0 in a wide one; proved only for narrow steps.
    pub sum: i32,
}

/// The rows of an `s8` weight matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows<'a> {
    bytes: &'a [u8],
    len: usize,
    wide: bool,
}

impl<'a> Rows<'a> {
    /// Splits the table from the stream behind it.
    pub(crate) const fn split(blob: &'a [u8], len: usize, wide: bool) -> Option<(Self, &'a [u8])> {
        let size = len.saturating_mul(if wide { WIDE } else { COMPACT });
        match blob.split_at_checked(size) {
            Some((bytes, stream)) => Some((Self { bytes, len, wide }, stream)),
            None => None,
        }
    }

    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the rows are in the wide form (16 bytes instead of 12).
    #[must_use]
    pub const fn is_wide(&self) -> bool {
        self.wide
    }

    /// The table's bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Row `index`.
    #[must_use]
    #[inline]
    pub const fn get(&self, index: usize) -> Option<Row> {
        if self.wide {
            return match slice(self.bytes, index.saturating_mul(WIDE), WIDE) {
                Some(row) => Some(Row {
                    bias: i32_at(row, 0),
                    multiplier: i32_at(row, 4),
                    shift: i8_at(row, 12) as i32,
                    nnz: u32_at(row, 8),
                    sum: 0,
                }),
                None => None,
            };
        }
        match slice(self.bytes, index.saturating_mul(COMPACT), COMPACT) {
            Some(row) => {
                let packed = u16_at(row, 10);
                Some(Row {
                    bias: i32_at(row, 0),
                    multiplier: i32_at(row, 4),
                    shift: (packed >> 11) as i32,
                    nnz: (packed & 0x7FF) as u32,
                    sum: (u16_at(row, 8).cast_signed()) as i32,
                })
            }
            None => None,
        }
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = Row> + use<'a> {
        let rows = *self;
        (0..rows.len).filter_map(move |index| rows.get(index))
    }

    /// Proves the ranges of row `index`, which is `row`.
    pub(crate) const fn check(
        &self,
        row: &Row,
        index: usize,
        step: u16,
    ) -> Result<(), FormatError> {
        ensure!(
            row.multiplier >= 0,
            FormatError::RowMultiplier {
                step,
                row: number(index)
            }
        );
        ensure!(
            row.shift >= -30 && row.shift <= 31,
            FormatError::RowShift {
                step,
                row: number(index)
            }
        );
        ensure!(
            row.nnz <= MAX_NNZ,
            FormatError::RowNnz {
                step,
                row: number(index)
            }
        );
        if self.wide {
            let at = index.saturating_mul(WIDE).saturating_add(13);
            let reserved = match slice(self.bytes, at, 3) {
                Some(reserved) => reserved,
                None => &[],
            };
            ensure!(
                is_zero(reserved),
                FormatError::RowReserved {
                    step,
                    row: number(index)
                }
            );
        }
        Ok(())
    }
}

/// Bias and entry count of one output channel of an `f32` matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowF32 {
    /// Finite.
    pub bias: f32,
    /// Stored entries, fillers included; 0 in dense layouts.
    pub nnz: u32,
}

/// The rows of an `f32` weight matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsF32<'a> {
    bytes: &'a [u8],
    len: usize,
}

impl<'a> RowsF32<'a> {
    /// Splits the table from the stream behind it.
    pub(crate) const fn split(blob: &'a [u8], len: usize) -> Option<(Self, &'a [u8])> {
        match blob.split_at_checked(len.saturating_mul(FLOAT)) {
            Some((bytes, stream)) => Some((Self { bytes, len }, stream)),
            None => None,
        }
    }

    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The table's bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Row `index`.
    #[must_use]
    #[inline]
    pub const fn get(&self, index: usize) -> Option<RowF32> {
        match slice(self.bytes, index.saturating_mul(FLOAT), FLOAT) {
            Some(row) => Some(RowF32 {
                bias: f32_at(row, 0),
                nnz: u32_at(row, 4),
            }),
            None => None,
        }
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = RowF32> + use<'a> {
        let rows = *self;
        (0..rows.len).filter_map(move |index| rows.get(index))
    }

    /// Proves the ranges of row `index`, which is `row`.
    pub(crate) const fn check(
        &self,
        row: &RowF32,
        index: usize,
        step: u16,
    ) -> Result<(), FormatError> {
        ensure!(
            row.bias.is_finite(),
            FormatError::RowBias {
                step,
                row: number(index)
            }
        );
        ensure!(
            row.nnz <= MAX_NNZ,
            FormatError::RowNnz {
                step,
                row: number(index)
            }
        );
        Ok(())
    }
}
