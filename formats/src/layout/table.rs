//! Tables: numbers of an operator that are no matrix, one after another.
//!
//! ```text
//! prelu    s8   slopes less their zero point, one i16 a channel
//!          f32  slopes, one f32 a channel
//! unary    s8   256 results, one i8 for each input from -128 on
//! ```

use super::dense::finite;
use super::{Geometry, Weights};
use crate::bytes::{ensure, f32_at, is_zero, padded4, u16_at};
use crate::{DType, FormatError, Op, Tensor};

/// A proven table.
///
/// # Invariants
///
/// 1. `bytes` is as long as the operator and its output demand.
/// 2. Every `f32` is finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table<'a> {
    bytes: &'a [u8],
    padding: &'a [u8],
    dtype: DType,
}

/// Bytes of the table that `op` reads, padding aside; 0 for operators without.
pub(crate) const fn len(op: &Op, output: &Tensor) -> u32 {
    let channels = output.c as u32;
    if matches!(op, Op::Prelu { .. }) {
        let size = if matches!(output.dtype, DType::S8) {
            2
        } else {
            4
        };
        channels.saturating_mul(size)
    } else if matches!(op, Op::UnaryS8) {
        256
    } else {
        0
    }
}

impl<'a> Table<'a> {
    pub(super) const fn view(
        blob: &'a [u8],
        dtype: DType,
        shape: &Geometry,
    ) -> Option<Weights<'a>> {
        let len = shape.table as usize;
        match blob.split_at_checked(len) {
            Some((bytes, padding)) if blob.len() == padded4(len) && len != 0 => {
                Some(Weights::Table(Self {
                    bytes,
                    padding,
                    dtype,
                }))
            }
            Some(_) | None => None,
        }
    }

    /// The numbers as they lie in the file.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The 16-bit number at `index`; 0 past the end.
    #[must_use]
    pub const fn i16_at(&self, index: usize) -> i16 {
        u16_at(self.bytes, index.saturating_mul(2)).cast_signed()
    }

    /// The binary32 number at `index`; 0 past the end.
    #[must_use]
    pub const fn f32_at(&self, index: usize) -> f32 {
        f32_at(self.bytes, index.saturating_mul(4))
    }

    pub(super) const fn check(&self, step: u16) -> Result<(), FormatError> {
        ensure!(is_zero(self.padding), FormatError::WeightsPadding { step });
        if matches!(self.dtype, DType::F32) {
            let words = self.bytes.len() / 4;
            ensure!(
                finite(self.bytes, words).is_some(),
                FormatError::RowValue { step, row: 0 }
            );
        }
        Ok(())
    }
}
