//! One model with its own operators only: the smallest image that runs it, to measure its code.
//!
//! The model is part of the program, so the compiler proves it and no parser is linked. With the feature `parser` the
//! image treats the same bytes as if they came from outside: it checks them when it starts.
//!
//! Nothing prints and nothing is timed. Inputs stay what start-up left, the outputs are read as if
//! someone needed them, and a model that is refused stops the core.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;
use nnz::{Model, Session};
use nnz_firmware::entry;
use nnz_firmware::memory::Buffer;

const MODEL: &Model<'static> = nnz::include_model!(env!("NNZ_EMBEDDED"));
const OPS: u128 = MODEL.kernel_mask();
static ARENA: Buffer<{ MODEL.arena_len() }> = Buffer::new();

/// Runs the model once.
#[entry]
fn main() -> ! {
    if let Some(arena) = ARENA.take() {
        with_model(arena);
    }
    stop()
}

/// Runs the model that the compiler proved.
#[cfg(not(feature = "parser"))]
fn with_model(arena: &mut [u8]) {
    run(MODEL, arena);
}

/// Parses, then runs. The compiler must not know the bytes, or it would parse them itself.
#[cfg(feature = "parser")]
fn with_model(arena: &mut [u8]) {
    // By reference: a copy of the model would stand beside it.
    if let Ok(model) = &Model::parse_for::<OPS>(black_box(MODEL.bytes())) {
        run(model, arena);
    }
}

/// Opens and runs.
#[inline(never)]
fn run(model: &Model<'_>, arena: &mut [u8]) {
    let Ok(mut session) = Session::<OPS>::new(model, arena) else {
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
