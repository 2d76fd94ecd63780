//! Kernels of integer graphs, TensorFlow Lite Micro's arithmetic step by step.

use super::geometry::Geometry;
use super::layout::transpose;
use super::matrix::{Bounds, Matrix};
use super::shuffle::{Channels, Meeting, resized};
use super::softmax::softmax;
use crate::arith::{
    self, MeanParams, Rounding, SoftmaxParams, Ties, divide_half_even, requantize_double,
    requantize_once, to_s8,
};
use crate::ir::{
    Arithmetic, BinaryKind, Clamp, Conv, FlattenOrder, Graph, Node, Op, Quant, Resize, Shape,
    Slopes,
};
use nnz_format::{AddParams, PreluParams};

/// One integer node, prepared.
#[derive(Debug)]
pub(crate) enum Kernel {
    Conv2d(Geometry, Matrix),
    DepthwiseConv2d(Geometry, Matrix),
    FullyConnected(Matrix),
    Add(Sum),
    /// To another scale, within bounds.
    Requantize(Rescale),
    Prelu(Sloped),
    /// A table of 256 results.
    Unary(Box<[i8; 256]>),
    Binary(Pair),
    PadChannels(Channels<i8>),
    /// With the zero point where halves go to the even number.
    Resize(Resize, Shape, Option<i32>),
    MaxPool2d(Geometry, Bounds),
    /// Halves go to even where a zero point is given.
    AveragePool2d(Geometry, Bounds, Option<i32>),
    Mean(Average),
    Softmax(SoftmaxParams),
    Pad(Geometry, i8),
    FlattenChannelsLast(Shape),
}

/// Parameters of an addition.
#[derive(Debug)]
pub(crate) struct Sum {
    params: AddParams,
    zeros: [i32; 3],
    bounds: Bounds,
}

/// Parameters of a change of scale.
#[derive(Debug)]
pub(crate) struct Rescale {
    multiplier: i32,
    shift: i32,
    input_zero: i32,
    output_zero: i32,
    bounds: Bounds,
    scaled: Scaled,
}

/// A value times multiplier and shift, rounded.
type Scaled = fn(i32, i32, i32) -> i32;

/// How changes of scale and means are rounded.
const fn scaled(arithmetic: Arithmetic) -> Scaled {
    match arithmetic {
        Arithmetic::TensorFlowLite => requantize_double,
        Arithmetic::Onnx => requantize_once,
    }
}

/// Parameters of two activations that meet.
#[derive(Debug)]
pub(crate) struct Pair {
    meeting: Meeting,
    kind: BinaryKind,
    params: AddParams,
    zeros: [i32; 3],
    bounds: Bounds,
}

/// Parameters of a prelu.
#[derive(Debug)]
pub(crate) struct Sloped {
    params: PreluParams,
    slopes: Vec<i16>,
    zeros: [i32; 2],
    plane: usize,
}

/// Parameters of a mean over a plane.
#[derive(Debug)]
pub(crate) struct Average {
    params: MeanParams,
    input_zero: i32,
    output_zero: i32,
    plane: usize,
    scaled: Scaled,
}

/// Quantisations of a node's activations: first input, second input (or the first again), output.
fn quants(graph: &Graph, node: &Node) -> Result<[Quant; 3], String> {
    let last = node.inputs.last().unwrap_or(&node.inputs[0]);
    let of = |id| graph.tensor(id).quant;
    match [of(node.inputs[0]), of(*last), of(node.output)] {
        [Some(a), Some(b), Some(c)] => Ok([a, b, c]),
        _ => Err("an integer tensor lacks its quantisation".into()),
    }
}

