//! Compressed sparse rows in groups of four, for fully connected layers.
//!
//! ```text
//! counts   [row][segment] u8, padded to 4
//! groups   [i0 i1 i2 i3][w0 w1 w2 w3]      row by row, segment by segment; indices within the segment of 256 columns
//! ```

use super::{Geometry, Rows, Weights};
use crate::FormatError;
use crate::bytes::{ensure, is_zero, number, padded4, slice, some, tri};

/// Columns of a segment.
pub(crate) const SEGMENT: u32 = 256;

/// Groups of four weights with absolute indices.
///
/// # Invariants
///
/// 1. `counts` holds rows × segments bytes; the counts of a row add up to its `nnz`.
/// 2. `groups` holds exactly 8 · Σ nnz bytes.
/// 3. 256 · segment + index stays below the columns for every index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsrQ<'a> {
    rows: Rows<'a>,
    segments: u32,
    counts: &'a [u8],
    padding: &'a [u8],
    groups: &'a [u8],
}

impl<'a> CsrQ<'a> {
    pub(super) const fn view(
        rows: Rows<'a>,
        stream: &'a [u8],
        shape: &Geometry,
    ) -> Option<Weights<'a>> {
        let segments = shape.columns().div_ceil(SEGMENT);
        let len = (segments as usize).saturating_mul(rows.len());
        let padded = padded4(len);
        let (Some(counts), Some(padding), Some((_, groups))) = (
            slice(stream, 0, len),
            slice(stream, len, padded.saturating_sub(len)),
            stream.split_at_checked(padded),
        ) else {
            return None;
        };
        Some(Weights::CsrQ(Self {
            rows,
            segments,
            counts,
            padding,
            groups,
        }))
    }

    /// The rows table; `nnz` counts groups.
    #[must_use]
    pub const fn rows(&self) -> Rows<'a> {
        self.rows
    }

    /// Segments of 256 columns, the last may be shorter.
    #[must_use]
    pub const fn segments(&self) -> u32 {
        self.segments
    }

    /// Groups of each row and segment.
    #[must_use]
    pub const fn counts(&self) -> &'a [u8] {
        self.counts
    }

    /// The groups, 8 bytes each.
    #[must_use]
    pub const fn groups(&self) -> &'a [u8] {
        self.groups
    }

    pub(super) const fn check(&self, shape: &Geometry, step: u16) -> Result<(), FormatError> {
        // Indices of the last segment end here; those of the others may be any byte.
        let last = shape.columns().saturating_sub(1) & 0xFF;
        let mut counts = self.counts;
        let mut groups = self.groups;
        let mut index: usize = 0;
        while let Some(row) = self.rows.get(index) {
            tri!(self.rows.check(&row, index, step));
            let split = counts.split_at_checked(self.segments as usize);
            let (mut segments, tail) = some!(split, FormatError::WeightsLen { step });
            counts = tail;
            let mut nnz: u32 = 0;
            while let [count, tail @ ..] = segments {
                nnz = nnz.wrapping_add(*count as u32);
                let split = groups.split_at_checked((*count as usize).saturating_mul(8));
                let (head, rest) = some!(split, FormatError::WeightsLen { step });
                let most = if tail.is_empty() { last } else { 0xFF };
                ensure!(
                    indices_within(head, most),
                    FormatError::RowIndex {
                        step,
                        row: number(index)
                    }
                );
                groups = rest;
                segments = tail;
            }
            ensure!(
                nnz == row.nnz,
                FormatError::RowNnz {
                    step,
                    row: number(index)
                }
            );
            index = index.wrapping_add(1);
        }
        ensure!(groups.is_empty(), FormatError::WeightsLen { step });
        ensure!(is_zero(self.padding), FormatError::WeightsPadding { step });
        Ok(())
    }
}

/// Whether every index of the groups is at most `most`.
const fn indices_within(groups: &[u8], most: u32) -> bool {
    if most == 0xFF {
        return true;
    }
    let mut rest = groups;
    while let [a, b, c, d, _, _, _, _, tail @ ..] = rest {
        if *a as u32 > most || *b as u32 > most || *c as u32 > most || *d as u32 > most {
            return false;
        }
        rest = tail;
    }
    true
}
