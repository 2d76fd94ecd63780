//! From sums to outputs: the high word of a product, an addition, a shift.
//!
//! ```text
//! once    r = (mulh(acc, m) + (2·zp + 1) << (s − 2)) >> (s − 1)
//! twice   h = acc·2m / 2^32, rounded half up;  r = (h + (h >> 31) + (2·zp + 1) << (s − 1)) >> s
//! ```
//!
//! Both are the contract of [`crate::requantize`] with the zero point added on the way. For shifts of 2 to 22 no sum
//! leaves 32 bits: `mulh` by a multiplier below 2^31 is within 2^30, a zero point within 2^8. What is rounded twice
//! needs a sum within 2^30 for it, which a bias within 2^29 and at most 2^15 columns prove, as a product is within
//! 2^14. Other rows take the portable way. A row with one output only is not worth the proof:
//!
//! ```text
//! alone   r = (((h + (h >> 31)) >> (s − 1)) + 2·zp + 1) >> 1
//! ```

use crate::arch::XPULP;
use crate::arch::portable::RowS8;
use crate::kernels::Post;
use crate::requantize::{Double, Round, Single};
use core::arch::asm;

/// Shifts for which the short forms hold.
const SHIFTS: core::ops::RangeInclusive<i32> = 2..=22;

/// Most columns of rows whose sums stay small.
const COLUMNS: usize = 1 << 15;

/// Whether the products of a row stay within 2^29.
pub(super) const fn are_small(columns: usize) -> bool {
    columns <= COLUMNS
}

/// A row whose bias is not within 2^29 marked by its shift, which no short form takes: nothing of the bias has to be
/// kept until the sum is finished. Shifts have six bits.
#[inline(always)]
fn marked(row: RowS8) -> RowS8 {
    let mut shift = row.shift;
    // SAFETY: arithmetic on named registers. Not `pure`, so that it stays in front of the sum.
    unsafe {
        asm!(
            "add {t}, {t}, {bias}", "srli {t}, {t}, 30", "slli {t}, {t}, 6", "add {shift}, {shift}, {t}",
            t = inout(reg) 1 << 29 => _, bias = in(reg) row.bias, shift = inout(reg) shift,
            options(nomem, nostack, preserves_flags),
        );
    }
    RowS8 { shift, ..row }
}

/// The row that was marked.
pub(super) fn unmarked(row: RowS8) -> RowS8 {
    RowS8 {
        shift: row.shift.wrapping_shl(26) >> 26,
        ..row
    }
}

/// The constants of one row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    multiplier: u32,
    added: i32,
    shift: u32,
}

/// A rounding's instructions.
pub(super) trait Finish: Round {
    /// A row as [`Finish::scale`] takes it: its shift tells whether sums can leave what the short form takes.
    fn marked(row: RowS8) -> RowS8;
    /// The constants for a marked row's multiplier and shift and a zero point; `None` where the short form does not
    /// hold.
    fn scale(multiplier: i32, shift: i32, zero_point: i32) -> Option<Scale>;
    /// The output of a sum before its bounds.
    fn apply(scale: Scale, acc: i32) -> i32;
    /// As [`Finish::scale`] and [`Finish::apply`] for a row that is not marked and has one output.
    fn alone(multiplier: i32, shift: i32, zero_point: i32, acc: i32) -> Option<i32>;
}

impl Finish for Single {
    #[inline(always)]
    fn marked(row: RowS8) -> RowS8 {
        row
    }

    #[inline(always)]
    fn scale(multiplier: i32, shift: i32, zero_point: i32) -> Option<Scale> {
        if !SHIFTS.contains(&shift) {
            return None;
        }
        let shift = shift.unsigned_abs();
        let half = zero_point.wrapping_shl(1).wrapping_add(1);
        Some(Scale {
            multiplier: multiplier.cast_unsigned(),
            added: half.wrapping_shl(shift.wrapping_sub(2)),
            shift: shift.wrapping_sub(1),
        })
    }

