//! A layer's weights seen as rows over input channels, whatever the operator is.

use super::range::Range;
use crate::ir::{Bias, Graph, Node, Op, Values, Weights};

/// Weights `[row][input channel][tap]` of a convolution, depthwise convolution or fully connected layer.
#[derive(Debug, Clone)]
pub(super) struct Rows<'a> {
    weights: &'a Weights,
    bias: &'a Bias,
    /// Weights of one row on one input channel.
    pub(super) taps: usize,
    /// Which taps lie inside the input, once for every kind of output: inner, at an edge, in a corner.
    patterns: Vec<Vec<bool>>,
    /// Output channels per input channel of a depthwise convolution.
    multiplier: Option<usize>,
    input_channels: usize,
    input_zero: f64,
}

impl<'a> Rows<'a> {
    /// The rows of a node; `None` for operators without weights.
    pub(super) fn of(graph: &'a Graph, node: &'a Node) -> Option<Self> {
        let input = graph.tensor(node.inputs[0]);
        let (weights, bias, _) = node.op.layer()?;
        let window = node.op.conv_window();
        let depthwise = matches!(node.op, Op::DepthwiseConv2d(_));
        Some(Self {
            weights,
            bias,
            taps: window.map_or(input.shape.pixels(), |w| w.kernel[0] * w.kernel[1]),
            patterns: patterns(graph, node),
            multiplier: depthwise.then(|| weights.shape[0] / input.shape.c),
            input_channels: input.shape.c,
            input_zero: input.quant.map_or(0.0, |q| f64::from(q.zero_point)),
        })
    }

    /// Number of rows.
    pub(super) const fn len(&self) -> usize {
        self.weights.shape[0]
    }

    /// The input channels that a row has weights for.
    pub(super) fn channels(&self, row: usize) -> core::ops::Range<usize> {
        self.multiplier
            .map_or(0..self.input_channels, |m| row / m..row / m + 1)
    }

    /// The position of a row's first weight on one of its channels.
    fn start(&self, row: usize, channel: usize) -> usize {
        row * self.weights.row_len() + (channel - self.channels(row).start) * self.taps
    }

    /// A row's weights on one of its channels.
    pub(super) fn weights(&self, row: usize, channel: usize) -> impl Iterator<Item = f64> {
        let start = self.start(row, channel);
        let weights = self.weights;
        (start..start + self.taps).map(move |i| match &weights.values {
            Values::F32(v) => f64::from(v[i]),
            Values::S8(v) => f64::from(v[i]),
        })
    }

    /// A row's bias.
    pub(super) fn bias(&self, row: usize) -> f64 {
        match self.bias {
            Bias::None => 0.0,
            Bias::F32(b) => f64::from(b[row]),
            Bias::S32(b) => f64::from(b[row]),
        }
    }

    /// What a channel that always is `value` adds to a row's accumulator; `None` where padding makes it differ between outputs.
    pub(super) fn constant(&self, row: usize, channel: usize, value: f64) -> Option<f64> {
        let deviation = value - self.input_zero;
        if deviation == 0.0 {
            return Some(0.0);
        }
        let mut sums = self.patterns.iter().map(|inside| {
            let taps = self.weights(row, channel).zip(inside);
            taps.filter(|(_, inside)| **inside)
                .map(|(w, _)| w)
                .sum::<f64>()
        });
        let first = sums.next()?;
        sums.all(|sum| sum == first).then_some(first * deviation)
    }

    /// Whether a row's outputs depend on a channel, other than by a constant.
    pub(super) fn reads(&self, row: usize, channel: usize, range: Range) -> bool {
        let folds = range
            .constant()
            .is_some_and(|value| self.constant(row, channel, value).is_some());
        !folds && self.weights(row, channel).any(|w| w != 0.0)
    }

    /// The values that a row's accumulator can take, and the sum of its terms' magnitudes (what float rounding scales with).
    pub(super) fn accumulator(&self, row: usize, inputs: &[Range]) -> (Range, f64) {
        let bias = self.bias(row);
        let mut fixed = bias;
        let (mut totals, mut magnitude) = (vec![Range::one(0.0); self.patterns.len()], bias.abs());
        for channel in self.channels(row) {
            let input = inputs[channel];
            let constant = input
                .constant()
                .and_then(|v| self.constant(row, channel, v));
            if let Some(constant) = constant {
                fixed += constant;
                magnitude += constant.abs();
                continue;
            }
            let deviation = input.plus(Range::one(-self.input_zero));
            for (tap, w) in self
                .weights(row, channel)
                .enumerate()
                .filter(|(_, w)| *w != 0.0)
            {
                let term = deviation.times(w);
                magnitude += term.lo.abs().max(term.hi.abs());
                for (total, inside) in totals.iter_mut().zip(&self.patterns) {
                    if inside[tap] {
                        *total = total.plus(term);
                    }
                }
            }
        }
        let hull = totals.into_iter().reduce(Range::hull);
        let varying = hull.unwrap_or(Range::one(0.0));
        (varying.plus(Range::one(fixed)), magnitude)
    }
}

/// The distinct sets of taps that lie inside the input; one full set for a layer without padding.
fn patterns(graph: &Graph, node: &Node) -> Vec<Vec<bool>> {
    let input = graph.tensor(node.inputs[0]).shape;
    let Some(window) = node.op.conv_window() else {
        return vec![vec![true; input.pixels()]];
    };
    let output = graph.tensor(node.output).shape;
    let axis = |d: usize, size: usize, outputs: usize| {
        let inside = |o: usize| -> Vec<bool> {
            let position = |tap| o * window.stride[d] + tap;
            let image = window.pad_begin[d]..window.pad_begin[d] + size;
            (0..window.kernel[d])
                .map(|tap| image.contains(&position(tap)))
                .collect()
        };
        let mut kinds: Vec<Vec<bool>> = (0..outputs).map(inside).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    };
    let (rows, columns) = (axis(0, input.h, output.h), axis(1, input.w, output.w));
    let both = |row: &Vec<bool>, column: &Vec<bool>| {
        row.iter()
            .flat_map(|y| column.iter().map(move |x| *y && *x))
            .collect()
    };
    let pairs = rows
        .iter()
        .flat_map(|row| columns.iter().map(move |column| both(row, column)));
    pairs.collect()
}
