//! One more operator: which, on what, with what parameters.

use super::generate::Build;
use super::layers;
use nnz_pruner::ir::{
    Arithmetic, Axis, Binary, BinaryKind, BlockOrder, Clamp, Conv, FlattenOrder, FullyConnected,
    Function, Lookup, Op, Pool, Quant, Rearrange, Resize, Shape, Slopes, Tap, TensorId, Unary,
    Window,
};

/// Functions that stay finite on every float.
const SAFE: [Function; 12] = [
    Function::Sigmoid,
    Function::Tanh,
    Function::LeakyRelu,
    Function::Elu,
    Function::HardSigmoid,
    Function::HardSwish,
    Function::Silu,
    Function::Gelu,
    Function::Mish,
    Function::Softplus,
    Function::Abs,
    Function::Neg,
];

/// Appends a random operator; nothing where it does not fit.
pub(super) fn append(build: &mut Build) {
    let input = build.some_tensor();
    match build.rng.u8(0..20) {
        0..=6 => layer(build, input),
        7 | 8 => pool(build, input),
        9 | 10 => add(build, input),
        11 => binary(build, input),
        12 => unary(build, input),
        13 => prelu(build, input),
        14 => join(build, input),
        15 => cut(build, input),
        16 => shuffle(build, input),
        17 => pad(build, input),
        18 => resize(build, input),
        _ => vector(build, input),
    }
}

/// A layer with weights.
fn layer(build: &mut Build, input: TensorId) {
    let shape = build.shape_of(input);
    let is_vector = shape.pixels() == 1;
    let clamp = clamp(build);
    if is_vector && build.chance(80) || shape.len() <= 400 && build.chance(10) {
        let rows = build.size(1, 40);
        let (weights, bias) = layers::random(build, [rows, shape.len(), 1, 1]);
        let op = FullyConnected {
            weights,
            bias,
            clamp,
        };
        return build.push(Op::FullyConnected(op), &[input], None);
    }
    let Some(window) = window(build, shape, 5) else {
        return;
    };
    let [height, width] = window.kernel;
    let is_depthwise = build.chance(30);
    let dims = if is_depthwise {
        let multiplier = build.one_of(&[1, 1, 1, 2]);
        [shape.c * multiplier, 1, height, width]
    } else {
        [build.size(1, 20), shape.c, height, width]
    };
    let (weights, bias) = layers::random(build, dims);
    let conv = Conv {
        window,
        weights,
        bias,
        clamp,
    };
    let op = if is_depthwise {
        Op::DepthwiseConv2d(conv)
    } else {
        Op::Conv2d(conv)
    };
    build.push(op, &[input], None);
}

fn clamp(build: &mut Build) -> Clamp {
    build.one_of(&[Clamp::NONE, Clamp::RELU, Clamp::RELU6])
}

/// A window that fits an image; 1x1 and 3x3 are frequent.
fn window(build: &mut Build, shape: Shape, most: usize) -> Option<Window> {
    let sizes = [shape.h, shape.w];
    let mut window = Window {
        kernel: [1; 2],
        stride: [1; 2],
        pad_begin: [0; 2],
        pad_end: [0; 2],
    };
    let (usual, stride) = (build.one_of(&[0, 1, 3, 3]), build.one_of(&[1, 1, 2, 3]));
    for (d, size) in sizes.into_iter().enumerate() {
        let kernel = if usual == 0 {
            build.size(1, most)
        } else {
            usual
        };
        window.kernel[d] = kernel;
        window.stride[d] = if build.chance(90) {
            stride
        } else {
            build.size(1, 4)
        };
        window.pad_begin[d] = build.size(0, kernel - 1);
        window.pad_end[d] = build.size(0, kernel - 1);
        if size + window.pad_begin[d] + window.pad_end[d] < kernel {
            return None;
        }
    }
    Some(window)
}

