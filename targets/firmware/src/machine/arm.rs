//! Arm Cortex-M: vectors from `cortex-m-rt`, ticks from a CMSDK APB timer or the system counter of the SSE-300.

use super::{COUNTS_UP, TIMER};
#[cfg(not(feature = "lean"))]
use crate::semihosting;
use core::arch::asm;
#[cfg(not(feature = "lean"))]
use cortex_m_rt::{ExceptionFrame, exception};
use nnz_support::clock::Ticks;

pub use cortex_m_rt::entry;

/// The CMSDK timer, counting down from `2^32 − 1`, or the system counter, counting up from 0.
#[derive(Debug)]
pub struct Counter(());

const CTRL: *mut u32 = TIMER as *mut u32;
const VALUE: *mut u32 = (TIMER + if COUNTS_UP { 8 } else { 4 }) as *mut u32;
const RELOAD: *mut u32 = (TIMER + 8) as *mut u32;
const HIGH: *mut u32 = (TIMER + 12) as *mut u32;

impl Counter {
    pub(super) fn start() -> Self {
        let timer = [(CTRL, 0), (RELOAD, u32::MAX), (VALUE, u32::MAX), (CTRL, 1)];
        let counter = [(CTRL, 0), (VALUE, 0), (HIGH, 0), (CTRL, 1)];
        for (register, value) in if COUNTS_UP { counter } else { timer } {
            // SAFETY: the target's facts say that the timer's registers are here, and nothing
            // else in the firmware uses the timer.
            unsafe { register.write_volatile(value) };
        }
        Self(())
    }
}

impl Ticks for Counter {
    fn now(&mut self) -> u32 {
        // SAFETY: as in `start`.
        let value = unsafe { VALUE.read_volatile() };
        // SAFETY: a hint that no core has a use for: the emulator's plugin writes its totals when it sees it.
        unsafe { asm!(".inst.n 0xBF80", options(nomem, nostack, preserves_flags)) };
        if COUNTS_UP { value } else { u32::MAX - value }
    }
}

/// Runs `2 · rounds + 1` instructions.
#[inline(never)]
pub fn spin(rounds: u32) {
    // SAFETY: touches one register and the flags.
    unsafe {
        asm!("mov {n}, {r}", "2:", "subs {n}, #1", "bne 2b", r = in(reg) rounds, n = out(reg) _);
    }
}

#[inline(always)]
pub(super) fn stack_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Says where it happened; the lean image has nothing to say it with.
#[cfg(not(feature = "lean"))]
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    semihosting::fail(format_args!("hard fault at {:#010x}", frame.pc()))
}
