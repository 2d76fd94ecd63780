//! Kernels of float graphs: convolutions as matrix products, everything else as plain loops.

use super::geometry::Geometry;
use super::layout::transpose;
use super::product::product;
use super::shuffle::{Channels, Meeting, resized};
use crate::ir::{
    Bias, Binary, BinaryKind, Clamp, FlattenOrder, Graph, Node, Op, Resize, Shape, Slopes, Unary,
    Values, Weights,
};

/// One float node, prepared.
#[derive(Debug)]
pub(crate) enum Kernel {
    Conv2d(Geometry, Matrix),
    DepthwiseConv2d(Geometry, Matrix),
    FullyConnected(Matrix),
    ChannelAffine(Vec<f32>, Vec<f32>, usize),
    Add(Clamp),
    Clamp(Clamp),
    Prelu(Vec<f32>, usize),
    Unary(Unary),
    Binary(Meeting, Binary),
    PadChannels(Channels<f32>),
    Resize(Resize, Shape),
    MaxPool2d(Geometry, Clamp),
    AveragePool2d(Geometry, Clamp),
    Mean(usize),
    Softmax(f32),
    Pad(Geometry, f32),
    FlattenChannelsLast(Shape),
}

/// Weights `[rows][cols]` with bias and bounds.
#[derive(Debug)]
pub(crate) struct Matrix {
    weights: Vec<f32>,
    bias: Vec<f32>,
    rows: usize,
    clamp: Clamp,
}

impl Matrix {
    fn new(weights: &Weights, bias: &Bias, clamp: Clamp) -> Result<Self, String> {
        let rows = weights.shape[0];
        let (Values::F32(values), bias) = (&weights.values, float_bias(bias, rows)?) else {
            return Err(format!(
                "weights '{}' are integers in a float layer",
                weights.name
            ));
        };
        Ok(Self {
            weights: values.clone(),
            bias,
            rows,
            clamp,
        })
    }

    /// Bounds of the outputs.
    pub(crate) const fn clamp(&self) -> Clamp {
        self.clamp
    }

    /// `clamp(weights · columns + bias)`, `columns` being `[cols][n]`.
    fn times(&self, columns: &[f32], n: usize) -> Vec<f32> {
        let mut out = product(&self.weights, columns, self.rows, n);
        for (row, bias) in out.chunks_exact_mut(n).zip(&self.bias) {
            row.iter_mut().for_each(|y| *y += bias);
        }
        bound(&mut out, self.clamp);
        out
    }
}

fn float_bias(bias: &Bias, rows: usize) -> Result<Vec<f32>, String> {
    match bias {
        Bias::None => Ok(vec![0.0; rows]),
        Bias::F32(b) => Ok(b.clone()),
        Bias::S32(_) => Err("its bias is an integer one in a float layer".into()),
    }
}

fn bound(values: &mut [f32], clamp: Clamp) {
    if clamp != Clamp::NONE {
        for x in values {
            *x = x.max(clamp.lo).min(clamp.hi);
        }
    }
}

impl Kernel {
    pub(super) fn prepare(graph: &Graph, node: &Node) -> Result<Self, String> {
        let input = graph.tensor(node.inputs[0]).shape;
        let output = graph.tensor(node.output).shape;
        let geometry = |window| Geometry {
            input,
            output,
            window,
        };
        Ok(match &node.op {
            Op::Conv2d(c) => Self::Conv2d(
                geometry(c.window),
                Matrix::new(&c.weights, &c.bias, c.clamp)?,
            ),
            Op::DepthwiseConv2d(c) => Self::DepthwiseConv2d(
                geometry(c.window),
                Matrix::new(&c.weights, &c.bias, c.clamp)?,
            ),
            Op::FullyConnected(f) => {
                Self::FullyConnected(Matrix::new(&f.weights, &f.bias, f.clamp)?)
            }
            Op::ChannelAffine { scale, shift } => {
                Self::ChannelAffine(scale.clone(), shift.clone(), input.pixels())
            }
            Op::Add(clamp) => Self::Add(*clamp),
            Op::Clamp(clamp) => Self::Clamp(*clamp),
            Op::Prelu(Slopes::F32(slopes)) => Self::Prelu(slopes.clone(), input.pixels()),
            Op::Unary(unary) => Self::Unary(*unary),
            Op::Binary(binary) => {
                let second = graph.tensor(node.inputs[1]).shape;
                Self::Binary(Meeting::new(input, second)?, *binary)
            }
            Op::PadChannels { begin, end, value } => {
                Self::PadChannels(Channels::new(input.pixels(), *begin, *end, *value))
            }
            Op::Resize(resize) => Self::Resize(resize.clone(), input),
            Op::MaxPool2d(p) => Self::MaxPool2d(geometry(p.window), p.clamp),
            Op::AveragePool2d(p) => Self::AveragePool2d(geometry(p.window), p.clamp),
            Op::Mean => Self::Mean(input.pixels()),
            Op::Softmax { beta } => Self::Softmax(*beta),
            Op::Pad { begin, end, value } => {
                Self::Pad(Geometry::of_pad(input, output, *begin, *end), *value)
            }
            Op::Flatten(FlattenOrder::ChannelsLast) => Self::FlattenChannelsLast(input),
            Op::Flatten(FlattenOrder::ChannelsFirst)
            | Op::Prelu(Slopes::S8 { .. })
            | Op::Reshape(_)
            | Op::Rearrange(_)
            | Op::Identity
            | Op::Quantize
            | Op::Dequantize => {
                return Err(format!("{} of floats gives integers here", node.op.name()));
            }
        })
    }

