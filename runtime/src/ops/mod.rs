//! Operator drivers: each loops over the tiles, planes or rows of one step and pauses between them.
//!
//! Each driver is a function of its own: inlined into one, they would share a frame that holds the variables of all.
//!
//! Drivers are safe code over checked slices. What is hot lies behind [`crate::dispatch`]; the rest is written out
//! here over strides, so that planar and interleaved tensors both work.

mod add;
mod binary;
mod conv_2d;
mod conv_2d_pairs;
mod conv_2d_words;
mod convert;
mod copy;
mod depthwise_conv_2d;
mod depthwise_pairs;
mod fully_connected;
mod in_place;
mod mean;
mod pad;
mod pair_windows;
mod pointwise;
mod pool;
mod prelu;
mod repack;
mod resize;
mod softmax_f32;
pub(crate) mod softmax_s8;
mod unary;

use crate::arch::pairs;
use crate::arena::{Arena, Element, View};
use crate::cursor::{Cursor, Progress};
use crate::dispatch::has;
use crate::kernels::{Post, Source};
use crate::requantize::{multiply_double, multiply_once};
use core::cell::Cell;
use nnz_format::{
    AddParams, Backend, Binary, Clamp, DType, Op, Rounding, Step, Ties, WeightLayout,
    kernel_bits as bits,
};

/// One step with the memory that it runs in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job<'s, 'm> {
    /// What to compute.
    pub(crate) step: &'s Step<'m>,
    /// The tensors and the scratch.
    pub(crate) arena: Arena<'s>,
    /// How accumulators are rounded.
    pub(crate) rounding: Rounding,
    /// The kernels that the file is for.
    pub(crate) backend: Backend,
}

impl<'s> Job<'s, '_> {
    fn input<T: Element>(&self) -> View<'s, T> {
        self.arena.view(&self.step.input)
    }

    fn output<T: Element>(&self) -> View<'s, T> {
        self.arena.view(&self.step.output)
    }

    fn scratch<T: Element>(&self) -> &'s [Cell<T>] {
        self.arena
            .cells(self.step.scratch_offset, self.step.scratch_len)
    }
}

/// The element type's reading of an activation's bounds.
pub(crate) trait Bounded: Element {
    /// The lowest value.
    const LOWEST: Self;
    /// Lowest and highest value.
    fn bounds(clamp: &Clamp) -> (Self, Self);
    /// What stands for zero.
    fn zero(zero_point: i32) -> Self;

    /// `self` between the bounds.
    fn clamped(self, (lo, hi): (Self, Self)) -> Self {
        if self < lo {
            lo
        } else if self > hi {
            hi
        } else {
            self
        }
    }
}

impl Bounded for i8 {
    const LOWEST: Self = Self::MIN;

    fn bounds(clamp: &Clamp) -> (Self, Self) {
        match *clamp {
            Clamp::S8 { lo, hi } => (lo, hi),
            Clamp::F32 { .. } => (Self::MIN, Self::MAX),
        }
    }

    fn zero(zero_point: i32) -> Self {
        narrow(zero_point)
    }
}

impl Bounded for f32 {
    const LOWEST: Self = Self::NEG_INFINITY;

    fn bounds(clamp: &Clamp) -> (Self, Self) {
        match *clamp {
            Clamp::F32 { lo, hi } => (lo, hi),
            Clamp::S8 { .. } => (Self::NEG_INFINITY, Self::INFINITY),
        }
    }

    fn zero(_zero_point: i32) -> Self {
        0.0
    }
}

/// `value` within the range of `i8`.
#[expect(clippy::cast_possible_truncation, reason = "clamped to i8")]
pub(crate) const fn narrow(value: i32) -> i8 {
    let value = if value < -128 { -128 } else { value };
    (if value > 127 { 127 } else { value }) as i8
}

/// What follows the accumulation of a step.
fn post<T: Bounded>(clamp: &Clamp, zero_point: i32) -> Post<T> {
    let (lo, hi) = T::bounds(clamp);
    Post { lo, hi, zero_point }
}

/// An input as kernels gather from it.
fn source<'s, T: Bounded>(input: &View<'s, T>) -> Source<'s, T> {
    Source {
        input: input.cells,
        channel_stride: input.channel_stride,
        row_stride: input.row_stride,
        pixel_stride: input.pixel_stride,
        height: input.height.cast_signed(),
        width: input.width.cast_signed(),
        outside: T::zero(input.zero_point),
    }
}

