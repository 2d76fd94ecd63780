//! The inputs that one output position of a layer sees, as a row.

use crate::ir::{Conv, Op, Shape, Weights};

/// Output positions of a sample: all, or `count` evenly spread ones from a seeded start.
pub(super) fn pick(pixels: usize, count: usize, seed: u64, sample: usize) -> Vec<usize> {
    if count >= pixels {
        return (0..pixels).collect();
    }
    let mixed = (seed ^ sample as u64)
        .wrapping_add(1)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let start = usize::try_from(mixed >> 32).unwrap_or(0) % pixels;
    (0..count)
        .map(|k| (start + k * pixels / count) % pixels)
        .collect()
}

/// Columns of a row: what one output position sees; of a depthwise layer in all channels.
pub(super) fn columns(op: &Op, input: Shape) -> usize {
    let len = op.weights().map_or(0, Weights::row_len);
    match matches!(op, Op::DepthwiseConv2d(_)) {
        true => len * input.c,
        false => len,
    }
}

/// One row for each position, columns in tap, channel order (depthwise: channel, tap); padding is 0.
pub(super) fn cut(
    op: &Op,
    input: Shape,
    output: Shape,
    x: &[f32],
    positions: &[usize],
) -> Vec<f32> {
    match op {
        Op::Conv2d(conv) => {
            let mut rows = Vec::with_capacity(positions.len() * conv.weights.row_len());
            for p in positions {
                patch(conv, input, (p / output.w, p % output.w), x, &mut rows);
            }
            rows
        }
        Op::DepthwiseConv2d(conv) => {
            let mut rows = Vec::with_capacity(positions.len() * columns(op, input));
            for p in positions {
                for c in 0..input.c {
                    let plane = &x[c * input.pixels()..(c + 1) * input.pixels()];
                    let one = Shape { c: 1, ..input };
                    patch(conv, one, (p / output.w, p % output.w), plane, &mut rows);
                }
            }
            rows
        }
        Op::FullyConnected(_)
        | Op::ChannelAffine { .. }
        | Op::Add(_)
        | Op::Clamp(_)
        | Op::Prelu(_)
        | Op::Unary(_)
        | Op::Binary(_)
        | Op::Rearrange(_)
        | Op::PadChannels { .. }
        | Op::Resize(_)
        | Op::MaxPool2d(_)
        | Op::AveragePool2d(_)
        | Op::Mean
        | Op::Softmax { .. }
        | Op::Pad { .. }
        | Op::Flatten(_)
        | Op::Reshape(_)
        | Op::Identity
        | Op::Quantize
        | Op::Dequantize => x.to_vec(),
    }
}

fn patch(conv: &Conv, input: Shape, (oy, ox): (usize, usize), x: &[f32], rows: &mut Vec<f32>) {
    let window = &conv.window;
    for ky in 0..window.kernel[0] {
        for kx in 0..window.kernel[1] {
            let y = (oy * window.stride[0] + ky).checked_sub(window.pad_begin[0]);
            let x_at = (ox * window.stride[1] + kx).checked_sub(window.pad_begin[1]);
            match (y.filter(|y| *y < input.h), x_at.filter(|x| *x < input.w)) {
                (Some(y), Some(x_at)) => {
                    rows.extend((0..input.c).map(|c| x[(c * input.h + y) * input.w + x_at]));
                }
                _ => rows.resize(rows.len() + input.c, 0.0),
            }
        }
    }
}
