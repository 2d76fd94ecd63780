//! Every check of the parser is provoked by a file that is right but for one thing.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a suite that fails may panic"
)]

#[path = "../common/mod.rs"]
mod common;
mod file;
mod narrow;
mod outline;
mod steps;
mod weights;

use std::collections::BTreeSet;

use common::every_kernel_file;
use file::{File, META};
use narrow::narrow_cases;
use nnz_format::{DType, FormatError, Model, WeightLayout, crc32};
use outline::{header_cases, io_cases, section_cases, tensor_cases};
use steps::{place_cases, step_cases};
use weights::{padding_cases, row_cases, stream_cases};

#[test]
fn every_check_has_a_file_that_provokes_it() {
    let mut seen = BTreeSet::new();
    for cases in [
        header_cases,
        section_cases,
        tensor_cases,
        io_cases,
        step_cases,
        place_cases,
        row_cases,
        narrow_cases,
        stream_cases,
        padding_cases,
    ] {
        seen.extend(cases().iter().map(FormatError::name));
    }
    let unseen: Vec<_> = FormatError::NAMES
        .iter()
        .filter(|name| !seen.contains(**name))
        .collect();
    assert!(unseen.is_empty(), "no file provokes {unseen:?}");
}

#[test]
fn a_step_whose_kernel_is_missing_is_refused_whatever_the_header_says() {
    for seed in 0..20 {
        let mut bytes = every_kernel_file(seed);
        assert!(
            Model::parse_for::<{ u128::MAX }>(&bytes).is_ok(),
            "seed {seed}"
        );
        bytes[16..32].fill(0);
        let crc = crc32(&bytes[8..]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        assert!(Model::parse_for::<0>(&bytes).is_err(), "seed {seed}");
    }
}

#[test]
fn an_optional_section_of_a_later_version_is_skipped() {
    let file = File::new();
    let meta = file.entry(META);
    let mut file = file.put_u16(meta, 4000).put_u16(12, 9);
    let crc = crc32(&file.bytes[8..]);
    file.bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    let model = Model::parse(&file.bytes).unwrap();
    assert_eq!((model.version(), model.min_reader()), (9, 2));
    assert_eq!(model.meta(), None);
}

#[test]
fn bytes_after_the_file_are_ignored() {
    let mut bytes = every_kernel_file(7);
    let len = bytes.len();
    bytes.extend_from_slice(&[0xAB; 100]);
    assert_eq!(Model::parse(&bytes).unwrap().file_len(), len);
}

#[test]
fn a_band_that_cannot_be_addressed_is_refused() {
    let file = File::new();
    let step = file.find(1, WeightLayout::Dense, DType::S8);
    let at = file.step(step);
    // The largest window on the step's input: shapes disagree long before a product could wrap.
    let found = file
        .put(at + 28, &[255, 255, 255, 255, 254, 254, 254, 254])
        .error();
    assert_eq!(
        found,
        FormatError::StepShape {
            step: u16::try_from(step).unwrap()
        }
    );
}

#[test]
fn a_float_parameter_at_its_limits_is_read() {
    let file = File::new();
    let step = file.find(8, WeightLayout::None, DType::F32);
    let at = file.step(step) + 28;
    assert_eq!(
        file.put_f32(at, f32::INFINITY).error(),
        FormatError::StepValue {
            step: u16::try_from(step).unwrap()
        }
    );
}
