//! Steps: each record with its tensors, scratch and weights, then what they add up to in the header.

use super::MAX_SHARING;
use super::rules::{check_overlap, check_shapes, check_types, is_free};
use crate::bytes::{ensure, is_zero_at, some, tri, u8_at, u32_at};
use crate::kernel_mask::{any_of, mask_of, narrow_bit, op_bits, rounds};
use crate::layout::{Geometry, narrow};
use crate::model::record;
use crate::step::{Head, Links, Operands, RECORD};
use crate::tensor::within;
use crate::{
    Backend, FormatError, Model, Rounding, WeightLayout, Weights, kernel_bit_for, kernel_bits,
    scratch_len,
};

/// The kernels of narrow steps.
const NARROW: u128 =
    mask_of(kernel_bits::CONV_2D_CSR_P_NARROW) | mask_of(kernel_bits::CONV_2D_CSR_N_NARROW);

pub(super) const fn check<const OPS: u128>(model: &Model<'_>) -> Result<(), FormatError> {
    let mut mask: u128 = 0;
    let mut scratch: u32 = 0;
    let mut walked: u64 = 0;
    let most = (model.file_len() as u64).saturating_mul(MAX_SHARING as u64);
    let mut step: u16 = 0;
    while step < model.header.steps {
        let bytes = record(model.steps, step as usize, RECORD);
        let bytes = some!(bytes, FormatError::StepReserved { step });
        walked = walked.saturating_add(Links::read(bytes).weights_len as u64);
        ensure!(walked <= most, FormatError::WeightsShared);
        mask |= tri!(check_step::<OPS>(model, bytes, step));
        let len = u32_at(bytes, 24);
        scratch = if len > scratch { len } else { scratch };
        step = step.wrapping_add(1);
    }
    ensure!(model.header.scratch_len == scratch, FormatError::ScratchLen);
    ensure!(model.header.kernel_mask == mask, FormatError::KernelMask);
    Ok(())
}

/// Proves one step; the bits that it adds to the kernel mask.
#[inline(never)]
const fn check_step<const OPS: u128>(
    model: &Model<'_>,
    bytes: &[u8],
    step: u16,
) -> Result<u128, FormatError> {
    let links = Links::read(bytes);
    ensure!(model.has_operands(&links), FormatError::StepTensor { step });
    let operands = model.operands(&links);
    let head = tri!(check_record::<OPS>(model, bytes, &operands, step));
    tri!(check_scratch(model, bytes, &head, &operands, step));
    tri!(check_overlap(&head.op, &operands, step));
    tri!(check_weights::<OPS>(model, &links, &head, &operands, step));
    let kernels = kernels(model, &head, &operands);
    debug_assert!(
        kernels & op_bits(u8_at(bytes, 0)) != 0,
        "the kernels of an operator's code are not all that it has"
    );
    Ok(kernels)
}

/// The record by itself, then with its tensors.
const fn check_record<const OPS: u128>(
    model: &Model<'_>,
    record: &[u8],
    operands: &Operands,
    step: u16,
) -> Result<Head, FormatError> {
    ensure!(
        u8_at(record, 3) == 0 && is_zero_at(record, 10, 2),
        FormatError::StepReserved { step }
    );
    let head = tri!(Head::read::<OPS>(record, operands.output.dtype, step));
    tri!(check_types(&head.op, operands, step));
    ensure!(
        !head.narrow || matches!(model.header.backend, Backend::ArmDsp),
        FormatError::StepFlags { step }
    );
    let bit = kernel_bit_for(
        model.header.backend,
        &head.op,
        head.layout,
        operands.output.dtype,
    );
    ensure!(
        bit != kernel_bits::NONE,
        FormatError::StepCombination { step }
    );
    tri!(check_shapes::<OPS>(&head.op, operands, step));
    Ok(head)
}

/// Scratch is enough, aligned, in the arena and apart from the tensors.
///
/// Also bounds the band: a length that saturates finds no place.
const fn check_scratch(
    model: &Model<'_>,
    record: &[u8],
    head: &Head,
    operands: &Operands,
    step: u16,
) -> Result<(), FormatError> {
    let (offset, len) = (u32_at(record, 20), u32_at(record, 24));
    ensure!(
        len >= scratch_len(
            model.header.backend,
            &head.op,
            head.layout,
            &operands.input,
            &operands.output
        ),
        FormatError::StepScratch { step }
    );
    ensure!(
        offset & 7 == 0 && (len != 0 || offset == 0),
        FormatError::StepScratchAlignment { step }
    );
    ensure!(
        within(offset, len, model.header.arena_len),
        FormatError::StepScratchBounds { step }
    );
    ensure!(
        is_free(operands, offset, len),
        FormatError::StepScratchOverlap { step }
    );
    Ok(())
}

/// The blob is in its section, and what it holds agrees with the operator.
const fn check_weights<const OPS: u128>(
    model: &Model<'_>,
    links: &Links,
    head: &Head,
    operands: &Operands,
    step: u16,
) -> Result<(), FormatError> {
    if matches!(head.layout, WeightLayout::None) {
        ensure!(
            links.weights_offset == 0 && links.weights_len == 0,
            FormatError::StepNoWeights { step }
        );
        return Ok(());
    }
    ensure!(
        (links.weights_offset | links.weights_len) & 3 == 0,
        FormatError::WeightsAlignment { step }
    );
    let blob = some!(model.blob(links), FormatError::WeightsBounds { step });
    let shape = Geometry::of::<OPS>(&head.op, &operands.input, &operands.output);
    let dtype = operands.output.dtype;
    let weights = tri!(Weights::view::<OPS>(
        head.layout,
        dtype,
        blob,
        head.wide,
        &shape,
        step
    ));
    tri!(weights.check::<OPS>(&shape, step));
    if const { any_of::<OPS>(NARROW) } && head.narrow {
        return narrow::check::<OPS>(&weights, step);
    }
    Ok(())
}

/// The bits that a step adds to the kernel mask.
const fn kernels(model: &Model<'_>, head: &Head, operands: &Operands) -> u128 {
    let dtype = operands.output.dtype;
    let kernel = if head.narrow {
        mask_of(narrow_bit(head.layout))
    } else {
        mask_of(kernel_bit_for(
            model.header.backend,
            &head.op,
            head.layout,
            dtype,
        ))
    };
    if !rounds(&head.op, dtype) {
        return kernel;
    }
    match model.header.rounding {
        Rounding::Single => kernel | mask_of(kernel_bits::ROUNDING_SINGLE),
        Rounding::Double => kernel | mask_of(kernel_bits::ROUNDING_DOUBLE),
    }
}
