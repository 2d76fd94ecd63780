//! Memory that is there from the start: static buffers, and the stack that is left.

use crate::machine;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};
use nnz_support::stack;

/// Bytes aligned for models and arenas.
#[derive(Debug)]
#[repr(C, align(16))]
pub struct Aligned<T>(pub T);

/// A static buffer that is handed out once.
#[derive(Debug)]
pub struct Buffer<const N: usize> {
    bytes: UnsafeCell<Aligned<[u8; N]>>,
    is_taken: AtomicBool,
}

// SAFETY: `take` hands the bytes out once only.
unsafe impl<const N: usize> Sync for Buffer<N> {}

impl<const N: usize> Buffer<N> {
    /// A buffer of zeros.
    #[expect(clippy::new_without_default, reason = "it is made in statics only")]
    pub const fn new() -> Self {
        Self {
            bytes: UnsafeCell::new(Aligned([0; N])),
            is_taken: AtomicBool::new(false),
        }
    }

    /// The bytes; `None` the second time.
    #[expect(clippy::mut_from_ref, reason = "the flag lets one reference out only")]
    pub fn take(&'static self) -> Option<&'static mut [u8]> {
        // A load and a store, because Armv6-M has no atomic exchange; there is one thread.
        if self.is_taken.load(Ordering::Relaxed) {
            return None;
        }
        self.is_taken.store(true, Ordering::Relaxed);
        // SAFETY: the flag makes this the only reference that is ever made.
        let aligned = unsafe { &mut *self.bytes.get() };
        Some(&mut aligned.0)
    }
}

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
