//! Operator codes and their 36 parameter bytes, decoded and judged.
//!
//! Every byte that an operator does not name must be 0: `used` masks collect, one bit a byte, what was read.

use super::{
    AddParams, Binary, Block, Clamp, LinearSum, Op, PreluParams, RepackOrder, Unary, Window,
};
use crate::bytes::{ensure, f32_at, i8_at, i32_at, some, tri, u8_at, u16_at};
use crate::kernel_mask::{FLOATS, any_of, op_bits};
use crate::{DType, FormatError, Rounding, Ties};

/// Bytes of the parameters in a step record.
#[cfg(feature = "write")]
pub(crate) const PARAMS: usize = 36;

const WINDOW: u64 = 0xFF;
const CLAMP_AT: usize = 16;

/// Decodes the operator of step `step`; `dtype` is the output's. Operators without a kernel in `OPS` are refused.
pub(crate) const fn read<const OPS: u128>(
    code: u8,
    dtype: DType,
    params: &[u8],
    step: u16,
) -> Result<Op, FormatError> {
    let has_floats = const { any_of::<OPS>(FLOATS) };
    let s8 = !has_floats || matches!(dtype, DType::S8);
    ensure!(
        has_floats || matches!(dtype, DType::S8),
        FormatError::StepDType { step }
    );
    let (op, used) = match code {
        1 if const { any_of::<OPS>(op_bits(1)) } => windowed(
            code,
            tri!(window(params, step)),
            tri!(clamp(params, s8, step)),
            s8,
        ),
        2 if const { any_of::<OPS>(op_bits(2)) } => tri!(depthwise(params, s8, step)),
        3 if const { any_of::<OPS>(op_bits(3)) } => (
            Op::FullyConnected {
                clamp: tri!(clamp(params, s8, step)),
            },
            clamp_bytes(s8),
        ),
        4 if const { any_of::<OPS>(op_bits(4)) } => tri!(add(params, s8, step)),
        5 if const { any_of::<OPS>(op_bits(5)) } => windowed(
            code,
            tri!(window(params, step)),
            tri!(clamp(params, s8, step)),
            s8,
        ),
        6 if const { any_of::<OPS>(op_bits(6)) } => tri!(average_pool(params, s8, step)),
        7 if const { any_of::<OPS>(op_bits(7)) } => tri!(mean(params, s8, step)),
        8 if s8 && const { any_of::<OPS>(op_bits(8)) } => tri!(softmax_s8(params, step)),
        8 if const { any_of::<OPS>(op_bits(8)) } => tri!(softmax_f32(params, step)),
        9 if const { any_of::<OPS>(op_bits(9)) } => tri!(pad(params, s8, step)),
        10 if const { any_of::<OPS>(op_bits(10)) } => tri!(requantize(params, step)),
        11 if const { any_of::<OPS>(op_bits(11)) } => (
            Op::Clamp {
                clamp: tri!(clamp(params, s8, step)),
            },
            clamp_bytes(s8),
        ),
        12 if const { any_of::<OPS>(op_bits(12)) } => (
            Op::Repack {
                order: tri!(order(params, step)),
            },
            1,
        ),
        13 if const { any_of::<OPS>(op_bits(13)) } => (Op::Quantize, 0),
        14 if const { any_of::<OPS>(op_bits(14)) } => (Op::Dequantize, 0),
        15 if const { any_of::<OPS>(op_bits(15)) } => tri!(prelu(params, s8, step)),
        16 if s8 && const { any_of::<OPS>(op_bits(16)) } => (Op::UnaryS8, 0),
        16 if const { any_of::<OPS>(op_bits(16)) } => tri!(unary_f32(params, step)),
        17 if const { any_of::<OPS>(op_bits(17)) } => tri!(binary(params, s8, step)),
        18 if const { any_of::<OPS>(op_bits(18)) } => tri!(copy(params, step)),
        19 if const { any_of::<OPS>(op_bits(19)) } => (Op::ResizeNearest, 0),
        20 if const { any_of::<OPS>(op_bits(20)) } => bilinear(params, s8),
        _ => return Err(FormatError::StepOp { step }),
    };
    ensure!(only(params, used), FormatError::StepParams { step });
    Ok(op)
}

