//! The rows table, compact where every row's ranges permit.

use alloc::vec::Vec;

use super::{Blob, EncodeError, RowQuant};
use crate::WeightLayout;
use crate::bytes::padded4;
use crate::layout::{COMPACT, FLOAT, MAX_NNZ, WIDE};

/// What the stream says of one row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RowStats {
    /// Stored entries.
    pub(super) nnz: usize,
    /// Sum of the row's weights.
    pub(super) sum: i64,
}

/// A blob of an `s8` layout.
pub(super) fn blob(
    layout: WeightLayout,
    quants: &[RowQuant],
    stats: &[RowStats],
    stream: &[u8],
) -> Result<Blob, EncodeError> {
    for (row, (quant, stat)) in quants.iter().zip(stats).enumerate() {
        if quant.multiplier < 0 {
            return Err(EncodeError::Multiplier { row });
        }
        if !(-30..=31).contains(&quant.shift) {
            return Err(EncodeError::Shift { row });
        }
        if u32::try_from(stat.nnz).map_or(true, |nnz| nnz > MAX_NNZ) {
            return Err(EncodeError::Entries { row });
        }
    }
    let wide_rows = quants
        .iter()
        .zip(stats)
        .any(|(quant, stat)| quant.shift < 0 || stat.nnz > 0x7FF);
    let size = if wide_rows { WIDE } else { COMPACT };
    let mut bytes = Vec::with_capacity(
        quants
            .len()
            .saturating_mul(size)
            .saturating_add(stream.len()),
    );
    for (quant, stat) in quants.iter().zip(stats) {
        bytes.extend_from_slice(&quant.bias.to_le_bytes());
        bytes.extend_from_slice(&quant.multiplier.to_le_bytes());
        let nnz = u32::try_from(stat.nnz).unwrap_or(MAX_NNZ);
        let shift = i8::try_from(quant.shift).unwrap_or(0);
        if wide_rows {
            bytes.extend_from_slice(&nnz.to_le_bytes());
            bytes.extend_from_slice(&shift.to_le_bytes());
            bytes.extend_from_slice(&[0; 3]);
        } else {
            let sum = i16::try_from(stat.sum).unwrap_or(0);
            let [shift] = shift.to_le_bytes();
            let packed = u16::try_from(nnz).unwrap_or(0) | u16::from(shift) << 11;
            bytes.extend_from_slice(&sum.to_le_bytes());
            bytes.extend_from_slice(&packed.to_le_bytes());
        }
    }
    Ok(finish(layout, wide_rows, bytes, stream))
}

/// A blob of an `f32` layout.
pub(super) fn blob_f32(
    layout: WeightLayout,
    bias: &[f32],
    nnz: &[usize],
    stream: &[u8],
) -> Result<Blob, EncodeError> {
    let mut bytes = Vec::with_capacity(
        bias.len()
            .saturating_mul(FLOAT)
            .saturating_add(stream.len()),
    );
    for (row, (bias, nnz)) in bias.iter().zip(nnz).enumerate() {
        if !bias.is_finite() {
            return Err(EncodeError::NotFinite { row });
        }
        let nnz = match u32::try_from(*nnz) {
            Ok(nnz) if nnz <= MAX_NNZ => nnz,
            Ok(_) | Err(_) => return Err(EncodeError::Entries { row }),
        };
        bytes.extend_from_slice(&bias.to_le_bytes());
        bytes.extend_from_slice(&nnz.to_le_bytes());
    }
    Ok(finish(layout, false, bytes, stream))
}

fn finish(layout: WeightLayout, wide_rows: bool, mut bytes: Vec<u8>, stream: &[u8]) -> Blob {
    bytes.extend_from_slice(stream);
    bytes.resize(padded4(bytes.len()), 0);
    Blob {
        layout,
        wide_rows,
        narrow: false,
        bytes,
    }
}

/// Sum of weights.
pub(super) fn sum(weights: &[i8]) -> i64 {
    weights.iter().copied().map(i64::from).sum()
}
