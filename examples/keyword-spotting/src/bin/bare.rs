//! The bare loop: features, network, word. Prints what each part took, counted in instructions.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;
use cortex_m as _; // its critical section, for printing
use cortex_m_semihosting::hprintln;
use nnz_firmware::{clock, entry, semihosting};
use nnz_keyword_spotting::{CLIP, features, network, word};
use nnz_mfcc::Work;
use static_cell::ConstStaticCell;

static NETWORK: ConstStaticCell<network::Network> = ConstStaticCell::new(network::Network::new());
static WORK: ConstStaticCell<Work> = ConstStaticCell::new(Work::new());

#[entry]
fn main() -> ! {
    let (network, work) = (NETWORK.take(), WORK.take());
    let mut input = [0; network::INPUT_LEN];
    let mut clock = clock();
    // A product listens on; the emulator has heard everything after one clip.
    let clip = black_box(&CLIP);
    let begin = clock.now();
    features(clip, work, &mut input);
    let heard = clock.now();
    let scores = network.run(&input);
    let end = clock.now();
    hprintln!("{} {:?}", word(scores), scores);
    hprintln!("features {} instructions", clock.between(begin, heard));
    hprintln!("network {} instructions", clock.between(heard, end));
    semihosting::exit(0)
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    semihosting::exit(1)
}
