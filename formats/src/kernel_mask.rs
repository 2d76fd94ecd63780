//! One bit a kernel: which operators, weight layouts and element types a file needs.
//!
//! The mask stands at a fixed place of the header, so that a const generic can read it and unused kernels leave the
//! firmware. Bits that this table does not name are 0.

use crate::{Backend, Binary, DType, Op, Rounding, Ties, WeightLayout};

/// Names of the bits.
pub mod kernel_bits {
    /// Accumulators round once; set if an `s8` convolution or fully connected step is in a file with that flag.
    pub const ROUNDING_SINGLE: u8 = 0;
    /// Accumulators round twice; set if an `s8` convolution or fully connected step is in a file without that flag.
    pub const ROUNDING_DOUBLE: u8 = 1;
    /// `conv_2d`, dense, s8.
    pub const CONV_2D_DENSE_S8: u8 = 8;
    /// `conv_2d`, `csr_p`, s8.
    pub const CONV_2D_CSR_P_S8: u8 = 9;
    /// `conv_2d`, `csr_n`, s8.
    pub const CONV_2D_CSR_N_S8: u8 = 10;
    /// `conv_2d`, `blk_1x4`, s8.
    pub const CONV_2D_BLK_1X4_S8: u8 = 11;
    /// `conv_2d`, `blk_4x1`, s8.
    pub const CONV_2D_BLK_4X1_S8: u8 = 12;
    /// `conv_2d`, dense, f32.
    pub const CONV_2D_DENSE_F32: u8 = 13;
    /// `conv_2d`, `csr_f`, f32.
    pub const CONV_2D_CSR_F_F32: u8 = 14;
    /// `conv_2d`, `csr_p`, s8, narrow.
    pub const CONV_2D_CSR_P_NARROW: u8 = 15;
    /// `conv_2d`, `csr_n`, s8, narrow.
    pub const CONV_2D_CSR_N_NARROW: u8 = 16;
    /// `conv_2d`, dense, s8, by pairs: files for `arm-dsp`.
    pub const CONV_2D_DENSE_PAIRS: u8 = 17;
    /// `depthwise_conv_2d`, dense, s8.
    pub const DEPTHWISE_CONV_2D_DENSE_S8: u8 = 24;
    /// `depthwise_conv_2d`, dense, f32.
    pub const DEPTHWISE_CONV_2D_DENSE_F32: u8 = 25;
    /// `depthwise_conv_2d`, dense, s8, by pairs: files for `arm-dsp`.
    pub const DEPTHWISE_CONV_2D_DENSE_PAIRS: u8 = 26;
    /// `fully_connected`, dense, s8.
    pub const FULLY_CONNECTED_DENSE_S8: u8 = 32;
    /// `fully_connected`, `csr_p`, s8.
    pub const FULLY_CONNECTED_CSR_P_S8: u8 = 33;
    /// `fully_connected`, `csr_n`, s8.
    pub const FULLY_CONNECTED_CSR_N_S8: u8 = 34;
    /// `fully_connected`, `csr_q`, s8.
    pub const FULLY_CONNECTED_CSR_Q_S8: u8 = 35;
    /// `fully_connected`, `blk_1x4`, s8.
    pub const FULLY_CONNECTED_BLK_1X4_S8: u8 = 36;
    /// `fully_connected`, `blk_4x1`, s8.
    pub const FULLY_CONNECTED_BLK_4X1_S8: u8 = 37;
    /// `fully_connected`, dense, f32.
    pub const FULLY_CONNECTED_DENSE_F32: u8 = 38;
    /// `fully_connected`, `csr_f`, f32.
    pub const FULLY_CONNECTED_CSR_F_F32: u8 = 39;
    /// `add`, s8.
    pub const ADD_S8: u8 = 48;
    /// `add`, f32.
    pub const ADD_F32: u8 = 49;
    /// `max_pool_2d`, s8.
    pub const MAX_POOL_2D_S8: u8 = 50;
    /// `max_pool_2d`, f32.
    pub const MAX_POOL_2D_F32: u8 = 51;
    /// `average_pool_2d`, s8.
    pub const AVERAGE_POOL_2D_S8: u8 = 52;
    /// `average_pool_2d`, f32.
    pub const AVERAGE_POOL_2D_F32: u8 = 53;
    /// `mean`, s8.
    pub const MEAN_S8: u8 = 54;
    /// `mean`, f32.
    pub const MEAN_F32: u8 = 55;
    /// `softmax`, s8.
    pub const SOFTMAX_S8: u8 = 56;
    /// `softmax`, f32.
    pub const SOFTMAX_F32: u8 = 57;
    /// `pad`, s8.
    pub const PAD_S8: u8 = 58;
    /// `pad`, f32.
    pub const PAD_F32: u8 = 59;
    /// `requantize`, s8 to s8.
    pub const REQUANTIZE_S8: u8 = 60;
    /// `clamp`, s8.
    pub const CLAMP_S8: u8 = 61;
    /// `clamp`, f32.
    pub const CLAMP_F32: u8 = 62;
    /// `repack`, s8.
    pub const REPACK_S8: u8 = 63;
    /// `repack`, f32.
    pub const REPACK_F32: u8 = 64;
    /// `quantize`, f32 to s8.
    pub const QUANTIZE_S8: u8 = 65;
    /// `dequantize`, s8 to f32.
    pub const DEQUANTIZE_F32: u8 = 66;
    /// `prelu`, s8.
    pub const PRELU_S8: u8 = 67;
    /// `prelu`, f32.
    pub const PRELU_F32: u8 = 68;
    /// A function of each value by a table, s8.
    pub const UNARY_S8: u8 = 69;
    /// A function of each value, f32.
    pub const UNARY_F32: u8 = 70;
    /// `add` and `sub` with broadcasting, s8.
    pub const SUM_S8: u8 = 71;
    /// `mul`, s8.
    pub const MUL_S8: u8 = 72;
    /// `minimum` and `maximum`, s8.
    pub const MIN_MAX_S8: u8 = 73;
    /// `add` with broadcasting, `sub`, `mul`, `div`, `minimum` and `maximum`, f32.
    pub const BINARY_F32: u8 = 74;
    /// `copy`, s8.
    pub const COPY_S8: u8 = 75;
    /// `copy`, f32.
    pub const COPY_F32: u8 = 76;
    /// `resize_nearest_neighbor`, s8.
    pub const RESIZE_NEAREST_S8: u8 = 77;
    /// `resize_nearest_neighbor`, f32.
    pub const RESIZE_NEAREST_F32: u8 = 78;
    /// `resize_bilinear`, s8.
    pub const RESIZE_BILINEAR_S8: u8 = 79;
    /// `resize_bilinear`, f32.
    pub const RESIZE_BILINEAR_F32: u8 = 80;
    /// `average_pool_2d`, s8, ties to even.
    pub const AVERAGE_POOL_2D_EVEN_S8: u8 = 81;
    /// `mean`, s8, rounded once.
    pub const MEAN_ONCE_S8: u8 = 82;
    /// `requantize`, rounded once.
    pub const REQUANTIZE_ONCE_S8: u8 = 83;
    /// `resize_bilinear`, s8, ties to even.
    pub const RESIZE_BILINEAR_EVEN_S8: u8 = 84;
    /// `add` by coefficients, s8.
    pub const ADD_LINEAR_S8: u8 = 85;
    /// No kernel has the combination; never set in a file.
    pub const NONE: u8 = 127;
}

