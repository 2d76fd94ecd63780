//! Element types and layouts of tensors, with their codes in the file.

/// Element type of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum DType {
    /// Signed 8-bit integers with scale and zero point.
    S8 = 1,
    /// Unsigned 8-bit integers; appears as source type of inputs only.
    U8 = 2,
    /// Signed 16-bit integers; reserved.
    S16 = 3,
    /// Signed 32-bit integers; reserved.
    S32 = 4,
    /// IEEE 754 binary32.
    F32 = 5,
    /// IEEE 754 binary16; reserved for weight storage.
    F16 = 6,
}

impl DType {
    /// The type of a code in the file.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::S8),
            2 => Some(Self::U8),
            3 => Some(Self::S16),
            4 => Some(Self::S32),
            5 => Some(Self::F32),
            6 => Some(Self::F16),
            _ => None,
        }
    }

    /// Bytes of one element.
    #[must_use]
    pub const fn size(self) -> u32 {
        match self {
            Self::S8 | Self::U8 => 1,
            Self::S16 | Self::F16 => 2,
            Self::S32 | Self::F32 => 4,
        }
    }
}

/// How a tensor's elements lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TensorLayout {
    /// Channel planes: `[c][plane_stride]`, each plane `[h][w]`.
    Planar = 0,
    /// Channels last: `[h][w][c]`.
    Interleaved = 1,
}

/// Axis order of the source model, which decides how callers see inputs and outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AxisOrder {
    /// Channels first (ONNX).
    Nchw = 0,
    /// Channels last (TFLite).
    Nhwc = 1,
}

/// How accumulators become `s8` again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// One rounding of the 64-bit product, half up.
    Single,
    /// TensorFlow Lite Micro's two roundings (doubling high multiply, then rounding shift).
    Double,
}

/// Where an average between two integers goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Ties {
    /// Away from zero, as TensorFlow Lite Micro.
    Away = 0,
    /// To the even distance from the zero point, as ONNX quantises.
    Even = 1,
}

/// Memory layout of a weight matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum WeightLayout {
    /// The operator has no weights.
    None = 0,
    /// Every weight.
    Dense = 1,
    /// Compressed sparse rows, pairs of `delta u8, weight i8`.
    CsrP = 2,
    /// Compressed sparse rows with nibble deltas, 1.5 bytes an entry.
    CsrN = 3,
    /// Compressed sparse rows in groups of four with absolute indices (fully connected).
    CsrQ = 4,
    /// Blocks of 1 output channel × 4 input channels.
    Blk1x4 = 5,
    /// Blocks of 4 output channels × 1 input channel.
    Blk4x1 = 6,
    /// Compressed sparse rows of `f32`.
    CsrF = 7,
    /// Numbers that are no matrix: the slopes of a `prelu`, the 256 results of a function.
    Table = 8,
}

impl WeightLayout {
    /// Every layout that holds a matrix of weights.
    pub const ALL: [Self; 7] = [
        Self::Dense,
        Self::CsrP,
        Self::CsrN,
        Self::CsrQ,
        Self::Blk1x4,
        Self::Blk4x1,
        Self::CsrF,
    ];

    /// The layout of a code in the file.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::None),
            1 => Some(Self::Dense),
            2 => Some(Self::CsrP),
            3 => Some(Self::CsrN),
            4 => Some(Self::CsrQ),
            5 => Some(Self::Blk1x4),
            6 => Some(Self::Blk4x1),
            7 => Some(Self::CsrF),
            8 => Some(Self::Table),
            _ => None,
        }
    }

    /// The name used in reports and in SPEC.md.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "-",
            Self::Dense => "dense",
            Self::CsrP => "csr_p",
            Self::CsrN => "csr_n",
            Self::CsrQ => "csr_q",
            Self::Blk1x4 => "blk_1x4",
            Self::Blk4x1 => "blk_4x1",
            Self::CsrF => "csr_f",
            Self::Table => "table",
        }
    }
}
