//! What a C program can get wrong and the library can notice.

#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(
    unsafe_code,
    clippy::multiple_unsafe_ops_per_block,
    reason = "these are the calls of C"
)]

use core::{mem, ptr};
use nnz_c::{
    nnz_arena_len, nnz_session, nnz_session_close, nnz_session_inputs, nnz_session_open,
    nnz_session_output, nnz_session_read_s8, nnz_session_run, nnz_session_step,
    nnz_session_write_f32, nnz_session_write_s8, nnz_status,
};
use std::fs;

/// A network in aligned memory, and its length.
fn network() -> (Vec<u64>, usize) {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/golden/v1/every_kernel.nnz"
    );
    let bytes = fs::read(path).unwrap();
    let words = bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_ne_bytes(word)
    });
    (words.collect(), bytes.len())
}

#[test]
fn sessions_that_are_not_open_say_so() {
    // SAFETY: a session of zeros is a closed one.
    let mut closed: nnz_session = unsafe { mem::zeroed() };
    // SAFETY: closed sessions and null.
    unsafe {
        assert_eq!(nnz_session_run(&raw mut closed), nnz_status::NNZ_NOT_OPEN);
        assert_eq!(nnz_session_run(ptr::null_mut()), nnz_status::NNZ_NULL);
        assert_eq!(nnz_session_inputs(&raw mut closed), 0);
        assert!(!nnz_session_step(&raw mut closed, 1));
        nnz_session_close(&raw mut closed);
        nnz_session_close(ptr::null_mut());
    }
}

#[test]
fn what_does_not_fit_is_refused_and_a_moved_session_is_noticed() {
    let (model, len) = network();
    let model = model.as_ptr().cast::<u8>();
    // SAFETY: pointers of this function with their lengths; a moved session is not used but for the refusal.
    unsafe {
        let needed = nnz_arena_len(model, len);
        let mut arena = vec![0_u128; needed / 16 + 1];
        let arena = arena.as_mut_ptr().cast::<u8>();
        let mut one: nnz_session = mem::zeroed();
        let session = &raw mut one;
        let open = |len, arena, arena_len| nnz_session_open(session, model, len, arena, arena_len);
        assert_eq!(open(len, ptr::null_mut(), needed), nnz_status::NNZ_NULL);
        assert_eq!(open(len - 5000, arena, needed), nnz_status::NNZ_MODEL);
        assert_eq!(open(len, arena, needed - 1), nnz_status::NNZ_ARENA_LEN);
        assert_eq!(
            open(len, arena.add(8), needed),
            nnz_status::NNZ_ARENA_ALIGNMENT
        );
        assert_eq!(nnz_session_run(session), nnz_status::NNZ_NOT_OPEN);
        assert_eq!(open(len, arena, needed), nnz_status::NNZ_OK);

        let (few, floats, mut out) = ([0_i8; 3], [0_f32; 3], [0_i8; 3]);
        let write = nnz_session_write_s8(session, 0, few.as_ptr(), 3);
        assert_eq!(write, nnz_status::NNZ_ELEMENTS);
        let write = nnz_session_write_f32(session, 0, floats.as_ptr(), 3);
        assert_eq!(write, nnz_status::NNZ_ELEMENT_TYPE);
        let read = nnz_session_read_s8(session, 7, out.as_mut_ptr(), 3);
        assert_eq!(read, nnz_status::NNZ_NO_SUCH_TENSOR);
        let output = nnz_session_output(session, 0, ptr::null_mut());
        assert_eq!(output, nnz_status::NNZ_NULL);

        assert_eq!(nnz_session_run(session), nnz_status::NNZ_OK);
        let mut moved = Box::new(ptr::read(session));
        assert_eq!(nnz_session_run(&raw mut *moved), nnz_status::NNZ_NOT_OPEN);
        nnz_session_close(session);
        assert_eq!(nnz_session_run(session), nnz_status::NNZ_NOT_OPEN);
    }
}
