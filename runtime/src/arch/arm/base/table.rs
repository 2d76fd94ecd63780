//! The kernels of cores without the DSP extension as tables, one a rounding.

use super::{conv, depthwise};
use crate::arch::portable::{PortableDouble, PortableSingle, portable_rest};
use crate::kernels::{Kernels, Plane, Tile};
use crate::requantize::{Double, Single};
use nnz_format::{CsrP, DenseS8};

/// Integers that are rounded once.
pub(crate) struct BaseSingle;
/// Integers that are rounded twice.
pub(crate) struct BaseDouble;

/// Binds the kernels to a rounding. Not generic, so that they are compiled in this crate, with its optimisation
/// level.
macro_rules! integer_kernels {
    ($table:ty, $portable:ty, $rounding:ty) => {
        impl Kernels for $table {
            portable_rest!(
                $portable:
                csr_n_s8_conv CsrN conv_apart,
                blk_1x4_s8_conv Blk1x4 conv_apart,
                blk_4x1_s8_conv Blk4x1 conv_apart,
                dense_s8_matvec DenseS8 matvec,
                csr_p_s8_matvec CsrP matvec,
                csr_n_s8_matvec CsrN matvec,
                csr_q_s8_matvec CsrQ matvec,
                blk_1x4_s8_matvec Blk1x4 matvec,
                blk_4x1_s8_matvec Blk4x1 matvec
            );

            unsafe fn dense_s8_conv(weights: &DenseS8<'_>, tile: &Tile<'_, i8>) {
                // SAFETY: the caller's contract.
                unsafe { conv::dense::<$rounding>(weights, tile) };
            }

            unsafe fn csr_p_s8_conv(weights: &CsrP<'_>, tile: &Tile<'_, i8>) {
                // SAFETY: the caller's contract.
                unsafe { conv::csr_p::<$rounding>(weights, tile) };
            }

            unsafe fn dense_s8_depthwise(weights: &DenseS8<'_>, plane: &Plane<'_, i8>) {
                // SAFETY: the caller's contract.
                if !unsafe { depthwise::plane::<$rounding>(weights, plane) } {
                    // SAFETY: the caller's contract.
                    unsafe { <$portable>::dense_s8_depthwise(weights, plane) };
                }
            }
        }
    };
}

integer_kernels!(BaseSingle, PortableSingle, Single);
integer_kernels!(BaseDouble, PortableDouble, Double);
