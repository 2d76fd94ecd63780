//! Damage to step records, and steps whose tensors lie in forbidden places.

use nnz_format::write::{ModelDesc, WriteError, write};
use nnz_format::{DType, FormatError, Op, WeightLayout};

use crate::common::{Builder, CLAMP_S8};
use crate::file::File;

/// Damages the record of the first step with an operator code, layout and type.
fn step_damaged(
    kernel: (u8, WeightLayout, DType),
    offset: usize,
    bytes: &[u8],
) -> (FormatError, u16) {
    let file = File::new();
    let step = file.find(kernel.0, kernel.1, kernel.2);
    let at = file.step(step) + offset;
    (file.put(at, bytes).error(), u16::try_from(step).unwrap())
}

pub(crate) fn step_cases() -> Vec<FormatError> {
    use DType::{F32, S8};
    use FormatError as E;
    use WeightLayout as L;
    type Case = (
        (u8, WeightLayout, DType),
        usize,
        &'static [u8],
        fn(u16) -> FormatError,
    );
    const NAN: &[u8] = &[0, 0, 0xC0, 0x7F];
    let conv = (1, L::Dense, S8);
    let cases: &[Case] = &[
        (conv, 0, &[99], |step| E::StepOp { step }),
        (conv, 1, &[9], |step| E::StepLayout { step }),
        (conv, 2, &[2], |step| E::StepFlags { step }),
        ((4, L::None, S8), 2, &[1], |step| E::StepFlags { step }),
        ((1, L::Dense, F32), 2, &[1], |step| E::StepFlags { step }),
        (conv, 3, &[1], |step| E::StepReserved { step }),
        (conv, 10, &[1], |step| E::StepReserved { step }),
        (conv, 4, &[0xFE, 0xFF], |step| E::StepTensor { step }),
        (conv, 6, &[0xFE, 0xFF], |step| E::StepTensor { step }),
        (conv, 8, &[0xFF, 0xFF], |step| E::StepTensor { step }),
        (conv, 6, &[0, 0], |step| E::StepInputs { step }),
        ((4, L::None, S8), 6, &[0xFF, 0xFF], |step| E::StepInputs {
            step,
        }),
        ((13, L::None, S8), 4, &[0, 0], |step| E::StepDType { step }),
        ((14, L::None, F32), 8, &[0, 0], |step| E::StepDType { step }),
        (conv, 28 + 8, &[1], |step| E::StepParams { step }),
        (conv, 28 + 35, &[1], |step| E::StepParams { step }),
        ((13, L::None, S8), 28, &[1], |step| E::StepParams { step }),
        ((6, L::None, S8), 28 + 18, &[2], |step| E::StepParams {
            step,
        }),
        ((7, L::None, S8), 28 + 5, &[2], |step| E::StepParams {
            step,
        }),
        ((10, L::None, S8), 28 + 5, &[2], |step| E::StepParams {
            step,
        }),
        (conv, 28, &[0], |step| E::StepWindow { step }),
        (conv, 28 + 3, &[0], |step| E::StepWindow { step }),
        (conv, 28 + 7, &[3], |step| E::StepWindow { step }),
        ((2, L::Dense, S8), 28 + 12, &[0], |step| E::StepMultiplier {
            step,
        }),
        ((4, L::None, S8), 28 + 3, &[0x80], |step| {
            E::StepMultiplier { step }
        }),
        ((4, L::None, S8), 28 + 14, &[32], |step| E::StepShift {
            step,
        }),
        ((4, L::None, S8), 28 + 12, &[0xFF], |step| E::StepShift {
            step,
        }),
        ((7, L::None, S8), 28 + 4, &[225], |step| E::StepShift {
            step,
        }),
        ((8, L::None, S8), 28 + 4, &[32], |step| E::StepShift {
            step,
        }),
        ((10, L::None, S8), 28 + 4, &[0xE1], |step| E::StepShift {
            step,
        }),
        (conv, 28 + 16, &[5, 4], |step| E::StepClamp { step }),
        ((11, L::None, F32), 28 + 16, NAN, |step| E::StepClamp {
            step,
        }),
        ((8, L::None, F32), 28, NAN, |step| E::StepValue { step }),
        ((8, L::None, F32), 28, &[0; 4], |step| E::StepValue { step }),
        ((9, L::None, F32), 28 + 4, NAN, |step| E::StepValue { step }),
        ((12, L::None, S8), 28, &[3], |step| E::StepOrder { step }),
        ((15, L::Table, S8), 28 + 9, &[32], |step| E::StepShift {
            step,
        }),
        ((15, L::Table, S8), 28 + 7, &[0x80], |step| {
            E::StepMultiplier { step }
        }),
        ((15, L::Table, F32), 28, &[1], |step| E::StepParams { step }),
        ((16, L::Table, S8), 2, &[1], |step| E::StepFlags { step }),
        ((16, L::None, F32), 28, &[0], |step| E::StepFunction {
            step,
        }),
        ((16, L::None, F32), 28, &[99], |step| E::StepFunction {
            step,
        }),
        ((16, L::None, F32), 28 + 4, &[1], |step| E::StepParams {
            step,
        }),
        ((16, L::None, F32), 28 + 4, NAN, |step| E::StepValue {
            step,
        }),
        ((16, L::None, F32), 1, &[8], |step| E::StepCombination {
            step,
        }),
        ((15, L::Table, S8), 1, &[0], |step| E::StepCombination {
            step,
        }),
        ((15, L::Table, S8), 16, &[16], |step| E::WeightsLen { step }),
        ((17, L::None, S8), 28, &[7], |step| E::StepFunction { step }),
        ((17, L::None, S8), 29, &[2], |step| E::StepFunction { step }),
        ((17, L::None, F32), 28 + 4, &[1], |step| E::StepParams {
            step,
        }),
        ((17, L::None, S8), 28 + 24, &[32], |step| E::StepShift {
            step,
        }),
        ((17, L::None, S8), 6, &[0xFF, 0xFF], |step| E::StepInputs {
            step,
        }),
        ((17, L::None, S8), 6, &[0, 0], |step| E::StepShape { step }),
        ((18, L::None, S8), 28 + 6, &[0], |step| E::StepBlock {
            step,
        }),
        ((18, L::None, S8), 28 + 18, &[0, 0], |step| E::StepBlock {
            step,
        }),
        ((18, L::None, S8), 28 + 20, &[2], |step| E::StepBlock {
            step,
        }),
        ((18, L::None, F32), 28, &[200], |step| E::StepBlock { step }),
        (conv, 28 + 4, &[0], |step| E::StepShape { step }),
        ((2, L::Dense, S8), 28 + 12, &[1], |step| E::StepShape {
            step,
        }),
        ((9, L::None, S8), 28, &[3], |step| E::StepShape { step }),
        (conv, 1, &[4], |step| E::StepCombination { step }),
        (conv, 1, &[7], |step| E::StepCombination { step }),
        ((4, L::None, S8), 1, &[1], |step| E::StepCombination {
            step,
        }),
        (conv, 24, &[1, 0, 0, 0], |step| E::StepScratch { step }),
        (conv, 20, &[4], |step| E::StepScratchAlignment { step }),
        ((4, L::None, S8), 20, &[8], |step| E::StepScratchAlignment {
            step,
        }),
        (conv, 20, &[0, 0, 0, 0x10], |step| E::StepScratchBounds {
            step,
        }),
        (conv, 20, &[0, 0, 0, 0], |step| E::StepScratchOverlap {
            step,
        }),
        ((4, L::None, S8), 16, &[4], |step| E::StepNoWeights { step }),
        (conv, 16, &[1], |step| E::WeightsAlignment { step }),
        (conv, 12, &[2], |step| E::WeightsAlignment { step }),
        (conv, 12, &[0, 0, 0, 1], |step| E::WeightsBounds { step }),
        (conv, 16, &[8, 0, 0, 0], |step| E::WeightsRows { step }),
        (conv, 16, &[80, 0, 0, 0], |step| E::WeightsLen { step }),
    ];
    let mut seen = Vec::new();
    for (index, (kernel, offset, bytes, expected)) in cases.iter().enumerate() {
        let (found, step) = step_damaged(*kernel, *offset, bytes);
        assert_eq!(found, expected(step), "case {index}");
        seen.push(found);
    }
    seen
}

