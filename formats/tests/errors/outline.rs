//! Damage to the header, the section table, tensors, inputs and outputs.

use nnz_format::{DType, FormatError, Model, TensorLayout, crc32};

use crate::common::every_kernel;
use crate::file::{File, META, NAMES, STEPS, TENSORS, all_equal, damaged};

/// Damage to the header: (offset, bytes, error).
pub(crate) fn header_cases() -> Vec<FormatError> {
    let cases: [(usize, &[u8], FormatError); 20] = [
        (0, b"nnn", FormatError::Magic),
        (8, &[100, 0, 0, 0], FormatError::FileLen),
        (8, &[255, 255, 255, 127], FormatError::FileLen),
        (12, &[0, 0], FormatError::Version),
        (14, &[0, 0], FormatError::Version),
        (14, &[3, 0], FormatError::Version),
        (12, &[3, 0, 3, 0], FormatError::MinReader),
        (32, &[2], FormatError::Flags),
        (36, &[3], FormatError::Backend),
        (36, &[3], FormatError::Backend),
        (37, &[1], FormatError::HeaderReserved),
        (111, &[1], FormatError::HeaderReserved),
        (44, &[8], FormatError::Regions),
        (64, &[255, 255, 255], FormatError::MacCounts),
        (72, &[1], FormatError::ScratchLen),
        (76, &[0, 0], FormatError::NoTensors),
        (80, &[0, 0], FormatError::NoInputs),
        (82, &[0, 0], FormatError::NoOutputs),
        (84, &[1, 0], FormatError::States),
        (86, &[17, 0], FormatError::SectionCount),
    ];
    let check = |(at, bytes, expected): (usize, &[u8], FormatError)| {
        let found = File::new().put(at, bytes).error();
        assert_eq!(found, expected, "header byte {at}");
        found
    };
    let mut seen: Vec<FormatError> = cases.into_iter().map(check).collect();
    let file = File::new();
    seen.push(Model::parse(&file.bytes[..111]).unwrap_err());
    assert_eq!(seen.last(), Some(&FormatError::TooShort));
    let mut bytes = file.bytes;
    bytes[200] ^= 1;
    seen.push(Model::parse(&bytes).unwrap_err());
    assert_eq!(seen.last(), Some(&FormatError::Crc));
    let mask_bit = damaged(|_| 31, &[0x40]);
    assert_eq!(mask_bit, FormatError::KernelMask);
    seen.push(mask_bit);
    let missing = Model::parse_for::<0>(&File::new().bytes).unwrap_err();
    assert_eq!(missing, FormatError::KernelMissing);
    seen.push(missing);
    seen
}

/// A file that ends in the middle of its section table.
fn short_table() -> FormatError {
    let mut file = File::new();
    file.bytes.truncate(120);
    file.put_u32(8, 120).error()
}

/// A file whose last section is followed by a byte that is not 0.
fn padded(byte: u8) -> Result<(), FormatError> {
    let mut file = File::new();
    file.bytes.push(byte);
    let len = u32::try_from(file.bytes.len()).unwrap();
    let mut file = file.put_u32(8, len);
    let crc = crc32(&file.bytes[8..]);
    file.bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    Model::parse(&file.bytes).map(|_| ())
}

pub(crate) fn section_cases() -> Vec<FormatError> {
    use FormatError as E;
    let steps = |file: &File| file.entry(STEPS);
    let meta = |file: &File| file.entry(META);
    let tensors_at = File::new().section(TENSORS).to_le_bytes();
    let cases = [
        (damaged(|f| steps(f) + 2, &[3]), E::SectionFlags { kind: 2 }),
        (
            damaged(|f| steps(f) + 12, &[1]),
            E::SectionReserved { kind: 2 },
        ),
        (
            damaged(|f| steps(f) + 4, &[8]),
            E::SectionAlignment { kind: 2 },
        ),
        (
            damaged(|f| steps(f) + 4, &[64, 0]),
            E::SectionBounds { kind: 2 },
        ),
        (
            damaged(|f| steps(f) + 4, &[0, 0, 0, 16]),
            E::SectionBounds { kind: 2 },
        ),
        (
            damaged(|f| steps(f) + 4, &tensors_at[..4]),
            E::SectionOverlap { kind: 2 },
        ),
        (damaged(meta, &[1, 0, 1, 0]), E::SectionTwice { kind: 1 }),
        (
            damaged(meta, &[77, 0, 1, 0]),
            E::SectionUnknown { kind: 77 },
        ),
        (
            damaged(|f| steps(f) + 2, &[0]),
            E::SectionNotRequired { kind: 2 },
        ),
        (damaged(steps, &[9, 0, 0, 0]), E::SectionMissing { kind: 2 }),
        (damaged(|_| 78, &[3, 0]), E::SectionLen { kind: 2 }),
        (damaged(|f| f.section(NAMES), &[0xFF]), E::NamesText),
        (damaged(|f| f.section(META), &[0xFF]), E::MetaText),
        (short_table(), E::SectionTable),
        (padded(1).unwrap_err(), E::Padding),
    ];
    assert_eq!(padded(0), Ok(()));
    all_equal(cases.into())
}

