//! A network that shares one core with other tasks.
//!
//! ```text
//! classify    input → step(BUDGET), give way, step(BUDGET), give way, … → scores
//! heartbeat   runs once between two slices: what it stands for (a radio, a button) never waits longer than one slice
//! ```
//!
//! `Session::step` does about `BUDGET` multiply-accumulates and returns, so that an inference of many milliseconds
//! becomes slices of less than one. `nnz bench FILE --on cortex-m4 --slice BUDGET` says how long the longest is.

#![no_std]
#![no_main]

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};
use cortex_m as _; // its critical section, for printing
use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
use cortex_m_semihosting::hprintln;
use embassy_executor::Spawner;
use embassy_futures::yield_now;
use nnz::{AlignedArena, Progress, RunError, Session};
use static_cell::StaticCell;

nnz::model! {
    /// The network that the build was given.
    mod network = concat!(env!("OUT_DIR"), "/model.nnz");
}

/// Multiply-accumulates of a slice.
const BUDGET: u32 = 4000;

/// A session with the kernels of this network only.
type Network = Session<'static, 'static, { network::MODEL.kernel_mask() }>;

static ARENA: StaticCell<AlignedArena<{ network::ARENA_LEN }>> = StaticCell::new();
/// Turns that the other task has had.
static BEATS: AtomicU32 = AtomicU32::new(0);

/// The task that must not wait.
#[embassy_executor::task]
async fn heartbeat() {
    loop {
        // One writer, so that a load and a store are enough.
        BEATS.store(
            BEATS.load(Ordering::Relaxed).wrapping_add(1),
            Ordering::Relaxed,
        );
        yield_now().await;
    }
}

/// One inference in slices; returns how many there were.
async fn classify(network: &mut Network) -> u32 {
    let mut slices = 1;
    network.begin();
    while matches!(network.step(BUDGET), Progress::Yielded) {
        slices += 1;
        yield_now().await;
    }
    slices
}

/// Runs the network once and prints what became of it.
async fn run() -> Result<(), RunError> {
    let arena = ARENA.init(AlignedArena::new());
    let mut session = Network::new(network::MODEL, &mut arena.0)?;
    session.write_input_s8(0, &[0; network::INPUT_LEN])?;
    // A task that was just made has its first turn when this one gives way.
    yield_now().await;
    let before = BEATS.load(Ordering::Relaxed);
    let slices = classify(&mut session).await;
    let beats = BEATS.load(Ordering::Relaxed).wrapping_sub(before);
    let mut scores = [0; network::OUTPUT_LEN];
    session.read_output_s8(0, &mut scores)?;
    hprintln!("slices {}", slices);
    hprintln!("beats {}", beats);
    hprintln!("scores {:?}", scores);
    Ok(())
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let Ok(task) = heartbeat() else {
        return debug::exit(EXIT_FAILURE);
    };
    spawner.spawn(task);
    match run().await {
        Ok(()) => debug::exit(EXIT_SUCCESS),
        Err(error) => {
            hprintln!("{}", error);
            debug::exit(EXIT_FAILURE);
        }
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    debug::exit(EXIT_FAILURE);
    loop {}
}