impl Kernel {
    pub(super) fn prepare(graph: &Graph, node: &Node, rounding: Rounding) -> Result<Self, String> {
        let input = graph.tensor(node.inputs[0]).shape;
        let output = graph.tensor(node.output).shape;
        let [a, b, out] = quants(graph, node)?;
        let scaled = scaled(graph.arithmetic);
        let geometry = |window| Geometry {
            input,
            output,
            window,
        };
        let conv = |c: &Conv| {
            let multipliers = arith::conv_multipliers(a, &c.weights.scales, out);
            Matrix::new(
                &c.weights,
                &c.bias,
                c.clamp,
                (a, out),
                multipliers,
                rounding,
            )
        };
        let same_quant = || {
            if a == out {
                return Ok(());
            }
            Err(format!(
                "{} needs one scale and zero point for input and output",
                node.op.name()
            ))
        };
        Ok(match &node.op {
            Op::Conv2d(c) => Self::Conv2d(geometry(c.window), conv(c)?),
            Op::DepthwiseConv2d(c) => Self::DepthwiseConv2d(geometry(c.window), conv(c)?),
            Op::FullyConnected(f) => {
                let multipliers = arith::fully_connected_multipliers(a, &f.weights.scales, out);
                let quants = (a, out);
                Self::FullyConnected(Matrix::new(
                    &f.weights,
                    &f.bias,
                    f.clamp,
                    quants,
                    multipliers,
                    rounding,
                )?)
            }
            Op::Add(clamp) => Self::Add(Sum {
                params: arith::add_params(a, b, out),
                zeros: [a.zero_point, b.zero_point, out.zero_point],
                bounds: Bounds::new(*clamp, out),
            }),
            Op::Clamp(clamp) => Self::Requantize(Rescale::new(a, out, *clamp, scaled)),
            Op::Quantize | Op::Identity => {
                Self::Requantize(Rescale::new(a, out, Clamp::NONE, scaled))
            }
            Op::Prelu(Slopes::S8 { values, scale }) => Self::Prelu(Sloped {
                params: arith::prelu_params(a, *scale, out),
                slopes: values.clone(),
                zeros: [a.zero_point, out.zero_point],
                plane: input.pixels(),
            }),
            Op::Binary(binary) => {
                let second = graph.tensor(node.inputs[1]).shape;
                if matches!(binary.kind, BinaryKind::Minimum | BinaryKind::Maximum) {
                    same_quant()?;
                    if b != out {
                        return Err("its inputs differ in scale".into());
                    }
                }
                let params = arith::binary_params(binary.kind, [a, b, out])
                    .ok_or("an integer quotient of two activations is not supported")?;
                Self::Binary(Pair {
                    meeting: Meeting::new(input, second)?,
                    kind: binary.kind,
                    params,
                    zeros: [a.zero_point, b.zero_point, out.zero_point],
                    bounds: Bounds::new(binary.clamp, out),
                })
            }
            Op::PadChannels { begin, end, value } => {
                same_quant()?;
                let value = arith::quantize(*value, out);
                Self::PadChannels(Channels::new(input.pixels(), *begin, *end, value))
            }
            Op::Resize(resize) => {
                same_quant()?;
                let even = graph.arithmetic.ties() == Ties::Even;
                Self::Resize(resize.clone(), input, even.then_some(out.zero_point))
            }
            Op::Unary(unary) => Self::Unary(Box::new(arith::unary_table(unary, a, out))),
            Op::MaxPool2d(p) => {
                same_quant()?;
                Self::MaxPool2d(geometry(p.window), Bounds::new(p.clamp, out))
            }
            Op::AveragePool2d(p) => {
                same_quant()?;
                let even = graph.arithmetic.ties() == Ties::Even;
                let zero = even.then_some(out.zero_point);
                Self::AveragePool2d(geometry(p.window), Bounds::new(p.clamp, out), zero)
            }
            Op::Mean => Self::Mean(Average {
                params: arith::mean_params(graph.arithmetic.rounding(), a, out, input.pixels()),
                input_zero: a.zero_point,
                output_zero: out.zero_point,
                plane: input.pixels(),
                scaled,
            }),
            Op::Softmax { beta } => {
                if out.zero_point != -128 || (out.scale - 1.0 / 256.0).abs() > 1.0e-6 {
                    return Err(
                        "an integer softmax has output scale 1/256 and zero point -128".into(),
                    );
                }
                Self::Softmax(arith::softmax_params(*beta, a))
            }
            Op::Pad { begin, end, value } => {
                same_quant()?;
                let geometry = Geometry::of_pad(input, output, *begin, *end);
                Self::Pad(geometry, arith::quantize(*value, out))
            }
            Op::Flatten(FlattenOrder::ChannelsLast) => {
                same_quant()?;
                Self::FlattenChannelsLast(input)
            }
            Op::Flatten(FlattenOrder::ChannelsFirst)
            | Op::Reshape(_)
            | Op::Dequantize
            | Op::Prelu(Slopes::F32(_))
            | Op::Rearrange(_)
            | Op::ChannelAffine { .. } => {
                return Err(format!("{} has no integer form here", node.op.name()));
            }
        })
    }

