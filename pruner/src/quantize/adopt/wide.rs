//! Integer weights with a zero point, which exceed eight bits when it is subtracted.
//!
//! ```text
//! w = a + b,  a = clamp(w, −128, 127)          [x; x] ─concatenation→ [a | b]       the same sums, b mostly zero
//! ```

use crate::ir::{
    Axis, Conv, FullyConnected, Graph, Op, Order, Rearrange, TensorId, Values, Weights,
};

/// Whether an operator has whole numbers beyond eight bits as weights.
pub(super) fn exceeds(op: &Op) -> bool {
    let Some(weights) = op.weights().filter(|w| !w.scales.is_empty()) else {
        return false;
    };
    match &weights.values {
        Values::F32(values) => values.iter().any(|v| !(-128.0..=127.0).contains(v)),
        Values::S8(_) => false,
    }
}

/// Gives an operator the weights `[a | b]` for its input of `channels` channels twice; `false` where it does not read
/// all channels at once.
pub(super) fn split(op: &mut Op, channels: usize) -> bool {
    let (Op::Conv2d(Conv { weights, .. }) | Op::FullyConnected(FullyConnected { weights, .. })) =
        op
    else {
        return false;
    };
    if weights.shape[1] % channels != 0 {
        return false;
    }
    let row_len = weights.row_len().max(1);
    let Weights { values, shape, .. } = weights;
    let Values::F32(values) = values else {
        return false;
    };
    let mut both = Vec::with_capacity(2 * values.len());
    for row in values.chunks(row_len) {
        let narrow = |w: &f32| w.clamp(-128.0, 127.0);
        both.extend(row.iter().map(narrow));
        both.extend(row.iter().map(|w| w - narrow(w)));
    }
    *values = both;
    shape[1] *= 2;
    true
}

/// A tensor that holds another one twice, channel after channel, and the operator that fills it.
pub(super) fn doubled(graph: &mut Graph, input: TensorId) -> (TensorId, Op) {
    let mut tensor = graph.tensor(input).clone();
    tensor.name = format!("{}_twice", tensor.name);
    tensor.shape.c *= 2;
    let rank = tensor.source.dims.len();
    let axis = match tensor.source.order {
        Order::Nchw => 1.min(rank.saturating_sub(1)),
        Order::Nhwc => rank.saturating_sub(1),
    };
    if let Some(dim) = tensor.source.dims.get_mut(axis) {
        *dim *= 2;
    }
    let axis = Axis::Channels;
    (
        graph.add_tensor(tensor),
        Op::Rearrange(Rearrange::Concat { axis }),
    )
}
