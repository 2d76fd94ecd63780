//! One operator of a quantised network: what it keeps, and its integer form with weights and bias.

use super::super::{rewrite, ties, weights};
use crate::ir::{
    Bias, Conv, FullyConnected, Node, Op, Pool, Quant, Shape, Slopes, Values, Weights, Window,
};

/// Relative difference of two bias scales that is only rounding.
const SAME_SCALE: f64 = 1e-5;

/// Operators that only move values, so that they may act before or after a conversion.
pub(super) const fn keeps_values(op: &Op) -> bool {
    ties::keeps_scale(op) && !matches!(op, Op::AveragePool2d(_))
}

/// Whether the output of an operator has its input's quantisation whatever is asked for.
pub(super) fn keeps(op: &Op, shape: Shape) -> bool {
    ties::keeps_scale(op) && averaged(op, shape).is_none()
}

/// The window of an average that may have any output scale: one whose elements all count.
fn averaged(op: &Op, shape: Shape) -> Option<Pool> {
    let Op::AveragePool2d(pool) = op else {
        return None;
    };
    let is_whole = pool.window.pad_begin == [0, 0] && pool.window.pad_end == [0, 0];
    (is_whole && fits(pool.window, shape)).then_some(*pool)
}

/// Whether no window reaches over the image.
fn fits(window: Window, shape: Shape) -> bool {
    window.kernel[0] <= shape.h && window.kernel[1] <= shape.w
}

/// An average with a change of scale, rounded once: a convolution whose weights are 1, each worth a share.
#[expect(
    clippy::cast_precision_loss,
    reason = "windows have at most 65,025 elements"
)]
fn average(name: &str, pool: Pool, channels: usize) -> Op {
    let [h, w] = pool.window.kernel;
    let weights = Weights {
        name: format!("{name}.share"),
        shape: [channels, 1, h, w],
        values: Values::S8(vec![1; channels * h * w]),
        scales: vec![1.0 / (h * w) as f32; channels],
    };
    Op::DepthwiseConv2d(Conv {
        window: pool.window,
        weights,
        bias: Bias::None,
        clamp: pool.clamp,
    })
}

/// Gives an operator its integer weights, or the form that integers compute.
pub(super) fn integer_op(
    node: &mut Node,
    shape: Shape,
    (input, output): (Quant, Quant),
    bias_scales: Option<&Vec<f32>>,
) -> Result<(), String> {
    if let Op::ChannelAffine { scale, shift } = &node.op {
        node.op = rewrite::depthwise(&node.name, scale.clone(), shift.clone());
    } else if let Some(pool) = averaged(&node.op, shape).filter(|_| input != output) {
        node.op = if rewrite::is_global(&pool, shape) {
            Op::Mean
        } else {
            average(&node.name, pool, shape.c)
        };
    } else if let Op::Prelu(slopes @ Slopes::F32(_)) = &mut node.op {
        *slopes = weights::slopes(slopes);
    }
    let (Op::Conv2d(Conv { weights, bias, .. })
    | Op::DepthwiseConv2d(Conv { weights, bias, .. })
    | Op::FullyConnected(FullyConnected { weights, bias, .. })) = &mut node.op
    else {
        return Ok(());
    };
    if weights.scales.is_empty() {
        *bias = real_biases(bias, bias_scales)?;
        let quantized = weights::quantize(weights, bias, input, output);
        (*weights, *bias) = (quantized.weights, quantized.bias);
        return Ok(());
    }
    let Values::F32(values) = &weights.values else {
        return Ok(());
    };
    let mut integers: Vec<i8> = values.iter().map(|v| whole(*v)).collect();
    let row_len = weights.row_len().max(1);
    for (row, scale) in integers.chunks_mut(row_len).zip(&mut weights.scales) {
        if *scale == 0.0 {
            row.fill(0);
        }
        if row.iter().all(|w| *w == 0) {
            *scale = weights::dead_scale(input, output);
        }
    }
    *bias = integer_bias(bias, &weights.scales, input, bias_scales)?;
    weights.values = Values::S8(integers);
    Ok(())
}

/// The bias in steps of input scale × weight scale.
fn integer_bias(
    bias: &Bias,
    scales: &[f32],
    input: Quant,
    own: Option<&Vec<f32>>,
) -> Result<Bias, String> {
    let step = |row: usize| f64::from(input.scale) * f64::from(scales[row]);
    match (bias, own) {
        (Bias::None, _) => Ok(Bias::None),
        (Bias::F32(b), _) => {
            let rows = b.iter().enumerate();
            let steps = rows.map(|(row, b)| saturated(f64::from(*b) / step(row)));
            Ok(Bias::S32(steps.collect()))
        }
        (Bias::S32(b), Some(own)) if own.len() == b.len() => {
            let rows = b.iter().zip(own).enumerate();
            let steps = rows.map(|(row, (b, own))| {
                let ratio = f64::from(*own) / step(row);
                if (ratio - 1.0).abs() <= SAME_SCALE {
                    *b
                } else {
                    saturated(f64::from(*b) * ratio)
                }
            });
            Ok(Bias::S32(steps.collect()))
        }
        (Bias::S32(_), _) => Err("its integer bias has no scales".into()),
    }
}

/// The bias as real numbers.
fn real_biases(bias: &Bias, own: Option<&Vec<f32>>) -> Result<Bias, String> {
    match (bias, own) {
        (Bias::S32(b), Some(own)) if own.len() == b.len() => {
            let real = b.iter().zip(own).map(|(b, s)| real_bias(*b, *s));
            Ok(Bias::F32(real.collect()))
        }
        (Bias::S32(_), _) => Err("its integer bias has no scales".into()),
        (Bias::None | Bias::F32(_), _) => Ok(bias.clone()),
    }
}

/// Layers that stayed float get real weights and biases.
pub(super) fn to_floats(op: &mut Op, bias_scales: Option<&Vec<f32>>) {
    let Some((weights, bias, _)) = op.layer_mut() else {
        return;
    };
    let row_len = weights.row_len().max(1);
    let Weights { values, scales, .. } = weights;
    let Values::F32(values) = values else {
        return;
    };
    for (row, scale) in values.chunks_mut(row_len).zip(&*scales) {
        row.iter_mut().for_each(|w| *w *= scale);
    }
    scales.clear();
    if let Ok(real) = real_biases(bias, bias_scales) {
        *bias = real;
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "importers put whole numbers of s8 here; others saturate"
)]
fn whole(value: f32) -> i8 {
    value.round() as i8
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "float to integer casts saturate, as wanted"
)]
fn saturated(value: f64) -> i32 {
    value.round_ties_even() as i32
}

#[expect(clippy::cast_possible_truncation, reason = "biases are f32")]
fn real_bias(steps: i32, scale: f32) -> f32 {
    (f64::from(steps) * f64::from(scale)) as f32
}
