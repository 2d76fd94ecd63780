//! The one place that knows which architecture this is.

use nnz_support::clock::{Clock, Rate};

#[cfg(target_arch = "arm")]
#[path = "machine/arm.rs"]
mod arch;
#[cfg(target_arch = "riscv32")]
#[path = "machine/riscv.rs"]
mod arch;

pub use arch::{Counter, entry, spin};

include!(concat!(env!("OUT_DIR"), "/machine.rs"));

/// How far below the stack pointer is painted at most.
const PAINTED: usize = 64 * 1024;
/// Room below the stack pointer for the frame of the painting function itself.
const MARGIN: usize = 64;

/// Starts the counter and a clock on it.
pub fn clock() -> Clock<Counter> {
    Clock::start(Counter::start(), RATE)
}

/// The words below the stack pointer that may be painted, and the bytes between the upper end and
/// the stack pointer, which count as used.
#[inline(always)]
pub(crate) fn stack_range() -> (*mut u32, *mut u32, usize) {
    let pointer = arch::stack_pointer();
    let top = (pointer - MARGIN) & !3;
    let low = (top - PAINTED).max(static_end());
    (low as *mut u32, top as *mut u32, pointer - top)
}

/// End of the static variables, where the stack may grow down to.
fn static_end() -> usize {
    unsafe extern "C" {
        static __sheap: u32;
    }
    (&raw const __sheap) as usize
}