use kernel_bits as bit;

/// Every kernel: what a reader proves that may meet any file.
pub(crate) const ALL: u128 = u128::MAX;

/// Whether the set `OPS` has one of the kernels of `bits`.
pub(crate) const fn any_of<const OPS: u128>(bits: u128) -> bool {
    OPS & bits != 0
}

/// The bits of an operator's code, whatever the layout and element type; all bits for a code without an entry.
pub(crate) const fn op_bits(code: u8) -> u128 {
    match code {
        1 => span(bit::CONV_2D_DENSE_S8, bit::CONV_2D_DENSE_PAIRS),
        2 => span(
            bit::DEPTHWISE_CONV_2D_DENSE_S8,
            bit::DEPTHWISE_CONV_2D_DENSE_PAIRS,
        ),
        3 => span(
            bit::FULLY_CONNECTED_DENSE_S8,
            bit::FULLY_CONNECTED_CSR_F_F32,
        ),
        4 => span(bit::ADD_S8, bit::ADD_F32) | mask_of(bit::ADD_LINEAR_S8),
        5 => span(bit::MAX_POOL_2D_S8, bit::MAX_POOL_2D_F32),
        6 => {
            span(bit::AVERAGE_POOL_2D_S8, bit::AVERAGE_POOL_2D_F32)
                | mask_of(bit::AVERAGE_POOL_2D_EVEN_S8)
        }
        7 => span(bit::MEAN_S8, bit::MEAN_F32) | mask_of(bit::MEAN_ONCE_S8),
        8 => span(bit::SOFTMAX_S8, bit::SOFTMAX_F32),
        9 => span(bit::PAD_S8, bit::PAD_F32),
        10 => mask_of(bit::REQUANTIZE_S8) | mask_of(bit::REQUANTIZE_ONCE_S8),
        11 => span(bit::CLAMP_S8, bit::CLAMP_F32),
        12 => span(bit::REPACK_S8, bit::REPACK_F32),
        13 => mask_of(bit::QUANTIZE_S8),
        14 => mask_of(bit::DEQUANTIZE_F32),
        15 => span(bit::PRELU_S8, bit::PRELU_F32),
        16 => span(bit::UNARY_S8, bit::UNARY_F32),
        17 => span(bit::SUM_S8, bit::BINARY_F32),
        18 => span(bit::COPY_S8, bit::COPY_F32),
        19 => span(bit::RESIZE_NEAREST_S8, bit::RESIZE_NEAREST_F32),
        20 => {
            span(bit::RESIZE_BILINEAR_S8, bit::RESIZE_BILINEAR_F32)
                | mask_of(bit::RESIZE_BILINEAR_EVEN_S8)
        }
        _ => ALL,
    }
}