/// Runs a step from where `cursor` stands until it is done or the budget is used up.
pub(crate) fn execute<const OPS: u128>(job: &Job<'_, '_>, cursor: &mut Cursor) -> Progress {
    match job.step.dtype {
        DType::S8 => execute_s8::<OPS>(job, cursor),
        DType::F32 => execute_f32::<OPS>(job, cursor),
        DType::U8 | DType::S16 | DType::S32 | DType::F16 => Progress::Done,
    }
}

/// Whether the image has any of the kernels of `low..=high`.
const fn any<const OPS: u128>(low: u8, high: u8) -> bool {
    let mut bit = low;
    while bit <= high {
        if has::<OPS>(bit) {
            return true;
        }
        bit = bit.wrapping_add(1);
    }
    false
}

/// Whether a step runs by pairs: where this target has the kernels, files for `arm-dsp` mean them by a dense matrix.
fn by_pairs<const OPS: u128>(job: &Job<'_, '_>, bit: u8) -> bool {
    pairs::AVAILABLE
        && has::<OPS>(bit)
        && job.backend == Backend::ArmDsp
        && job.step.layout == WeightLayout::Dense
}

/// Whether the image has a convolution by bands of bytes, which also stands for pairs where there are none.
const fn has_conv<const OPS: u128>() -> bool {
    any::<OPS>(bits::CONV_2D_DENSE_S8, bits::CONV_2D_BLK_4X1_S8)
        || (!pairs::AVAILABLE && has::<OPS>(bits::CONV_2D_DENSE_PAIRS))
}

/// Whether the image has a depthwise convolution by planes of bytes, likewise.
const fn has_depthwise<const OPS: u128>() -> bool {
    has::<OPS>(bits::DEPTHWISE_CONV_2D_DENSE_S8)
        || (!pairs::AVAILABLE && has::<OPS>(bits::DEPTHWISE_CONV_2D_DENSE_PAIRS))
}