/// Whether all bytes without a bit in `used` are 0.
const fn only(params: &[u8], used: u64) -> bool {
    let mut rest = params;
    let mut used = used;
    while let [byte, tail @ ..] = rest {
        if *byte != 0 && used & 1 == 0 {
            return false;
        }
        used >>= 1;
        rest = tail;
    }
    true
}

const fn clamp_bytes(s8: bool) -> u64 {
    if s8 {
        0x3 << CLAMP_AT
    } else {
        0xFF << CLAMP_AT
    }
}

const fn clamp(params: &[u8], s8: bool, step: u16) -> Result<Clamp, FormatError> {
    if s8 {
        let (lo, hi) = (i8_at(params, 16), i8_at(params, 17));
        ensure!(lo <= hi, FormatError::StepClamp { step });
        return Ok(Clamp::S8 { lo, hi });
    }
    let (lo, hi) = (f32_at(params, 16), f32_at(params, 20));
    // False where either is not a number.
    ensure!(lo <= hi, FormatError::StepClamp { step });
    Ok(Clamp::F32 { lo, hi })
}

const fn window(params: &[u8], step: u16) -> Result<Window, FormatError> {
    let window = Window {
        kernel_h: u8_at(params, 0),
        kernel_w: u8_at(params, 1),
        stride_h: u8_at(params, 2),
        stride_w: u8_at(params, 3),
        pad_top: u8_at(params, 4),
        pad_left: u8_at(params, 5),
        pad_bottom: u8_at(params, 6),
        pad_right: u8_at(params, 7),
    };
    // Padding below a kernel implies a kernel of at least 1.
    let fits = window.stride_h != 0
        && window.stride_w != 0
        && window.pad_top < window.kernel_h
        && window.pad_bottom < window.kernel_h
        && window.pad_left < window.kernel_w
        && window.pad_right < window.kernel_w;
    ensure!(fits, FormatError::StepWindow { step });
    Ok(window)
}

/// Convolution (code 1) or maximum pool (5).
const fn windowed(code: u8, window: Window, clamp: Clamp, s8: bool) -> (Op, u64) {
    let op = match code {
        1 => Op::Conv2d { window, clamp },
        _ => Op::MaxPool2d { window, clamp },
    };
    (op, WINDOW | clamp_bytes(s8))
}

const fn average_pool(params: &[u8], s8: bool, step: u16) -> Result<(Op, u64), FormatError> {
    let (ties, used) = match u8_at(params, 18) {
        1 if s8 => (Ties::Even, 0x1 << 18),
        // Bytes of the bounds of `f32`; of `s8`, anything but 0 is left over and refused.
        _ => (Ties::Away, 0),
    };
    let op = Op::AveragePool2d {
        window: tri!(window(params, step)),
        clamp: tri!(clamp(params, s8, step)),
        ties,
    };
    Ok((op, WINDOW | clamp_bytes(s8) | used))
}

/// Byte 0: where halves go.
const fn bilinear(params: &[u8], s8: bool) -> (Op, u64) {
    let (ties, used) = match u8_at(params, 0) {
        1 if s8 => (Ties::Even, 1),
        _ => (Ties::Away, 0),
    };
    (Op::ResizeBilinear { ties }, used)
}

/// How `mean` and `requantize` round: byte 5.
const fn rounding(params: &[u8], step: u16) -> Result<Rounding, FormatError> {
    match u8_at(params, 5) {
        0 => Ok(Rounding::Double),
        1 => Ok(Rounding::Single),
        _ => Err(FormatError::StepParams { step }),
    }
}

const fn depthwise(params: &[u8], s8: bool, step: u16) -> Result<(Op, u64), FormatError> {
    let window = tri!(window(params, step));
    let clamp = tri!(clamp(params, s8, step));
    let multiplier = u16_at(params, 12);
    ensure!(multiplier != 0, FormatError::StepMultiplier { step });
    let op = Op::DepthwiseConv2d {
        window,
        multiplier,
        clamp,
    };
    Ok((op, WINDOW | 0x3 << 12 | clamp_bytes(s8)))
}

/// A multiplier, not negative.
const fn multiplier(params: &[u8], at: usize, step: u16) -> Result<i32, FormatError> {
    let multiplier = i32_at(params, at);
    ensure!(multiplier >= 0, FormatError::StepMultiplier { step });
    Ok(multiplier)
}

