//! Cores with Xpulp (CV32E40P): four 8-bit products an instruction, loops without branches, loads that move on.
//!
//! ```text
//! insn.S        the instructions, which assemblers do not know
//! tile.S        from a band to a tile: pixel by pixel, so that four columns are a word
//! dense.S       four rows and four pixels share their loads: 24 instructions for 64 products
//! blocks.S      1x4 blocks: 20 instructions for 32 products
//! matvec.S      rows times vectors
//! depthwise.rs  3x3 windows, a row of taps an instruction
//! ```
//!
//! The tile lies in the scratch behind the band, where a file for such a core leaves room; where it does not, and for
//! everything else, the kernels of RISC-V run.

mod conv;
mod depthwise;
mod matvec;
mod table;

use core::arch::{asm, global_asm};

// One block, so that later files may use the macros of earlier ones.
global_asm!(
    include_str!("insn.S"),
    include_str!("tile.S"),
    include_str!("dense.S"),
    include_str!("blocks.S"),
    include_str!("matvec.S"),
    options(raw)
);

pub(crate) use table::{XpulpDouble, XpulpSingle};

/// Columns of a product.
const QUAD: usize = 4;

/// Copies four bytes of any alignment, as the core's loads and stores do.
///
/// # Safety
///
/// They can be written and read.
#[inline(always)]
pub(crate) unsafe fn copy_word(to: *mut u32, from: *const u32) {
    // SAFETY: the caller's contract.
    unsafe {
        asm!("lw {t}, 0({from})", "sw {t}, 0({to})", t = out(reg) _, from = in(reg) from, to = in(reg) to,
            options(nostack, preserves_flags));
    }
}

/// Copies eight bytes of any alignment, all read before any is written.
///
/// # Safety
///
/// They can be written and read.
#[inline(always)]
pub(crate) unsafe fn copy_two(to: *mut [u32; 2], from: *const [u32; 2]) {
    // SAFETY: the caller's contract.
    unsafe {
        asm!("lw {t}, 0({from})", "lw {u}, 4({from})", "sw {t}, 0({to})", "sw {u}, 4({to})",
            t = out(reg) _, u = out(reg) _, from = in(reg) from, to = in(reg) to,
            options(nostack, preserves_flags));
    }
}
