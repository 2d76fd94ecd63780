//! Static buffers: aligned for models and arenas, handed out once.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_handed_out_once_and_aligned() {
        static BYTES: Buffer<32> = Buffer::new();
        let first = BYTES.take().unwrap();
        assert_eq!((first.len(), first.as_ptr() as usize % 16), (32, 0));
        assert!(BYTES.take().is_none());
    }
}
