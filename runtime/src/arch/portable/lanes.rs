//! Loads, stores and the eight-lane multiply-accumulate that every convolution kernel is made of.

use super::arithmetic::Arithmetic;
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

/// `accs[n][lane] += x[lane] · weights[n]` for every lane and row.
///
/// # Safety
///
/// `L` elements at `x` can be read.
#[inline(always)]
pub(crate) unsafe fn mac<A: Arithmetic, const N: usize, const L: usize>(
    accs: &mut [[A::Acc; L]; N],
    x: *const A::Element,
    weights: [A::Element; N],
) {
    for lane in 0..L {
        // SAFETY: `lane < L`, by the caller's contract.
        let x = unsafe { load(x, lane) };
        for (acc, &w) in accs.iter_mut().zip(&weights) {
            if let Some(acc) = acc.get_mut(lane) {
                *acc = A::mac(*acc, x, w);
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
    for (lane, acc) in acc.iter_mut().enumerate() {
        // SAFETY: `lane < 8`, by the caller's contract.
        let x = unsafe { load(x, lane) };
        *acc = A::mac(*acc, x, w);
    }
}
