//! The kernels of the DSP extension as tables, one a rounding.

use super::matvec;
use crate::arch::portable::{PortableDouble, PortableSingle, portable_rest};
use crate::kernels::{Kernels, Product, Tile};
use crate::requantize::{Double, Single};
use nnz_format::{Blk1x4, Blk4x1, CsrP, CsrQ, DenseS8};

/// Integers that are rounded once.
pub(crate) struct DspSingle;
/// Integers that are rounded twice.
pub(crate) struct DspDouble;

/// Binds the kernels to a rounding. Not generic, so that they are compiled in this crate, with its optimisation
/// level.
macro_rules! integer_kernels {
    ($table:ty, $portable:ty, $rounding:ty) => {
        impl Kernels for $table {
            portable_rest!(
                $portable:
                dense_s8_conv DenseS8 conv,
                csr_p_s8_conv CsrP conv,
                csr_n_s8_conv CsrN conv,
                blk_4x1_s8_conv Blk4x1 conv,
                csr_n_s8_matvec CsrN matvec,
                dense_s8_depthwise DenseS8 depthwise
            );

            unsafe fn blk_1x4_s8_conv(weights: &Blk1x4<'_>, tile: &Tile<'_, i8>) {
                #[cfg(isa = "mve")]
                // SAFETY: the caller's contract.
                if unsafe { super::super::mve::conv_1x4::<$rounding>(weights, tile) } {
                    return;
                }
                // SAFETY: the caller's contract.
                unsafe { <$portable>::blk_1x4_s8_conv(weights, tile) };
            }

            unsafe fn dense_s8_matvec(weights: &DenseS8<'_>, product: &Product<'_, i8>) -> usize {
                // SAFETY: the caller's contract.
                unsafe { matvec::dense::<$rounding>(weights, product) };
                0
            }

            unsafe fn csr_p_s8_matvec(weights: &CsrP<'_>, product: &Product<'_, i8>) -> usize {
                // SAFETY: the caller's contract.
                unsafe { matvec::csr_p::<$rounding>(weights, product) }
            }

            unsafe fn csr_q_s8_matvec(weights: &CsrQ<'_>, product: &Product<'_, i8>) -> usize {
                // SAFETY: the caller's contract.
                unsafe { matvec::csr_q::<$rounding>(weights, product) }
            }

            unsafe fn blk_1x4_s8_matvec(weights: &Blk1x4<'_>, product: &Product<'_, i8>) -> usize {
                if product.x.len().is_multiple_of(4) {
                    // SAFETY: the caller's contract, and the columns are a multiple of 4.
                    unsafe { matvec::blk_1x4::<$rounding>(weights, product) }
                } else {
                    // SAFETY: the caller's contract.
                    unsafe { <$portable>::blk_1x4_s8_matvec(weights, product) }
                }
            }

            unsafe fn blk_4x1_s8_matvec(weights: &Blk4x1<'_>, product: &Product<'_, i8>) -> usize {
                // SAFETY: the caller's contract.
                unsafe { matvec::blk_4x1::<$rounding>(weights, product) }
            }
        }
    };
}

integer_kernels!(DspSingle, PortableSingle, Single);
integer_kernels!(DspDouble, PortableDouble, Double);
