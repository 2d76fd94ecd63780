//! A file embedded with `model!` runs as it does in a session.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that fails may panic"
)]

mod common;

use common::small::{network, pattern};

nnz::model! {
    /// The network of `common/small.rs`.
    mod small = "small.nnz";
}

#[test]
fn the_embedded_file_is_what_the_writer_makes() {
    let expected = network();
    // A writer that changes its output on purpose: `NNZ_BLESS=1 cargo test -p nnz --test typed`.
    if std::env::var_os("NNZ_BLESS").is_some() {
        std::fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/small.nnz"),
            &expected,
        )
        .unwrap();
    }
    assert_eq!(include_bytes!("small.nnz"), expected.as_slice());
}

#[test]
fn an_embedded_network_knows_its_sizes_and_runs() {
    assert_eq!((small::INPUT_LEN, small::OUTPUT_LEN), (216, 5));
    let input: [i8; small::INPUT_LEN] = pattern(216).try_into().unwrap();
    let mut network = small::Network::new();
    let first = *network.run(&input);
    assert_eq!(*network.run(&input), first);
    let mut arena = nnz::AlignedArena([0x6E; small::ARENA_LEN]);
    let mut session: nnz::Session<'_, '_> = nnz::Session::new(small::MODEL, &mut arena.0).unwrap();
    session.write_input_s8(0, &input).unwrap();
    session.run();
    assert_eq!(session.output_s8(0).unwrap(), first);
}

#[test]
fn an_image_proves_only_what_its_own_kernels_run() {
    const FILE: &[u8] = include_bytes!("small.nnz");
    const OWN: u128 = nnz::ops(FILE);
    const LESS: u128 = OWN & (OWN - 1);
    let whole = nnz::Model::parse(FILE).unwrap();
    let own = nnz::Model::parse_for::<OWN>(FILE).unwrap();
    assert!(whole.steps().eq(own.steps()));
    let steps = (0..own.steps_len()).map(|index| own.step_for::<OWN>(index));
    assert!(steps.eq(whole.steps().map(Some)));
    let refused = nnz::Model::parse_for::<LESS>(FILE).unwrap_err();
    assert_eq!(refused, nnz::format::FormatError::KernelMissing);
}
