//! Requantisation for vectors: the file's arithmetic in fixed point, and floats where they are proved to be equal.
//!
//! The output byte never falls as the sum grows, in either arithmetic. Both are therefore the same function if they
//! agree on both sides of each of the at most 255 sums where the output changes, and that is checked, row by row. The
//! float offset is set to the middle of what these sums leave open.

use crate::arch::FLIP;
use crate::arch::vector::{Constants, Rescale, Row};
use crate::requantize::{Double, Round, Single};
use nnz_format::{Clamp, Rounding};

/// What decides the output of a sum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Not negative.
    pub(super) multiplier: i32,
    /// Right shift, negative is left.
    pub(super) shift: i32,
    /// Of the file.
    pub(super) rounding: Rounding,
    /// Of the output.
    pub(super) zero_point: i32,
}

impl Scale {
    /// The output byte of a sum, before the activation.
    pub(super) fn byte(&self, sum: i32) -> u8 {
        let scaled = match (u32::try_from(self.shift), self.rounding) {
            (Ok(right @ 1..), Rounding::Single) => Single::shift_right(sum, self.multiplier, right),
            (Ok(right @ 1..), Rounding::Double) => Double::shift_right(sum, self.multiplier, right),
            _ => Single::shift_left(sum, self.multiplier, self.shift.unsigned_abs()),
        };
        let value = scaled.wrapping_add(self.zero_point).clamp(-128, 127) + 128;
        u8::try_from(value).unwrap_or(0)
    }

    /// The constants of [`Constants`]' formula.
    fn constants(&self) -> Constants {
        let has_right = self.shift > 0;
        let is_double = self.rounding == Rounding::Double;
        Constants {
            left: if has_right { 0 } else { -self.shift },
            multiplier: self.multiplier,
            round: if is_double || !has_right { 1 << 30 } else { 0 },
            toward: if is_double && has_right { -1 } else { 0 },
            right: if has_right { self.shift - 1 } else { 0 },
            half: i32::from(has_right),
            offset: self.zero_point,
        }
    }

    /// A float scale and offset that give the same bytes for all sums in `low..=high`.
    fn floats(&self, (low, high): (i64, i64)) -> Option<(f32, f32)> {
        let low = i32::try_from(low).ok()?;
        let high = i32::try_from(high).ok()?;
        // A left shift wraps, and then grows no more.
        let raised = |sum: i32| i64::from(sum) << (1 + self.shift.min(0).unsigned_abs());
        i32::try_from(raised(low)).ok()?;
        i32::try_from(raised(high)).ok()?;
        let exact = f64::from(self.multiplier) / 2_f64.powi(31 + self.shift);
        let edges = self.edges(low, high, exact);
        let mul = nearest(exact);
        let (up, down) = (mul.next_up(), mul.next_down());
        [mul, up, down, up.next_up(), down.next_down()]
            .into_iter()
            .find_map(|mul| self.offset(mul, (low, high), &edges).map(|add| (mul, add)))
    }

    /// Each byte from the second on that sums of `low..=high` give, with the least such sum, near which the inverse of
    /// `slope` leads.
    fn edges(&self, low: i32, high: i32, slope: f64) -> Vec<(u8, i32)> {
        let mut edges = Vec::new();
        let mut from = low;
        let last = self.byte(high);
        while self.byte(from) < last {
            let now = self.byte(from);
            let wanted = f64::from(now) + 0.5 - f64::from(self.zero_point + 128);
            let guess = whole(wanted / slope);
            let near = |sum: i64| i32::try_from(sum).unwrap_or(from).clamp(from, high);
            let (mut below, mut above) =
                (near(guess.saturating_sub(2)), near(guess.saturating_add(2)));
            if self.byte(below) > now {
                below = from;
            }
            if self.byte(above) <= now {
                above = high;
            }
            while i64::from(above) - i64::from(below) > 1 {
                let middle = below.midpoint(above);
                if self.byte(middle) > now {
                    above = middle;
                } else {
                    below = middle;
                }
            }
            edges.push((self.byte(above), above));
            from = above;
        }
        edges
    }