/// A shift of 0…31 in the one direction that its operator knows.
const fn one_way_shift(params: &[u8], at: usize, step: u16) -> Result<i8, FormatError> {
    let shift = i8_at(params, at);
    ensure!(shift >= 0 && shift <= 31, FormatError::StepShift { step });
    Ok(shift)
}

/// A right shift of −30…31.
const fn shift(params: &[u8], at: usize, step: u16) -> Result<i8, FormatError> {
    let shift = i8_at(params, at);
    ensure!(shift >= -30 && shift <= 31, FormatError::StepShift { step });
    Ok(shift)
}

const fn add(params: &[u8], s8: bool, step: u16) -> Result<(Op, u64), FormatError> {
    let clamp = tri!(clamp(params, s8, step));
    if !s8 {
        let params = AddParams {
            m1: 0,
            m2: 0,
            mo: 0,
            s1: 0,
            s2: 0,
            so: 0,
        };
        return Ok((Op::Add { params, clamp }, clamp_bytes(s8)));
    }
    // Anything but 0 and 1 is left over and refused.
    if u8_at(params, 15) == 1 {
        let sum = LinearSum {
            first: i32_at(params, 0),
            second: i32_at(params, 4),
            bias: i32_at(params, 8),
        };
        return Ok((Op::AddLinear { sum, clamp }, 0x8FFF | clamp_bytes(s8)));
    }
    let params = AddParams {
        m1: tri!(multiplier(params, 0, step)),
        m2: tri!(multiplier(params, 4, step)),
        mo: tri!(multiplier(params, 8, step)),
        s1: tri!(one_way_shift(params, 12, step)),
        s2: tri!(one_way_shift(params, 13, step)),
        so: tri!(one_way_shift(params, 14, step)),
    };
    Ok((Op::Add { params, clamp }, 0x7FFF | clamp_bytes(s8)))
}

const fn mean(params: &[u8], s8: bool, step: u16) -> Result<(Op, u64), FormatError> {
    if !s8 {
        return Ok((
            Op::Mean {
                multiplier: 0,
                shift: 0,
                rounding: Rounding::Double,
            },
            0,
        ));
    }
    let op = Op::Mean {
        multiplier: tri!(multiplier(params, 0, step)),
        shift: tri!(shift(params, 4, step)),
        rounding: tri!(rounding(params, step)),
    };
    Ok((op, 0x3F))
}

const fn softmax_s8(params: &[u8], step: u16) -> Result<(Op, u64), FormatError> {
    let left_shift = tri!(one_way_shift(params, 4, step));
    let op = Op::SoftmaxS8 {
        multiplier: tri!(multiplier(params, 0, step)),
        left_shift,
        diff_min: i32_at(params, 8),
    };
    Ok((op, 0xF1F))
}

const fn softmax_f32(params: &[u8], step: u16) -> Result<(Op, u64), FormatError> {
    let beta = f32_at(params, 0);
    ensure!(
        beta.is_finite() && beta > 0.0,
        FormatError::StepValue { step }
    );
    Ok((Op::SoftmaxF32 { beta }, 0xF))
}

const fn pad(params: &[u8], s8: bool, step: u16) -> Result<(Op, u64), FormatError> {
    let (value, used) = if s8 {
        let value = i8_at(params, 4);
        (
            Clamp::S8 {
                lo: value,
                hi: value,
            },
            0x1F,
        )
    } else {
        let value = f32_at(params, 4);
        ensure!(!value.is_nan(), FormatError::StepValue { step });
        (
            Clamp::F32 {
                lo: value,
                hi: value,
            },
            0xFF,
        )
    };
    let op = Op::Pad {
        top: u8_at(params, 0),
        left: u8_at(params, 1),
        front: u16_at(params, 2),
        value,
    };
    Ok((op, used))
}

const fn requantize(params: &[u8], step: u16) -> Result<(Op, u64), FormatError> {
    let op = Op::Requantize {
        multiplier: tri!(multiplier(params, 0, step)),
        shift: tri!(shift(params, 4, step)),
        clamp: tri!(clamp(params, true, step)),
        rounding: tri!(rounding(params, step)),
    };
    Ok((op, 0x3F | clamp_bytes(true)))
}

