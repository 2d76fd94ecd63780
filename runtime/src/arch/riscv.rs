//! RISC-V with multiplication: the multiply-accumulate of a tile, register by register.
//!
//! A compiler that schedules the eight loads of a tile first runs out of registers when two rows share them
//! (16 accumulators). Written out, two rows cost five instructions for two products, and a product waits for
//! no load.

use crate::kernels::LANES;
use core::arch::asm;

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
            // SAFETY: the caller's contract.
            unsafe { two_rows(first, second, x, [w0, w1]) };
        }
        (rows, weights) => {
            for (row, &w) in rows.iter_mut().zip(weights) {
                // SAFETY: the caller's contract.
                unsafe { one_row(row, x, w) };
            }
        }
    }
}

/// Eight products of one row, two loads ahead of their use.
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
            "lb {t}, 0({x})", "lb {u}, 1({x})",
            "mul {t}, {t}, {w}", "mul {u}, {u}, {w}", "add {a0}, {a0}, {t}", "add {a1}, {a1}, {u}",
            "lb {t}, 2({x})", "lb {u}, 3({x})",
            "mul {t}, {t}, {w}", "mul {u}, {u}, {w}", "add {a2}, {a2}, {t}", "add {a3}, {a3}, {u}",
            "lb {t}, 4({x})", "lb {u}, 5({x})",
            "mul {t}, {t}, {w}", "mul {u}, {u}, {w}", "add {a4}, {a4}, {t}", "add {a5}, {a5}, {u}",
            "lb {t}, 6({x})", "lb {u}, 7({x})",
            "mul {t}, {t}, {w}", "mul {u}, {u}, {w}", "add {a6}, {a6}, {t}", "add {a7}, {a7}, {u}",
            x = in(reg) x, w = in(reg) i32::from(w),
            a0 = inout(reg) *a0, a1 = inout(reg) *a1, a2 = inout(reg) *a2, a3 = inout(reg) *a3,
            a4 = inout(reg) *a4, a5 = inout(reg) *a5, a6 = inout(reg) *a6, a7 = inout(reg) *a7,
            t = out(reg) _, u = out(reg) _,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
}

/// Eight products of two rows that share the loads.
///
/// # Safety
///
/// Eight elements at `x` can be read.
#[inline(always)]
unsafe fn two_rows(first: &mut [i32; LANES], second: &mut [i32; LANES], x: *const i8, w: [i8; 2]) {
    let [a0, a1, a2, a3, a4, a5, a6, a7] = first;
    let [b0, b1, b2, b3, b4, b5, b6, b7] = second;
    // SAFETY: reads eight bytes at `x` and changes nothing but the named registers.
    unsafe {
        asm!(
            "lb {t}, 0({x})", "lb {u}, 1({x})",
            "mul {v}, {t}, {w}", "mul {t}, {t}, {y}", "add {a0}, {a0}, {v}", "add {b0}, {b0}, {t}",
            "mul {v}, {u}, {w}", "mul {u}, {u}, {y}", "add {a1}, {a1}, {v}", "add {b1}, {b1}, {u}",
            "lb {t}, 2({x})", "lb {u}, 3({x})",
            "mul {v}, {t}, {w}", "mul {t}, {t}, {y}", "add {a2}, {a2}, {v}", "add {b2}, {b2}, {t}",
            "mul {v}, {u}, {w}", "mul {u}, {u}, {y}", "add {a3}, {a3}, {v}", "add {b3}, {b3}, {u}",
            "lb {t}, 4({x})", "lb {u}, 5({x})",
            "mul {v}, {t}, {w}", "mul {t}, {t}, {y}", "add {a4}, {a4}, {v}", "add {b4}, {b4}, {t}",
            "mul {v}, {u}, {w}", "mul {u}, {u}, {y}", "add {a5}, {a5}, {v}", "add {b5}, {b5}, {u}",
            "lb {t}, 6({x})", "lb {u}, 7({x})",
            "mul {v}, {t}, {w}", "mul {t}, {t}, {y}", "add {a6}, {a6}, {v}", "add {b6}, {b6}, {t}",
            "mul {v}, {u}, {w}", "mul {u}, {u}, {y}", "add {a7}, {a7}, {v}", "add {b7}, {b7}, {u}",
            x = in(reg) x, w = in(reg) i32::from(w[0]), y = in(reg) i32::from(w[1]),
            a0 = inout(reg) *a0, a1 = inout(reg) *a1, a2 = inout(reg) *a2, a3 = inout(reg) *a3,
            a4 = inout(reg) *a4, a5 = inout(reg) *a5, a6 = inout(reg) *a6, a7 = inout(reg) *a7,
            b0 = inout(reg) *b0, b1 = inout(reg) *b1, b2 = inout(reg) *b2, b3 = inout(reg) *b3,
            b4 = inout(reg) *b4, b5 = inout(reg) *b5, b6 = inout(reg) *b6, b7 = inout(reg) *b7,
            t = out(reg) _, u = out(reg) _, v = out(reg) _,
            options(pure, readonly, nostack, preserves_flags),
        );
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