    /// The offset that keeps the most room to all edges, if it keeps any.
    fn offset(&self, mul: f32, (low, high): (i32, i32), edges: &[(u8, i32)]) -> Option<f32> {
        let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
        let mut before = self.byte(low);
        for &(byte, sum) in edges {
            let product = |sum: i32| f64::from(sum) * f64::from(mul);
            least = least.max(f64::from(byte) - 128.5 - product(sum));
            most = most.min(f64::from(before) - 127.5 - product(sum.wrapping_sub(1)));
            before = byte;
        }
        let centre = f64::from(self.zero_point);
        let add = match edges {
            [] => centre,
            _ if least > most => return None,
            _ => least.midpoint(most),
        };
        let add = nearest(add);
        let byte = |sum: i32| in_floats(sum, mul, add);
        let agrees = |sum: i32| byte(sum) == Some(self.byte(sum));
        let at_edges = |&(_, sum): &(u8, i32)| agrees(sum) && agrees(sum.wrapping_sub(1));
        (agrees(low) && agrees(high) && edges.iter().all(at_edges)).then_some(add)
    }
}

/// What vectors compute; `None` where the result does not fit their integers.
fn in_floats(sum: i32, mul: f32, add: f32) -> Option<u8> {
    let value = (sum as f32).mul_add(mul, add).round_ties_even();
    if value.abs() >= 1e9 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number in 0…255"
    )]
    Some((value.clamp(-128.0, 127.0) + 128.0) as u8)
}

/// The nearest float.
#[expect(clippy::cast_possible_truncation, reason = "rounds")]
pub(super) const fn nearest(value: f64) -> f32 {
    value as f32
}

#[expect(clippy::cast_possible_truncation, reason = "saturates")]
const fn whole(value: f64) -> i64 {
    value as i64
}

/// One output channel: its bias for bytes, its scale, and all sums that it can have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channel {
    /// The sum before any product of unsigned bytes.
    pub(super) bias: i32,
    /// Its scale.
    pub(super) scale: Scale,
    /// Sum of its positive weights.
    pub(super) positive: i64,
    /// Sum of its negative weights.
    pub(super) negative: i64,
}

impl Channel {
    fn row(&self) -> Row {
        let bias = i64::from(self.bias);
        let range = (bias + 255 * self.negative, bias + 255 * self.positive);
        let floats = self.scale.floats(range);
        let (mul, add) = floats.unwrap_or_default();
        let signed = (128 - i64::from(FLIP)) * (self.positive + self.negative);
        Row {
            bias: wrapped(bias + signed),
            is_float: floats.is_some(),
            mul,
            add,
            fixed: self.scale.constants(),
        }
    }
}

/// The low 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "sums of files wrap")]
const fn wrapped(sum: i64) -> i32 {
    sum as i32
}

/// The rows of a matrix in blocks of `block`.
pub(super) fn rescale(channels: &[Channel], block: usize, clamp: &Clamp) -> Rescale {
    let mut rows: Vec<Row> = channels.iter().map(Channel::row).collect();
    if let Some(&last) = rows.last() {
        rows.resize(rows.len().next_multiple_of(block), last);
    }
    let (lo, hi) = match *clamp {
        Clamp::S8 { lo, hi } => (lo, hi),
        Clamp::F32 { .. } => (i8::MIN, i8::MAX),
    };
    Rescale {
        rows,
        lo: byte_of(lo),
        hi: byte_of(hi),
    }
}

/// `s8` as the byte of a plane.
pub(super) const fn byte_of(value: i8) -> u8 {
    value.cast_unsigned() ^ FLIP
}

/// `s8` + 128 as the byte of a plane, and back.
pub(super) const fn flipped(unsigned: u8) -> u8 {
    unsigned ^ 0x80 ^ FLIP
}
