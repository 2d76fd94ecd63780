//! Damage to a narrow step: each row's proof, and where the flag may stand.

use nnz_format::encode::{self, Matrix, RowQuant};
use nnz_format::write::write;
use nnz_format::{Backend, DType, FormatError, Op, WeightLayout, scratch_len};

use crate::common::{Builder, CLAMP_S8, window};
use crate::file::{File, STEPS};

/// A file of one narrow step: 1x1, two rows, weights 100, −90 and 0, 1.
fn narrow(layout: WeightLayout, bias: i32, shift: i32) -> Option<File> {
    let mut b = Builder::new(1);
    let input = b.planar(DType::S8, [2, 3, 3]);
    let output = b.planar(DType::S8, [2, 3, 3]);
    let clamp = CLAMP_S8;
    let op = Op::Conv2d {
        window: window(1, 1, 0),
        clamp,
    };
    let matrix = Matrix {
        rows: 2,
        cin: 2,
        kernel_h: 1,
        kernel_w: 1,
        stride_w: 1,
        is_fully_connected: false,
        data: &[100_i8, -90, 0, 1],
    };
    let row = RowQuant {
        bias,
        multiplier: 1 << 30,
        shift,
    };
    let blob = encode::s8(layout, &matrix, &[row; 2]).unwrap().narrowed(2);
    if !blob.narrow {
        return None;
    }
    b.push(op, input, output, Some(blob));
    let mut desc = b.desc(&[("in", input)], &[("out", output)]);
    desc.backend = Backend::ArmDsp;
    let (from, to) = (desc.tensors[0], desc.tensors[1]);
    desc.steps[0].scratch_len = scratch_len(desc.backend, &op, layout, &from, &to);
    desc.arena_len = desc.steps[0].scratch_offset + desc.steps[0].scratch_len;
    Some(File {
        bytes: write(&desc).unwrap(),
    })
}

/// A row that loses its proof.
pub(crate) fn narrow_cases() -> Vec<FormatError> {
    const HALF: i32 = 1 << 23;
    // Row 0 sums −128·100 − 127·90 to 127·100 + 128·90 beside its bias.
    let edges = [
        -HALF + 24_230,
        HALF - 1 - 24_220,
        -HALF + 24_229,
        HALF - 24_220,
    ];
    let mut seen = Vec::new();
    for layout in [WeightLayout::CsrP, WeightLayout::CsrN] {
        let proved = edges.map(|bias| narrow(layout, bias, 9).is_some());
        assert_eq!(proved, [true, true, false, false], "{layout:?}");
        // 2^23 / 2 / 2^7 is just above 16 bits.
        assert!(narrow(layout, HALF - 30_000, 7).is_none());
        let damages: [(usize, &[u8]); 6] = [
            (3, &[0x01]),                 // bias
            (7, &[0x3F]),                 // multiplier below 2^30
            (8, &[11]),                   // sum of weights
            (11, &[0]),                   // shift 0
            (24 + 1, &[101]),             // a weight
            (12, &[0xFF, 0xFF, 0x7F, 0]), // bias of the second row
        ];
        for (case, (at, bytes)) in damages.into_iter().enumerate() {
            let file = narrow(layout, 1000, 9).unwrap();
            let at = file.blob(0) + at;
            let found = file.put(at, bytes).error();
            let row = u16::from(case == 5);
            assert_eq!(
                found,
                FormatError::RowNarrow { step: 0, row },
                "{layout:?}, case {case}"
            );
            seen.push(found);
        }
    }
    let file = narrow(WeightLayout::CsrP, 1000, 9).unwrap();
    let found = file.put(36, &[1]).error();
    assert_eq!(found, FormatError::StepFlags { step: 0 }, "backend planar");
    // Wide as well, or in a dense layout.
    for (at, byte) in [(2, 3), (1, 1)] {
        let file = narrow(WeightLayout::CsrP, 1000, 9).unwrap();
        let at = file.section(STEPS) + at;
        let found = file.put(at, &[byte]).error();
        assert_eq!(found, FormatError::StepFlags { step: 0 });
    }
    seen
}
