//! Tensor records: where an activation lies in the arena and what its numbers mean.

use crate::bytes::{ensure, f32_at, i32_at, is_zero_at, some, u8_at, u16_at, u32_at};
use crate::{DType, FormatError, TensorLayout};

/// Bytes of a tensor record.
pub(crate) const RECORD: usize = 32;

/// One activation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tensor {
    /// Element type, `S8` or `F32`.
    pub dtype: DType,
    /// Order of the elements.
    pub layout: TensorLayout,
    /// Memory region, 0 (the arena).
    pub region: u8,
    /// Channels.
    pub c: u16,
    /// Rows.
    pub h: u16,
    /// Columns.
    pub w: u16,
    /// Planar: elements between planes, at least `h · w`; interleaved: 0.
    pub plane_stride: u32,
    /// Byte offset in the region, a multiple of 8.
    pub offset: u32,
    /// Bytes, planes with their padding.
    pub len: u32,
    /// `s8`: real = scale · (q − zero point), finite and positive; `f32`: 1.
    pub scale: f32,
    /// `s8`: −128…127; `f32`: 0.
    pub zero_point: i32,
}

/// Distances between neighbouring elements of a tensor, in elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strides {
    /// Between channels.
    pub c: u32,
    /// Between rows.
    pub y: u32,
    /// Between columns.
    pub x: u32,
}

impl Tensor {
    /// Element `(c, y, x)` is at `c·strides.c + y·strides.y + x·strides.x`.
    #[must_use]
    pub const fn strides(&self) -> Strides {
        match self.layout {
            TensorLayout::Planar => Strides {
                c: self.plane_stride,
                y: self.w as u32,
                x: 1,
            },
            TensorLayout::Interleaved => Strides {
                c: 1,
                y: (self.w as u32).saturating_mul(self.c as u32),
                x: self.c as u32,
            },
        }
    }

    /// Elements, padding not counted.
    #[must_use]
    pub const fn elements(&self) -> u64 {
        self.plane().saturating_mul(self.c as u64)
    }

    /// Elements of one plane, `h · w`.
    #[must_use]
    pub const fn plane(&self) -> u64 {
        (self.h as u64).saturating_mul(self.w as u64)
    }

    /// Whether rows and columns are 1.
    #[must_use]
    pub const fn is_vector(&self) -> bool {
        self.h == 1 && self.w == 1
    }

    /// Whether the elements follow each other in `[c][h][w]` order without gaps.
    #[must_use]
    pub const fn is_contiguous(&self) -> bool {
        match self.layout {
            TensorLayout::Planar => self.c == 1 || self.plane_stride as u64 == self.plane(),
            TensorLayout::Interleaved => self.c == 1 || self.is_vector(),
        }
    }

    /// The `len` that shape, stride, layout and type imply; `None` where it does not fit 32 bits.
    #[must_use]
    pub const fn implied_len(&self) -> Option<u32> {
        let elements = match self.layout {
            TensorLayout::Planar => (self.c as u64).checked_mul(self.plane_stride as u64),
            TensorLayout::Interleaved => (self.c as u64).checked_mul(self.plane()),
        };
        let Some(elements) = elements else {
            return None;
        };
        let Some(len) = elements.checked_mul(self.dtype.size() as u64) else {
            return None;
        };
        if len > u32::MAX as u64 {
            return None;
        }
        Some((len & 0xFFFF_FFFF) as u32)
    }

    /// Whether channels, rows and columns are those of `other`.
    #[must_use]
    pub const fn same_shape(&self, other: &Self) -> bool {
        self.c == other.c && self.h == other.h && self.w == other.w
    }

    /// Whether the bytes of the two tensors have none in common.
    #[must_use]
    pub const fn is_disjoint(&self, other: &Self) -> bool {
        self.region != other.region || disjoint(self.offset, self.len, other.offset, other.len)
    }

    /// Reads record `tensor` without judging it beyond its codes.
    pub(crate) const fn read(record: &[u8], tensor: u16) -> Result<Self, FormatError> {
        ensure!(
            DType::from_code(u8_at(record, 0)).is_some(),
            FormatError::TensorDType { tensor }
        );
        ensure!(u8_at(record, 1) <= 1, FormatError::TensorLayout { tensor });
        Ok(Self::known(record))
    }

    /// The tensor of a record whose codes are known to be right; a short record reads as zeros.
    pub(crate) const fn known(record: &[u8]) -> Self {
        Self {
            dtype: match DType::from_code(u8_at(record, 0)) {
                Some(dtype) => dtype,
                None => DType::S8,
            },
            layout: if u8_at(record, 1) == 0 {
                TensorLayout::Planar
            } else {
                TensorLayout::Interleaved
            },
            region: u8_at(record, 2),
            c: u16_at(record, 4),
            h: u16_at(record, 6),
            w: u16_at(record, 8),
            plane_stride: u32_at(record, 12),
            offset: u32_at(record, 16),
            len: u32_at(record, 20),
            scale: f32_at(record, 24),
            zero_point: i32_at(record, 28),
        }
    }

    /// Proves what SPEC.md section 4 says of a record that was read from `record`.
    pub(crate) const fn check(
        &self,
        record: &[u8],
        tensor: u16,
        arena_len: u32,
    ) -> Result<(), FormatError> {
        ensure!(
            matches!(self.dtype, DType::S8 | DType::F32),
            FormatError::TensorDType { tensor }
        );
        ensure!(self.region == 0, FormatError::TensorRegion { tensor });
        ensure!(
            u8_at(record, 3) == 0 && is_zero_at(record, 10, 2),
            FormatError::TensorReserved { tensor }
        );
        ensure!(
            self.c != 0 && self.h != 0 && self.w != 0,
            FormatError::TensorShape { tensor }
        );
        let stride_fits = match self.layout {
            TensorLayout::Planar => self.plane_stride as u64 >= self.plane(),
            TensorLayout::Interleaved => self.plane_stride == 0,
        };
        ensure!(stride_fits, FormatError::TensorPlaneStride { tensor });
        let len = some!(self.implied_len(), FormatError::TensorLen { tensor });
        ensure!(len == self.len, FormatError::TensorLen { tensor });
        ensure!(
            self.offset & 7 == 0,
            FormatError::TensorAlignment { tensor }
        );
        ensure!(
            within(self.offset, self.len, arena_len),
            FormatError::TensorBounds { tensor }
        );
        self.check_quantization(tensor)
    }

    const fn check_quantization(&self, tensor: u16) -> Result<(), FormatError> {
        let (scale_fits, zero_point_fits) = match self.dtype {
            DType::S8 => (
                self.scale.is_finite() && self.scale > 0.0,
                self.zero_point >= -128 && self.zero_point <= 127,
            ),
            DType::U8 | DType::S16 | DType::S32 | DType::F32 | DType::F16 => (
                self.scale.to_bits() == 1.0_f32.to_bits(),
                self.zero_point == 0,
            ),
        };
        ensure!(scale_fits, FormatError::TensorScale { tensor });
        ensure!(zero_point_fits, FormatError::TensorZeroPoint { tensor });
        Ok(())
    }
}

/// Whether `offset … offset + len` lies within `limit` bytes.
pub(crate) const fn within(offset: u32, len: u32, limit: u32) -> bool {
    match offset.checked_add(len) {
        Some(end) => end <= limit,
        None => false,
    }
}

/// Whether two byte ranges have no byte in common.
pub(crate) const fn disjoint(offset: u32, len: u32, other: u32, other_len: u32) -> bool {
    offset.saturating_add(len) <= other
        || other.saturating_add(other_len) <= offset
        || len == 0
        || other_len == 0
}
