//! Runs of hosts allocate nothing, on any of their threads: the only test of its program, so that all that is counted is its own.
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    reason = "counts allocations; a test that fails may panic"
)]

mod common;

use common::small;
use core::alloc::{GlobalAlloc, Layout};
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicUsize, Ordering};
use nnz::host::{Isa, Network};
use std::alloc::System;

/// Of every thread.
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counting.
struct Counting;

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(memory, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a call allocates once it was called before.
fn again(mut call: impl FnMut()) -> usize {
    call();
    let before = ALLOCATIONS.load(Ordering::SeqCst);
    call();
    ALLOCATIONS.load(Ordering::SeqCst) - before
}

#[test]
fn runs_and_batches_allocate_nothing_on_any_thread() {
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
        let network = Network::with_isa(&small::network(), isa).unwrap();
        for threads in 1..4 {
            let threads = NonZeroUsize::new(threads).unwrap();
            let mut session = network.session_with_threads(threads).unwrap();
            let input = small::pattern(session.input_s8(0).unwrap().len());
            let found = again(|| {
                session.write_input_s8(0, &input).unwrap();
                session.run();
            });
            assert_eq!(found, 0, "a run, {isa}, {threads} threads");
            let inputs = input.repeat(5);
            let mut outputs = vec![0; 5 * session.output_s8(0).unwrap().len()];
            let mut batch = network.batch(threads).unwrap();
            let found = again(|| {
                batch.run_s8(&inputs, &mut outputs).unwrap();
            });
            assert_eq!(found, 0, "a batch, {isa}, {threads} threads");
        }
    }
}