/// The bits of kernels whose output is `f32`.
pub(crate) const FLOATS: u128 = mask_of(bit::CONV_2D_DENSE_F32)
    | mask_of(bit::CONV_2D_CSR_F_F32)
    | mask_of(bit::DEPTHWISE_CONV_2D_DENSE_F32)
    | mask_of(bit::FULLY_CONNECTED_DENSE_F32)
    | mask_of(bit::FULLY_CONNECTED_CSR_F_F32)
    | mask_of(bit::ADD_F32)
    | mask_of(bit::MAX_POOL_2D_F32)
    | mask_of(bit::AVERAGE_POOL_2D_F32)
    | mask_of(bit::MEAN_F32)
    | mask_of(bit::SOFTMAX_F32)
    | mask_of(bit::PAD_F32)
    | mask_of(bit::CLAMP_F32)
    | mask_of(bit::REPACK_F32)
    | mask_of(bit::DEQUANTIZE_F32)
    | mask_of(bit::PRELU_F32)
    | mask_of(bit::UNARY_F32)
    | mask_of(bit::BINARY_F32)
    | mask_of(bit::COPY_F32)
    | mask_of(bit::RESIZE_NEAREST_F32)
    | mask_of(bit::RESIZE_BILINEAR_F32)
    // What later versions add may be of any type.
    | span(86, 126);

/// The bits of kernels that read a weight layout of `s8`.
pub(crate) const fn layout_bits(layout: WeightLayout) -> u128 {
    use WeightLayout as L;
    match layout {
        L::Dense => {
            mask_of(bit::CONV_2D_DENSE_S8)
                | mask_of(bit::CONV_2D_DENSE_PAIRS)
                | mask_of(bit::DEPTHWISE_CONV_2D_DENSE_S8)
                | mask_of(bit::DEPTHWISE_CONV_2D_DENSE_PAIRS)
                | mask_of(bit::FULLY_CONNECTED_DENSE_S8)
        }
        L::CsrP => {
            mask_of(bit::CONV_2D_CSR_P_S8)
                | mask_of(bit::CONV_2D_CSR_P_NARROW)
                | mask_of(bit::FULLY_CONNECTED_CSR_P_S8)
        }
        L::CsrN => {
            mask_of(bit::CONV_2D_CSR_N_S8)
                | mask_of(bit::CONV_2D_CSR_N_NARROW)
                | mask_of(bit::FULLY_CONNECTED_CSR_N_S8)
        }
        L::CsrQ => mask_of(bit::FULLY_CONNECTED_CSR_Q_S8),
        L::Blk1x4 => mask_of(bit::CONV_2D_BLK_1X4_S8) | mask_of(bit::FULLY_CONNECTED_BLK_1X4_S8),
        L::Blk4x1 => mask_of(bit::CONV_2D_BLK_4X1_S8) | mask_of(bit::FULLY_CONNECTED_BLK_4X1_S8),
        L::None | L::CsrF | L::Table => ALL,
    }
}

/// Whether kernels of a set read tables.
pub(crate) const fn has_tables<const OPS: u128>() -> bool {
    any_of::<OPS>(op_bits(15) | op_bits(16) | op_bits(19) | op_bits(20))
}

/// The bits `low…=high`.
const fn span(low: u8, high: u8) -> u128 {
    let mut bits = 0;
    let mut bit = low;
    while bit <= high {
        bits |= mask_of(bit);
        bit = bit.saturating_add(1);
    }
    bits
}