    #[inline(always)]
    fn apply(scale: Scale, acc: i32) -> i32 {
        let result;
        if XPULP {
            // SAFETY: arithmetic on named registers; cv.addNr adds and shifts.
            unsafe {
                asm!(
                    "mulh {r}, {acc}, {m}", ".insn r 0x2b, 3, 0x40, {r}, {c}, {s}",
                    r = out(reg) result, acc = in(reg) acc,
                    m = in(reg) scale.multiplier, c = in(reg) scale.added, s = in(reg) scale.shift,
                    options(pure, nomem, nostack, preserves_flags),
                );
            }
            return result;
        }
        // SAFETY: arithmetic on named registers.
        unsafe {
            asm!(
                "mulh {r}, {acc}, {m}", "add {r}, {r}, {c}", "sra {r}, {r}, {s}",
                r = out(reg) result, acc = in(reg) acc,
                m = in(reg) scale.multiplier, c = in(reg) scale.added, s = in(reg) scale.shift,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        result
    }

    #[inline(always)]
    fn alone(multiplier: i32, shift: i32, zero_point: i32, acc: i32) -> Option<i32> {
        Self::scale(multiplier, shift, zero_point).map(|scale| Self::apply(scale, acc))
    }
}

impl Finish for Double {
    #[inline(always)]
    fn marked(row: RowS8) -> RowS8 {
        marked(row)
    }

    #[inline(always)]
    fn scale(multiplier: i32, shift: i32, zero_point: i32) -> Option<Scale> {
        if !SHIFTS.contains(&shift) {
            return None;
        }
        let shift = shift.unsigned_abs();
        let half = zero_point.wrapping_shl(1).wrapping_add(1);
        Some(Scale {
            multiplier: multiplier.cast_unsigned().wrapping_shl(1),
            added: half.wrapping_shl(shift.wrapping_sub(1)),
            shift,
        })
    }

    #[inline(always)]
    fn apply(scale: Scale, acc: i32) -> i32 {
        let result;
        if XPULP {
            // SAFETY: arithmetic on named registers; cv.addNr adds and shifts.
            unsafe {
                asm!(
                    "mul {l}, {acc}, {m}", "mulhsu {r}, {acc}, {m}", "srli {l}, {l}, 31", "add {r}, {r}, {l}",
                    "srai {l}, {r}, 31", "add {r}, {r}, {c}", ".insn r 0x2b, 3, 0x40, {r}, {l}, {s}",
                    r = out(reg) result, l = out(reg) _, acc = inout(reg) acc => _,
                    m = in(reg) scale.multiplier, c = in(reg) scale.added, s = in(reg) scale.shift,
                    options(pure, nomem, nostack, preserves_flags),
                );
            }
            return result;
        }
        // SAFETY: arithmetic on named registers.
        unsafe {
            asm!(
                "mul {l}, {acc}, {m}", "mulhsu {r}, {acc}, {m}", "srli {l}, {l}, 31", "add {r}, {r}, {l}",
                "srai {l}, {r}, 31", "add {r}, {r}, {c}", "add {r}, {r}, {l}", "sra {r}, {r}, {s}",
                r = out(reg) result, l = out(reg) _, acc = inout(reg) acc => _,
                m = in(reg) scale.multiplier, c = in(reg) scale.added, s = in(reg) scale.shift,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        result
    }

    #[inline(always)]
    fn alone(multiplier: i32, shift: i32, zero_point: i32, acc: i32) -> Option<i32> {
        if !SHIFTS.contains(&shift) {
            return None;
        }
        let result;
        // SAFETY: arithmetic on named registers.
        unsafe {
            asm!(
                "mul {l}, {acc}, {m}", "mulhsu {r}, {acc}, {m}", "srli {l}, {l}, 31", "add {r}, {r}, {l}",
                "srai {l}, {r}, 31", "add {r}, {r}, {l}", "sra {r}, {r}, {s}",
                "add {r}, {r}, {c}", "srai {r}, {r}, 1",
                r = out(reg) result, l = out(reg) _, acc = inout(reg) acc => _,
                m = in(reg) multiplier.wrapping_shl(1), s = in(reg) shift.wrapping_sub(1),
                c = in(reg) zero_point.wrapping_shl(1).wrapping_add(1),
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        Some(result)
    }
}

/// Finishes all of `accs`, storing one after the other from `at` on.
///
/// # Safety
///
/// So many elements may be written there.
#[inline(always)]
pub(super) unsafe fn store_all<R: Finish>(
    accs: &[i32],
    scale: Scale,
    post: &Post<i8>,
    at: *mut i8,
) {
    let (lo, hi) = (i32::from(post.lo), i32::from(post.hi));
    for (lane, &acc) in accs.iter().enumerate() {
        let value = bounded(R::apply(scale, acc), lo, hi);
        // SAFETY: the caller's contract.
        unsafe { at.wrapping_add(lane).write(value) };
    }
}

/// `value` between `lo` and `hi`, which are `i8` values: without instructions for it a compiler copies it twice.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the bounds are i8 values")]
pub(super) fn bounded(value: i32, lo: i32, hi: i32) -> i8 {
    if cfg!(target_feature = "zbb") {
        return value.max(lo).min(hi) as i8;
    }
    let mut value = value;
    if XPULP {
        // SAFETY: arithmetic on one register: cv.max, cv.min.
        unsafe {
            asm!(
                ".insn r 0x2b, 3, 0x2d, {v}, {v}, {lo}", ".insn r 0x2b, 3, 0x2b, {v}, {v}, {hi}",
                v = inout(reg) value, lo = in(reg) lo, hi = in(reg) hi,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        return value as i8;
    }
    // SAFETY: arithmetic on one register.
    unsafe {
        asm!(
            "bge {v}, {lo}, 2f", "mv {v}, {lo}", "2:", "bge {hi}, {v}, 3f", "mv {v}, {hi}", "3:",
            v = inout(reg) value, lo = in(reg) lo, hi = in(reg) hi,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    value as i8
}
