//! Operators of the graph.
//!
//! A new operator is a variant here; the exhaustive matches of shape inference, interpreter, quantiser and
//! lowering name the other places.

use super::{Bias, Binary, Rearrange, Resize, Shape, Slopes, Unary, Weights};

/// Bounds on real outputs; infinities where there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clamp {
    /// Lowest real value.
    pub lo: f32,
    /// Highest real value.
    pub hi: f32,
}

impl Clamp {
    /// No bounds.
    pub const NONE: Self = Self {
        lo: f32::NEG_INFINITY,
        hi: f32::INFINITY,
    };
    /// max(x, 0).
    pub const RELU: Self = Self {
        lo: 0.0,
        hi: f32::INFINITY,
    };
    /// min(max(x, 0), 6).
    pub const RELU6: Self = Self { lo: 0.0, hi: 6.0 };
}

/// Kernel, stride and explicit padding (importers turn SAME and VALID into numbers).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Rows and columns between outputs.
    pub stride: [usize; 2],
    /// Rows above and columns on the left.
    pub pad_begin: [usize; 2],
    /// Rows below and columns on the right.
    pub pad_end: [usize; 2],
}

/// A convolution, full or depthwise (the weights' shape says which operator reads it how).
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// Geometry; padding holds real 0.
    pub window: Window,
    /// `[o, i, kh, kw]`; depthwise `[c·multiplier, 1, kh, kw]`.
    pub weights: Weights,
    /// Per output channel.
    pub bias: Bias,
    /// Fused activation.
    pub clamp: Clamp,
}

/// A matrix times the flattened input (`[c][h][w]` order).
#[derive(Debug, Clone, PartialEq)]
pub struct FullyConnected {
    /// `[o, i, 1, 1]`.
    pub weights: Weights,
    /// Per output.
    pub bias: Bias,
    /// Fused activation.
    pub clamp: Clamp,
}

/// A pooling window with fused activation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pool {
    /// Geometry; padding does not take part.
    pub window: Window,
    /// Fused activation.
    pub clamp: Clamp,
}

/// In which order a flatten reads its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlattenOrder {
    /// `[c][h][w]`.
    ChannelsFirst,
    /// `[h][w][c]`.
    ChannelsLast,
}

/// What a node computes.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// 2-D convolution, one group.
    Conv2d(Conv),
    /// Depthwise 2-D convolution.
    DepthwiseConv2d(Conv),
    /// Fully connected layer.
    FullyConnected(FullyConnected),
    /// Per-channel `scale·x + shift` (batch normalisation at inference); folded away by a pass where a convolution precedes it.
    ChannelAffine {
        /// Factor per channel.
        scale: Vec<f32>,
        /// Summand per channel.
        shift: Vec<f32>,
    },
    /// Sum of two activations of one shape.
    Add(Clamp),
    /// Bounds: relu, relu6, clip.
    Clamp(Clamp),
    /// Negative values times the slope of their channel.
    Prelu(Slopes),
    /// A function of each value.
    Unary(Unary),
    /// Two activations, element by element, one of them maybe broadcast.
    Binary(Binary),
    /// Elements in other places: concatenation, slices, blocks of pixels.
    Rearrange(Rearrange),
    /// Constant channels in front and behind.
    PadChannels {
        /// Channels in front.
        begin: usize,
        /// Channels behind.
        end: usize,
        /// The real value.
        value: f32,
    },
    /// The image in another size.
    Resize(Resize),
    /// Maximum over windows.
    MaxPool2d(Pool),
    /// Average over windows, padding not counted. A global average pool is one whose kernel is the whole image.
    AveragePool2d(Pool),
    /// TFLite's MEAN over rows and columns (another rounding than a pool in integers).
    Mean,
    /// Softmax over channels of a vector.
    Softmax {
        /// Factor on the inputs.
        beta: f32,
    },
    /// Padding with real `value`.
    Pad {
        /// Rows above and columns on the left.
        begin: [usize; 2],
        /// Rows below and columns on the right.
        end: [usize; 2],
        /// The real value.
        value: f32,
    },
    /// To a vector, in the given order of values.
    Flatten(FlattenOrder),
    /// The same sequence of values in `[c][h][w]` order, seen as another shape.
    Reshape(Shape),
    /// The same values (dropout, identity, squeeze, reshape that changes no order).
    Identity,
    /// `F32` to `S8`, or `S8` to `S8` with another scale.
    Quantize,
    /// `S8` to `F32`.
    Dequantize,
}

