//! Narrow steps of the backend `arm-dsp`: convolutions whose sums are proved to fit the lanes of its kernels.

use super::weights::Encoded;
use crate::arith;
use nnz_format::Rounding;
use nnz_format::encode::RowQuant;

/// Multiplier and shift of one quarter: what [`settle_dead_rows`] scales by.
const QUARTER: (i32, i32) = (1 << 30, 1);

/// Gives rows without a weight that is not zero constants that fit: their output is the same for every input, but
/// networks have biases there of any size.
pub(super) fn settle_dead_rows(
    rows: &mut [RowQuant],
    values: &[i8],
    zero_point: i32,
    rounding: Rounding,
) {
    let columns = (values.len() / rows.len().max(1)).max(1);
    for (row, weights) in rows.iter_mut().zip(values.chunks(columns)) {
        if weights.iter().any(|&w| w != 0) {
            continue;
        }
        let value = arith::requantize(rounding, row.bias, row.multiplier, row.shift);
        // What bounds and s8 would cut off anyway.
        let value = value.clamp(-128 - zero_point, 127 - zero_point);
        *row = RowQuant {
            bias: 4 * value,
            multiplier: QUARTER.0,
            shift: QUARTER.1,
        };
    }
}

/// Marks the encodings whose rows are proved.
pub(super) fn mark(candidates: Vec<Encoded>, rows: usize) -> Vec<Encoded> {
    let narrowed = |encoded: Encoded| {
        let blob = encoded.blob.narrowed(rows);
        let mut stored = encoded.stored;
        stored.narrow = blob.narrow;
        Encoded { blob, stored }
    };
    candidates.into_iter().map(narrowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settled_row_computes_what_it_did() {
        for rounding in [Rounding::Single, Rounding::Double] {
            for zero_point in [-128, -3, 0, 127] {
                for bias in (-3_000_000..3_000_000).step_by(1237) {
                    let before = RowQuant {
                        bias,
                        multiplier: 1_518_500_250,
                        shift: 12,
                    };
                    let mut rows = [before];
                    settle_dead_rows(&mut rows, &[0; 3], zero_point, rounding);
                    let output = |row: &RowQuant| {
                        let scaled =
                            arith::requantize(rounding, row.bias, row.multiplier, row.shift);
                        (scaled + zero_point).clamp(-128, 127)
                    };
                    assert_eq!(
                        output(&rows[0]),
                        output(&before),
                        "{rounding:?}, zero point {zero_point}, bias {bias}"
                    );
                    assert!(rows[0].bias.abs() <= 1024);
                }
            }
        }
    }

    #[test]
    fn rows_with_weights_are_left_alone() {
        let row = RowQuant {
            bias: i32::MAX,
            multiplier: 1 << 30,
            shift: 3,
        };
        let mut rows = [row];
        settle_dead_rows(&mut rows, &[0, 1], 0, Rounding::Double);
        assert_eq!(rows, [row]);
    }
}