    pub(super) fn run(&self, a: &[i8], b: &[i8]) -> Vec<i8> {
        match self {
            Self::Conv2d(g, m) => m.convolve(g, a),
            Self::DepthwiseConv2d(g, m) => m.convolve_depthwise(g, a),
            Self::FullyConnected(m) => m.multiply(a),
            Self::Add(sum) => a.iter().zip(b).map(|(a, b)| sum.of(*a, *b)).collect(),
            Self::Requantize(rescale) => a.iter().map(|x| rescale.of(*x)).collect(),
            Self::Prelu(prelu) => {
                let planes = a.chunks_exact(prelu.plane).enumerate();
                planes
                    .flat_map(|(c, image)| image.iter().map(move |x| prelu.of(c, *x)))
                    .collect()
            }
            Self::Binary(pair) => pair.meeting.each(a, b, |a, b| pair.of(a, b)),
            Self::PadChannels(channels) => channels.run(a),
            Self::Resize(resize, shape, zero) => {
                resized(resize, *shape, a, |p, v, h| bilinear(p, v, h, *zero))
            }
            Self::Unary(table) => a.iter().map(|x| looked_up(table, *x)).collect(),
            Self::MaxPool2d(g, bounds) => {
                let mut out = Vec::with_capacity(g.output.len());
                g.for_windows(a, |window| {
                    out.push(bounds.of(i32::from(window.max().unwrap_or(i8::MIN))));
                });
                out
            }
            Self::AveragePool2d(g, bounds, even) => {
                let mut out = Vec::with_capacity(g.output.len());
                g.for_windows(a, |window| {
                    let (sum, n) = window.fold((0, 0), |(s, n), x| (s + i32::from(x), n + 1));
                    out.push(bounds.of(match even {
                        Some(zero) => divide_half_even(sum - n * zero, n) + zero,
                        None => average(sum, n),
                    }));
                });
                out
            }
            Self::Mean(mean) => a
                .chunks_exact(mean.plane)
                .map(|image| mean.of(image))
                .collect(),
            Self::Softmax(params) => softmax(params, a),
            Self::Pad(g, value) => g.pad(a, *value),
            Self::FlattenChannelsLast(shape) => transpose(a, shape.c, shape.pixels()),
        }
    }
}

impl Sum {
    /// Larger inputs never give smaller sums: no shift drops high bits.
    pub(crate) const fn is_monotone(&self) -> bool {
        self.params.so >= 0
    }

    /// The sum of two values.
    pub(crate) fn of(&self, a: i8, b: i8) -> i8 {
        let p = &self.params;
        let rescale = |x: i8, zero: i32, m, s| {
            requantize_double((i32::from(x) - zero) << 20, m, i32::from(s))
        };
        let sum = rescale(a, self.zeros[0], p.m1, p.s1) + rescale(b, self.zeros[1], p.m2, p.s2);
        let scaled = requantize_double(sum, p.mo, i32::from(p.so));
        self.bounds.of(scaled.saturating_add(self.zeros[2]))
    }
}

impl Rescale {
    fn new(input: Quant, output: Quant, clamp: Clamp, scaled: Scaled) -> Self {
        let (multiplier, shift) = arith::requantize_multiplier(input, output);
        Self {
            scaled,
            multiplier,
            shift,
            input_zero: input.zero_point,
            output_zero: output.zero_point,
            bounds: Bounds::new(clamp, output),
        }
    }

    /// Larger inputs never give smaller outputs: no shift drops high bits.
    pub(crate) const fn is_monotone(&self) -> bool {
        self.shift >= -20
    }

