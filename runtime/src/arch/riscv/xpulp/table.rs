//! The kernels of Xpulp as tables, one a rounding.

use super::super::table::{RiscvDouble, RiscvSingle};
use super::{QUAD, conv, depthwise, matvec};
use crate::arch::portable::portable_rest;
use crate::kernels::{Kernels, Plane, Product, Tile};
use crate::requantize::{Double, Single};
use nnz_format::{Blk1x4, DenseS8};

/// Integers that are rounded once.
pub(crate) struct XpulpSingle;
/// Integers that are rounded twice.
pub(crate) struct XpulpDouble;

/// Binds the kernels to a rounding. Not generic, so that they are compiled in this crate, with its optimisation
/// level.
macro_rules! integer_kernels {
    ($table:ty, $riscv:ty, $rounding:ty) => {
        impl Kernels for $table {
            portable_rest!(
                $riscv:
                csr_p_s8_conv CsrP conv,
                csr_n_s8_conv CsrN conv,
                blk_4x1_s8_conv Blk4x1 conv,
                csr_p_s8_matvec CsrP matvec,
                csr_n_s8_matvec CsrN matvec,
                csr_q_s8_matvec CsrQ matvec,
                blk_4x1_s8_matvec Blk4x1 matvec
            );

            unsafe fn dense_s8_conv(weights: &DenseS8<'_>, tile: &Tile<'_, i8>) {
                // SAFETY: the caller's contract.
                if !unsafe { conv::dense::<$rounding>(weights, tile) } {
                    // SAFETY: the caller's contract.
                    unsafe { <$riscv>::dense_s8_conv(weights, tile) };
                }
            }

            unsafe fn blk_1x4_s8_conv(weights: &Blk1x4<'_>, tile: &Tile<'_, i8>) {
                // SAFETY: the caller's contract.
                if !unsafe { conv::blocks::<$rounding>(weights, tile) } {
                    // SAFETY: the caller's contract.
                    unsafe { <$riscv>::blk_1x4_s8_conv(weights, tile) };
                }
            }

            unsafe fn dense_s8_matvec(weights: &DenseS8<'_>, product: &Product<'_, i8>) -> usize {
                // SAFETY: the caller's contract.
                unsafe { matvec::dense::<$rounding>(weights, product) };
                0
            }

            unsafe fn blk_1x4_s8_matvec(weights: &Blk1x4<'_>, product: &Product<'_, i8>) -> usize {
                if product.x.len().is_multiple_of(QUAD) {
                    // SAFETY: the caller's contract, and blocks are whole.
                    unsafe { matvec::blocks::<$rounding>(weights, product) }
                } else {
                    // SAFETY: the caller's contract.
                    unsafe { <$riscv>::blk_1x4_s8_matvec(weights, product) }
                }
            }

            unsafe fn dense_s8_depthwise(weights: &DenseS8<'_>, plane: &Plane<'_, i8>) {
                // SAFETY: the caller's contract.
                if !unsafe { depthwise::plane::<$rounding>(weights, plane) } {
                    // SAFETY: the caller's contract.
                    unsafe { <$riscv>::dense_s8_depthwise(weights, plane) };
                }
            }
        }
    };
}

integer_kernels!(XpulpSingle, RiscvSingle, Single);
integer_kernels!(XpulpDouble, RiscvDouble, Double);
