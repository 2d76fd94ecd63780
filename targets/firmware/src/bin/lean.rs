//! One model with its own operators only: the smallest image that runs it, to measure its code.
//!
//! Nothing prints and nothing is timed. Inputs stay what start-up left, the outputs are read as if
//! someone needed them, and a model that is refused stops the core.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;
use nnz::{Model, Session};
use nnz_firmware::entry;
use nnz_firmware::memory::{Aligned, Buffer};

const BYTES: &[u8] = include_bytes!(env!("NNZ_EMBEDDED"));
static MODEL: Aligned<[u8; BYTES.len()]> = Aligned(*include_bytes!(env!("NNZ_EMBEDDED")));
static ARENA: Buffer<{ nnz::arena_len(BYTES) }> = Buffer::new();

/// Runs the model once.
#[entry]
fn main() -> ! {
    if let Some(arena) = ARENA.take() {
        run(arena);
    }
    stop()
}

/// Parses, opens and runs. The compiler must not know the bytes, or it would parse them itself.
#[inline(never)]
fn run(arena: &mut [u8]) {
    let Ok(model) = Model::parse_for::<{ nnz::ops(BYTES) }>(black_box(&MODEL.0)) else {
        return;
    };
    let Ok(mut session) = Session::<{ nnz::ops(BYTES) }>::new(&model, arena) else {
        return;
    };
    if let Ok(input) = session.input_bytes(0) {
        black_box(input);
    }
    session.run();
    if let Ok(output) = session.output_bytes(0) {
        black_box(output);
    }
}

fn stop() -> ! {
    loop {
        black_box(());
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    stop()
}
