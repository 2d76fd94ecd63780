//! Damaged model files give an error or a graph that checks: no panic, no hang, bounded memory.
//!
//! Truncations and many random damages of real TFLite and ONNX files: float, int8, QDQ, `QOperator`, 1-D, hybrid and sparse ones. Memory is what the
//! counting allocator below sees, compared with the bound that the importer promises.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test a panic is the report"
)]

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use nnz_pruner::import;
use std::alloc::System;
use std::path::Path;
use std::time::Instant;

/// The system's allocator, with the bytes in use and their peak.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every request is passed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let in_use = IN_USE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(in_use, Ordering::Relaxed);
        // SAFETY: the caller's promises are the ones that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `at` came from `System.alloc` with this layout.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MODELS: [&str; 9] = [
    "kws_int8.tflite",
    "kws_hybrid_f32io.tflite",
    "hello_world_int8.tflite",
    "hello_world_fp32.onnx",
    "keywords_dense.onnx",
    "blazeface_full_range_sparse_f16.tflite",
    "mlp.qdq_channel.onnx",
    "mlp.qop_s8.onnx",
    "conv1d.torchscript.onnx",
];

/// Bytes up to which a file gets every truncation and all damages; larger ones get fewer, so that all take as long.
const WHOLE: usize = 100_000;

/// Damages per file: the full count in release builds, where one takes microseconds.
const DAMAGES: usize = if cfg!(debug_assertions) {
    3_000
} else {
    100_000
};

/// Far more than any of these files needs on a loaded machine, far less than a hang.
const LONGEST: Duration = Duration::from_secs(20);

/// What an import may hold at its peak: the decoder's allowance and the budget of constants.
const fn most_memory(file: usize) -> usize {
    (160 << 20) + 64 * file
}

/// A generator that needs no state beyond one word (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

fn read(name: &str) -> Option<Vec<u8>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let exported = here.join("fixtures/exported").join(name);
    let path = if exported.is_file() {
        exported
    } else {
        here.join("../../shared/models").join(name)
    };
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("skipped: {} is absent", path.display());
    }
    bytes
}

/// Imports `bytes` and returns whether they made a graph.
fn survives(name: &str, bytes: &[u8], case: &str) -> bool {
    let before = IN_USE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let start = Instant::now();
    let outcome = import::from_bytes(name, bytes);
    let peak = PEAK.load(Ordering::Relaxed).saturating_sub(before);
    assert!(
        start.elapsed() < LONGEST,
        "{name}, {case}: took {:?}",
        start.elapsed()
    );
    assert!(
        peak < most_memory(bytes.len()),
        "{name}, {case}: {peak} bytes of memory"
    );
    match outcome {
        Ok(graph) => {
            graph
                .check()
                .unwrap_or_else(|e| panic!("{name}, {case}: {e}"));
            true
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(name) && text.contains("help:"), "{text}");
            false
        }
    }
}

/// One test, so that no other thread's allocations are counted.
#[test]
fn damaged_models_give_an_error_or_a_graph_that_checks() {
    for name in MODELS {
        let Some(bytes) = read(name) else { continue };
        assert!(survives(name, &bytes, "whole"));
        let share = bytes.len().div_ceil(WHOLE);
        let step = if cfg!(debug_assertions) { 17 } else { 1 } * share * share;
        let damages = DAMAGES / share;
        for len in (0..bytes.len()).step_by(step) {
            survives(name, &bytes[..len], &format!("first {len} bytes"));
        }
        let mut imported = 0;
        for seed in 0..damages {
            let damaged = damage(&bytes, seed as u64);
            imported += usize::from(survives(name, &damaged, &format!("seed {seed}")));
        }
        println!("{name}: {imported} of {damages} damaged files still made a graph");
    }
}

/// Flips bits, sets extreme bytes, or copies a piece over another: one to four times.
fn damage(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut damaged = bytes.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(damaged.len());
        match random.below(4) {
            0 => damaged[at] ^= 1 << random.below(8),
            1 => damaged[at] = [0, 0x7f, 0x80, 0xff][random.below(4)],
            2 => damaged[at] = damaged[at].wrapping_add(1),
            _ => {
                let from = random.below(damaged.len());
                let len = random.below(9).min(damaged.len() - at.max(from));
                damaged.copy_within(from..from + len, at);
            }
        }
    }
    damaged
}