fn pool(build: &mut Build, input: TensorId) {
    let shape = build.shape_of(input);
    if build.chance(20) {
        return build.push(Op::Mean, &[input], None);
    }
    let window = if build.chance(30) {
        Some(Window {
            kernel: [shape.h, shape.w],
            stride: [1; 2],
            pad_begin: [0; 2],
            pad_end: [0; 2],
        })
    } else {
        window(build, shape, 4)
    };
    let Some(window) = window else { return };
    let clamp = clamp(build);
    let pool = Pool { window, clamp };
    let op = if build.chance(50) {
        Op::MaxPool2d(pool)
    } else {
        Op::AveragePool2d(pool)
    };
    build.push_same(op, input);
}

/// The sum of a value and another of its shape.
fn add(build: &mut Build, input: TensorId) {
    let shape = build.shape_of(input);
    let other = partner(build, |other| other == shape).unwrap_or(input);
    let clamp = clamp(build);
    build.push(Op::Add(clamp), &[input, other], None);
}

/// The newest value of a shape that fits.
fn partner(build: &Build, fits: impl Fn(Shape) -> bool) -> Option<TensorId> {
    let count = build.graph.tensors.len();
    let mut ids = (0..count.saturating_sub(1)).rev().map(TensorId);
    ids.find(|id| fits(build.shape_of(*id)))
}

fn binary(build: &mut Build, input: TensorId) {
    let shape = build.shape_of(input);
    let kinds = [
        BinaryKind::Add,
        BinaryKind::Sub,
        BinaryKind::Mul,
        BinaryKind::Minimum,
        BinaryKind::Maximum,
    ];
    let kind = build.one_of(&kinds);
    let clamp = clamp(build);
    let fits = |other: Shape| Binary::output_shape(shape, other).is_ok();
    let other = partner(build, fits).unwrap_or(input);
    let op = Op::Binary(Binary { kind, clamp });
    if matches!(kind, BinaryKind::Minimum | BinaryKind::Maximum) {
        let quant = build.graph.tensor(input).quant;
        return build.push(op, &[input, other], quant);
    }
    build.push(op, &[input, other], None);
}

fn unary(build: &mut Build, input: TensorId) {
    let function = if build.is_integer {
        build.one_of(&Function::ALL)
    } else {
        build.one_of(&SAFE)
    };
    let parameters = [
        (Function::LeakyRelu, 0.1, 0.0),
        (Function::Elu, 1.0, 1.0),
        (Function::HardSigmoid, 0.2, 0.5),
    ];
    let own = parameters.iter().find(|(of, ..)| *of == function);
    let (alpha, beta) = own.map_or((0.0, 0.0), |(_, alpha, beta)| (*alpha, *beta));
    let is_lite = build.graph.arithmetic == Arithmetic::TensorFlowLite;
    let lookup = if is_lite && build.chance(50) {
        Lookup::FixedPoint
    } else {
        Lookup::Rounded
    };
    let unary = Unary {
        lookup,
        ..Unary::with(function, alpha, beta)
    };
    build.push(Op::Unary(unary), &[input], probabilities(function));
}

/// The quantisation of values between 0 and 1 that TensorFlow Lite prescribes.
fn probabilities(function: Function) -> Option<Quant> {
    let (scale, zero_point) = if function == Function::Sigmoid {
        (1.0 / 256.0, -128)
    } else if function == Function::Tanh {
        (1.0 / 128.0, 0)
    } else {
        return None;
    };
    Some(Quant { scale, zero_point })
}

fn prelu(build: &mut Build, input: TensorId) {
    let channels = build.shape_of(input).c;
    let slopes = if build.is_integer {
        Slopes::S8 {
            values: (0..channels).map(|_| build.s8().into()).collect(),
            scale: 0.01,
        }
    } else {
        Slopes::F32((0..channels).map(|_| build.unit()).collect())
    };
    build.push(Op::Prelu(slopes), &[input], None);
}

