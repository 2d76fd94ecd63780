//! Damage to weight blobs: rows, indices, values, padding.

use nnz_format::encode::Matrix;
use nnz_format::write::write;
use nnz_format::{DType, FormatError, Model, Op, PreluParams, WeightLayout, Weights, encode};

use crate::common::{Builder, CLAMP_S8, Rng};
use crate::file::File;

/// Damages the blob of the first step with an operator code, layout and type.
fn blob_damaged(
    kernel: (u8, WeightLayout, DType),
    at: impl Fn(&File, usize) -> usize,
    bytes: &[u8],
) -> (FormatError, u16) {
    let file = File::new();
    let step = file.find(kernel.0, kernel.1, kernel.2);
    let at = file.blob(step) + at(&file, step);
    (file.put(at, bytes).error(), u16::try_from(step).unwrap())
}

pub(crate) fn row_cases() -> Vec<FormatError> {
    use DType::{F32, S8};
    use FormatError as E;
    use WeightLayout as L;
    type Case = (
        (u8, WeightLayout, DType),
        usize,
        &'static [u8],
        fn(u16) -> FormatError,
    );
    const INFINITE: &[u8] = &[0, 0, 0x80, 0x7F];
    let wide = (3, L::CsrP, S8);
    let cases: &[Case] = &[
        (wide, 16 + 13, &[1], |step| E::RowReserved { step, row: 1 }),
        (wide, 16 + 12, &[32], |step| E::RowShift { step, row: 1 }),
        (wide, 16 + 12, &[0xE1], |step| E::RowShift { step, row: 1 }),
        (wide, 7, &[0x80], |step| E::RowMultiplier { step, row: 0 }),
        (wide, 10, &[1], |step| E::WeightsLen { step }),
        (wide, 11, &[2], |step| E::RowNnz { step, row: 0 }),
        ((1, L::Dense, S8), 12 + 10, &[1], |step| E::RowNnz {
            step,
            row: 1,
        }),
        ((1, L::Dense, F32), 8 + 4, &[1], |step| E::RowNnz {
            step,
            row: 1,
        }),
        ((1, L::CsrN, S8), 10, &[1], |step| E::RowNnz {
            step,
            row: 0,
        }),
        ((1, L::Blk4x1, S8), 12 + 10, &[0], |step| E::RowNnz {
            step,
            row: 1,
        }),
        ((3, L::CsrQ, S8), 10, &[0], |step| E::RowNnz {
            step,
            row: 0,
        }),
        ((1, L::Dense, F32), 8, INFINITE, |step| E::RowBias {
            step,
            row: 1,
        }),
        ((1, L::CsrF, F32), 8, INFINITE, |step| E::RowBias {
            step,
            row: 1,
        }),
        ((1, L::Dense, F32), 4 * 8 + 4, INFINITE, |step| {
            E::RowValue { step, row: 0 }
        }),
        ((19, L::Table, S8), 0, &[2, 0], |step| E::RowIndex {
            step,
            row: 0,
        }),
        ((20, L::Table, F32), 2, &[0, 1], |step| E::RowIndex {
            step,
            row: 0,
        }),
        ((20, L::Table, F32), 4, INFINITE, |step| E::RowValue {
            step,
            row: 0,
        }),
        ((15, L::Table, F32), 4, INFINITE, |step| E::RowValue {
            step,
            row: 0,
        }),
    ];
    let mut seen = Vec::new();
    for (index, (kernel, offset, bytes, expected)) in cases.iter().enumerate() {
        let (found, step) = blob_damaged(*kernel, |_, _| *offset, bytes);
        assert_eq!(found, expected(step), "case {index}");
        seen.push(found);
    }
    seen
}

