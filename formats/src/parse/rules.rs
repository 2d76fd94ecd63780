//! What an operator demands of its tensors: element types, shapes, places.

use crate::bytes::ensure;
use crate::kernel_mask::{any_of, op_bits};
use crate::step::Operands;
use crate::tensor::disjoint;
use crate::{
    Block, DType, FormatError, Op, RepackOrder, Tensor, TensorLayout, Window, works_in_place,
};

/// Number of inputs and element types.
pub(super) const fn check_types(
    op: &Op,
    operands: &Operands,
    step: u16,
) -> Result<(), FormatError> {
    let wants_two = matches!(
        op,
        Op::Add { .. } | Op::AddLinear { .. } | Op::Binary { .. }
    );
    ensure!(
        wants_two == operands.input2.is_some(),
        FormatError::StepInputs { step }
    );
    let input = operands.input.dtype;
    let output = operands.output.dtype;
    let fits = match op {
        Op::Quantize => matches!((input, output), (DType::F32, DType::S8)),
        Op::Dequantize => matches!((input, output), (DType::S8, DType::F32)),
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
        | Op::Repack { .. } => input as u8 == output as u8,
    };
    let fits = match operands.input2 {
        Some(second) => fits && second.dtype as u8 == output as u8,
        None => fits,
    };
    ensure!(fits, FormatError::StepDType { step });
    Ok(())
}

/// Shapes, and contiguity where an operator reads or writes a vector.
pub(super) const fn check_shapes<const OPS: u128>(
    op: &Op,
    operands: &Operands,
    step: u16,
) -> Result<(), FormatError> {
    let Operands { input, output, .. } = operands;
    let mut vectors = false;
    let fits = match op {
        Op::Conv2d { window, .. } => slides(window, input, output),
        Op::DepthwiseConv2d {
            window, multiplier, ..
        } => {
            let channels = (input.c as u32).saturating_mul(*multiplier as u32);
            slides(window, input, output) && output.c as u32 == channels
        }
        Op::MaxPool2d { window, .. } | Op::AveragePool2d { window, .. } => {
            slides(window, input, output) && output.c == input.c
        }
        Op::FullyConnected { .. } => {
            vectors = true;
            output.is_vector()
        }
        Op::SoftmaxS8 { .. } | Op::SoftmaxF32 { .. } => {
            vectors = true;
            input.is_vector() && input.same_shape(output)
        }
        Op::Mean { .. } => output.is_vector() && output.c == input.c,
        Op::Pad {
            top, left, front, ..
        } => {
            output.c as u32 >= (input.c as u32).saturating_add(*front as u32)
                && output.h as u32 >= (input.h as u32).saturating_add(*top as u32)
                && output.w as u32 >= (input.w as u32).saturating_add(*left as u32)
        }
        Op::Copy { block } => {
            ensure!(
                const { any_of::<OPS>(op_bits(18)) } && copies(block, input, output),
                FormatError::StepBlock { step }
            );
            true
        }
        Op::ResizeNearest | Op::ResizeBilinear { .. } => output.c == input.c,
        Op::Repack {
            order: RepackOrder::ChannelsFirst | RepackOrder::ChannelsLast,
        } => {
            ensure!(output.is_contiguous(), FormatError::StepContiguous { step });
            output.is_vector() && output.c as u64 == input.elements()
        }
        Op::Add { .. }
        | Op::AddLinear { .. }
        | Op::Requantize { .. }
        | Op::Clamp { .. }
        | Op::Prelu { .. }
        | Op::UnaryS8
        | Op::UnaryF32 { .. }
        | Op::Binary { .. }
        | Op::Repack {
            order: RepackOrder::Same,
        }
        | Op::Quantize
        | Op::Dequantize => input.same_shape(output),
    };
    let fits = match operands.input2 {
        Some(second) if matches!(op, Op::Binary { .. }) => fits && spreads(&second, output),
        Some(second) => fits && second.same_shape(output),
        None => fits,
    };
    ensure!(fits, FormatError::StepShape { step });
    ensure!(
        !vectors || (input.is_contiguous() && output.is_contiguous()),
        FormatError::StepContiguous { step }
    );
    Ok(())
}

/// Whether a tensor has an element for each of `output`'s, or one for all channels, all pixels or both.
const fn spreads(second: &Tensor, output: &Tensor) -> bool {
    let channels = second.c == output.c || second.c == 1;
    let pixels = second.h == output.h && second.w == output.w;
    channels && (pixels || second.plane() == 1)
}

/// Whether a block lies in both tensors.
const fn copies(block: &Block, input: &Tensor, output: &Tensor) -> bool {
    let [c, y, x] = block.extent;
    c != 0
        && y != 0
        && x != 0
        && reaches(block.from, block.from_step, block.extent, input)
        && reaches(block.to, block.to_step, block.extent, output)
}