fn execute_s8<const OPS: u128>(job: &Job<'_, '_>, cursor: &mut Cursor) -> Progress {
    match &job.step.op {
        Op::Conv2d { window, clamp }
            if const { any::<OPS>(bits::CONV_2D_CSR_P_NARROW, bits::CONV_2D_CSR_N_NARROW) }
                && job.step.narrow =>
        {
            conv_2d_words::run::<OPS>(job, window, clamp, cursor)
        }
        Op::Conv2d { window, clamp } if by_pairs::<OPS>(job, bits::CONV_2D_DENSE_PAIRS) => {
            conv_2d_pairs::run::<OPS>(job, window, clamp, cursor)
        }
        Op::DepthwiseConv2d {
            window,
            multiplier,
            clamp,
        } if by_pairs::<OPS>(job, bits::DEPTHWISE_CONV_2D_DENSE_PAIRS) => {
            depthwise_pairs::run::<OPS>(job, window, *multiplier, clamp, cursor)
        }
        Op::Conv2d { window, clamp } if const { has_conv::<OPS>() } => {
            conv_2d::run::<OPS, i8>(job, window, clamp, cursor)
        }
        Op::DepthwiseConv2d {
            window,
            multiplier,
            clamp,
        } if const { has_depthwise::<OPS>() } => {
            depthwise_conv_2d::run::<OPS, i8>(job, window, *multiplier, clamp, cursor)
        }
        Op::FullyConnected { clamp }
            if const {
                any::<OPS>(
                    bits::FULLY_CONNECTED_DENSE_S8,
                    bits::FULLY_CONNECTED_BLK_4X1_S8,
                )
            } =>
        {
            fully_connected::run::<OPS, i8>(job, clamp, cursor)
        }
        Op::AddLinear { sum, clamp } if has::<OPS>(bits::ADD_LINEAR_S8) => {
            add::run_linear(job, *sum, clamp, cursor)
        }
        Op::Add { params, clamp } if has::<OPS>(bits::ADD_S8) => {
            add::run_s8(job, params, clamp, cursor)
        }
        Op::MaxPool2d { window, clamp } if has::<OPS>(bits::MAX_POOL_2D_S8) => {
            pool::max::<i8>(job, window, clamp, cursor)
        }
        Op::AveragePool2d {
            window,
            clamp,
            ties: Ties::Away,
        } if has::<OPS>(bits::AVERAGE_POOL_2D_S8) => {
            pool::average::<i8>(job, window, clamp, cursor)
        }
        Op::AveragePool2d {
            window,
            clamp,
            ties: Ties::Even,
        } if has::<OPS>(bits::AVERAGE_POOL_2D_EVEN_S8) => {
            pool::average_even(job, window, clamp, cursor)
        }
        Op::Mean {
            multiplier,
            shift,
            rounding: Rounding::Double,
        } if has::<OPS>(bits::MEAN_S8) => {
            mean::run_s8(job, (*multiplier, *shift), cursor, multiply_double)
        }
        Op::Mean {
            multiplier,
            shift,
            rounding: Rounding::Single,
        } if has::<OPS>(bits::MEAN_ONCE_S8) => {
            mean::run_s8(job, (*multiplier, *shift), cursor, multiply_once)
        }
        Op::SoftmaxS8 {
            multiplier,
            left_shift,
            diff_min,
        } if has::<OPS>(bits::SOFTMAX_S8) => {
            softmax_s8::run::<OPS>(job, *multiplier, *left_shift, *diff_min)
        }
        Op::Pad {
            top,
            left,
            front,
            value,
        } if has::<OPS>(bits::PAD_S8) => pad::run::<i8>(job, (*front, *top, *left), value, cursor),
        Op::Requantize {
            multiplier,
            shift,
            clamp,
            rounding: Rounding::Double,
        } if has::<OPS>(bits::REQUANTIZE_S8) => {
            pointwise::requantize(job, (*multiplier, *shift), clamp, cursor, multiply_double)
        }
        Op::Requantize {
            multiplier,
            shift,
            clamp,
            rounding: Rounding::Single,
        } if has::<OPS>(bits::REQUANTIZE_ONCE_S8) => {
            pointwise::requantize(job, (*multiplier, *shift), clamp, cursor, multiply_once)
        }
        Op::Clamp { clamp } if has::<OPS>(bits::CLAMP_S8) => {
            pointwise::clamp::<i8>(job, clamp, cursor)
        }
        Op::Repack { order } if has::<OPS>(bits::REPACK_S8) => {
            repack::run::<i8>(job, *order, cursor)
        }
        Op::Prelu { params } if has::<OPS>(bits::PRELU_S8) => prelu::run_s8(job, params, cursor),
        Op::UnaryS8 if has::<OPS>(bits::UNARY_S8) => unary::run_s8(job, cursor),
        Op::Binary {
            kind,
            swapped,
            params,
            clamp,
        } => binary_s8::<OPS>(job, (*kind, *swapped), params, clamp, cursor),
        Op::Copy { block } if has::<OPS>(bits::COPY_S8) => copy::run::<i8>(job, block, cursor),
        Op::ResizeNearest if has::<OPS>(bits::RESIZE_NEAREST_S8) => {
            resize::nearest::<i8>(job, cursor)
        }
        Op::ResizeBilinear { ties: Ties::Away } if has::<OPS>(bits::RESIZE_BILINEAR_S8) => {
            resize::bilinear_s8(job, cursor)
        }
        Op::ResizeBilinear { ties: Ties::Even } if has::<OPS>(bits::RESIZE_BILINEAR_EVEN_S8) => {
            resize::bilinear_even(job, cursor)
        }
        Op::Quantize if has::<OPS>(bits::QUANTIZE_S8) => convert::quantize(job, cursor),
        Op::Conv2d { .. }
        | Op::DepthwiseConv2d { .. }
        | Op::FullyConnected { .. }
        | Op::Add { .. }
        | Op::AddLinear { .. }
        | Op::MaxPool2d { .. }
        | Op::AveragePool2d { .. }
        | Op::Mean { .. }
        | Op::SoftmaxS8 { .. }
        | Op::SoftmaxF32 { .. }
        | Op::Pad { .. }
        | Op::Requantize { .. }
        | Op::Clamp { .. }
        | Op::Prelu { .. }
        | Op::UnaryS8
        | Op::UnaryF32 { .. }
        | Op::Copy { .. }
        | Op::ResizeNearest
        | Op::ResizeBilinear { .. }
        | Op::Repack { .. }
        | Op::Quantize
        | Op::Dequantize => Progress::Done,
    }
}

fn binary_s8<const OPS: u128>(
    job: &Job<'_, '_>,
    (kind, swapped): (Binary, bool),
    params: &AddParams,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    match kind {
        Binary::Add | Binary::Sub if has::<OPS>(bits::SUM_S8) => {
            binary::sum_s8(job, (kind, swapped), params, clamp, cursor)
        }
        Binary::Mul if has::<OPS>(bits::MUL_S8) => binary::mul_s8(job, params, clamp, cursor),
        Binary::Minimum | Binary::Maximum if has::<OPS>(bits::MIN_MAX_S8) => {
            binary::extreme_s8(job, kind, clamp, cursor)
        }
        Binary::Add
        | Binary::Sub
        | Binary::Mul
        | Binary::Div
        | Binary::Minimum
        | Binary::Maximum => Progress::Done,
    }
}