pub(crate) fn tensor_cases() -> Vec<FormatError> {
    use FormatError as E;
    // Tensor 0 is the interleaved input, tensor 1 a planar s8 tensor; 40 % of the way, f32 tensors begin.
    let desc = every_kernel(7);
    let float = desc
        .tensors
        .iter()
        .position(|t| t.dtype == DType::F32)
        .unwrap();
    let float_number = u16::try_from(float).unwrap();
    assert_eq!(desc.tensors[0].layout, TensorLayout::Interleaved);
    assert_eq!(desc.tensors[1].layout, TensorLayout::Planar);
    let tensor = 1;
    let at = |offset: usize| move |f: &File| f.tensor(1) + offset;
    let not_a_number = f32::NAN.to_le_bytes();
    let cases = vec![
        (damaged(at(0), &[9]), E::TensorDType { tensor }),
        (damaged(at(0), &[2]), E::TensorDType { tensor }),
        (damaged(at(1), &[2]), E::TensorLayout { tensor }),
        (damaged(at(2), &[1]), E::TensorRegion { tensor }),
        (damaged(at(3), &[1]), E::TensorReserved { tensor }),
        (damaged(at(11), &[1]), E::TensorReserved { tensor }),
        (damaged(at(4), &[0, 0]), E::TensorShape { tensor }),
        (damaged(at(12), &[62]), E::TensorPlaneStride { tensor }),
        (
            damaged(|f| f.tensor(0) + 12, &[8]),
            E::TensorPlaneStride { tensor: 0 },
        ),
        (damaged(at(20), &[1]), E::TensorLen { tensor }),
        (damaged(at(12), &[0, 0, 0, 0xFF]), E::TensorLen { tensor }),
        (damaged(at(16), &[4]), E::TensorAlignment { tensor }),
        (damaged(at(16), &[0, 0, 0, 1]), E::TensorBounds { tensor }),
        (
            damaged(at(16), &[0xF8, 0xFF, 0xFF, 0xFF]),
            E::TensorBounds { tensor },
        ),
        (damaged(at(24), &not_a_number), E::TensorScale { tensor }),
        (damaged(at(24), &[0; 4]), E::TensorScale { tensor }),
        (
            damaged(at(28), &[128, 0, 0, 0]),
            E::TensorZeroPoint { tensor },
        ),
        (
            damaged(|f| f.tensor(float) + 24, &2.0_f32.to_le_bytes()),
            E::TensorScale {
                tensor: float_number,
            },
        ),
        (
            damaged(|f| f.tensor(float) + 28, &[1]),
            E::TensorZeroPoint {
                tensor: float_number,
            },
        ),
    ];
    all_equal(cases)
}

pub(crate) fn io_cases() -> Vec<FormatError> {
    use FormatError as E;
    let io = 1;
    let at = |offset: usize| move |f: &File| f.io(1) + offset;
    let nan = f32::NAN.to_le_bytes();
    all_equal(vec![
        (damaged(at(0), &[0xFF, 0xFF]), E::IoTensor { io }),
        (damaged(at(2), &[0]), E::IoRank { io }),
        (damaged(at(2), &[5]), E::IoRank { io }),
        (damaged(at(3), &[2]), E::IoOrder { io }),
        (damaged(at(4), &[2]), E::IoDims { io }),
        (damaged(at(2), &[3]), E::IoDims { io }),
        (damaged(at(4), &[0]), E::IoDims { io }),
        (damaged(at(20), &[0, 16]), E::IoName { io }),
        (damaged(at(24), &[0, 16]), E::IoName { io }),
        (damaged(at(26), &[0]), E::IoDType { io }),
        (damaged(at(27), &[1]), E::IoReserved { io }),
        (damaged(at(47), &[1]), E::IoReserved { io }),
        (damaged(at(28), &nan), E::IoPreprocess { io }),
        (damaged(at(32), &[0; 4]), E::IoPreprocess { io }),
    ])
}
