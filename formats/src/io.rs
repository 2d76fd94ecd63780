//! Input and output records: what callers give and get, in the source model's terms.

use crate::bytes::{ensure, f32_at, is_zero_at, some, u8_at, u16_at, u32_at};
use crate::{AxisOrder, DType, FormatError, Tensor};

/// Bytes of a record.
pub(crate) const RECORD: usize = 48;

/// One input or output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Io<'a> {
    /// Name in the source model.
    pub name: &'a str,
    /// The activation that holds it.
    pub tensor: Tensor,
    /// Index of that activation.
    pub tensor_index: usize,
    /// Number of dimensions in the source model, 1…4, a batch of 1 included.
    pub rank: u8,
    /// Axis order of the source model.
    pub order: AxisOrder,
    /// Dimensions in the source model, those past `rank` 0.
    pub dims: [u32; 4],
    /// Element type that callers have.
    pub source_dtype: DType,
    /// Mean that was folded into scale and zero point, for information.
    pub mean: f32,
    /// Deviation that was folded into scale and zero point, for information.
    pub std: f32,
}

/// The fields of a record that do not point elsewhere.
pub(crate) struct IoRecord {
    pub(crate) tensor: u16,
    pub(crate) name_offset: u32,
    pub(crate) name_len: u16,
}

impl IoRecord {
    pub(crate) const fn read(record: &[u8]) -> Self {
        Self {
            tensor: u16_at(record, 0),
            name_offset: u32_at(record, 20),
            name_len: u16_at(record, 24),
        }
    }
}

impl<'a> Io<'a> {
    /// Decodes record `io`, given its tensor and the names section.
    pub(crate) const fn read(
        record: &[u8],
        tensor: Tensor,
        names: &'a str,
        io: u16,
    ) -> Result<Self, FormatError> {
        let fields = IoRecord::read(record);
        let name = some!(
            text(names, fields.name_offset as usize, fields.name_len as usize),
            FormatError::IoName { io }
        );
        Ok(Self {
            name,
            tensor,
            tensor_index: fields.tensor as usize,
            rank: u8_at(record, 2),
            order: match u8_at(record, 3) {
                0 => AxisOrder::Nchw,
                1 => AxisOrder::Nhwc,
                _ => return Err(FormatError::IoOrder { io }),
            },
            dims: [
                u32_at(record, 4),
                u32_at(record, 8),
                u32_at(record, 12),
                u32_at(record, 16),
            ],
            source_dtype: some!(
                DType::from_code(u8_at(record, 26)),
                FormatError::IoDType { io }
            ),
            mean: f32_at(record, 28),
            std: f32_at(record, 32),
        })
    }

    /// Proves what SPEC.md section 8 says of a record that was read from `record`.
    pub(crate) const fn check(&self, record: &[u8], io: u16) -> Result<(), FormatError> {
        ensure!(self.rank >= 1 && self.rank <= 4, FormatError::IoRank { io });
        let mut elements: u64 = 1;
        let mut left = self.rank;
        let mut dims: &[u32] = &self.dims;
        while let [dim, tail @ ..] = dims {
            if left > 0 {
                elements = some!(
                    elements.checked_mul(*dim as u64),
                    FormatError::IoDims { io }
                );
                left = left.wrapping_sub(1);
            } else {
                ensure!(*dim == 0, FormatError::IoDims { io });
            }
            dims = tail;
        }
        ensure!(
            elements == self.tensor.elements(),
            FormatError::IoDims { io }
        );
        ensure!(
            u8_at(record, 27) == 0 && is_zero_at(record, 36, 12),
            FormatError::IoReserved { io }
        );
        ensure!(
            self.mean.is_finite() && self.std.is_finite() && self.std > 0.0,
            FormatError::IoPreprocess { io }
        );
        Ok(())
    }
}

/// `len` bytes from `at` as text, if they are whole characters.
const fn text(names: &str, at: usize, len: usize) -> Option<&str> {
    match names.split_at_checked(at) {
        Some((_, tail)) => match tail.split_at_checked(len) {
            Some((name, _)) => Some(name),
            None => None,
        },
        None => None,
    }
}
