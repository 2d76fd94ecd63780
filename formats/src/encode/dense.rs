//! Dense encoders.

use alloc::vec::Vec;

use super::rows::{RowStats, blob, blob_f32, sum};
use super::{Blob, EncodeError, Matrix, RowQuant};
use crate::WeightLayout;

/// Every `s8` weight.
///
/// # Errors
///
/// Where shape or constants do not fit.
pub fn dense_s8(matrix: &Matrix<'_, i8>, rows: &[RowQuant]) -> Result<Blob, EncodeError> {
    matrix.check(rows.len())?;
    let stats: Vec<RowStats> = matrix
        .row_slices()
        .map(|row| RowStats {
            nnz: 0,
            sum: sum(row),
        })
        .collect();
    let stream: Vec<u8> = matrix.data.iter().flat_map(|w| w.to_le_bytes()).collect();
    blob(WeightLayout::Dense, rows, &stats, &stream)
}

/// Every `f32` weight.
///
/// # Errors
///
/// Where the shape or the biases do not fit, or a number is not finite.
pub fn dense_f32(matrix: &Matrix<'_, f32>, bias: &[f32]) -> Result<Blob, EncodeError> {
    matrix.check(bias.len())?;
    finite(matrix)?;
    let nnz: Vec<usize> = bias.iter().map(|_| 0).collect();
    let stream: Vec<u8> = matrix.data.iter().flat_map(|w| w.to_le_bytes()).collect();
    blob_f32(WeightLayout::Dense, bias, &nnz, &stream)
}

/// Every weight is a finite number.
pub(super) fn finite(matrix: &Matrix<'_, f32>) -> Result<(), EncodeError> {
    for (row, weights) in matrix.row_slices().enumerate() {
        if weights.iter().any(|w| !w.is_finite()) {
            return Err(EncodeError::NotFinite { row });
        }
    }
    Ok(())
}
