//! Parameters of integer operators, prepared as TensorFlow Lite prepares them.
//!
//! Where TensorFlow Lite multiplies two `f32` scales before it widens them, so do these functions: the last
//! bit of a multiplier decides about ties.

use super::quantize_multiplier;
use crate::ir::Quant;
use nnz_format::{AddParams, Binary, PreluParams, Rounding};

/// Left shift of both inputs of an addition before they are rescaled.
const ADD_LEFT_SHIFT: u32 = 20;

/// Integer bits of softmax's scaled differences.
const SOFTMAX_INTEGER_BITS: i32 = 5;

/// Multiplier and right shift of every output channel of a convolution (products in `f64`).
#[must_use]
pub fn conv_multipliers(input: Quant, weight_scales: &[f32], output: Quant) -> Vec<(i32, i32)> {
    let factor = |w: &f32| f64::from(input.scale) * f64::from(*w) / f64::from(output.scale);
    weight_scales
        .iter()
        .map(|w| quantize_multiplier(factor(w)))
        .collect()
}

/// Multiplier and right shift of every output of a fully connected layer.
///
/// One scale for all outputs is TensorFlow Lite's per-tensor case, whose product of input and weight scale is an
/// `f32`; several scales are its per-channel case, as [`conv_multipliers`].
#[must_use]
pub fn fully_connected_multipliers(
    input: Quant,
    weight_scales: &[f32],
    output: Quant,
) -> Vec<(i32, i32)> {
    match weight_scales.first() {
        Some(first) if weight_scales.iter().all(|s| s.to_bits() == first.to_bits()) => {
            let product = f64::from(input.scale * first);
            vec![quantize_multiplier(product / f64::from(output.scale)); weight_scales.len()]
        }
        _ => conv_multipliers(input, weight_scales, output),
    }
}

/// Multiplier and right shift from one activation scale to another.
#[must_use]
pub fn requantize_multiplier(input: Quant, output: Quant) -> (i32, i32) {
    quantize_multiplier(f64::from(input.scale) / f64::from(output.scale))
}

/// Rescaling of both inputs and of the sum of an addition.
///
/// Inputs are shifted left by 20 and brought to twice the larger input scale; the sum is brought to the output's.
#[must_use]
pub fn add_params(a: Quant, b: Quant, output: Quant) -> AddParams {
    let twice_max = 2.0 * f64::from(a.scale.max(b.scale));
    let shifted = f64::from(1_u32 << ADD_LEFT_SHIFT);
    let (m1, s1) = quantize_multiplier(f64::from(a.scale) / twice_max);
    let (m2, s2) = quantize_multiplier(f64::from(b.scale) / twice_max);
    let (mo, so) = quantize_multiplier(twice_max / (shifted * f64::from(output.scale)));
    let narrow = |s: i32| i8::try_from(s).unwrap_or(0);
    AddParams {
        m1,
        m2,
        mo,
        s1: narrow(s1),
        s2: narrow(s2),
        so: narrow(so),
    }
}

/// Rescaling of two activations that meet, `[first, second, output]`; `None` for quotients, which integers lack.
#[must_use]
pub fn binary_params(kind: Binary, [a, b, output]: [Quant; 3]) -> Option<AddParams> {
    match kind {
        Binary::Add | Binary::Sub => Some(add_params(a, b, output)),
        Binary::Mul => {
            let product = f64::from(a.scale) * f64::from(b.scale) / f64::from(output.scale);
            let (mo, so) = quantize_multiplier(product);
            Some(AddParams {
                mo,
                so: i8::try_from(so).unwrap_or(0),
                ..AddParams::default()
            })
        }
        Binary::Minimum | Binary::Maximum => Some(AddParams::default()),
        Binary::Div => None,
    }
}

/// The weight of a resized image's second row or column in 1/1024.
#[must_use]
pub fn resize_weight(weight: f32) -> i32 {
    super::round_half_even(f64::from(weight) * 1024.0)
}

/// Rescaling of values and of slope · value in a prelu.
#[must_use]
pub fn prelu_params(input: Quant, slope_scale: f32, output: Quant) -> PreluParams {
    let (from, to) = (f64::from(input.scale), f64::from(output.scale));
    let (m1, s1) = quantize_multiplier(from / to);
    let (m2, s2) = quantize_multiplier(from * f64::from(slope_scale) / to);
    let narrow = |s: i32| i8::try_from(s).unwrap_or(0);
    PreluParams {
        m1,
        m2,
        s1: narrow(s1),
        s2: narrow(s2),
    }
}

/// Parameters of an integer softmax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoftmaxParams {
    /// Multiplier of the differences to the largest input.
    pub multiplier: i32,
    /// Left shift of the differences.
    pub left_shift: u32,
    /// Differences below this do not contribute.
    pub diff_min: i32,
}

/// Parameters of an integer softmax with factor `beta` (`PreprocessSoftmaxScaling` and `CalculateInputRadius`).
#[must_use]
pub fn softmax_params(beta: f32, input: Quant) -> SoftmaxParams {
    let scale =
        f64::from(beta) * f64::from(input.scale) * f64::from(1 << (31 - SOFTMAX_INTEGER_BITS));
    let (multiplier, right) = quantize_multiplier(scale.min(f64::from(i32::MAX)));
    let left_shift = right.min(0).unsigned_abs();
    let radius = f64::from((1 << SOFTMAX_INTEGER_BITS) - 1)
        * f64::from(1 << (31 - SOFTMAX_INTEGER_BITS))
        / 2.0_f64.powi(left_shift.cast_signed());
    SoftmaxParams {
        multiplier,
        left_shift,
        diff_min: -super::saturate(radius.floor()),
    }
}

/// Rescaling of a sum of deviations from the input's zero point to their mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanParams {
    /// Multiplier with `1 / elements` folded in.
    pub multiplier: i32,
    /// Right shift; negative is a left shift.
    pub shift: i32,
}

/// Parameters of an integer mean over `elements` values with either rounding.
#[must_use]
pub fn mean_params(rounding: Rounding, input: Quant, output: Quant, elements: usize) -> MeanParams {
    match rounding {
        Rounding::Double => mean_twice_params(input, output, elements),
        Rounding::Single => mean_once_params(input, output, elements),
    }
}

/// Parameters of a mean that is rounded once.
#[expect(
    clippy::cast_precision_loss,
    reason = "a plane has far below 2^53 pixels"
)]
fn mean_once_params(input: Quant, output: Quant, elements: usize) -> MeanParams {
    let sum = f64::from(output.scale) * elements.max(1) as f64;
    let (multiplier, shift) = quantize_multiplier(f64::from(input.scale) / sum);
    MeanParams { multiplier, shift }
}

/// Parameters of a mean that is rounded twice (TensorFlow Lite's `QuantizedMeanOrSum`).
fn mean_twice_params(input: Quant, output: Quant, elements: usize) -> MeanParams {
    let (multiplier, right) = requantize_multiplier(input, output);
    let elements = i64::try_from(elements.max(1)).unwrap_or(i64::MAX);
    let log2 = 63 - elements.leading_zeros().cast_signed();
    let fold = log2.min(32).min(31 - right).max(0);
    MeanParams {
        multiplier: i32::try_from((i64::from(multiplier) << fold) / elements).unwrap_or(i32::MAX),
        shift: right + fold,
    }
}
