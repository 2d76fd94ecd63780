//! The same beside another task: features a frame at a time, the network in slices, and between any two a turn for
//! whoever else has something to do.

#![no_std]
#![no_main]

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};
use cortex_m as _; // its critical section, for printing
use cortex_m_semihosting::hprintln;
use embassy_executor::Spawner;
use embassy_futures::yield_now;
use nnz::{AlignedArena, Progress, RunError, Session};
use nnz_firmware::semihosting;
use nnz_keyword_spotting::{CLIP, QUANTIZATION, network, word};
use nnz_mfcc::{COEFFICIENTS, Frontend, Work, frames, peak};
use static_cell::ConstStaticCell;

/// Multiply-accumulates of a slice.
const BUDGET: u32 = 4000;

/// A session with the kernels of this network only.
type Network = Session<'static, 'static, { network::MODEL.kernel_mask() }>;

static ARENA: ConstStaticCell<AlignedArena<{ network::ARENA_LEN }>> =
    ConstStaticCell::new(AlignedArena::new());
static WORK: ConstStaticCell<Work> = ConstStaticCell::new(Work::new());
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

/// Listens to the clip, frame by frame.
async fn listen(work: &mut Work, input: &mut [i8; network::INPUT_LEN]) {
    let frontend = Frontend::new(peak(&CLIP), QUANTIZATION);
    for (samples, place) in frames(&CLIP).zip(input.chunks_exact_mut(COEFFICIENTS)) {
        place.copy_from_slice(&frontend.frame(samples, work));
        yield_now().await;
    }
}

/// Prints the word.
async fn run() -> Result<(), RunError> {
    let mut session = Network::new(network::MODEL, &mut ARENA.take().0)?;
    let mut input = [0; network::INPUT_LEN];
    listen(WORK.take(), &mut input).await;
    session.write_input_s8(0, &input)?;
    session.begin();
    while matches!(session.step(BUDGET), Progress::Yielded) {
        yield_now().await;
    }
    let mut scores = [0; network::OUTPUT_LEN];
    session.read_output_s8(0, &mut scores)?;
    hprintln!("{} {:?}", word(&scores), scores);
    hprintln!("turns of the other task {}", BEATS.load(Ordering::Relaxed));
    Ok(())
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let Ok(task) = heartbeat() else {
        semihosting::exit(1)
    };
    spawner.spawn(task);
    match run().await {
        Ok(()) => semihosting::exit(0),
        Err(error) => semihosting::fail(format_args!("{error}")),
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    semihosting::exit(1)
}
