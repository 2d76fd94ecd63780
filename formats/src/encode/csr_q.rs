//! Encoder of groups of four with absolute indices.

use alloc::vec::Vec;

use super::rows::{RowStats, blob, sum};
use super::{Blob, EncodeError, Matrix, RowQuant};
use crate::WeightLayout;
use crate::bytes::padded4;

/// Groups of four nonzeros a segment of 256 columns; fully connected layers only.
///
/// # Errors
///
/// Where shape or constants do not fit, or the layer is a convolution.
pub fn csr_q(matrix: &Matrix<'_, i8>, rows: &[RowQuant]) -> Result<Blob, EncodeError> {
    matrix.check(rows.len())?;
    if !matrix.is_fully_connected {
        return Err(EncodeError::NotFullyConnected(WeightLayout::CsrQ));
    }
    let mut stats = Vec::with_capacity(matrix.rows);
    let mut counts = Vec::new();
    let mut groups = Vec::new();
    for row in matrix.row_slices() {
        let mut nnz: usize = 0;
        for segment in row.chunks(256) {
            let live: Vec<(u8, i8)> = (0..=u8::MAX)
                .zip(segment.iter().copied())
                .filter(|(_, weight)| *weight != 0)
                .collect();
            let count = live.len().div_ceil(4);
            nnz = nnz.saturating_add(count);
            counts.push(u8::try_from(count).unwrap_or(u8::MAX));
            for group in live.chunks(4) {
                push_group(&mut groups, group);
            }
        }
        stats.push(RowStats { nnz, sum: sum(row) });
    }
    counts.resize(padded4(counts.len()), 0);
    counts.append(&mut groups);
    blob(WeightLayout::CsrQ, rows, &stats, &counts)
}

/// `[i0..i3][w0..w3]`; a short group is filled with its last index and weight 0.
fn push_group(groups: &mut Vec<u8>, group: &[(u8, i8)]) {
    let last = group.last().map_or(0, |(index, _)| *index);
    let full = || {
        group
            .iter()
            .copied()
            .chain(core::iter::repeat((last, 0)))
            .take(4)
    };
    groups.extend(full().map(|(index, _)| index));
    groups.extend(full().flat_map(|(_, weight)| weight.to_le_bytes()));
}
