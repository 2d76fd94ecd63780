//! A file lowered again for any target computes the same bytes, from every layout.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use nnz::{Model, Session};
use nnz_format::WeightLayout;
use nnz_pruner::lower::{Options, Prefer, WeightChoice};
use nnz_pruner::pipeline;
use nnz_pruner::retarget::retarget;
use nnz_pruner::sparsify::Pattern;
use nnz_pruner::target::Target;
use std::collections::BTreeSet;
use std::path::Path;

fn aligned(bytes: &[u8]) -> Vec<u128> {
    let mut words = vec![0_u128; bytes.len().div_ceil(16)];
    bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
    words
}

/// Outputs for three inputs.
fn outputs(bytes: &[u8]) -> Vec<u8> {
    let words = aligned(bytes);
    let model = Model::parse(bytemuck::cast_slice(&words)).unwrap();
    let mut arena = vec![0_u128; model.arena_len().div_ceil(16)];
    let mut session =
        Session::<{ u128::MAX }>::new(&model, bytemuck::cast_slice_mut(&mut arena)).unwrap();
    let mut all = Vec::new();
    let mut state = 20_261_122_u32;
    for _ in 0..3 {
        for byte in session.input_bytes(0).unwrap() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = state.to_be_bytes()[0];
        }
        session.run();
        all.extend_from_slice(session.output_bytes(0).unwrap());
    }
    all
}

/// The shipped keyword network, pruned by a pattern.
fn keywords(pattern: &str, prefer: Prefer, weights: WeightChoice) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/keywords");
    let options = pipeline::Options {
        calib: Some(folder.join("calib.npz")),
        calib_limit: Some(16),
        method: Some(nnz_pruner::sparsify::Method::Magnitude),
        pattern: Pattern::parse(pattern).unwrap(),
        sparsity: Some(0.8),
        prefer,
        weights,
        ..pipeline::Options::default()
    };
    let path = folder.join("keywords_dense.onnx");
    pipeline::prune(&path, &options, &|_, _, _| ())
        .unwrap()
        .bytes
}

#[test]
fn outputs_stay_the_same_on_every_target_from_every_layout() {
    let mut seen: BTreeSet<&'static str> = BTreeSet::new();
    for (pattern, prefer, weights) in [
        ("unstructured", Prefer::Speed, WeightChoice::Auto),
        ("unstructured", Prefer::Flash, WeightChoice::Auto),
        ("unstructured", Prefer::Speed, WeightChoice::Dense),
        ("1x4", Prefer::Flash, WeightChoice::Auto),
        ("4x1", Prefer::Speed, WeightChoice::Auto),
    ] {
        let original = keywords(pattern, prefer, weights);
        let expected = outputs(&original);
        for name in ["portable", "cortex-m4", "cortex-m0", "rv32"] {
            for again in [Prefer::Speed, Prefer::Flash] {
                let words = aligned(&original);
                let model = Model::parse(bytemuck::cast_slice(&words)).unwrap();
                let options = Options {
                    target: Target::named(name).unwrap(),
                    prefer: again,
                    ..Options::default()
                };
                let made = retarget(&model, &options).unwrap();
                assert!(outputs(&made) == expected, "{pattern} for {name}");
                let words = aligned(&made);
                let model = Model::parse(bytemuck::cast_slice(&words)).unwrap();
                seen.extend(model.steps().map(|s| s.layout.name()));
                // And back, from the target's own file.
                let back = retarget(&model, &Options::default()).unwrap();
                assert!(outputs(&back) == expected, "{pattern} from {name}");
            }
        }
    }
    for layout in [WeightLayout::Dense, WeightLayout::CsrP, WeightLayout::CsrN] {
        assert!(seen.contains(layout.name()), "{seen:?}");
    }
}
