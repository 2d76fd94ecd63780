//! The committed file of version 1 stays readable, at run time and at compile time.

#![allow(clippy::unwrap_used, reason = "a suite that fails may panic")]

mod common;

use nnz_format::{Model, Weights, arena_len, decode, include_model, kernel_mask};

const PATH: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/golden/v1/every_kernel.nnz"
);
static BYTES: &[u8] = include_bytes!("../../tests/golden/v1/every_kernel.nnz");

const MODEL: &Model<'static> = include_model!("../../tests/golden/v1/every_kernel.nnz");

/// Lengths and masks are const generic arguments.
struct Session<const OPS: u128, const ARENA: usize>;

impl<const OPS: u128, const ARENA: usize> Session<OPS, ARENA> {
    const fn ops(&self) -> u128 {
        OPS
    }

    const fn arena(&self) -> usize {
        ARENA
    }
}

#[test]
#[ignore = "writes the golden file of a new version; those of old versions are never written again"]
fn the_golden_file_is_written() {
    std::fs::write(PATH, common::every_kernel_file(1)).unwrap();
}

#[test]
fn the_golden_file_is_readable() {
    let model = Model::parse(BYTES).unwrap();
    assert_eq!((model.version(), model.min_reader()), (1, 1));
    assert_eq!(model.file_len(), BYTES.len());
    assert_eq!(model.steps_len(), 40);
    assert_eq!(model.input(0).unwrap().name, "image");
    let stored: usize = model
        .steps()
        .filter_map(|step| decode::weights(&step).unwrap())
        .map(|weights| weights.nonzeros())
        .sum();
    assert_eq!(stored, 5245);
}

#[test]
fn an_included_model_is_the_file_and_aligned() {
    assert_eq!(MODEL.bytes(), BYTES);
    assert_eq!(MODEL.bytes().as_ptr().addr() % 16, 0);
    assert!(matches!(
        MODEL.step(0).unwrap().weights,
        Weights::DenseS8(_)
    ));
    let local = include_model!("../../tests/golden/v1/every_kernel.nnz");
    assert_eq!(local.kernel_mask(), MODEL.kernel_mask());
}

#[test]
fn mask_and_arena_are_constants() {
    let session = Session::<{ kernel_mask(BYTES) }, { arena_len(BYTES) }>;
    assert_eq!(session.ops(), MODEL.kernel_mask());
    assert_eq!(session.arena(), MODEL.arena_len());
    let session = Session::<{ MODEL.kernel_mask() }, { MODEL.arena_len() }>;
    assert_eq!(session.ops(), kernel_mask(BYTES));
    assert_eq!((kernel_mask(b"nnz"), arena_len(&[0; 200])), (0, 0));
}