pub(crate) fn stream_cases() -> Vec<FormatError> {
    use DType::{F32, S8};
    use FormatError as E;
    use WeightLayout as L;
    let rows = |file: &File, step: usize| {
        let model = Model::parse(&file.bytes).unwrap();
        let step = model.step(step).unwrap();
        let wide = file.bytes[file.step(step.index) + 2] == 1;
        let size = match (step.dtype, wide) {
            (F32, _) => 8,
            (_, true) => 16,
            (_, false) => 12,
        };
        usize::from(step.output.c) * size
    };
    let deltas = |file: &File, step: usize| {
        let model = Model::parse(&file.bytes).unwrap();
        let Weights::CsrF(view) = model.step(step).unwrap().weights else {
            panic!("not csr_f");
        };
        view.deltas().len().next_multiple_of(4)
    };
    let index = |(found, step): (FormatError, u16)| {
        assert_eq!(found, E::RowIndex { step, row: 0 });
        found
    };
    let mut seen: Vec<FormatError> = [L::CsrP, L::CsrN, L::Blk1x4, L::Blk4x1]
        .into_iter()
        .map(|layout| index(blob_damaged((1, layout, S8), rows, &[0xFF])))
        .collect();
    seen.push(index(blob_damaged((1, L::CsrF, F32), rows, &[0xFF])));
    let first = |f: &File, step: usize| {
        let model = Model::parse(&f.bytes).unwrap();
        let Weights::CsrQ(view) = model.step(step).unwrap().weights else {
            panic!("not csr_q");
        };
        let in_first = usize::from(view.counts()[0]) * 8;
        rows(f, step) + view.counts().len().next_multiple_of(4) + in_first
    };
    // 300 columns: the second segment has 44.
    seen.push(index(blob_damaged((3, L::CsrQ, S8), first, &[44])));
    let (value, step) = blob_damaged(
        (1, L::CsrF, F32),
        |f, step| rows(f, step) + deltas(f, step),
        &f32::NAN.to_le_bytes(),
    );
    assert_eq!(value, E::RowValue { step, row: 0 });
    seen.push(value);
    seen
}

/// Padding behind a dense stream, and weights past the last channel or row.
pub(crate) fn padding_cases() -> Vec<FormatError> {
    let mut seen = Vec::new();
    for (layout, shape, past) in [
        (WeightLayout::Dense, [3, 1, 1], None),
        (WeightLayout::CsrP, [3, 1, 1], None),
        (WeightLayout::Blk1x4, [3, 1, 1], Some(1)),
        (WeightLayout::Blk4x1, [3, 1, 1], Some(1)),
    ] {
        let mut b = Builder::new(1);
        let input = b.planar(DType::S8, shape);
        let output = b.planar(DType::S8, [1, 1, 1]);
        b.rng = Rng::new(4);
        let op = Op::FullyConnected { clamp: CLAMP_S8 };
        let matrix = Matrix {
            rows: 1,
            cin: 3,
            kernel_h: 1,
            kernel_w: 1,
            stride_w: 1,
            is_fully_connected: true,
            data: &[3_i8, 5, 7],
        };
        let quants = b.rng.rows(1, false);
        let blob = encode::s8(layout, &matrix, &quants).unwrap();
        b.push(op, input, output, Some(blob));
        let file = File {
            bytes: write(&b.desc(&[("in", input)], &[("out", output)])).unwrap(),
        };
        let last = file.blob(0) + file.u32(file.step(0) + 16) - 1;
        let found = file.put(last, &[1]).error();
        let expected = match past {
            None => FormatError::WeightsPadding { step: 0 },
            Some(_) => FormatError::RowPast { step: 0, row: 0 },
        };
        assert_eq!(found, expected, "{layout:?}");
        seen.push(found);
    }
    // The slope of one channel is followed by two bytes of padding.
    let mut b = Builder::new(1);
    let pixel = b.planar(DType::S8, [1, 1, 1]);
    let params = PreluParams::default();
    let slopes = encode::table_i16(&[7]);
    b.push(Op::Prelu { params }, pixel, pixel, Some(slopes));
    let file = File {
        bytes: write(&b.desc(&[("in", pixel)], &[("out", pixel)])).unwrap(),
    };
    let last = file.blob(0) + 3;
    let found = file.put(last, &[1]).error();
    assert_eq!(found, FormatError::WeightsPadding { step: 0 });
    seen.push(found);
    seen
}
