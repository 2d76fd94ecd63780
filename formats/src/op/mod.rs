//! Operators of the executable program: one variant a step kind, with its parameters decoded.
//!
//! SPEC.md section 5 gives the bytes. To add an operator, add a variant here and follow the compiler.

mod pairs;
pub(crate) mod params;
mod unary;

pub use pairs::{Binary, Block};
pub use unary::Unary;

use crate::{Rounding, Ties};

/// Window geometry of convolutions and pools, in input elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// Rows of the kernel.
    pub kernel_h: u8,
    /// Columns of the kernel.
    pub kernel_w: u8,
    /// Rows between outputs.
    pub stride_h: u8,
    /// Columns between outputs.
    pub stride_w: u8,
    /// Padding rows above.
    pub pad_top: u8,
    /// Padding columns on the left.
    pub pad_left: u8,
    /// Padding rows below.
    pub pad_bottom: u8,
    /// Padding columns on the right.
    pub pad_right: u8,
}

impl Window {
    /// A 1x1 window with stride 1 and no padding: tiles are 8 consecutive elements of the planes.
    #[must_use]
    pub const fn is_pointwise(&self) -> bool {
        self.kernel_h == 1
            && self.kernel_w == 1
            && self.stride_h == 1
            && self.stride_w == 1
            && self.pad_top == 0
            && self.pad_left == 0
            && self.pad_bottom == 0
            && self.pad_right == 0
    }
}

/// Output bounds (the activation of the layer) in the output's own numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clamp {
    /// Bounds of an `s8` output.
    S8 {
        /// Lowest value.
        lo: i8,
        /// Highest value.
        hi: i8,
    },
    /// Bounds of an `f32` output; infinities where there is none.
    F32 {
        /// Lowest value.
        lo: f32,
        /// Highest value.
        hi: f32,
    },
}

/// Parameters of an integer addition (TensorFlow Lite's scheme, left shift 20).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AddParams {
    /// Multiplier of the first input.
    pub m1: i32,
    /// Multiplier of the second input.
    pub m2: i32,
    /// Multiplier of the sum.
    pub mo: i32,
    /// Right shift of the first input.
    pub s1: i8,
    /// Right shift of the second input.
    pub s2: i8,
    /// Right shift of the sum.
    pub so: i8,
}

/// Coefficients of an integer addition whose operands need no scaling of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinearSum {
    /// What the first input is multiplied by.
    pub first: i32,
    /// What the second input is multiplied by.
    pub second: i32,
    /// What is added: zero points and half a unit.
    pub bias: i32,
}

impl LinearSum {
    /// Fraction bits of the sum.
    pub const SHIFT: u32 = 22;

    /// `(first · a + second · b + bias) >> 22`, modulo 2^32 before the shift; not bounded.
    #[must_use]
    pub const fn of(self, a: i8, b: i8) -> i32 {
        let first = self.first.wrapping_mul(a as i32);
        let second = self.second.wrapping_mul(b as i32);
        first.wrapping_add(second).wrapping_add(self.bias) >> Self::SHIFT
    }
}

/// Parameters of an integer [`Op::Prelu`]: one factor for values from zero on, one for slopes times negative values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PreluParams {
    /// Multiplier of values that are not negative.
    pub m1: i32,
    /// Multiplier of slope · value.
    pub m2: i32,
    /// Right shift of values that are not negative; negative is a left shift.
    pub s1: i8,
    /// Right shift of slope · value; negative is a left shift.
    pub s2: i8,
}

/// Order of a flattening [`Op::Repack`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RepackOrder {
    /// Same shape, another layout.
    Same = 0,
    /// To a vector, channel by channel.
    ChannelsFirst = 1,
    /// To a vector, pixel by pixel.
    ChannelsLast = 2,
}

