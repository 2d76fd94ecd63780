//! Interval arithmetic forward through the graph, one interval a channel.
//!
//! Integer kernels are monotone in every input, so the ends of an interval give the ends of the result, exactly. Float
//! intervals are widened by more than the rounding of their sums, except where they are a single value.

use super::rows::Rows;
use crate::arith;
use crate::interpret::{
    FloatKernel, IntegerKernel, Interpreter, Kernel, function, looked_up, sloped,
};
use crate::ir::{Axis, Clamp, FlattenOrder, Node, Op, Rearrange, Tensor};

/// The values that a channel can take, both ends included; integers for `s8`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) lo: f64,
    pub(super) hi: f64,
}

impl Range {
    const REAL: Self = Self {
        lo: f64::NEG_INFINITY,
        hi: f64::INFINITY,
    };
    const S8: Self = Self {
        lo: -128.0,
        hi: 127.0,
    };

    pub(super) const fn one(value: f64) -> Self {
        Self {
            lo: value,
            hi: value,
        }
    }

    /// The single value.
    pub(super) fn constant(self) -> Option<f64> {
        (self.lo.to_bits() == self.hi.to_bits() || self.lo == self.hi).then_some(self.lo)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            lo: self.lo + other.lo,
            hi: self.hi + other.hi,
        }
    }

    /// Times a factor that is not zero.
    pub(super) fn times(self, factor: f64) -> Self {
        let (a, b) = (self.lo * factor, self.hi * factor);
        Self {
            lo: a.min(b),
            hi: a.max(b),
        }
    }

    pub(super) fn hull(self, other: Self) -> Self {
        Self {
            lo: self.lo.min(other.lo),
            hi: self.hi.max(other.hi),
        }
    }

    /// Both ends through a function that never decreases.
    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self {
            lo: f(self.lo),
            hi: f(self.hi),
        }
    }

    fn within(self, clamp: Clamp) -> Self {
        self.map(|x| x.max(f64::from(clamp.lo)).min(f64::from(clamp.hi)))
    }

    /// The hull of what any function makes of the integers of the range.
    fn map_every_s8(self, f: impl Fn(i8) -> i8) -> Self {
        let end = |x: f64| arith::to_s8(arith::round_half_away(x));
        let results = (end(self.lo)..=end(self.hi)).map(|x| Self::one(f64::from(f(x))));
        results.reduce(Self::hull).unwrap_or(Self::S8)
    }

    /// The ends as `s8`.
    fn map_s8(self, f: impl Fn(i8) -> i8) -> Self {
        self.map(|x| f64::from(f(arith::to_s8(arith::round_half_away(x)))))
    }
}

/// Every tensor's ranges, one a channel.
pub(super) fn of_tensors(interpreter: &Interpreter<'_>) -> Vec<Vec<Range>> {
    let graph = interpreter.graph();
    let unknown = |t: &Tensor| vec![whole(t); t.shape.c];
    let mut ranges: Vec<Vec<Range>> = graph.tensors.iter().map(unknown).collect();
    for (node, kernel) in graph.nodes.iter().zip(interpreter.kernels()) {
        let a = &ranges[node.inputs[0].0];
        let b = &ranges[node.inputs[node.inputs.len() - 1].0];
        let known = match kernel {
            Kernel::Integer(kernel) => integer(interpreter, node, kernel, a, b),
            Kernel::Float(kernel) => float(interpreter, node, kernel, a, b),
            Kernel::Quantize(q) => Some(a.iter().map(|r| r.map(|x| quantized(x, *q))).collect()),
            Kernel::Dequantize(q) => {
                let real = |r: &Range| {
                    r.map(|x| {
                        f64::from(arith::dequantize(
                            arith::to_s8(arith::round_half_away(x)),
                            *q,
                        ))
                    })
                };
                Some(a.iter().map(real).collect())
            }
            Kernel::Moves(_) => joined(node, &ranges),
            Kernel::Copy => Some(copied(interpreter, node, a)),
        };
        if let Some(known) = known {
            ranges[node.output.0] = known;
        }
    }
    ranges
}