/// The bit of a kernel; [`kernel_bits::NONE`] where no kernel has the combination. `dtype` is the output's.
#[must_use]
pub const fn kernel_bit(op: &Op, layout: WeightLayout, dtype: DType) -> u8 {
    use WeightLayout as L;
    match (op, layout) {
        (Op::Conv2d { .. }, _) => conv_2d(layout, dtype),
        (Op::FullyConnected { .. }, _) => fully_connected(layout, dtype),
        (Op::DepthwiseConv2d { .. }, L::Dense) => by_dtype(
            dtype,
            bit::DEPTHWISE_CONV_2D_DENSE_S8,
            bit::DEPTHWISE_CONV_2D_DENSE_F32,
        ),
        (Op::DepthwiseConv2d { .. }, _) => bit::NONE,
        (_, L::Table) => with_table(op, dtype),
        (_, L::None) => without_weights(op, dtype),
        (_, _) => bit::NONE,
    }
}

/// The bit of a narrow step, which is an `s8` `conv_2d`.
pub(crate) const fn narrow_bit(layout: WeightLayout) -> u8 {
    use WeightLayout as L;
    match layout {
        L::CsrP => bit::CONV_2D_CSR_P_NARROW,
        L::CsrN => bit::CONV_2D_CSR_N_NARROW,
        L::None | L::Dense | L::CsrQ | L::Blk1x4 | L::Blk4x1 | L::CsrF | L::Table => bit::NONE,
    }
}

/// The bit of a kernel in files for a backend.
#[must_use]
pub const fn kernel_bit_for(backend: Backend, op: &Op, layout: WeightLayout, dtype: DType) -> u8 {
    let bit = kernel_bit(op, layout, dtype);
    match (backend, bit) {
        (Backend::ArmDsp, bit::CONV_2D_DENSE_S8) => bit::CONV_2D_DENSE_PAIRS,
        (Backend::ArmDsp, bit::DEPTHWISE_CONV_2D_DENSE_S8) => bit::DEPTHWISE_CONV_2D_DENSE_PAIRS,
        (Backend::Planar | Backend::ArmDsp, bit) => bit,
    }
}

const fn conv_2d(layout: WeightLayout, dtype: DType) -> u8 {
    use WeightLayout as L;
    match layout {
        L::Dense => by_dtype(dtype, bit::CONV_2D_DENSE_S8, bit::CONV_2D_DENSE_F32),
        L::CsrP => by_dtype(dtype, bit::CONV_2D_CSR_P_S8, bit::NONE),
        L::CsrN => by_dtype(dtype, bit::CONV_2D_CSR_N_S8, bit::NONE),
        L::Blk1x4 => by_dtype(dtype, bit::CONV_2D_BLK_1X4_S8, bit::NONE),
        L::Blk4x1 => by_dtype(dtype, bit::CONV_2D_BLK_4X1_S8, bit::NONE),
        L::CsrF => by_dtype(dtype, bit::NONE, bit::CONV_2D_CSR_F_F32),
        L::None | L::CsrQ | L::Table => bit::NONE,
    }
}

const fn fully_connected(layout: WeightLayout, dtype: DType) -> u8 {
    use WeightLayout as L;
    match layout {
        L::Dense => by_dtype(
            dtype,
            bit::FULLY_CONNECTED_DENSE_S8,
            bit::FULLY_CONNECTED_DENSE_F32,
        ),
        L::CsrP => by_dtype(dtype, bit::FULLY_CONNECTED_CSR_P_S8, bit::NONE),
        L::CsrN => by_dtype(dtype, bit::FULLY_CONNECTED_CSR_N_S8, bit::NONE),
        L::CsrQ => by_dtype(dtype, bit::FULLY_CONNECTED_CSR_Q_S8, bit::NONE),
        L::Blk1x4 => by_dtype(dtype, bit::FULLY_CONNECTED_BLK_1X4_S8, bit::NONE),
        L::Blk4x1 => by_dtype(dtype, bit::FULLY_CONNECTED_BLK_4X1_S8, bit::NONE),
        L::CsrF => by_dtype(dtype, bit::NONE, bit::FULLY_CONNECTED_CSR_F_F32),
        L::None | L::Table => bit::NONE,
    }
}