/// One operator with its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Op {
    /// 2-D convolution.
    Conv2d {
        /// Geometry.
        window: Window,
        /// Activation.
        clamp: Clamp,
    },
    /// Depthwise 2-D convolution.
    DepthwiseConv2d {
        /// Geometry.
        window: Window,
        /// Output channels per input channel.
        multiplier: u16,
        /// Activation.
        clamp: Clamp,
    },
    /// Matrix times vector.
    FullyConnected {
        /// Activation.
        clamp: Clamp,
    },
    /// Element-wise sum.
    Add {
        /// Rescaling; zero for `f32`.
        params: AddParams,
        /// Activation.
        clamp: Clamp,
    },
    /// Element-wise sum by coefficients, `s8`.
    AddLinear {
        /// The coefficients.
        sum: LinearSum,
        /// Activation.
        clamp: Clamp,
    },
    /// Maximum over windows.
    MaxPool2d {
        /// Geometry.
        window: Window,
        /// Activation.
        clamp: Clamp,
    },
    /// Average over windows, padding not counted.
    AveragePool2d {
        /// Geometry.
        window: Window,
        /// Activation.
        clamp: Clamp,
        /// Rounding of `s8`; away for `f32`.
        ties: Ties,
    },
    /// Mean over rows and columns.
    Mean {
        /// Rescaling of the sum of deviations; 0 for `f32`.
        multiplier: i32,
        /// Right shift; negative is a left shift.
        shift: i8,
        /// Rounding of `s8`; double for `f32`.
        rounding: Rounding,
    },
    /// Softmax of a vector, `s8`.
    SoftmaxS8 {
        /// Multiplier of the differences.
        multiplier: i32,
        /// Left shift of the differences.
        left_shift: i8,
        /// Smallest difference that contributes.
        diff_min: i32,
    },
    /// Softmax of a vector, `f32`.
    SoftmaxF32 {
        /// Factor on the inputs.
        beta: f32,
    },
    /// Constant padding.
    Pad {
        /// Rows above.
        top: u8,
        /// Columns on the left.
        left: u8,
        /// Channels in front.
        front: u16,
        /// The padding value, as `s8` or `f32` by the tensors' type (`lo == hi`).
        value: Clamp,
    },
    /// `s8` to `s8` with another scale.
    Requantize {
        /// Multiplier.
        multiplier: i32,
        /// Right shift; negative is a left shift.
        shift: i8,
        /// Bounds.
        clamp: Clamp,
        /// How the value at the new scale is rounded.
        rounding: Rounding,
    },
    /// Bounds only.
    Clamp {
        /// Bounds.
        clamp: Clamp,
    },
    /// Negative values times a slope that each channel has.
    Prelu {
        /// Rescaling; zero for `f32`.
        params: PreluParams,
    },
    /// A function of each `s8` value, as a table of its 256 results.
    UnaryS8,
    /// A function of each `f32` value.
    UnaryF32 {
        /// Which one.
        function: Unary,
        /// Its first parameter; 0 where it has none.
        alpha: f32,
        /// Its second parameter; 0 where it has none.
        beta: f32,
    },
    /// Two tensors, element by element; the second may have one row and column, or one channel, for all of the first.
    Binary {
        /// What is done with two elements.
        kind: Binary,
        /// The second tensor's element comes first.
        swapped: bool,
        /// Rescaling of `s8` sums, differences and products (these use only that of the output); else zero.
        params: AddParams,
        /// Activation.
        clamp: Clamp,
    },
    /// A block of elements, a step apart in either tensor; other elements of the output stay as they are.
    Copy {
        /// Which.
        block: Block,
    },
    /// Each output pixel is an input pixel, by tables of rows and columns.
    ResizeNearest,
    /// Each output pixel is between four input pixels, by tables of rows and columns with weights.
    ResizeBilinear {
        /// Rounding of `s8`; away for `f32`.
        ties: Ties,
    },
    /// Another layout for the same elements.
    Repack {
        /// Which order.
        order: RepackOrder,
    },
    /// `f32` to `s8`.
    Quantize,
    /// `s8` to `f32`.
    Dequantize,
}

impl Op {
    /// The operator's code in the file.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Conv2d { .. } => 1,
            Self::DepthwiseConv2d { .. } => 2,
            Self::FullyConnected { .. } => 3,
            Self::Add { .. } | Self::AddLinear { .. } => 4,
            Self::MaxPool2d { .. } => 5,
            Self::AveragePool2d { .. } => 6,
            Self::Mean { .. } => 7,
            Self::SoftmaxS8 { .. } | Self::SoftmaxF32 { .. } => 8,
            Self::Pad { .. } => 9,
            Self::Requantize { .. } => 10,
            Self::Clamp { .. } => 11,
            Self::Repack { .. } => 12,
            Self::Quantize => 13,
            Self::Dequantize => 14,
            Self::Prelu { .. } => 15,
            Self::UnaryS8 | Self::UnaryF32 { .. } => 16,
            Self::Binary { .. } => 17,
            Self::Copy { .. } => 18,
            Self::ResizeNearest => 19,
            Self::ResizeBilinear { .. } => 20,
        }
    }

    /// The operator's name in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Conv2d { .. } => "conv_2d",
            Self::DepthwiseConv2d { .. } => "depthwise_conv_2d",
            Self::FullyConnected { .. } => "fully_connected",
            Self::Add { .. } | Self::AddLinear { .. } => "add",
            Self::MaxPool2d { .. } => "max_pool_2d",
            Self::AveragePool2d { .. } => "average_pool_2d",
            Self::Mean { .. } => "mean",
            Self::SoftmaxS8 { .. } | Self::SoftmaxF32 { .. } => "softmax",
            Self::Pad { .. } => "pad",
            Self::Requantize { .. } => "requantize",
            Self::Clamp { .. } => "clamp",
            Self::Repack { .. } => "repack",
            Self::Quantize => "quantize",
            Self::Dequantize => "dequantize",
            Self::Prelu { .. } => "prelu",
            Self::UnaryS8 => "unary",
            Self::UnaryF32 { function, .. } => function.name(),
            Self::Binary { kind, .. } => kind.name(),
            Self::Copy { .. } => "copy",
            Self::ResizeNearest => "resize_nearest_neighbor",
            Self::ResizeBilinear { .. } => "resize_bilinear",
        }
    }
}