const fn whole(tensor: &Tensor) -> Range {
    match tensor.quant {
        Some(_) => Range::S8,
        None => Range::REAL,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the ends of float ranges are f32 or infinite"
)]
fn quantized(x: f64, quant: crate::ir::Quant) -> f64 {
    f64::from(arith::quantize(x as f32, quant))
}

/// Ranges of channels behind each other, or of some of them; unknown for other rearrangements.
fn joined(node: &Node, ranges: &[Vec<Range>]) -> Option<Vec<Range>> {
    let axis = Axis::Channels;
    if let Op::Rearrange(Rearrange::Slice { begin, step, size }) = &node.op {
        let from = ranges[node.inputs[0].0].iter().skip(begin[0]);
        return Some(from.step_by(step[0]).take(size[0]).copied().collect());
    }
    if node.op != Op::Rearrange(Rearrange::Concat { axis }) {
        return None;
    }
    let inputs = node.inputs.iter();
    Some(inputs.flat_map(|i| ranges[i.0].clone()).collect())
}

/// Ranges through an operator that only reorders.
fn copied(interpreter: &Interpreter<'_>, node: &Node, a: &[Range]) -> Vec<Range> {
    let shape = interpreter.graph().tensor(node.inputs[0]).shape;
    if let Op::Reshape(to) = &node.op {
        let all = a.iter().copied().reduce(Range::hull);
        return all.map_or_else(Vec::new, |all| vec![all; to.c]);
    }
    let Op::Flatten(order) = node.op else {
        return a.to_vec();
    };
    let channel = |i| match order {
        FlattenOrder::ChannelsFirst => i / shape.pixels(),
        FlattenOrder::ChannelsLast => i % shape.c,
    };
    (0..shape.len()).map(|i| a[channel(i)]).collect()
}

fn integer(
    interpreter: &Interpreter<'_>,
    node: &Node,
    kernel: &IntegerKernel,
    a: &[Range],
    b: &[Range],
) -> Option<Vec<Range>> {
    let each = |f: &dyn Fn(i8) -> i8| Some(a.iter().map(|r| r.map_s8(f)).collect());
    match kernel {
        IntegerKernel::Conv2d(_, m)
        | IntegerKernel::DepthwiseConv2d(_, m)
        | IntegerKernel::FullyConnected(m) => {
            let rows = Rows::of(interpreter.graph(), node)?;
            let of_row = |row| {
                let (acc, _) = rows.accumulator(row, a);
                let ends = m.output_range(row, acc.lo, acc.hi);
                Range {
                    lo: f64::from(ends.0),
                    hi: f64::from(ends.1),
                }
            };
            Some((0..rows.len()).map(of_row).collect())
        }
        IntegerKernel::Add(sum) if sum.is_monotone() => {
            let end = |a: f64, b: f64| {
                let s8 = |x| arith::to_s8(arith::round_half_away(x));
                f64::from(sum.of(s8(a), s8(b)))
            };
            let both = a.iter().zip(b).map(|(a, b)| Range {
                lo: end(a.lo, b.lo),
                hi: end(a.hi, b.hi),
            });
            Some(both.collect())
        }
        IntegerKernel::Requantize(r) if r.is_monotone() => each(&|x| r.of(x)),
        IntegerKernel::Prelu(prelu) => {
            let of = |(c, r): (usize, &Range)| r.map_every_s8(|x| prelu.of(c, x));
            Some(a.iter().enumerate().map(of).collect())
        }
        IntegerKernel::Unary(table) => {
            let of = |r: &Range| r.map_every_s8(|x| looked_up(table, x));
            Some(a.iter().map(of).collect())
        }
        IntegerKernel::MaxPool2d(_, bounds) | IntegerKernel::AveragePool2d(_, bounds, _) => {
            each(&|x| bounds.of(i32::from(x)))
        }
        IntegerKernel::Mean(mean) if mean.is_monotone() => each(&|x| mean.of_constant(x)),
        IntegerKernel::Pad(_, value) => {
            let frame = Range::one(f64::from(*value));
            Some(a.iter().map(|r| r.hull(frame)).collect())
        }
        IntegerKernel::FlattenChannelsLast(_) => Some(copied(interpreter, node, a)),
        IntegerKernel::Resize(..) => Some(a.to_vec()),
        IntegerKernel::PadChannels(_)
        | IntegerKernel::Binary(_)
        | IntegerKernel::Softmax(_)
        | IntegerKernel::Add(_)
        | IntegerKernel::Requantize(_)
        | IntegerKernel::Mean(_) => None,
    }
}

