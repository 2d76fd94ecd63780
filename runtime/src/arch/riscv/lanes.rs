//! The multiply-accumulate of a tile, register by register.
//!
//! A compiler that schedules the eight loads of a tile first runs out of registers when two rows share them
//! (16 accumulators). Written out, two rows cost five instructions for two products, and a product waits for
//! no load.

use crate::kernels::LANES;
use core::arch::asm;

/// `N` sums that begin with `bias`, once: a compiler fills the registers again on every way into a loop.
#[inline(always)]
pub(super) fn begun<const N: usize>(bias: i32) -> [i32; N] {
    [bias; N].map(pinned)
}

/// `value`, of which the compiler forgets where it came from.
#[inline(always)]
fn pinned(value: i32) -> i32 {
    let mut value = value;
    // SAFETY: no instruction.
    unsafe {
        asm!("/* {v} */", v = inout(reg) value, options(nomem, nostack, preserves_flags));
    }
    value
}

/// `acc[lane] += x[lane] · w` for `N` lanes.
///
/// # Safety
///
/// `N` elements at `x` can be read.
#[inline(always)]
pub(super) unsafe fn mac_lanes<const N: usize>(acc: &mut [i32; N], x: *const i8, w: i32) {
    // SAFETY: lanes 0 and 1, by the caller's contract; the others likewise, as far as there are any.
    let rest = unsafe { lanes::<0>(acc, x, w) };
    // SAFETY: as above.
    let rest = unsafe { lanes::<2>(rest, x, w) };
    // SAFETY: as above.
    let rest = unsafe { lanes::<4>(rest, x, w) };
    // SAFETY: as above.
    unsafe { lanes::<6>(rest, x, w) };
}

/// Lanes `AT` and `AT + 1`, as far as there are any; the accumulators behind them.
///
/// # Safety
///
/// As many elements from `x + AT` on can be read.
#[inline(always)]
unsafe fn lanes<const AT: i32>(acc: &mut [i32], x: *const i8, w: i32) -> &mut [i32] {
    match acc {
        [a, b, rest @ ..] => {
            // SAFETY: reads two bytes and changes nothing but the named registers.
            unsafe {
                asm!(
                    "lb {t}, {o0}({x})", "lb {u}, {o1}({x})",
                    "mul {t}, {t}, {w}", "mul {u}, {u}, {w}", "add {a}, {a}, {t}", "add {b}, {b}, {u}",
                    x = in(reg) x, w = in(reg) w, a = inout(reg) *a, b = inout(reg) *b,
                    t = out(reg) _, u = out(reg) _, o0 = const AT, o1 = const AT + 1,
                    options(readonly, nostack, preserves_flags),
                );
            }
            rest
        }
        [a] => {
            // SAFETY: reads a byte and changes nothing but the named registers.
            unsafe {
                asm!(
                    "lb {t}, {o0}({x})", "mul {t}, {t}, {w}", "add {a}, {a}, {t}",
                    x = in(reg) x, w = in(reg) w, a = inout(reg) *a, t = out(reg) _, o0 = const AT,
                    options(readonly, nostack, preserves_flags),
                );
            }
            &mut []
        }
        [] => acc,
    }
}

/// [`mac_lanes`] for two rows that share the loads.
///
/// # Safety
///
/// `N` elements at `x` can be read.
#[inline(always)]
pub(super) unsafe fn mac_pair<const N: usize>(
    accs: (&mut [i32; N], &mut [i32; N]),
    x: *const i8,
    w: (i32, i32),
) {
    let accs = (accs.0.as_mut_slice(), accs.1.as_mut_slice());
    // SAFETY: lanes 0 and 1, by the caller's contract; the others likewise, as far as there are any.
    let rest = unsafe { pair::<0>(accs, x, w) };
    // SAFETY: as above.
    let rest = unsafe { pair::<2>(rest, x, w) };
    // SAFETY: as above.
    let rest = unsafe { pair::<4>(rest, x, w) };
    // SAFETY: as above.
    unsafe { pair::<6>(rest, x, w) };
}

/// Accumulators of two rows.
type Two<'a> = (&'a mut [i32], &'a mut [i32]);