const fn order(params: &[u8], step: u16) -> Result<RepackOrder, FormatError> {
    match u8_at(params, 0) {
        0 => Ok(RepackOrder::Same),
        1 => Ok(RepackOrder::ChannelsFirst),
        2 => Ok(RepackOrder::ChannelsLast),
        _ => Err(FormatError::StepOrder { step }),
    }
}

const fn prelu(params: &[u8], s8: bool, step: u16) -> Result<(Op, u64), FormatError> {
    let (params, used) = if s8 {
        let params = PreluParams {
            m1: tri!(multiplier(params, 0, step)),
            m2: tri!(multiplier(params, 4, step)),
            s1: tri!(shift(params, 8, step)),
            s2: tri!(shift(params, 9, step)),
        };
        (params, 0x3FF)
    } else {
        let params = PreluParams {
            m1: 0,
            m2: 0,
            s1: 0,
            s2: 0,
        };
        (params, 0)
    };
    Ok((Op::Prelu { params }, used))
}

const fn unary_f32(params: &[u8], step: u16) -> Result<(Op, u64), FormatError> {
    let function = some!(
        Unary::from_code(u8_at(params, 0)),
        FormatError::StepFunction { step }
    );
    let (alpha, beta) = (f32_at(params, 4), f32_at(params, 8));
    ensure!(
        alpha.is_finite() && beta.is_finite(),
        FormatError::StepValue { step }
    );
    let used = match function.parameters() {
        0 => 0x1,
        1 => 0xF1,
        _ => 0xFF1,
    };
    let op = Op::UnaryF32 {
        function,
        alpha,
        beta,
    };
    Ok((op, used))
}

const fn binary(params: &[u8], s8: bool, step: u16) -> Result<(Op, u64), FormatError> {
    let kind = some!(
        Binary::from_code(u8_at(params, 0)),
        FormatError::StepFunction { step }
    );
    let swapped = match u8_at(params, 1) {
        0 => false,
        1 => true,
        _ => return Err(FormatError::StepFunction { step }),
    };
    let clamp = tri!(clamp(params, s8, step));
    let none = AddParams {
        m1: 0,
        m2: 0,
        mo: 0,
        s1: 0,
        s2: 0,
        so: 0,
    };
    let (params, used) = match kind {
        Binary::Add | Binary::Sub if s8 => {
            let sum = AddParams {
                m1: tri!(multiplier(params, 4, step)),
                m2: tri!(multiplier(params, 8, step)),
                mo: tri!(multiplier(params, 12, step)),
                s1: tri!(one_way_shift(params, 24, step)),
                s2: tri!(one_way_shift(params, 25, step)),
                so: tri!(one_way_shift(params, 26, step)),
            };
            (sum, 0x700_FFF3)
        }
        Binary::Mul if s8 => {
            let product = AddParams {
                mo: tri!(multiplier(params, 12, step)),
                so: tri!(shift(params, 26, step)),
                ..none
            };
            (product, 0x400_F003)
        }
        Binary::Add
        | Binary::Sub
        | Binary::Mul
        | Binary::Div
        | Binary::Minimum
        | Binary::Maximum => (none, 0x3),
    };
    let op = Op::Binary {
        kind,
        swapped,
        params,
        clamp,
    };
    Ok((op, used | clamp_bytes(s8)))
}

/// Three 16-bit numbers.
const fn triple(params: &[u8], at: usize) -> [u16; 3] {
    [
        u16_at(params, at),
        u16_at(params, at.saturating_add(2)),
        u16_at(params, at.saturating_add(4)),
    ]
}

const fn copy(params: &[u8], step: u16) -> Result<(Op, u64), FormatError> {
    let block = Block {
        from: triple(params, 0),
        from_step: [u8_at(params, 6), u8_at(params, 7), u8_at(params, 8)],
        to_step: [u8_at(params, 9), u8_at(params, 10), u8_at(params, 11)],
        to: triple(params, 12),
        extent: triple(params, 18),
    };
    ensure!(
        all_positive(block.from_step) && all_positive(block.to_step),
        FormatError::StepBlock { step }
    );
    Ok((Op::Copy { block }, 0xFF_FFFF))
}

const fn all_positive([a, b, c]: [u8; 3]) -> bool {
    a != 0 && b != 0 && c != 0
}
