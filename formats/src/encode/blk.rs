//! Encoders of blocks of four.

use alloc::vec::Vec;

use super::places::{Entry, distances};
use super::rows::{RowStats, blob, sum};
use super::{Blob, EncodeError, Matrix, RowQuant};
use crate::WeightLayout;
use crate::bytes::padded4;

/// Blocks of 1 output channel × 4 input channels.
///
/// # Errors
///
/// Where shape or constants do not fit.
pub fn blk_1x4(matrix: &Matrix<'_, i8>, rows: &[RowQuant]) -> Result<Blob, EncodeError> {
    matrix.check(rows.len())?;
    let taps = matrix.taps();
    let quads = matrix.cin.div_ceil(4);
    let mut stream = Stream::default();
    let mut stats = Vec::with_capacity(matrix.rows);
    for row in matrix.row_slices() {
        let blocks = (0..taps).flat_map(|tap| (0..quads).map(move |quad| (tap, quad)));
        let blocks = blocks.map(|(tap, quad)| {
            [0, 1, 2, 3].map(|lane: usize| {
                let c = quad.saturating_mul(4).saturating_add(lane);
                let column = c.saturating_mul(taps).saturating_add(tap);
                if c < matrix.cin {
                    row.get(column).copied().unwrap_or(0)
                } else {
                    0
                }
            })
        });
        let nnz = stream.push(blocks);
        stats.push(RowStats { nnz, sum: sum(row) });
    }
    blob(WeightLayout::Blk1x4, rows, &stats, &stream.finish())
}

/// Blocks of 4 output channels × 1 input channel.
///
/// # Errors
///
/// Where shape or constants do not fit.
pub fn blk_4x1(matrix: &Matrix<'_, i8>, rows: &[RowQuant]) -> Result<Blob, EncodeError> {
    matrix.check(rows.len())?;
    let taps = matrix.taps();
    let all: Vec<&[i8]> = matrix.row_slices().collect();
    let mut stream = Stream::default();
    let mut stats = Vec::with_capacity(matrix.rows);
    for four in all.chunks(4) {
        let places = (0..taps).flat_map(|tap| (0..matrix.cin).map(move |c| (tap, c)));
        let blocks = places.map(|(tap, c)| {
            let column = c.saturating_mul(taps).saturating_add(tap);
            [0, 1, 2, 3].map(|lane: usize| {
                let weight = four.get(lane).and_then(|row| row.get(column));
                weight.copied().unwrap_or(0)
            })
        });
        let nnz = stream.push(blocks);
        stats.extend(four.iter().map(|row| RowStats { nnz, sum: sum(row) }));
    }
    blob(WeightLayout::Blk4x1, rows, &stats, &stream.finish())
}

/// Deltas of all rows, then the weights of all blocks.
#[derive(Default)]
struct Stream {
    deltas: Vec<u8>,
    weights: Vec<u8>,
}

impl Stream {
    /// Appends the blocks of one row that are not all 0; how many were stored.
    fn push(&mut self, blocks: impl Iterator<Item = [i8; 4]>) -> usize {
        let live = (0..).zip(blocks).filter(|(_, block)| *block != [0; 4]);
        let entries: Vec<Entry<[i8; 4]>> = distances(live, u8::MAX, [0; 4]);
        for (delta, block) in &entries {
            self.deltas.push(*delta);
            self.weights
                .extend(block.iter().flat_map(|w| w.to_le_bytes()));
        }
        entries.len()
    }

    fn finish(mut self) -> Vec<u8> {
        self.deltas.resize(padded4(self.deltas.len()), 0);
        self.deltas.append(&mut self.weights);
        self.deltas
    }
}