/// A concatenation with itself, or with another value of the same quantisation.
fn join(build: &mut Build, input: TensorId) {
    let axis = build.one_of(&[Axis::Channels, Axis::Channels, Axis::Rows, Axis::Columns]);
    let (shape, quant) = (build.shape_of(input), build.graph.tensor(input).quant);
    let other = (0..build.graph.tensors.len()).map(TensorId).find(|id| {
        let op = Rearrange::Concat { axis };
        let fits = op.output_shape(&[shape, build.shape_of(*id)]).is_ok();
        fits && *id != input && build.graph.tensor(*id).quant == quant
    });
    let op = Op::Rearrange(Rearrange::Concat { axis });
    build.push(op, &[input, other.unwrap_or(input)], quant);
}

fn cut(build: &mut Build, input: TensorId) {
    let shape = build.shape_of(input);
    let (mut begin, mut step, mut size) = ([0; 3], [1; 3], [0; 3]);
    for (d, extent) in [shape.c, shape.h, shape.w].into_iter().enumerate() {
        begin[d] = build.size(0, extent - 1);
        step[d] = build.one_of(&[1, 1, 1, 2, 3]);
        size[d] = build.size(1, (extent - begin[d]).div_ceil(step[d]));
    }
    build.push_same(Op::Rearrange(Rearrange::Slice { begin, step, size }), input);
}

fn shuffle(build: &mut Build, input: TensorId) {
    let shape = build.shape_of(input);
    let order = build.one_of(&[BlockOrder::DepthFirst, BlockOrder::ColumnFirst]);
    let block = [build.size(1, 2), build.size(1, 3)];
    let op = match build.rng.u8(0..3) {
        0 => Rearrange::SpaceToDepth { block, order },
        1 => {
            let size = [shape.h * block[0], shape.w * block[1]];
            let crop = [build.size(0, 1), build.size(0, 1)];
            Rearrange::DepthToSpace {
                block,
                order,
                crop,
                size: [size[0] - crop[0], size[1] - crop[1]],
            }
        }
        _ => Rearrange::ChannelShuffle {
            groups: build.size(1, 4),
        },
    };
    build.push_same(Op::Rearrange(op), input);
}

fn pad(build: &mut Build, input: TensorId) {
    let value = build.one_of(&[0.0, 0.0, 0.7]);
    let op = if build.chance(60) {
        Op::Pad {
            begin: [build.size(0, 2), build.size(0, 2)],
            end: [build.size(0, 2), build.size(0, 2)],
            value,
        }
    } else {
        let (begin, end) = (build.size(0, 3), build.size(0, 3));
        Op::PadChannels { begin, end, value }
    };
    build.push_same(op, input);
}

fn resize(build: &mut Build, input: TensorId) {
    let shape = build.shape_of(input);
    let nearest = build.chance(50);
    let mut taps = |limit: usize| -> Vec<Tap> {
        let count = build.size(1, 2 * limit.min(8));
        (0..count)
            .map(|_| Tap {
                before: build.size(0, limit - 1),
                after: build.size(0, limit - 1),
                weight: build.one_of(&[0.0, 0.25, 0.5, 0.75]),
            })
            .collect()
    };
    let (rows, columns) = (taps(shape.h), taps(shape.w));
    let op = Resize {
        nearest,
        rows,
        columns,
    };
    build.push_same(Op::Resize(op), input);
}

/// What makes vectors, and what vectors are made into.
fn vector(build: &mut Build, input: TensorId) {
    let shape = build.shape_of(input);
    match build.rng.u8(0..5) {
        0 if shape.pixels() == 1 => {
            let quant = Quant {
                scale: 1.0 / 256.0,
                zero_point: -128,
            };
            build.push(Op::Softmax { beta: 1.0 }, &[input], Some(quant));
        }
        1 => build.push_same(Op::Flatten(FlattenOrder::ChannelsFirst), input),
        2 => build.push_same(Op::Flatten(FlattenOrder::ChannelsLast), input),
        3 => {
            let swapped = Shape::new(shape.h, shape.c, shape.w);
            build.push_same(Op::Reshape(swapped), input);
        }
        _ if build.is_integer => build.push(Op::Quantize, &[input], None),
        _ => {
            let clamp = clamp(build);
            build.push_same(Op::Clamp(clamp), input);
        }
    }
}