/// The refusal of a model that the writer is asked for.
fn refused(desc: &ModelDesc) -> FormatError {
    match write(desc) {
        Err(WriteError::Refused(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// Places that no single byte provokes: overlap and contiguity.
pub(crate) fn place_cases() -> Vec<FormatError> {
    let mut b = Builder::new(1);
    let input = b.planar(DType::S8, [4, 3, 3]);
    let output = b.planar(DType::S8, [5, 1, 1]);
    b.weighted(
        Op::FullyConnected { clamp: CLAMP_S8 },
        WeightLayout::Dense,
        input,
        output,
    );
    let apart = refused(&b.desc(&[("in", input)], &[("out", output)]));
    assert_eq!(apart, FormatError::StepContiguous { step: 0 });

    let mut b = Builder::new(1);
    let input = b.planar(DType::S8, [4, 3, 3]);
    let output = b.planar(DType::S8, [4, 3, 3]);
    b.push(Op::Clamp { clamp: CLAMP_S8 }, input, output, None);
    b.tensors[usize::from(output)].offset = 8;
    let overlap = refused(&b.desc(&[("in", input)], &[("out", output)]));
    assert_eq!(overlap, FormatError::StepOverlap { step: 0 });

    let mut b = Builder::new(1);
    let input = b.planar(DType::S8, [512, 1, 1]);
    let output = b.planar(DType::S8, [64, 1, 1]);
    let op = Op::FullyConnected { clamp: CLAMP_S8 };
    b.weighted(op, WeightLayout::Dense, input, output);
    b.weighted(op, WeightLayout::CsrP, input, output);
    for _ in 0..40 {
        b.push(Op::Clamp { clamp: CLAMP_S8 }, output, output, None);
    }
    let desc = b.desc(&[("in", input)], &[("out", output)]);
    let mut file = File {
        bytes: write(&desc).unwrap(),
    };
    let first = file.step(0);
    let record = file.bytes[first..first + 64].to_vec();
    for step in 2..42 {
        let at = file.step(step);
        file = file.put(at, &record);
    }
    let shared = file.error();
    assert_eq!(shared, FormatError::WeightsShared);
    vec![apart, overlap, shared]
}