const fn with_table(op: &Op, dtype: DType) -> u8 {
    if matches!(op, Op::Prelu { .. }) {
        by_dtype(dtype, bit::PRELU_S8, bit::PRELU_F32)
    } else if matches!(op, Op::UnaryS8) {
        by_dtype(dtype, bit::UNARY_S8, bit::NONE)
    } else if matches!(op, Op::ResizeNearest) {
        by_dtype(dtype, bit::RESIZE_NEAREST_S8, bit::RESIZE_NEAREST_F32)
    } else if matches!(op, Op::ResizeBilinear { ties: Ties::Even }) {
        by_dtype(dtype, bit::RESIZE_BILINEAR_EVEN_S8, bit::NONE)
    } else if matches!(op, Op::ResizeBilinear { .. }) {
        by_dtype(dtype, bit::RESIZE_BILINEAR_S8, bit::RESIZE_BILINEAR_F32)
    } else {
        bit::NONE
    }
}

const fn binary_s8(kind: Binary) -> u8 {
    match kind {
        Binary::Add | Binary::Sub => bit::SUM_S8,
        Binary::Mul => bit::MUL_S8,
        Binary::Div => bit::NONE,
        Binary::Minimum | Binary::Maximum => bit::MIN_MAX_S8,
    }
}

const fn without_weights(op: &Op, dtype: DType) -> u8 {
    let (s8, f32) = match op {
        Op::Add { .. } => (bit::ADD_S8, bit::ADD_F32),
        Op::AddLinear { .. } => (bit::ADD_LINEAR_S8, bit::NONE),
        Op::MaxPool2d { .. } => (bit::MAX_POOL_2D_S8, bit::MAX_POOL_2D_F32),
        Op::AveragePool2d { ties, .. } => (
            match ties {
                Ties::Away => bit::AVERAGE_POOL_2D_S8,
                Ties::Even => bit::AVERAGE_POOL_2D_EVEN_S8,
            },
            bit::AVERAGE_POOL_2D_F32,
        ),
        Op::Mean { rounding, .. } => (
            twice_or_once(*rounding, bit::MEAN_S8, bit::MEAN_ONCE_S8),
            bit::MEAN_F32,
        ),
        Op::SoftmaxS8 { .. } => (bit::SOFTMAX_S8, bit::NONE),
        Op::SoftmaxF32 { .. } => (bit::NONE, bit::SOFTMAX_F32),
        Op::Pad { .. } => (bit::PAD_S8, bit::PAD_F32),
        Op::Requantize { rounding, .. } => (
            twice_or_once(*rounding, bit::REQUANTIZE_S8, bit::REQUANTIZE_ONCE_S8),
            bit::NONE,
        ),
        Op::Clamp { .. } => (bit::CLAMP_S8, bit::CLAMP_F32),
        Op::Repack { .. } => (bit::REPACK_S8, bit::REPACK_F32),
        Op::Quantize => (bit::QUANTIZE_S8, bit::NONE),
        Op::Dequantize => (bit::NONE, bit::DEQUANTIZE_F32),
        Op::UnaryF32 { .. } => (bit::NONE, bit::UNARY_F32),
        Op::Binary { kind, .. } => (binary_s8(*kind), bit::BINARY_F32),
        Op::Copy { .. } => (bit::COPY_S8, bit::COPY_F32),
        Op::Conv2d { .. }
        | Op::DepthwiseConv2d { .. }
        | Op::FullyConnected { .. }
        | Op::Prelu { .. }
        | Op::UnaryS8
        | Op::ResizeNearest
        | Op::ResizeBilinear { .. } => (bit::NONE, bit::NONE),
    };
    by_dtype(dtype, s8, f32)
}

const fn twice_or_once(rounding: Rounding, twice: u8, once: u8) -> u8 {
    match rounding {
        Rounding::Double => twice,
        Rounding::Single => once,
    }
}

const fn by_dtype(dtype: DType, s8: u8, f32: u8) -> u8 {
    match dtype {
        DType::S8 => s8,
        DType::F32 => f32,
        DType::U8 | DType::S16 | DType::S32 | DType::F16 => bit::NONE,
    }
}

/// Whether the file's rounding flag concerns an operator.
pub(crate) const fn rounds(op: &Op, dtype: DType) -> bool {
    matches!(dtype, DType::S8)
        && matches!(
            op,
            Op::Conv2d { .. } | Op::DepthwiseConv2d { .. } | Op::FullyConnected { .. }
        )
}

/// A mask with one bit set.
pub(crate) const fn mask_of(bit: u8) -> u128 {
    match 1_u128.checked_shl(bit as u32) {
        Some(mask) => mask,
        None => 0,
    }
}