impl Op {
    /// The TFLite-style name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Conv2d(_) => "conv_2d",
            Self::DepthwiseConv2d(_) => "depthwise_conv_2d",
            Self::FullyConnected(_) => "fully_connected",
            Self::ChannelAffine { .. } => "channel_affine",
            Self::Add(_) => "add",
            Self::Clamp(_) => "clamp",
            Self::Prelu(_) => "prelu",
            Self::Unary(unary) => unary.function.name(),
            Self::Binary(binary) => binary.kind.name(),
            Self::Rearrange(rearrange) => rearrange.name(),
            Self::PadChannels { .. } => "pad",
            Self::Resize(resize) if resize.nearest => "resize_nearest_neighbor",
            Self::Resize(_) => "resize_bilinear",
            Self::MaxPool2d(_) => "max_pool_2d",
            Self::AveragePool2d(_) => "average_pool_2d",
            Self::Mean => "mean",
            Self::Softmax { .. } => "softmax",
            Self::Pad { .. } => "pad",
            Self::Flatten(_) => "flatten",
            Self::Reshape(_) => "reshape",
            Self::Identity => "identity",
            Self::Quantize => "quantize",
            Self::Dequantize => "dequantize",
        }
    }

    /// The operator's weights.
    #[must_use]
    pub const fn weights(&self) -> Option<&Weights> {
        match self {
            Self::Conv2d(c) | Self::DepthwiseConv2d(c) => Some(&c.weights),
            Self::FullyConnected(f) => Some(&f.weights),
            Self::ChannelAffine { .. }
            | Self::Add(_)
            | Self::Clamp(_)
            | Self::Prelu(_)
            | Self::Unary(_)
            | Self::Binary(_)
            | Self::Rearrange(_)
            | Self::PadChannels { .. }
            | Self::Resize(_)
            | Self::MaxPool2d(_)
            | Self::AveragePool2d(_)
            | Self::Mean
            | Self::Softmax { .. }
            | Self::Pad { .. }
            | Self::Flatten(_)
            | Self::Reshape(_)
            | Self::Identity
            | Self::Quantize
            | Self::Dequantize => None,
        }
    }

    /// The operator's weights, to change.
    pub const fn weights_mut(&mut self) -> Option<&mut Weights> {
        match self {
            Self::Conv2d(c) | Self::DepthwiseConv2d(c) => Some(&mut c.weights),
            Self::FullyConnected(f) => Some(&mut f.weights),
            Self::ChannelAffine { .. }
            | Self::Add(_)
            | Self::Clamp(_)
            | Self::Prelu(_)
            | Self::Unary(_)
            | Self::Binary(_)
            | Self::Rearrange(_)
            | Self::PadChannels { .. }
            | Self::Resize(_)
            | Self::MaxPool2d(_)
            | Self::AveragePool2d(_)
            | Self::Mean
            | Self::Softmax { .. }
            | Self::Pad { .. }
            | Self::Flatten(_)
            | Self::Reshape(_)
            | Self::Identity
            | Self::Quantize
            | Self::Dequantize => None,
        }
    }

    /// Weights, bias and activation of a layer that has weights.
    #[must_use]
    pub const fn layer(&self) -> Option<(&Weights, &Bias, &Clamp)> {
        if let Self::Conv2d(c) | Self::DepthwiseConv2d(c) = self {
            Some((&c.weights, &c.bias, &c.clamp))
        } else if let Self::FullyConnected(f) = self {
            Some((&f.weights, &f.bias, &f.clamp))
        } else {
            None
        }
    }

    /// Weights, bias and activation of a layer that has weights, to change.
    pub const fn layer_mut(&mut self) -> Option<(&mut Weights, &mut Bias, &mut Clamp)> {
        if let Self::Conv2d(c) | Self::DepthwiseConv2d(c) = self {
            Some((&mut c.weights, &mut c.bias, &mut c.clamp))
        } else if let Self::FullyConnected(f) = self {
            Some((&mut f.weights, &mut f.bias, &mut f.clamp))
        } else {
            None
        }
    }

    /// The window of a convolution.
    #[must_use]
    pub const fn conv_window(&self) -> Option<&Window> {
        if let Self::Conv2d(c) | Self::DepthwiseConv2d(c) = self {
            Some(&c.window)
        } else {
            None
        }
    }
}
