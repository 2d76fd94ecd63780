//! Proof that every accumulator of a matrix fits a lane of 24 bits, and every result 16 bits.
//!
//! Kernels of the backend `arm-dsp` multiply two pixels at once, one in bits 0…23 of a 64-bit accumulator and one from
//! bit 24 on. With `P` the sum of a row's positive weights and `N` that of its negative ones, without sign,
//!
//! ```text
//! bias − 128·P − 127·N ≥ −2^23        bias + 127·P + 128·N < 2^23        inputs are −128 … 127
//! ```
//!
//! holds for each row, so that the final sums come apart again, whatever the inputs. Sums on the way may wrap.

use super::{Rows, Weights};
use crate::FormatError;
use crate::bytes::number;
use crate::kernel_mask::{any_of, kernel_bits as bit, mask_of};

/// Sums within ±2^23.
const LANE: i64 = 1 << 23;
/// Least multiplier: kernels double it and rely on its top bit.
const MULTIPLIER: i32 = 1 << 30;
/// Most that a rescaled sum may be, so that an output zero point and a correction still fit 16 bits.
const RESULT: i64 = (1 << 15) - 512;

/// Refuses a matrix with a row that is not proved.
pub(crate) const fn check<const OPS: u128>(
    weights: &Weights<'_>,
    step: u16,
) -> Result<(), FormatError> {
    let unproved = match weights {
        Weights::CsrP(view) if const { any_of::<OPS>(mask_of(bit::CONV_2D_CSR_P_NARROW)) } => {
            pairs(view.rows(), view.pairs())
        }
        Weights::CsrN(view) if const { any_of::<OPS>(mask_of(bit::CONV_2D_CSR_N_NARROW)) } => {
            triples(view.rows(), view.triples())
        }
        Weights::None
        | Weights::DenseS8(_)
        | Weights::CsrP(_)
        | Weights::CsrN(_)
        | Weights::CsrQ(_)
        | Weights::Blk1x4(_)
        | Weights::Blk4x1(_)
        | Weights::DenseF32(_)
        | Weights::CsrF(_)
        | Weights::Table(_) => Some(0),
    };
    match unproved {
        Some(row) => Err(FormatError::RowNarrow {
            step,
            row: number(row),
        }),
        None => Ok(()),
    }
}

/// Sums of a row's positive and negative weights, the latter without sign.
#[derive(Clone, Copy)]
struct Sums {
    positive: u32,
    negative: u32,
}

impl Sums {
    const ZERO: Self = Self {
        positive: 0,
        negative: 0,
    };

    /// Adds a weight's byte. Rows have less than 2^11 entries here, so that nothing wraps.
    const fn add(self, weight: u8) -> Self {
        if weight < 128 {
            Self {
                positive: self.positive.wrapping_add(weight as u32),
                ..self
            }
        } else {
            Self {
                negative: self
                    .negative
                    .wrapping_add(256_u32.wrapping_sub(weight as u32)),
                ..self
            }
        }
    }

    /// Whether row `index` keeps its sums within the lanes and its results within 16 bits.
    const fn fit(self, rows: &Rows<'_>, index: usize) -> bool {
        let Some(row) = rows.get(index) else {
            return false;
        };
        let (positive, negative) = (self.positive as i64, self.negative as i64);
        let bias = row.bias as i64;
        let low = bias
            .wrapping_sub(positive.wrapping_mul(128))
            .wrapping_sub(negative.wrapping_mul(127));
        let high = bias
            .wrapping_add(positive.wrapping_mul(127))
            .wrapping_add(negative.wrapping_mul(128));
        let most = if high > low.wrapping_neg() {
            high
        } else {
            low.wrapping_neg()
        };
        let scaled = most.wrapping_mul(row.multiplier as i64) >> 31;
        !rows.is_wide()
            && row.sum as i64 == positive.wrapping_sub(negative)
            && low >= LANE.wrapping_neg()
            && high < LANE
            && row.multiplier >= MULTIPLIER
            && row.shift >= 1
            && scaled.wrapping_shr(row.shift.unsigned_abs()) <= RESULT
    }
}

/// The first row of pairs that is not proved.
const fn pairs(rows: Rows<'_>, pairs: &[u8]) -> Option<usize> {
    let mut rest = pairs;
    let mut index: usize = 0;
    while let Some(row) = rows.get(index) {
        let split = rest.split_at_checked((row.nnz as usize).saturating_mul(2));
        let Some((mut entries, tail)) = split else {
            return Some(index);
        };
        let mut sums = Sums::ZERO;
        while let [_, weight, more @ ..] = entries {
            sums = sums.add(*weight);
            entries = more;
        }
        if !sums.fit(&rows, index) {
            return Some(index);
        }
        rest = tail;
        index = index.wrapping_add(1);
    }
    None
}

/// The first row of triples that is not proved.
const fn triples(rows: Rows<'_>, triples: &[u8]) -> Option<usize> {
    let mut rest = triples;
    let mut index: usize = 0;
    while let Some(row) = rows.get(index) {
        let split = rest.split_at_checked((row.nnz as usize >> 1).saturating_mul(3));
        let Some((mut entries, tail)) = split else {
            return Some(index);
        };
        let mut sums = Sums::ZERO;
        while let [_, first, second, more @ ..] = entries {
            sums = sums.add(*first).add(*second);
            entries = more;
        }
        if !sums.fit(&rows, index) {
            return Some(index);
        }
        rest = tail;
        index = index.wrapping_add(1);
    }
    None
}

/// Whether the rows and stream of a blob, `len` rows, are proved.
#[cfg(feature = "write")]
pub(crate) const fn proves(blob: &crate::encode::Blob, len: usize) -> bool {
    use crate::WeightLayout;
    if blob.wide_rows {
        return false;
    }
    let Some((rows, stream)) = Rows::split(blob.bytes.as_slice(), len, false) else {
        return false;
    };
    let unproved = match blob.layout {
        WeightLayout::CsrP => pairs(rows, stream),
        WeightLayout::CsrN => triples(rows, stream),
        WeightLayout::None
        | WeightLayout::Dense
        | WeightLayout::CsrQ
        | WeightLayout::Blk1x4
        | WeightLayout::Blk4x1
        | WeightLayout::CsrF
        | WeightLayout::Table => return false,
    };
    unproved.is_none()
}
