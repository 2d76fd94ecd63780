//! Cortex-M with Thumb-2 (M3, M4, M7, M33): the multiply-accumulate of a tile, register by register.
//!
//! Eight accumulators, the weight, two pointers, an end and one value are all the registers there are. A compiler
//! that schedules loads first spills accumulators; written out, a product is a load and a multiply-accumulate.

use crate::kernels::LANES;
use core::arch::asm;

/// One column of `N` rows over a tile: `accs[n][lane] += x[lane] · *weights[n]`; moves the weights' pointers to the
/// next column and `x` on by `STEP`.
///
/// # Safety
///
/// A weight is left in each row, and eight elements at `x` can be read.
#[inline(always)]
pub(crate) unsafe fn tap_s8<const N: usize, const STEP: i32>(
    accs: &mut [[i32; LANES]; N],
    weights: &mut [*const i8; N],
    x: &mut *const i8,
) {
    if let ([row], [w]) = (accs.as_mut_slice(), weights.as_mut_slice()) {
        // SAFETY: the caller's contract.
        unsafe { one_tap::<STEP>(row, w, x) };
    } else {
        // SAFETY: the caller's contract.
        unsafe { crate::arch::portable::tap_by::<i8, i32, N, STEP>(accs, weights, x, mac_s8) };
    }
}

/// One column of one row. The pointers move inside, so that they stay two registers.
///
/// # Safety
///
/// A weight is left in the row, and eight elements at `x` can be read.
#[inline(always)]
unsafe fn one_tap<const STEP: i32>(row: &mut [i32; LANES], w: &mut *const i8, x: &mut *const i8) {
    let [a0, a1, a2, a3, a4, a5, a6, a7] = row;
    // SAFETY: reads a byte at `w` and eight at `x`, and changes nothing but the named registers.
    unsafe {
        asm!(
            "ldrsb {v}, [{w}], #1",
            "ldrsb {t}, [{x}], #{step}", "mla {a0}, {t}, {v}, {a0}",
            "ldrsb {t}, [{x}, #{o1}]", "mla {a1}, {t}, {v}, {a1}",
            "ldrsb {t}, [{x}, #{o2}]", "mla {a2}, {t}, {v}, {a2}",
            "ldrsb {t}, [{x}, #{o3}]", "mla {a3}, {t}, {v}, {a3}",
            "ldrsb {t}, [{x}, #{o4}]", "mla {a4}, {t}, {v}, {a4}",
            "ldrsb {t}, [{x}, #{o5}]", "mla {a5}, {t}, {v}, {a5}",
            "ldrsb {t}, [{x}, #{o6}]", "mla {a6}, {t}, {v}, {a6}",
            "ldrsb {t}, [{x}, #{o7}]", "mla {a7}, {t}, {v}, {a7}",
            x = inout(reg) *x, w = inout(reg) *w, t = out(reg) _, v = out(reg) _,
            a0 = inout(reg) *a0, a1 = inout(reg) *a1, a2 = inout(reg) *a2, a3 = inout(reg) *a3,
            a4 = inout(reg) *a4, a5 = inout(reg) *a5, a6 = inout(reg) *a6, a7 = inout(reg) *a7,
            step = const STEP, o1 = const 1 - STEP, o2 = const 2 - STEP, o3 = const 3 - STEP,
            o4 = const 4 - STEP, o5 = const 5 - STEP, o6 = const 6 - STEP, o7 = const 7 - STEP,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
}

/// `accs[n][lane] += x[lane] · weights[n]`.
///
/// # Safety
///
/// Eight elements at `x` can be read.
#[inline(always)]
pub(crate) unsafe fn mac_s8<const N: usize>(
    accs: &mut [[i32; LANES]; N],
    x: *const i8,
    weights: [i8; N],
) {
    for (row, &w) in accs.iter_mut().zip(&weights) {
        // SAFETY: the caller's contract.
        unsafe { one_row(row, x, w) };
    }
}

/// Eight products of one row.
///
/// # Safety
///
/// Eight elements at `x` can be read.
#[inline(always)]
unsafe fn one_row(row: &mut [i32; LANES], x: *const i8, w: i8) {
    let [a0, a1, a2, a3, a4, a5, a6, a7] = row;
    // SAFETY: reads eight bytes at `x` and changes nothing but the named registers.
    unsafe {
        asm!(
            "ldrsb {t}, [{x}]", "mla {a0}, {t}, {w}, {a0}",
            "ldrsb {t}, [{x}, #1]", "mla {a1}, {t}, {w}, {a1}",
            "ldrsb {t}, [{x}, #2]", "mla {a2}, {t}, {w}, {a2}",
            "ldrsb {t}, [{x}, #3]", "mla {a3}, {t}, {w}, {a3}",
            "ldrsb {t}, [{x}, #4]", "mla {a4}, {t}, {w}, {a4}",
            "ldrsb {t}, [{x}, #5]", "mla {a5}, {t}, {w}, {a5}",
            "ldrsb {t}, [{x}, #6]", "mla {a6}, {t}, {w}, {a6}",
            "ldrsb {t}, [{x}, #7]", "mla {a7}, {t}, {w}, {a7}",
            x = in(reg) x, w = in(reg) i32::from(w),
            a0 = inout(reg) *a0, a1 = inout(reg) *a1, a2 = inout(reg) *a2, a3 = inout(reg) *a3,
            a4 = inout(reg) *a4, a5 = inout(reg) *a5, a6 = inout(reg) *a6, a7 = inout(reg) *a7,
            t = out(reg) _,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
}

/// Copies six words by one load and one store.
///
/// # Safety
///
/// Six words at `from` can be read and six at `to` written, both at multiples of 4.
#[inline(always)]
pub(crate) unsafe fn copy_six(to: *mut u32, from: *const u32) {
    // SAFETY: the caller's contract.
    unsafe {
        asm!(
            "ldm {from}, {{r0-r5}}",
            "stm {to}, {{r0-r5}}",
            from = in(reg) from, to = in(reg) to,
            out("r0") _, out("r1") _, out("r2") _, out("r3") _, out("r4") _, out("r5") _,
            options(nostack, preserves_flags),
        );
    }
}

/// Writes six words by one store.
///
/// # Safety
///
/// Six words at `to`, a multiple of 4, can be written.
#[inline(always)]
pub(crate) unsafe fn store_six(to: *mut u32, words: [u32; 6]) {
    let [a, b, c, d, e, f] = words;
    // SAFETY: the caller's contract.
    unsafe {
        asm!(
            "stm {to}, {{r0-r5}}",
            to = in(reg) to,
            in("r0") a, in("r1") b, in("r2") c, in("r3") d, in("r4") e, in("r5") f,
            options(nostack, preserves_flags),
        );
    }
}
