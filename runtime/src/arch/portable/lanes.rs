//! Loads, stores and the eight-lane multiply-accumulate that every convolution kernel is made of.

use super::arithmetic::Arithmetic;
use crate::arch::mac_s8;
use crate::kernels::LANES;

/// Element `index` of what `base` begins.
///
/// # Safety
///
/// `base + index` lies in a live, aligned allocation that nobody writes during the call.
#[inline(always)]
pub(crate) unsafe fn load<T: Copy>(base: *const T, index: usize) -> T {
    let at = base.wrapping_add(index);
    // SAFETY: the caller's contract.
    unsafe { at.read() }
}

/// Writes element `index` of what `base` begins.
///
/// # Safety
///
/// `base + index` lies in a live, aligned allocation that may be written.
#[inline(always)]
pub(crate) unsafe fn store<T: Copy>(base: *mut T, index: usize, value: T) {
    let at = base.wrapping_add(index);
    // SAFETY: the caller's contract.
    unsafe { at.write(value) };
}

/// `accs[n][lane] += x[lane] · weights[n]` of integers, for the eight lanes.
///
/// # Safety
///
/// Eight elements at `x` can be read.
#[allow(dead_code, reason = "some targets have their own")]
#[inline(always)]
pub(crate) unsafe fn mac_portable<const N: usize>(
    accs: &mut [[i32; LANES]; N],
    x: *const i8,
    weights: [i8; N],
) {
    // SAFETY: the caller's contract.
    unsafe { mac_by(accs, x, weights, |acc, x: i8, w| acc_s8(acc, x, w)) };
}

/// One column of `N` rows over a tile of integers; moves the weights' pointers to the next column and `x` on by
/// `STEP`.
///
/// # Safety
///
/// A weight is left in each row, and eight elements at `x` can be read.
#[allow(dead_code, reason = "some targets have their own")]
#[inline(always)]
pub(crate) unsafe fn tap_portable<const N: usize, const STEP: i32>(
    accs: &mut [[i32; LANES]; N],
    weights: &mut [*const i8; N],
    x: &mut *const i8,
) {
    // SAFETY: the caller's contract.
    unsafe { tap_by::<i8, i32, N, STEP>(accs, weights, x, mac_s8) };
}

/// One column of `N` rows over a tile, multiplied and accumulated by `mac`; moves the weights' pointers to the next
/// column and `x` on by `STEP`.
///
/// # Safety
///
/// A weight is left in each row, and eight elements at `x` can be read.
#[inline(always)]
pub(crate) unsafe fn tap_by<T: Copy, S, const N: usize, const STEP: i32>(
    accs: &mut [[S; LANES]; N],
    weights: &mut [*const T; N],
    x: &mut *const T,
    mac: unsafe fn(&mut [[S; LANES]; N], *const T, [T; N]),
) {
    // SAFETY: a weight is left in each row.
    let w = weights.map(|row| unsafe { load(row, 0) });
    // SAFETY: eight elements at `x` can be read, by the caller's contract.
    unsafe { mac(accs, *x, w) };
    for row in weights {
        *row = row.wrapping_add(1);
    }
    *x = x.wrapping_offset(STEP as isize);
}

/// `acc[lane] += Σ x[lane + tap] · w[tap]` for the three taps of a row.
///
/// # Safety
///
/// Ten elements at `x` and three at `w` can be read.
#[allow(dead_code, reason = "some targets have their own")]
#[inline(always)]
pub(crate) unsafe fn three_taps_portable(acc: &mut [i32; LANES], x: *const i8, w: *const i8) {
    for tap in 0..3 {
        // SAFETY: below three.
        let weight = unsafe { load(w, tap) };
        // SAFETY: eight of the ten elements.
        unsafe { mac_s8(core::array::from_mut(acc), x.wrapping_add(tap), [weight]) };
    }
}

/// Copies six words, which may be the same ones.
///
/// # Safety
///
/// Six words at `from` can be read and six at `to` written, both at multiples of 4.
#[allow(dead_code, reason = "some targets have their own")]
#[inline(always)]
pub(crate) unsafe fn copy_six_portable(to: *mut u32, from: *const u32) {
    // SAFETY: the caller's contract.
    let words = unsafe { from.cast::<[u32; 6]>().read() };
    // SAFETY: the caller's contract.
    unsafe { store_six_portable(to, words) };
}

/// Writes six words.
///
/// # Safety
///
/// Six words at `to`, a multiple of 4, can be written.
#[allow(dead_code, reason = "some targets have their own")]
#[inline(always)]
pub(crate) unsafe fn store_six_portable(to: *mut u32, words: [u32; 6]) {
    // SAFETY: the caller's contract.
    unsafe { to.cast::<[u32; 6]>().write(words) };
}

/// `acc + x · w`, modulo 2^32.
#[inline(always)]
pub(crate) fn acc_s8(acc: i32, x: i8, w: i8) -> i32 {
    acc.wrapping_add(i32::from(x).wrapping_mul(i32::from(w)))
}

/// `accs[n][lane] = mac(accs[n][lane], x[lane], weights[n])` for the eight lanes.
///
/// # Safety
///
/// Eight elements at `x` can be read.
#[inline(always)]
pub(crate) unsafe fn mac_by<T: Copy, S: Copy, const N: usize>(
    accs: &mut [[S; LANES]; N],
    x: *const T,
    weights: [T; N],
    mac: impl Fn(S, T, T) -> S,
) {
    for lane in 0..LANES {
        // SAFETY: `lane < 8`, by the caller's contract.
        let x = unsafe { load(x, lane) };
        for (row, &w) in accs.iter_mut().zip(&weights) {
            if let Some(acc) = row.get_mut(lane) {
                *acc = mac(*acc, x, w);
            }
        }
    }
}

/// Eight accumulators of one row.
pub(crate) type Lanes<A> = [<A as Arithmetic>::Acc; LANES];

/// `acc[lane] += x[lane] · w` for the eight lanes.
///
/// # Safety
///
/// Eight elements at `x` can be read.
#[inline(always)]
pub(crate) unsafe fn mac_row<A: Arithmetic>(
    acc: &mut Lanes<A>,
    x: *const A::Element,
    w: A::Element,
) {
    // SAFETY: the caller's contract.
    unsafe { A::mac_lanes(core::array::from_mut(acc), x, [w]) };
}
