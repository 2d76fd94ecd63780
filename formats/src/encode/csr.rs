//! Encoders of compressed sparse rows with distances.

use alloc::vec::Vec;

use super::dense::finite;
use super::places::{Place, band_places, distances, tap_places};
use super::rows::{RowStats, blob, blob_f32, sum};
use super::{Blob, EncodeError, Matrix, RowQuant};
use crate::WeightLayout;
use crate::bytes::padded4;

/// Pairs of delta and weight.
///
/// # Errors
///
/// Where shape or constants do not fit.
pub fn csr_p(matrix: &Matrix<'_, i8>, rows: &[RowQuant]) -> Result<Blob, EncodeError> {
    matrix.check(rows.len())?;
    let places = band_places(matrix);
    let mut stats = Vec::with_capacity(matrix.rows);
    let mut stream = Vec::new();
    for row in matrix.row_slices() {
        let entries = distances(nonzeros(&places, row), u8::MAX, 0_i8);
        stats.push(RowStats {
            nnz: entries.len(),
            sum: sum(row),
        });
        for (delta, weight) in entries {
            let [weight] = weight.to_le_bytes();
            stream.extend_from_slice(&[delta, weight]);
        }
    }
    blob(WeightLayout::CsrP, rows, &stats, &stream)
}

/// Two nibble deltas and two weights in three bytes.
///
/// # Errors
///
/// Where shape or constants do not fit.
pub fn csr_n(matrix: &Matrix<'_, i8>, rows: &[RowQuant]) -> Result<Blob, EncodeError> {
    matrix.check(rows.len())?;
    let places = tap_places(matrix);
    let mut stats = Vec::with_capacity(matrix.rows);
    let mut stream = Vec::new();
    for row in matrix.row_slices() {
        let mut entries = distances(nonzeros(&places, row), 15, 0_i8);
        if !entries.len().is_multiple_of(2) {
            entries.push((0, 0));
        }
        stats.push(RowStats {
            nnz: entries.len(),
            sum: sum(row),
        });
        for pair in entries.chunks_exact(2) {
            if let [(d0, w0), (d1, w1)] = pair {
                let ([w0], [w1]) = (w0.to_le_bytes(), w1.to_le_bytes());
                stream.extend_from_slice(&[*d0 | *d1 << 4, w0, w1]);
            }
        }
    }
    blob(WeightLayout::CsrN, rows, &stats, &stream)
}

/// Deltas, then `f32` weights.
///
/// # Errors
///
/// Where the shape or the biases do not fit, or a number is not finite.
pub fn csr_f(matrix: &Matrix<'_, f32>, bias: &[f32]) -> Result<Blob, EncodeError> {
    matrix.check(bias.len())?;
    finite(matrix)?;
    let places = band_places(matrix);
    let mut nnz = Vec::with_capacity(matrix.rows);
    let mut stream = Vec::new();
    let mut values = Vec::new();
    for row in matrix.row_slices() {
        let live = places
            .iter()
            .filter_map(|place| Some((place.position, *row.get(place.column)?)))
            .filter(|(_, weight)| *weight != 0.0);
        let entries = distances(live, u8::MAX, 0.0);
        nnz.push(entries.len());
        for (delta, weight) in entries {
            stream.push(delta);
            values.extend_from_slice(&weight.to_le_bytes());
        }
    }
    stream.resize(padded4(stream.len()), 0);
    stream.append(&mut values);
    blob_f32(WeightLayout::CsrF, bias, &nnz, &stream)
}

/// The row's weights that are not 0, by position.
fn nonzeros(places: &[Place], row: &[i8]) -> impl Iterator<Item = (u32, i8)> {
    places
        .iter()
        .filter_map(|place| Some((place.position, *row.get(place.column)?)))
        .filter(|(_, weight)| *weight != 0)
}
