//! For the tables of other architectures: the kernels that they take from portable Rust.

/// Defines, within `impl Kernels`, kernels that are those of the portable table: name, weights and kind.
#[allow(unused_macros, reason = "for targets with kernels of their own")]
macro_rules! portable_rest {
    ($portable:ty: $($kernel:ident $weights:ident $kind:ident),*) => {
        $($crate::arch::portable::portable_rest!(@$kind $portable, $kernel, $weights);)*
    };
    (@conv $portable:ty, $kernel:ident, $weights:ident) => {
        unsafe fn $kernel(
            weights: &nnz_format::$weights<'_>,
            tile: &$crate::kernels::Tile<'_, i8>,
        ) {
            // SAFETY: the caller's contract.
            unsafe { <$portable>::$kernel(weights, tile) };
        }
    };
    // With a stack frame of its own.
    (@conv_apart $portable:ty, $kernel:ident, $weights:ident) => {
        #[inline(never)]
        unsafe fn $kernel(
            weights: &nnz_format::$weights<'_>,
            tile: &$crate::kernels::Tile<'_, i8>,
        ) {
            // SAFETY: the caller's contract.
            unsafe { <$portable>::$kernel(weights, tile) };
        }
    };
    (@matvec $portable:ty, $kernel:ident, $weights:ident) => {
        unsafe fn $kernel(
            weights: &nnz_format::$weights<'_>,
            product: &$crate::kernels::Product<'_, i8>,
        ) -> usize {
            // SAFETY: the caller's contract.
            unsafe { <$portable>::$kernel(weights, product) }
        }
    };
    (@depthwise $portable:ty, $kernel:ident, $weights:ident) => {
        unsafe fn $kernel(
            weights: &nnz_format::$weights<'_>,
            plane: &$crate::kernels::Plane<'_, i8>,
        ) {
            // SAFETY: the caller's contract.
            unsafe { <$portable>::$kernel(weights, plane) };
        }
    };
}
#[allow(unused_imports, reason = "for targets with kernels of their own")]
pub(crate) use portable_rest;
