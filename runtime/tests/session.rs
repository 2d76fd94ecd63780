//! The public face: what a session refuses, that pausing and hooks change nothing, and that nothing is allocated.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that fails may panic"
)]

mod common;

use common::small::{network, pattern};
use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use nnz::{Progress, RunError, Session};
use nnz_format::Model;
use std::alloc::System;

/// Counts allocations of the current thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: hands everything to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(start, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that begin at a multiple of 16, `shift` bytes later.
struct Aligned {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    fn new(content: &[u8], shift: usize) -> Self {
        let mut bytes = vec![0; content.len() + 32];
        let start = bytes.as_ptr().align_offset(16) + shift;
        bytes[start..start + content.len()].copy_from_slice(content);
        Self {
            bytes,
            start,
            len: content.len(),
        }
    }

    fn get(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.len]
    }
}

fn input() -> Vec<i8> {
    pattern(3 * 9 * 8)
}

fn scores(run: impl FnOnce(&mut Session<'_, '_>)) -> Vec<i8> {
    let mut file = Aligned::new(&network(), 0);
    let model = Model::parse(file.get()).unwrap();
    let mut arena = Aligned::new(&vec![0x5A; model.arena_len()], 0);
    let mut session: Session<'_, '_> = Session::new(&model, arena.get()).unwrap();
    session.input_s8(0).unwrap().copy_from_slice(&input());
    run(&mut session);
    session.output_s8(0).unwrap().to_vec()
}

#[test]
fn running_twice_or_in_pieces_or_with_a_hook_gives_the_same() {
    let expected = scores(|session| session.run());
    assert!(
        expected.iter().any(|score| *score != expected[0]),
        "scores differ: {expected:?}"
    );
    let mut seen = Vec::new();
    let hooked = scores(|session| {
        session
            .run_with(|event| seen.push((event.index, event.step.op.name(), event.output.len())));
    });
    assert_eq!(hooked, expected);
    assert_eq!(
        seen,
        [
            (0, "conv_2d", 432),
            (1, "conv_2d", 432),
            (2, "fully_connected", 5)
        ]
    );
    for budget in [0, 1, 100, 5_000, u32::MAX] {
        let mut pauses = 0;
        let paused = scores(|session| {
            session.begin();
            while session.step(budget) == Progress::Yielded {
                pauses += 1;
                assert!(pauses < 1_000, "a run ends");
            }
            assert_eq!(session.step(budget), Progress::Done);
        });
        assert_eq!(paused, expected, "budget {budget}");
        assert!(
            budget > 100 || pauses > 10,
            "budget {budget} pauses between tiles: {pauses}"
        );
    }
    let again = scores(|session| {
        session.run();
        session.write_input_s8(0, &input()).unwrap();
        session.run();
    });
    assert_eq!(again, expected);
}

#[test]
fn running_allocates_nothing() {
    let mut count = usize::MAX;
    scores(|session| {
        let before = ALLOCATIONS.with(Cell::get);
        session.run();
        count = ALLOCATIONS.with(Cell::get) - before;
    });
    assert_eq!(count, 0);
}

#[test]
fn a_session_refuses_what_it_cannot_run() {
    let mut file = Aligned::new(&network(), 0);
    let model = Model::parse(file.get()).unwrap();
    let len = model.arena_len();
    let mut arena = Aligned::new(&vec![0; len], 0);
    let short = Session::<{ u128::MAX }>::new(&model, &mut arena.get()[..len - 1]).unwrap_err();
    assert_eq!(
        short,
        RunError::ArenaLen {
            needed: len,
            found: len - 1
        }
    );
    let mut shifted = Aligned::new(&vec![0; len], 8);
    let shifted = Session::<{ u128::MAX }>::new(&model, shifted.get()).unwrap_err();
    assert_eq!(shifted, RunError::ArenaAlignment { remainder: 8 });
    let lacking = Session::<1>::new(&model, arena.get()).unwrap_err();
    assert_eq!(
        lacking,
        RunError::Kernels {
            missing: model.kernel_mask() & !1
        }
    );
    let mut odd = Aligned::new(&network(), 2);
    let odd_model = Model::parse(odd.get()).unwrap();
    let odd = Session::<{ u128::MAX }>::new(&odd_model, arena.get()).unwrap_err();
    assert_eq!(odd, RunError::ModelAlignment { remainder: 2 });
    for error in [short, shifted, lacking, odd] {
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn tensors_are_had_by_number_and_type_only() {
    scores(|session| {
        let none = RunError::NoSuchTensor { index: 1, count: 1 };
        assert_eq!(session.input_s8(1).unwrap_err(), none);
        assert_eq!(session.output_bytes(1).unwrap_err(), none);
        assert_eq!(
            session.input_f32(0).unwrap_err(),
            RunError::ElementType { index: 0 }
        );
        assert_eq!(
            session.output_f32(0).unwrap_err(),
            RunError::ElementType { index: 0 }
        );
        let elements = RunError::Elements {
            index: 0,
            needed: 216,
            found: 3,
        };
        assert_eq!(session.write_input_s8(0, &[1, 2, 3]).unwrap_err(), elements);
        assert_eq!(session.input_bytes(0).unwrap().len(), 216);
        let mut found = [0; 5];
        session.run();
        session.read_output_s8(0, &mut found).unwrap();
        assert_eq!(found, session.output_s8(0).unwrap());
    });
}

#[test]
fn the_operator_set_of_a_file_runs_it() {
    let file = network();
    assert_eq!(nnz::ops(&file), Model::parse(&file).unwrap().kernel_mask());
    assert_ne!(nnz::ops(&file), 0);
}