    pub(super) fn run(&self, a: &[f32], b: &[f32]) -> Vec<f32> {
        match self {
            Self::Conv2d(g, m) if g.is_pointwise() => m.times(a, g.output.pixels()),
            Self::Conv2d(g, m) => m.times(&g.im2col(a, |x| x, 0.0), g.output.pixels()),
            Self::DepthwiseConv2d(g, m) => depthwise(g, m, a),
            Self::FullyConnected(m) => m.times(a, 1),
            Self::ChannelAffine(scale, shift, plane) => a
                .chunks_exact(*plane)
                .zip(scale.iter().zip(shift))
                .flat_map(|(image, (s, t))| image.iter().map(move |x| x * s + t))
                .collect(),
            Self::Add(clamp) => {
                let mut sum: Vec<f32> = a.iter().zip(b).map(|(a, b)| a + b).collect();
                bound(&mut sum, *clamp);
                sum
            }
            Self::Clamp(clamp) => {
                let mut values = a.to_vec();
                bound(&mut values, *clamp);
                values
            }
            Self::Prelu(slopes, plane) => a
                .chunks_exact(*plane)
                .zip(slopes)
                .flat_map(|(image, slope)| image.iter().map(|x| sloped(*x, *slope)))
                .collect(),
            Self::Binary(meeting, binary) => {
                let mut values = meeting.each(a, b, |a, b| met(binary.kind, a, b));
                bound(&mut values, binary.clamp);
                values
            }
            Self::PadChannels(channels) => channels.run(a),
            Self::Resize(resize, shape) => resized(resize, *shape, a, |[a, b, c, d], v, h| {
                let (u, g) = (1.0 - v, 1.0 - h);
                a * u * g + b * u * h + c * v * g + d * v * h
            }),
            Self::Unary(unary) => a.iter().map(|x| function(unary, *x)).collect(),
            Self::MaxPool2d(g, clamp) => pool(g, *clamp, a, f32::NEG_INFINITY, f32::max, false),
            Self::AveragePool2d(g, clamp) => pool(g, *clamp, a, 0.0, |s, x| s + x, true),
            Self::Mean(plane) => a
                .chunks_exact(*plane)
                .map(|image| image.iter().sum::<f32>() / count(*plane))
                .collect(),
            Self::Softmax(beta) => softmax(a, *beta),
            Self::Pad(g, value) => g.pad(a, *value),
            Self::FlattenChannelsLast(shape) => transpose(a, shape.c, shape.pixels()),
        }
    }
}

fn met(kind: BinaryKind, a: f32, b: f32) -> f32 {
    match kind {
        BinaryKind::Add => a + b,
        BinaryKind::Sub => a - b,
        BinaryKind::Mul => a * b,
        BinaryKind::Div => a / b,
        BinaryKind::Minimum => a.min(b),
        BinaryKind::Maximum => a.max(b),
    }
}

/// `x`, times `slope` where it is negative.
pub(crate) fn sloped(x: f32, slope: f32) -> f32 {
    if x >= 0.0 { x } else { x * slope }
}

/// A function of a float, rounded once.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the nearest float is meant"
)]
pub(crate) fn function(unary: &Unary, x: f32) -> f32 {
    unary.real(f64::from(x)) as f32
}

#[expect(
    clippy::cast_precision_loss,
    reason = "windows are far smaller than 2^24"
)]
const fn count(n: usize) -> f32 {
    n as f32
}

fn depthwise(g: &Geometry, m: &Matrix, input: &[f32]) -> Vec<f32> {
    let (plane, pixels) = (g.input.pixels(), g.output.pixels());
    let per_channel = m.rows / g.input.c;
    let taps = m.weights.len() / m.rows;
    let mut out = vec![0.0; m.rows * pixels];
    for (row, target) in out.chunks_exact_mut(pixels).enumerate() {
        let image = &input[row / per_channel * plane..][..plane];
        target.fill(m.bias[row]);
        g.correlate(image, &m.weights[row * taps..][..taps], target);
    }
    bound(&mut out, m.clamp);
    out
}

fn pool(
    g: &Geometry,
    clamp: Clamp,
    input: &[f32],
    start: f32,
    fold: impl Fn(f32, f32) -> f32,
    average: bool,
) -> Vec<f32> {
    let mut out = Vec::with_capacity(g.output.len());
    g.for_windows(input, |window| {
        let (total, n) = window.fold((start, 0), |(t, n), x| (fold(t, x), n + 1));
        out.push(if average {
            total / count(n.max(1))
        } else {
            total
        });
    });
    bound(&mut out, clamp);
    out
}

fn softmax(input: &[f32], beta: f32) -> Vec<f32> {
    let max = input.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exps: Vec<f32> = input.iter().map(|x| (beta * (x - max)).exp()).collect();
    let total: f32 = exps.iter().sum();
    exps.iter().map(|e| e / total).collect()
}
