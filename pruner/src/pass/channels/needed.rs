//! Which channels must remain: backward from the network's outputs to a fixed point.

use super::groups;
use super::range::Range;
use super::rows::Rows;
use crate::ir::{Axis, FlattenOrder, Graph, Node, Op, Rearrange, Shape};

/// Per tensor and channel, whether it remains.
///
/// A channel remains where a remaining row reads it and cannot fold it into its bias. Operators that work channel by
/// channel keep input and output alike. Every tensor keeps at least one channel.
pub(super) fn channels(graph: &Graph, ranges: &[Vec<Range>]) -> Vec<Vec<bool>> {
    let none = |r: &Vec<Range>| vec![false; r.len()];
    let mut kept: Vec<Vec<bool>> = ranges.iter().map(none).collect();
    for id in graph.inputs.iter().chain(&graph.outputs) {
        kept[id.0].fill(true);
    }
    let in_blocks: Vec<usize> = graph
        .nodes
        .iter()
        .filter_map(|n| in_blocks(graph, n))
        .collect();
    let vectors: Vec<usize> = graph.nodes.iter().filter_map(vector).collect();
    loop {
        let mut changed = true;
        while changed {
            changed = false;
            for tensor in &in_blocks {
                changed |= groups::keep_whole(&mut kept[*tensor]);
            }
            for node in graph.nodes.iter().rev() {
                changed |= spread(graph, node, ranges, &mut kept);
            }
        }
        match kept
            .iter_mut()
            .find(|k| !k.is_empty() && !k.contains(&true))
        {
            Some(empty) => empty[0] = true,
            None => {
                let filled = vectors.iter().map(|v| groups::keep_words(&mut kept[*v]));
                if filled.filter(|is_new| *is_new).count() == 0 {
                    return kept;
                }
            }
        }
    }
}

/// The output of a fully connected layer.
fn vector(node: &Node) -> Option<usize> {
    matches!(node.op, Op::FullyConnected(_)).then_some(node.output.0)
}

/// The output of a layer whose zeros come in blocks of rows.
fn in_blocks(graph: &Graph, node: &Node) -> Option<usize> {
    let has_rows = matches!(node.op, Op::Conv2d(_) | Op::FullyConnected(_));
    let rows = has_rows.then(|| Rows::of(graph, node)).flatten()?;
    groups::are_blocks(&rows).then_some(node.output.0)
}

/// Applies one node's rules; `true` where something new remains.
fn spread(graph: &Graph, node: &Node, ranges: &[Vec<Range>], kept: &mut [Vec<bool>]) -> bool {
    let (input, output) = (node.inputs[0].0, node.output.0);
    let shape = graph.tensor(node.inputs[0]).shape;
    match &node.op {
        Op::Conv2d(_) | Op::FullyConnected(_) => {
            let Some(rows) = Rows::of(graph, node) else {
                return false;
            };
            let mut changed = false;
            for row in (0..rows.len()).filter(|r| ranges[output][*r].constant().is_none()) {
                if !kept[output][row] {
                    continue;
                }
                for c in rows.channels(row) {
                    if !kept[input][c] && rows.reads(row, c, ranges[input][c]) {
                        kept[input][c] = true;
                        changed = true;
                    }
                }
            }
            changed
        }
        Op::Add(_) => {
            let first = tie(kept, input, output, |i| i);
            let second = tie(kept, node.inputs[1].0, output, |i| i);
            first | second
        }
        Op::DepthwiseConv2d(c) => {
            let multiplier = c.weights.shape[0] / shape.c;
            tie(kept, input, output, |i| i / multiplier)
        }
        Op::Flatten(order) => tie(kept, input, output, |i| flattened(*order, shape, i)),
        Op::Binary(_) => {
            let inputs = node.inputs.iter();
            inputs.fold(false, |new, i| new | broadcast(kept, i.0, output))
        }
        Op::Rearrange(Rearrange::Concat {
            axis: Axis::Channels,
        }) => {
            let (mut new, mut first) = (false, 0);
            for id in &node.inputs {
                new |= tie_from(kept, id.0, output, first);
                first += kept[id.0].len();
            }
            new
        }
        Op::Rearrange(Rearrange::Slice { begin, step, .. }) if step[0] == 1 => {
            let first = begin[0];
            tie(kept, input, output, |i| first + i)
        }
        Op::Rearrange(_) | Op::PadChannels { .. } => {
            let inputs = node.inputs.iter().map(|i| i.0);
            inputs
                .chain([output])
                .fold(false, |new, t| new | keep_all(&mut kept[t]))
        }
        Op::Softmax { .. } | Op::Reshape(_) => {
            let new = kept[input].contains(&false) || kept[output].contains(&false);
            kept[input].fill(true);
            kept[output].fill(true);
            new
        }
        Op::ChannelAffine { .. }
        | Op::Clamp(_)
        | Op::Prelu(_)
        | Op::Unary(_)
        | Op::Resize(_)
        | Op::MaxPool2d(_)
        | Op::AveragePool2d(_)
        | Op::Mean
        | Op::Pad { .. }
        | Op::Identity
        | Op::Quantize
        | Op::Dequantize => tie(kept, input, output, |i| i),
    }
}

/// Every channel remains.
fn keep_all(channels: &mut [bool]) -> bool {
    let new = channels.contains(&false);
    channels.fill(true);
    new
}

/// A single channel that all others meet remains; else channels remain together.
fn broadcast(kept: &mut [Vec<bool>], input: usize, output: usize) -> bool {
    if kept[input].len() == kept[output].len() {
        return tie(kept, input, output, |i| i);
    }
    keep_all(&mut kept[input])
}

/// Input channel `i` and output channel `first + i` remain together.
fn tie_from(kept: &mut [Vec<bool>], input: usize, output: usize, first: usize) -> bool {
    let mut new = false;
    for i in 0..kept[input].len() {
        let both = kept[input][i] || kept[output][first + i];
        new |= both != kept[input][i] || both != kept[output][first + i];
        (kept[input][i], kept[output][first + i]) = (both, both);
    }
    new
}

/// The channel that entry `i` of a flattened vector comes from.
const fn flattened(order: FlattenOrder, shape: Shape, i: usize) -> usize {
    match order {
        FlattenOrder::ChannelsFirst => i / shape.pixels(),
        FlattenOrder::ChannelsLast => i % shape.c,
    }
}

/// Output channel `i` and input channel `from(i)` remain together.
fn tie(kept: &mut [Vec<bool>], input: usize, output: usize, from: impl Fn(usize) -> usize) -> bool {
    let mut changed = false;
    for i in 0..kept[output].len() {
        let c = from(i);
        if kept[output][i] && !kept[input][c] {
            kept[input][c] = true;
            changed = true;
        }
    }
    for i in 0..kept[output].len() {
        if kept[input][from(i)] && !kept[output][i] {
            kept[output][i] = true;
            changed = true;
        }
    }
    changed
}
