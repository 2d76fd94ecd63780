//! RISC-V: start-up from `riscv-rt`, ticks from the counter of retired instructions.

#[cfg(not(feature = "lean"))]
use crate::semihosting;
use core::arch::asm;
use nnz_support::clock::Ticks;

pub use riscv_rt::entry;

/// `minstret`.
#[derive(Debug)]
pub struct Counter(());

impl Counter {
    pub(super) fn start() -> Self {
        // SAFETY: lets the counters of this core run and sets one to zero; nothing else uses them.
        unsafe {
            asm!(
                "csrw mcountinhibit, zero",
                "csrw minstret, zero",
                options(nomem, nostack)
            );
        };
        Self(())
    }
}

impl Ticks for Counter {
    fn now(&mut self) -> u32 {
        let count: u32;
        // SAFETY: reads a counter; the second instruction is a hint, at which the emulator's plugin writes its totals.
        unsafe {
            asm!("csrr {}, minstret", "slti x0, x0, 0x7A1", out(reg) count, options(nomem, nostack));
        };
        count
    }
}

/// Runs `2 · rounds + 1` instructions.
#[inline(never)]
pub fn spin(rounds: u32) {
    // SAFETY: touches one register.
    unsafe {
        asm!("mv {n}, {r}", "2:", "addi {n}, {n}, -1", "bnez {n}, 2b",
            r = in(reg) rounds, n = out(reg) _);
    }
}

#[inline(always)]
pub(super) fn stack_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mv {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Says where it happened; the lean image has nothing to say it with.
#[cfg(not(feature = "lean"))]
#[unsafe(no_mangle)]
extern "C" fn ExceptionHandler(_frame: &riscv_rt::TrapFrame) -> ! {
    let (cause, at): (usize, usize);
    // SAFETY: reads two registers.
    unsafe { asm!("csrr {}, mcause", "csrr {}, mepc", out(reg) cause, out(reg) at) };
    semihosting::fail(format_args!("trap {cause} at {at:#010x}"))
}
