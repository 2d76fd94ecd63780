//! Damaged files: every truncation and many random changes of a real file give an error, or a model that stays
//! within its bounds and runs to its end without a panic.
//!
//! The full count of changes runs in release: `cargo test --release -p nnz-tests --test hostile`.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a suite that fails may panic, and numbers are small"
)]

#[path = "../../formats/tests/common/mod.rs"]
mod common;

use common::{Builder, CLAMP_F32, CLAMP_S8, Rng, every_kernel_file};
use nnz_format::write::write;
use nnz_format::{DType, Model, Op, TensorLayout, WeightLayout, Window};
use nnz_hostile::model::{self, Use, seal};
use nnz_pruner::emit::{self, Provenance};
use nnz_pruner::pass::{self, PassSet};
use nnz_pruner::{import, lower, plan};

/// Random changes of each generated file.
const CHANGES: usize = if cfg!(debug_assertions) {
    4_000
} else {
    100_000
};
/// Truncations tried: one in so many lengths.
const STRIDE: usize = if cfg!(debug_assertions) { 13 } else { 1 };
/// One in so many models that run also runs on the vectors of this CPU, whose weights take long to pack.
const HOST_STRIDE: usize = 50;
/// Models of more work are not run: it would only take long.
const MAX_WORK: u64 = 1 << 24;
/// Parses; a model must stay in its bounds, and run in an arena between guards. Whether it was a model.
fn survive(file: &[u8], seed: usize) -> bool {
    survive_if(file, seed, true)
}

/// As [`survive`], but runs the model only where `runs`.
fn survive_if(file: &[u8], seed: usize, runs: bool) -> bool {
    let usage = match (runs, seed.is_multiple_of(HOST_STRIDE)) {
        (false, _) => Use::Parse,
        (true, false) => Use::Run,
        (true, true) => Use::Hosts,
    };
    model::survive(file, seed, usage, MAX_WORK)
}

#[test]
fn every_truncation_is_refused() {
    let file = every_kernel_file(11);
    for len in (0..file.len()).step_by(STRIDE) {
        assert!(
            !survive(&file[..len], len),
            "{len} bytes were taken for a file"
        );
        // As before, but with a header that agrees with the length.
        let mut short = file[..len].to_vec();
        if len >= 112 {
            short[8..12].copy_from_slice(&(len as u32).to_le_bytes());
            seal(&mut short);
            survive(&short, len);
        }
    }
}

/// A few bytes of the file changed, the checksum made right; every second change hits the first `structure`
/// bytes, which weights outnumber.
fn changed(file: &[u8], structure: usize, rng: &mut Rng) -> Vec<u8> {
    let mut changed = file.to_vec();
    for _ in 0..=rng.below(3) {
        let range = [structure, file.len()][rng.below(2)];
        let at = 8 + rng.below(range - 8);
        changed[at] = match rng.below(3) {
            0 => rng.below(256) as u8,
            1 => changed[at] ^ 1 << rng.below(8),
            _ => [0, 1, 127, 128, 254, 255][rng.below(6)],
        };
    }
    seal(&mut changed);
    changed
}

/// Changes `file` many times and runs one of `every` that are still models.
fn change_often(file: &[u8], every: usize) {
    let model = Model::parse(file).unwrap();
    let structure = 112 + 6 * 16 + model.tensors_len() * 32 + model.steps_len() * 64;
    let mut models = 0;
    for seed in 0..CHANGES {
        let mut rng = Rng::new(seed as u64);
        let changed = changed(file, structure, &mut rng);
        models += usize::from(survive_if(&changed, seed, seed % every == 0));
    }
    // The suite would be idle if changes were never, or always, noticed.
    assert!(
        models > CHANGES / 50 && models < CHANGES,
        "{models} of {CHANGES}"
    );
}

#[test]
fn random_changes_give_errors_or_models_within_bounds() {
    change_often(&every_kernel_file(12), 1);
}

/// The keyword spotting network of `MLPerf` Tiny as a file, where it is at hand.
fn keyword_spotting() -> Option<Vec<u8>> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/models/kws_int8.tflite"
    );
    let source = std::fs::read(path).ok()?;
    let graph = import::from_bytes("kws_int8.tflite", &source).unwrap();
    let graph = pass::run(graph, PassSet::All).unwrap();
    let program = lower::lower(&graph, &lower::Options::default()).unwrap();
    let plan = plan::plan(&program).unwrap();
    Some(emit::emit(&program, &plan, &Provenance::default()).unwrap())
}

#[test]
fn a_real_network_survives_random_changes() {
    match keyword_spotting() {
        Some(file) => change_often(&file, 100),
        None => eprintln!("skipped: ../shared/models/kws_int8.tflite is not there"),
    }
}

/// A random kernel, stride and two paddings along one axis, and the extents of input and output.
fn axis(rng: &mut Rng, most: usize) -> ([u8; 4], u16, u16) {
    let kernel = 1 + rng.below(most);
    let stride = 1 + rng.below(5);
    let (before, after) = (rng.below(kernel), rng.below(kernel));
    let extent = (1 + rng.below(20)).max(kernel.saturating_sub(before + after));
    let output = (extent + before + after - kernel) / stride + 1;
    let window = [kernel, stride, before, after].map(|value| value as u8);
    (window, extent as u16, output as u16)
}

fn window(rng: &mut Rng) -> (Window, [u16; 2], [u16; 2]) {
    let ([kernel_h, stride_h, pad_top, pad_bottom], h, out_h) = axis(rng, 4);
    let ([kernel_w, stride_w, pad_left, pad_right], w, out_w) = axis(rng, 60);
    let window = Window {
        kernel_h,
        kernel_w,
        stride_h,
        stride_w,
        pad_top,
        pad_left,
        pad_bottom,
        pad_right,
    };
    (window, [h, w], [out_h, out_w])
}

#[test]
fn random_geometries_stay_within_their_arena() {
    use WeightLayout as L;
    for seed in 0..CHANGES / 20 {
        let mut rng = Rng::new(seed as u64);
        let (dtype, clamp) = [(DType::S8, CLAMP_S8), (DType::F32, CLAMP_F32)][rng.below(2)];
        let (window, [h, w], [out_h, out_w]) = window(&mut rng);
        let (cin, rows) = (1 + rng.below(9) as u16, 1 + rng.below(9) as u16);
        let (op, layout, rows) = match rng.below(3) {
            0 => {
                let multiplier = 1 + rng.below(2) as u16;
                let op = Op::DepthwiseConv2d {
                    window,
                    multiplier,
                    clamp,
                };
                (op, L::Dense, cin * multiplier)
            }
            _ if dtype == DType::F32 => {
                let layout = [L::Dense, L::CsrF][rng.below(2)];
                (Op::Conv2d { window, clamp }, layout, rows)
            }
            _ => {
                let layout = [L::Dense, L::CsrP, L::CsrN, L::Blk1x4, L::Blk4x1][rng.below(5)];
                (Op::Conv2d { window, clamp }, layout, rows)
            }
        };
        let layouts = [TensorLayout::Planar, TensorLayout::Interleaved];
        let mut b = Builder::new(seed as u64);
        let input = b.tensor(dtype, layouts[rng.below(2)], [cin, h, w]);
        let output = b.tensor(dtype, layouts[rng.below(2)], [rows, out_h, out_w]);
        b.weighted(op, layout, input, output);
        let file = write(&b.desc(&[("in", input)], &[("out", output)])).unwrap();
        assert!(survive(&file, seed), "seed {seed}");
    }
}
