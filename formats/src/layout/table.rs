//! Tables: numbers of an operator that are no matrix, one after another.
//!
//! ```text
//! prelu    s8   slopes less their zero point, one i16 a channel
//!          f32  slopes, one f32 a channel
//! unary    s8   256 results, one i8 for each input from -128 on
//! resize_nearest_neighbor   a u16 for each output row, then for each output column: the input's
//! resize_bilinear           for each output row, then column: u16 before, u16 after, then the weight of `after`,
//!                           s8: i32 in 1/1024, f32: f32
//! ```

use super::dense::finite;
use super::{Geometry, Weights};
use crate::bytes::{array_at, ensure, f32_at, is_zero, padded4, u16_at};
use crate::{DType, FormatError, Op, Tensor};

/// A proven table.
///
/// # Invariants
///
/// 1. `bytes` is as long as the operator and its output demand.
/// 2. Every `f32` is finite.
/// 3. Every row and column is one of the input's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table<'a> {
    bytes: &'a [u8],
    padding: &'a [u8],
    dtype: DType,
    content: Content,
}

/// What the numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Of one size.
    Plain,
    /// Rows and columns.
    Nearest,
    /// Pairs of rows and columns with weights.
    Bilinear,
}

/// What the table of `op` holds.
pub(crate) const fn content(op: &Op) -> Content {
    if matches!(op, Op::ResizeNearest) {
        Content::Nearest
    } else if matches!(op, Op::ResizeBilinear { .. }) {
        Content::Bilinear
    } else {
        Content::Plain
    }
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
    } else if matches!(op, Op::ResizeNearest) {
        (output.h as u32)
            .saturating_add(output.w as u32)
            .saturating_mul(2)
    } else if matches!(op, Op::ResizeBilinear { .. }) {
        (output.h as u32)
            .saturating_add(output.w as u32)
            .saturating_mul(8)
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
                    content: shape.content,
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

    /// The unsigned 16-bit number at `index`; 0 past the end.
    #[must_use]
    pub const fn u16_at(&self, index: usize) -> u16 {
        u16_at(self.bytes, index.saturating_mul(2))
    }

    /// The pair of rows or columns at `index` and the bytes of the weight; zeros past the end.
    #[must_use]
    pub const fn tap(&self, index: usize) -> ([u16; 2], [u8; 4]) {
        let at = index.saturating_mul(8);
        let pair = [
            u16_at(self.bytes, at),
            u16_at(self.bytes, at.saturating_add(2)),
        ];
        (pair, array_at(self.bytes, at.saturating_add(4)))
    }

    /// Rows and columns are the input's, weights finite.
    const fn check_pixels(&self, shape: &Geometry, step: u16) -> Result<(), FormatError> {
        let [height, width, rows, columns] = shape.pixels;
        let nearest = matches!(self.content, Content::Nearest);
        let count = (rows as usize).saturating_add(columns as usize);
        let mut index: usize = 0;
        while index < count {
            let limit = if index < rows as usize { height } else { width };
            let ([before, after], weight) = if nearest {
                let only = self.u16_at(index);
                ([only, only], [0; 4])
            } else {
                self.tap(index)
            };
            ensure!(
                before < limit && after < limit,
                FormatError::RowIndex { step, row: 0 }
            );
            ensure!(
                matches!(self.dtype, DType::S8) || f32::from_le_bytes(weight).is_finite(),
                FormatError::RowValue { step, row: 0 }
            );
            index = index.saturating_add(1);
        }
        Ok(())
    }

    pub(super) const fn check(&self, shape: &Geometry, step: u16) -> Result<(), FormatError> {
        ensure!(is_zero(self.padding), FormatError::WeightsPadding { step });
        if !matches!(self.content, Content::Plain) {
            return self.check_pixels(shape, step);
        }
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