const fn reaches(
    [c, y, x]: [u16; 3],
    [step_c, step_y, step_x]: [u8; 3],
    [channels, rows, columns]: [u16; 3],
    tensor: &Tensor,
) -> bool {
    inside(c, step_c, channels, tensor.c)
        && inside(y, step_y, rows, tensor.h)
        && inside(x, step_x, columns, tensor.w)
}

/// Whether `count` elements from `first` on, a step apart, are below `limit`.
const fn inside(first: u16, step: u8, count: u16, limit: u16) -> bool {
    let travel = (count as u32).saturating_sub(1).saturating_mul(step as u32);
    travel.saturating_add(first as u32) < limit as u32
}

/// Whether the window turns the input's rows and columns into the output's.
const fn slides(window: &Window, input: &Tensor, output: &Tensor) -> bool {
    let rows = outputs(
        (input.h as u32)
            .saturating_add(window.pad_top as u32)
            .saturating_add(window.pad_bottom as u32),
        window.kernel_h,
        window.stride_h,
    );
    let columns = outputs(
        (input.w as u32)
            .saturating_add(window.pad_left as u32)
            .saturating_add(window.pad_right as u32),
        window.kernel_w,
        window.stride_w,
    );
    match (rows, columns) {
        (Some(rows), Some(columns)) => output.h as u32 == rows && output.w as u32 == columns,
        _ => false,
    }
}

/// Places of a kernel along `extent` padded elements.
const fn outputs(extent: u32, kernel: u8, stride: u8) -> Option<u32> {
    match extent.checked_sub(kernel as u32) {
        Some(travel) => match travel.checked_div(stride as u32) {
            Some(steps) => steps.checked_add(1),
            None => None,
        },
        None => None,
    }
}

/// The output shares no byte with an input, or lies on it as the operator allows.
pub(super) const fn check_overlap(
    op: &Op,
    operands: &Operands,
    step: u16,
) -> Result<(), FormatError> {
    let Operands {
        input,
        input2,
        output,
    } = operands;
    let fits = input.is_disjoint(output) || in_place(op, input, output);
    let fits = match input2 {
        Some(second) => fits && (second.is_disjoint(output) || in_place(op, second, output)),
        None => fits,
    };
    ensure!(fits, FormatError::StepOverlap { step });
    Ok(())
}

/// Whether the operator may write its output over an input that begins at the same byte.
const fn in_place(op: &Op, input: &Tensor, output: &Tensor) -> bool {
    let aligned = input.offset == output.offset
        && input.layout as u8 == output.layout as u8
        && (input.same_shape(output) || !matches!(op, Op::Binary { .. }));
    let same_stride = input.plane_stride == output.plane_stride;
    let planar = matches!(input.layout, TensorLayout::Planar);
    aligned
        && match op {
            Op::Conv2d { window, .. } => {
                (planar && same_stride && window.is_pointwise())
                    || works_in_place(window, input, output)
            }
            // Plane c is in the scratch before plane c of the output, which ends before plane c + 1 of the
            // input begins, is written.
            Op::DepthwiseConv2d { multiplier, .. } => {
                planar
                    && *multiplier == 1
                    && output.plane() <= input.plane()
                    && output.plane_stride <= input.plane_stride
            }
            Op::Add { .. }
            | Op::AddLinear { .. }
            | Op::SoftmaxS8 { .. }
            | Op::SoftmaxF32 { .. }
            | Op::Requantize { .. }
            | Op::Clamp { .. }
            | Op::Prelu { .. }
            | Op::UnaryS8
            | Op::UnaryF32 { .. }
            | Op::Binary { .. }
            | Op::Repack {
                order: RepackOrder::Same,
            } => same_stride,
            Op::Copy { .. }
            | Op::ResizeNearest
            | Op::ResizeBilinear { .. }
            | Op::FullyConnected { .. }
            | Op::MaxPool2d { .. }
            | Op::AveragePool2d { .. }
            | Op::Mean { .. }
            | Op::Pad { .. }
            | Op::Repack {
                order: RepackOrder::ChannelsFirst | RepackOrder::ChannelsLast,
            }
            | Op::Quantize
            | Op::Dequantize => false,
        }
}

/// Whether `len` bytes from `offset` share none with the step's tensors.
pub(super) const fn is_free(operands: &Operands, offset: u32, len: u32) -> bool {
    let Operands {
        input,
        input2,
        output,
    } = operands;
    let free = disjoint(offset, len, input.offset, input.len)
        && disjoint(offset, len, output.offset, output.len);
    match input2 {
        Some(second) => free && disjoint(offset, len, second.offset, second.len),
        None => free,
    }
}
