//! The free stack, painted.

use nnz_support::stack;

/// Room below the stack pointer for the frames of what paints.
const MARGIN: usize = 256;

/// The stack below the caller of [`Painted::below`].
#[derive(Debug)]
pub(crate) struct Painted {
    low: *mut u32,
    top: *mut u32,
}

impl Painted {
    /// Paints from `end`, the lowest address of the stack, up to the caller's frame. What the caller calls from now on
    /// is measured. On a machine without a stack of its own nothing is painted.
    #[inline(always)]
    pub(crate) fn below(end: usize) -> Self {
        let top = pointer().map_or(end, |pointer| pointer.wrapping_sub(MARGIN) & !3);
        let low = (end.wrapping_add(3) & !3).min(top);
        let painted = Self {
            low: low as *mut u32,
            top: top as *mut u32,
        };
        // SAFETY: the range lies between the end of the stack and its pointer, and leaves room for the frame of the call.
        unsafe { stack::paint(painted.low, painted.top) };
        painted
    }

    /// Bytes below the painting caller that were used, the margin with them.
    pub(crate) fn used(&self) -> usize {
        // SAFETY: the range that was painted.
        unsafe { stack::high_water(self.low, self.top) }.wrapping_add(MARGIN)
    }
}

/// The stack pointer of a microcontroller.
#[inline(always)]
#[cfg(target_arch = "riscv32")]
fn pointer() -> Option<usize> {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe {
        core::arch::asm!("mv {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags));
    };
    Some(pointer)
}

/// The stack pointer of a microcontroller.
#[inline(always)]
#[cfg(target_arch = "arm")]
fn pointer() -> Option<usize> {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe {
        core::arch::asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags));
    };
    Some(pointer)
}

/// A host's stack is not painted.
#[cfg(not(any(target_arch = "riscv32", target_arch = "arm")))]
fn pointer() -> Option<usize> {
    None
}
