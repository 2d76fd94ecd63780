//! Tables: numbers one after another, padded to a multiple of 4 bytes.

use alloc::vec::Vec;

use super::Blob;
use crate::WeightLayout;
use crate::bytes::padded4;

fn blob(mut bytes: Vec<u8>) -> Blob {
    bytes.resize(padded4(bytes.len()), 0);
    Blob {
        layout: WeightLayout::Table,
        wide_rows: false,
        narrow: false,
        bytes,
    }
}

/// A table of bytes: the results of a function.
#[must_use]
pub fn table_s8(values: &[i8]) -> Blob {
    blob(values.iter().map(|v| v.cast_unsigned()).collect())
}

/// A table of rows, then columns, for `resize_nearest_neighbor`.
#[must_use]
pub fn table_u16(values: &[u16]) -> Blob {
    blob(values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// A table of pairs of rows, then columns, each with the bytes of a weight, for `resize_bilinear`.
#[must_use]
pub fn table_taps(taps: &[([u16; 2], [u8; 4])]) -> Blob {
    let mut bytes = Vec::new();
    for ([before, after], weight) in taps {
        bytes.extend(before.to_le_bytes());
        bytes.extend(after.to_le_bytes());
        bytes.extend(weight);
    }
    blob(bytes)
}

/// A table of 16-bit numbers: the slopes of an `s8` prelu.
#[must_use]
pub fn table_i16(values: &[i16]) -> Blob {
    blob(values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// A table of floats: the slopes of an `f32` prelu.
#[must_use]
pub fn table_f32(values: &[f32]) -> Blob {
    blob(values.iter().flat_map(|v| v.to_le_bytes()).collect())
}
