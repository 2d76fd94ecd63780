//! Sums of two tensors in floats, where these are proved to be what the file's arithmetic gives.

use super::{Simd, Task};

/// `round(a · mul.0 + b · mul.1 + add)`, then the bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scales {
    /// Of the first and of the second tensor.
    pub(crate) mul: (f32, f32),
    /// Of the sum.
    pub(crate) add: f32,
    /// Lowest and highest byte.
    pub(crate) bounds: (u8, u8),
}

/// Adds two tensors.
///
/// # Invariants
///
/// `len` bytes rounded up to a vector can be read at `inputs` and written at `output`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Add {
    /// The arithmetic.
    pub(crate) scales: Scales,
    /// The tensors.
    pub(crate) inputs: (*const u8, *const u8),
    /// The sums.
    pub(crate) output: *mut u8,
    /// Bytes.
    pub(crate) len: usize,
}

impl Task for Add {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (lo, hi) = self.scales.bounds;
        let (lo, hi) = (simd.splat_byte(lo), simd.splat_byte(hi));
        let none = simd.splat(0);
        let mut at = 0;
        while at < self.len {
            // SAFETY: the invariant.
            let a = unsafe { simd.load(self.inputs.0.wrapping_add(at)) };
            // SAFETY: the invariant.
            let b = unsafe { simd.load(self.inputs.1.wrapping_add(at)) };
            let mut pairs = simd.quads([a, b, none, none]);
            for pair in &mut pairs {
                *pair = simd.rescale_pairs(*pair, self.scales.mul, self.scales.add);
            }
            let sums = simd.clamp(simd.pack(pairs), lo, hi);
            // SAFETY: the invariant.
            unsafe { simd.store(self.output.wrapping_add(at), sums) };
            at += S::BYTES;
        }
    }
}