fn execute_f32<const OPS: u128>(job: &Job<'_, '_>, cursor: &mut Cursor) -> Progress {
    match &job.step.op {
        Op::Conv2d { window, clamp }
            if const { any::<OPS>(bits::CONV_2D_DENSE_F32, bits::CONV_2D_CSR_F_F32) } =>
        {
            conv_2d::run::<OPS, f32>(job, window, clamp, cursor)
        }
        Op::DepthwiseConv2d {
            window,
            multiplier,
            clamp,
        } if has::<OPS>(bits::DEPTHWISE_CONV_2D_DENSE_F32) => {
            depthwise_conv_2d::run::<OPS, f32>(job, window, *multiplier, clamp, cursor)
        }
        Op::FullyConnected { clamp }
            if const {
                any::<OPS>(
                    bits::FULLY_CONNECTED_DENSE_F32,
                    bits::FULLY_CONNECTED_CSR_F_F32,
                )
            } =>
        {
            fully_connected::run::<OPS, f32>(job, clamp, cursor)
        }
        Op::Add { clamp, .. } if has::<OPS>(bits::ADD_F32) => add::run_f32(job, clamp, cursor),
        Op::MaxPool2d { window, clamp } if has::<OPS>(bits::MAX_POOL_2D_F32) => {
            pool::max::<f32>(job, window, clamp, cursor)
        }
        Op::AveragePool2d { window, clamp, .. } if has::<OPS>(bits::AVERAGE_POOL_2D_F32) => {
            pool::average::<f32>(job, window, clamp, cursor)
        }
        Op::Mean { .. } if has::<OPS>(bits::MEAN_F32) => mean::run_f32(job, cursor),
        Op::SoftmaxF32 { beta } if has::<OPS>(bits::SOFTMAX_F32) => softmax_f32::run(job, *beta),
        Op::Pad {
            top,
            left,
            front,
            value,
        } if has::<OPS>(bits::PAD_F32) => {
            pad::run::<f32>(job, (*front, *top, *left), value, cursor)
        }
        Op::Clamp { clamp } if has::<OPS>(bits::CLAMP_F32) => {
            pointwise::clamp::<f32>(job, clamp, cursor)
        }
        Op::Repack { order } if has::<OPS>(bits::REPACK_F32) => {
            repack::run::<f32>(job, *order, cursor)
        }
        Op::Binary {
            kind,
            swapped,
            clamp,
            ..
        } if has::<OPS>(bits::BINARY_F32) => binary::run_f32(job, (*kind, *swapped), clamp, cursor),
        Op::Copy { block } if has::<OPS>(bits::COPY_F32) => copy::run::<f32>(job, block, cursor),
        Op::ResizeNearest if has::<OPS>(bits::RESIZE_NEAREST_F32) => {
            resize::nearest::<f32>(job, cursor)
        }
        Op::ResizeBilinear { .. } if has::<OPS>(bits::RESIZE_BILINEAR_F32) => {
            resize::bilinear_f32(job, cursor)
        }
        Op::Prelu { .. } if has::<OPS>(bits::PRELU_F32) => prelu::run_f32(job, cursor),
        Op::UnaryF32 {
            function,
            alpha,
            beta,
        } if has::<OPS>(bits::UNARY_F32) => unary::run_f32(job, *function, (*alpha, *beta), cursor),
        Op::Dequantize if has::<OPS>(bits::DEQUANTIZE_F32) => convert::dequantize(job, cursor),
        Op::Conv2d { .. }
        | Op::DepthwiseConv2d { .. }
        | Op::FullyConnected { .. }
        | Op::Add { .. }
        | Op::AddLinear { .. }
        | Op::MaxPool2d { .. }
        | Op::AveragePool2d { .. }
        | Op::Mean { .. }
        | Op::SoftmaxS8 { .. }
        | Op::SoftmaxF32 { .. }
        | Op::Pad { .. }
        | Op::Requantize { .. }
        | Op::Clamp { .. }
        | Op::Prelu { .. }
        | Op::UnaryS8
        | Op::UnaryF32 { .. }
        | Op::Binary { .. }
        | Op::Copy { .. }
        | Op::ResizeNearest
        | Op::ResizeBilinear { .. }
        | Op::Repack { .. }
        | Op::Quantize
        | Op::Dequantize => Progress::Done,
    }
}
