//! Memory that is there from the start: static buffers, and the stack that is left.

use crate::machine;
use nnz_support::stack;

pub use nnz_support::memory::{Aligned, Buffer};

/// The stack below the caller of [`PaintedStack::paint`].
#[derive(Debug)]
pub struct PaintedStack {
    low: *mut u32,
    top: *mut u32,
    above: usize,
}

impl PaintedStack {
    /// Paints the free stack. What the caller calls from now on is measured.
    #[inline(always)]
    pub fn paint() -> Self {
        let (low, top, above) = machine::stack_range();
        // SAFETY: the range lies between the static variables and the stack pointer, and leaves
        // room for the frame of the call.
        unsafe { stack::paint(low, top) };
        Self { low, top, above }
    }

    /// Bytes below the painting caller that were used; at least the unpainted margin.
    pub fn high_water(&self) -> u32 {
        // SAFETY: the range of `paint`.
        let used = unsafe { stack::high_water(self.low, self.top) };
        u32::try_from(used + self.above).unwrap_or(u32::MAX)
    }
}