fn float(
    interpreter: &Interpreter<'_>,
    node: &Node,
    kernel: &FloatKernel,
    a: &[Range],
    b: &[Range],
) -> Option<Vec<Range>> {
    let within = |clamp: Clamp| Some(a.iter().map(|r| r.within(clamp)).collect());
    match kernel {
        FloatKernel::Conv2d(_, m)
        | FloatKernel::DepthwiseConv2d(_, m)
        | FloatKernel::FullyConnected(m) => {
            let rows = Rows::of(interpreter.graph(), node)?;
            let of_row = |row| {
                let (acc, magnitude) = rows.accumulator(row, a);
                settled(acc, magnitude).within(m.clamp()).map(single)
            };
            Some((0..rows.len()).map(of_row).collect())
        }
        FloatKernel::Add(clamp) => {
            let sum = |(a, b): (&Range, &Range)| {
                let magnitude = a.lo.abs().max(a.hi.abs()) + b.lo.abs().max(b.hi.abs());
                settled(a.plus(*b), magnitude).within(*clamp).map(single)
            };
            Some(a.iter().zip(b).map(sum).collect())
        }
        FloatKernel::Prelu(slopes, _) => {
            let of = |(r, slope): (&Range, &f32)| bent(*r, *slope);
            Some(a.iter().zip(slopes).map(of).collect())
        }
        FloatKernel::Unary(unary) => {
            let of = |r: &Range| {
                let constant = r
                    .constant()
                    .map(|x| Range::one(narrowed(x, |x| function(unary, x))));
                constant.unwrap_or(Range::REAL)
            };
            Some(a.iter().map(of).collect())
        }
        FloatKernel::Clamp(clamp)
        | FloatKernel::MaxPool2d(_, clamp)
        | FloatKernel::AveragePool2d(_, clamp) => within(*clamp),
        FloatKernel::Mean(_) => within(Clamp::NONE),
        FloatKernel::Pad(_, value) => {
            let frame = Range::one(f64::from(*value));
            Some(a.iter().map(|r| r.hull(frame)).collect())
        }
        FloatKernel::FlattenChannelsLast(_) => Some(copied(interpreter, node, a)),
        FloatKernel::ChannelAffine(..)
        | FloatKernel::Softmax(_)
        | FloatKernel::Binary(..)
        | FloatKernel::PadChannels(_)
        | FloatKernel::Resize(..) => None,
    }
}

/// Both ends, and 0 between them, through a slope of negative values.
fn bent(range: Range, slope: f32) -> Range {
    let of = |x: f64| Range::one(narrowed(x, |x| sloped(x, slope)));
    let ends = of(range.lo).hull(of(range.hi));
    let known = if range.lo < 0.0 && range.hi > 0.0 {
        ends.hull(Range::one(0.0))
    } else {
        ends
    };
    // Zero times infinity.
    if known.lo.is_nan() || known.hi.is_nan() {
        return Range::REAL;
    }
    known
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the ends of float ranges are f32 or infinite"
)]
fn narrowed(x: f64, f: impl Fn(f32) -> f32) -> f64 {
    f64::from(f(x as f32))
}

/// A sum's range with room for the rounding of `f32` sums; a single value stays one.
fn settled(acc: Range, magnitude: f64) -> Range {
    if acc.constant().is_some() {
        return acc;
    }
    let margin = magnitude * 1.0e-4;
    if margin.is_finite() {
        Range {
            lo: acc.lo - margin,
            hi: acc.hi + margin,
        }
    } else {
        Range::REAL
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "an f32 result, rounded as the kernel rounds it"
)]
fn single(x: f64) -> f64 {
    f64::from(x as f32)
}