/// Lanes `AT` and `AT + 1` of two rows, as far as there are any; the accumulators behind them.
///
/// # Safety
///
/// As many elements from `x + AT` on can be read.
#[inline(always)]
unsafe fn pair<'a, const AT: i32>(accs: Two<'a>, x: *const i8, w: (i32, i32)) -> Two<'a> {
    match accs {
        ([a, b, rest @ ..], [c, d, behind @ ..]) => {
            // SAFETY: reads two bytes and changes nothing but the named registers.
            unsafe {
                asm!(
                    "lb {t}, {o0}({x})", "lb {u}, {o1}({x})",
                    "mul {v}, {t}, {w}", "mul {t}, {t}, {y}", "add {a}, {a}, {v}", "add {c}, {c}, {t}",
                    "mul {v}, {u}, {w}", "mul {u}, {u}, {y}", "add {b}, {b}, {v}", "add {d}, {d}, {u}",
                    x = in(reg) x, w = in(reg) w.0, y = in(reg) w.1,
                    a = inout(reg) *a, b = inout(reg) *b, c = inout(reg) *c, d = inout(reg) *d,
                    t = out(reg) _, u = out(reg) _, v = out(reg) _, o0 = const AT, o1 = const AT + 1,
                    options(readonly, nostack, preserves_flags),
                );
            }
            (rest, behind)
        }
        ([a], [c]) => {
            // SAFETY: reads a byte and changes nothing but the named registers.
            unsafe {
                asm!(
                    "lb {t}, {o0}({x})",
                    "mul {v}, {t}, {w}", "mul {t}, {t}, {y}", "add {a}, {a}, {v}", "add {c}, {c}, {t}",
                    x = in(reg) x, w = in(reg) w.0, y = in(reg) w.1,
                    a = inout(reg) *a, c = inout(reg) *c,
                    t = out(reg) _, v = out(reg) _, o0 = const AT,
                    options(readonly, nostack, preserves_flags),
                );
            }
            (&mut [], &mut [])
        }
        accs => accs,
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
    match (accs.as_mut_slice(), weights.as_slice()) {
        ([first, second], &[w0, w1]) => {
            let weights = (i32::from(w0), i32::from(w1));
            // SAFETY: the caller's contract.
            unsafe { mac_pair((first, second), x, weights) };
        }
        (rows, weights) => {
            for (row, &w) in rows.iter_mut().zip(weights) {
                // SAFETY: the caller's contract.
                unsafe { mac_lanes(row, x, i32::from(w)) };
            }
        }
    }
}

/// `acc[lane] += Σ x[lane + tap] · w[tap]` for the three taps of a row: ten loads serve 24 products.
///
/// # Safety
///
/// Ten elements at `x` and three at `w` can be read.
#[inline(always)]
pub(crate) unsafe fn three_taps_s8(acc: &mut [i32; LANES], x: *const i8, w: *const i8) {
    let [a0, a1, a2, a3, a4, a5, a6, a7] = acc;
    // SAFETY: reads three bytes at `w` and ten at `x`, and changes nothing but the named registers.
    unsafe {
        asm!(
            "lb {w0}, 0({w})", "lb {w1}, 1({w})", "lb {w2}, 2({w})",
            "lb {t}, 0({x})", "lb {u}, 1({x})",
            "mul {v}, {t}, {w0}", "add {a0}, {a0}, {v}",
            "lb {t}, 2({x})",
            "mul {v}, {u}, {w0}", "add {a1}, {a1}, {v}", "mul {v}, {u}, {w1}", "add {a0}, {a0}, {v}",
            "lb {u}, 3({x})",
            "mul {v}, {t}, {w0}", "add {a2}, {a2}, {v}", "mul {v}, {t}, {w1}", "add {a1}, {a1}, {v}", "mul {v}, {t}, {w2}", "add {a0}, {a0}, {v}",
            "lb {t}, 4({x})",
            "mul {v}, {u}, {w0}", "add {a3}, {a3}, {v}", "mul {v}, {u}, {w1}", "add {a2}, {a2}, {v}", "mul {v}, {u}, {w2}", "add {a1}, {a1}, {v}",
            "lb {u}, 5({x})",
            "mul {v}, {t}, {w0}", "add {a4}, {a4}, {v}", "mul {v}, {t}, {w1}", "add {a3}, {a3}, {v}", "mul {v}, {t}, {w2}", "add {a2}, {a2}, {v}",
            "lb {t}, 6({x})",
            "mul {v}, {u}, {w0}", "add {a5}, {a5}, {v}", "mul {v}, {u}, {w1}", "add {a4}, {a4}, {v}", "mul {v}, {u}, {w2}", "add {a3}, {a3}, {v}",
            "lb {u}, 7({x})",
            "mul {v}, {t}, {w0}", "add {a6}, {a6}, {v}", "mul {v}, {t}, {w1}", "add {a5}, {a5}, {v}", "mul {v}, {t}, {w2}", "add {a4}, {a4}, {v}",
            "lb {t}, 8({x})",
            "mul {v}, {u}, {w0}", "add {a7}, {a7}, {v}", "mul {v}, {u}, {w1}", "add {a6}, {a6}, {v}", "mul {v}, {u}, {w2}", "add {a5}, {a5}, {v}",
            "lb {u}, 9({x})",
            "mul {v}, {t}, {w1}", "add {a7}, {a7}, {v}", "mul {v}, {t}, {w2}", "add {a6}, {a6}, {v}",
            "mul {v}, {u}, {w2}", "add {a7}, {a7}, {v}",
            x = in(reg) x, w = in(reg) w,
            w0 = out(reg) _, w1 = out(reg) _, w2 = out(reg) _,
            a0 = inout(reg) *a0, a1 = inout(reg) *a1, a2 = inout(reg) *a2, a3 = inout(reg) *a3,
            a4 = inout(reg) *a4, a5 = inout(reg) *a5, a6 = inout(reg) *a6, a7 = inout(reg) *a7,
            t = out(reg) _, u = out(reg) _, v = out(reg) _,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
}