    /// A value at the other scale.
    pub(crate) fn of(&self, x: i8) -> i8 {
        let centred = i32::from(x) - self.input_zero;
        let scaled = (self.scaled)(centred, self.multiplier, self.shift);
        self.bounds.of(scaled.saturating_add(self.output_zero))
    }
}

impl Pair {
    /// Two elements.
    fn of(&self, a: i8, b: i8) -> i8 {
        let p = &self.params;
        let (x, y) = (i32::from(a) - self.zeros[0], i32::from(b) - self.zeros[1]);
        let raised = |x: i32, m, s: i8| requantize_double(x << 20, m, i32::from(s));
        let both = || (raised(x, p.m1, p.s1), raised(y, p.m2, p.s2));
        let scaled = |x: i32| {
            let scaled = requantize_double(x, p.mo, i32::from(p.so));
            scaled.saturating_add(self.zeros[2])
        };
        let value = match self.kind {
            BinaryKind::Add => {
                let (x, y) = both();
                scaled(x + y)
            }
            BinaryKind::Sub => {
                let (x, y) = both();
                scaled(x - y)
            }
            BinaryKind::Mul => scaled(x * y),
            BinaryKind::Minimum => a.min(b).into(),
            BinaryKind::Maximum | BinaryKind::Div => a.max(b).into(),
        };
        self.bounds.of(value)
    }
}

/// Four pixels with weights in 1/1024, as TensorFlow Lite mixes them; halves go to the even distance from `zero`
/// where it is given, as in ONNX Runtime.
fn bilinear(pixels: [i8; 4], v: f32, h: f32, zero: Option<i32>) -> i8 {
    const ONE: i64 = 1 << 10;
    let [v, h] = [v, h].map(|w| i64::from(arith::resize_weight(w)));
    let origin = zero.unwrap_or(0);
    let [a, b, c, d] = pixels.map(|x| i64::from(i32::from(x) - origin));
    let sum = a * (ONE - v) * (ONE - h) + b * (ONE - v) * h + c * v * (ONE - h) + d * v * h;
    let sum = i32::try_from(sum).unwrap_or(0);
    to_s8(match zero {
        Some(zero) => divide_half_even(sum, 1 << 20) + zero,
        None if sum > 0 => (sum + (1 << 19)) / (1 << 20),
        None => (sum - (1 << 19)) / (1 << 20),
    })
}

impl Sloped {
    /// A value of a channel.
    pub(crate) fn of(&self, channel: usize, x: i8) -> i8 {
        let p = &self.params;
        let centred = i32::from(x) - self.zeros[0];
        let scaled = if centred >= 0 {
            requantize_double(centred, p.m1, p.s1.into())
        } else {
            let product = centred * i32::from(self.slopes[channel]);
            requantize_double(product, p.m2, p.s2.into())
        };
        to_s8(scaled.saturating_add(self.zeros[1]))
    }
}

/// The result of a function for `x`.
pub(crate) fn looked_up(table: &[i8; 256], x: i8) -> i8 {
    table[usize::from(x.cast_unsigned() ^ 0x80)]
}

/// A sum divided by a count, half away from zero.
fn average(sum: i32, n: i32) -> i32 {
    let n = n.max(1);
    if sum > 0 {
        (sum + n / 2) / n
    } else {
        (sum - n / 2) / n
    }
}

impl Average {
    /// Larger inputs never give smaller means: no shift drops high bits.
    pub(crate) const fn is_monotone(&self) -> bool {
        self.params.shift >= -1 && self.plane < 1 << 20
    }

    /// The mean of a plane that holds one value.
    pub(crate) fn of_constant(&self, x: i8) -> i8 {
        let plane = i32::try_from(self.plane).unwrap_or(i32::MAX);
        self.of_sum((i32::from(x) - self.input_zero).wrapping_mul(plane))
    }

    fn of(&self, image: &[i8]) -> i8 {
        let deviations = image.iter().map(|x| i32::from(*x) - self.input_zero);
        self.of_sum(deviations.fold(0, i32::wrapping_add))
    }

    fn of_sum(&self, sum: i32) -> i8 {
        let scaled = (self.scaled)(sum, self.params.multiplier, self.params.shift);
        to_s8(scaled.saturating_add(self.output_zero))
    }
}
