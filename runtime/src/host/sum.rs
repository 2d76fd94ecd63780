//! `add`: floats where all 65,536 pairs of bytes give what the file's arithmetic gives, else a table of them.

use super::planes::{Arena, Place};
use super::rescale::{byte_of, flipped, nearest};
use crate::arch::vector::sum::{Add, Scales};
use crate::requantize::{doubling_high_mul, rounding_shift_right};
use nnz_format::{AddParams, Clamp, LinearSum, Op, Step};

/// Bits that operands are raised by before they are brought to a common scale.
const LEFT_SHIFT: u32 = 20;

/// An addition, ready to run.
#[derive(Debug)]
pub(super) enum Sum {
    /// By vectors.
    Floats(Scales),
    /// `[first][second]`.
    Table(Vec<u8>),
}

/// The file's arithmetic.
enum Exact {
    /// Multipliers and shifts of both operands and of the sum; zero points `[first, second, output]`.
    Scaled(AddParams, [i32; 3]),
    /// Coefficients.
    Linear(LinearSum),
}

impl Exact {
    fn raised(byte: u8, zero_point: i32, multiplier: i32, shift: i8) -> i32 {
        let centred = (i32::from(byte) - 128 - zero_point) << LEFT_SHIFT;
        let shift = u32::from(shift.unsigned_abs());
        rounding_shift_right(doubling_high_mul(centred, multiplier), shift)
    }

    /// The sums of every pair, activation left out.
    fn table(&self) -> Vec<u8> {
        let byte = |value: i32| u8::try_from(value.clamp(-128, 127) + 128).unwrap_or(0);
        let (params, zero_points) = match self {
            Self::Scaled(params, zero_points) => (params, zero_points),
            Self::Linear(sum) => {
                let values = || i8::MIN..=i8::MAX;
                return values()
                    .flat_map(|a| values().map(move |b| byte(sum.of(a, b))))
                    .collect();
            }
        };
        let operand = |zero_point: i32, multiplier: i32, shift: i8| {
            let raised = move |byte| Self::raised(byte, zero_point, multiplier, shift);
            (0..=u8::MAX).map(raised).collect::<Vec<i32>>()
        };
        let [first, second, output] = *zero_points;
        let a = operand(first, params.m1, params.s1);
        let b = operand(second, params.m2, params.s2);
        let shift = u32::from(params.so.unsigned_abs());
        let sum = |a: i32, b: i32| {
            let scaled = doubling_high_mul(a.wrapping_add(b), params.mo);
            byte(rounding_shift_right(scaled, shift).wrapping_add(output))
        };
        a.iter()
            .flat_map(|&a| b.iter().map(move |&b| sum(a, b)))
            .collect()
    }

    /// The real scales of both operands.
    fn scales(&self) -> (f64, f64) {
        match self {
            Self::Scaled(params, _) => {
                let scale = |multiplier: i32, shift: i8| {
                    f64::from(multiplier) / 2_f64.powi(31 + i32::from(shift))
                };
                let raised = scale(params.mo, params.so) * f64::from(1 << LEFT_SHIFT);
                (
                    scale(params.m1, params.s1) * raised,
                    scale(params.m2, params.s2) * raised,
                )
            }
            Self::Linear(sum) => {
                let unit = f64::from(1 << LinearSum::SHIFT);
                (f64::from(sum.first) / unit, f64::from(sum.second) / unit)
            }
        }
    }

    /// Floats that give `table`, within `bounds`.
    fn floats(&self, table: &[u8], bounds: (i8, i8)) -> Option<Scales> {
        let (first, second) = self.scales();
        let second = near(second);
        let mut pairs = near(first)
            .into_iter()
            .flat_map(|first| second.map(|second| (first, second)));
        let found = pairs.find_map(|mul| offset(mul, table).map(|add| (mul, add)));
        found.map(|(mul, add)| Scales {
            mul,
            add,
            bounds: (byte_of(bounds.0), byte_of(bounds.1)),
        })
    }
}

/// The nearest floats of a scale, the nearest first.
fn near(scale: f64) -> [f32; 5] {
    let middle = nearest(scale);
    let (up, down) = (middle.next_up(), middle.next_down());
    [middle, up, down, up.next_up(), down.next_down()]
}

/// The offset with which the scales `mul` give `table`, if there is one.
fn offset(mul: (f32, f32), table: &[u8]) -> Option<f32> {
    let pairs = || {
        (0..=u8::MAX)
            .flat_map(|a| (0..=u8::MAX).map(move |b| (a, b)))
            .zip(table)
    };
    let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
    for ((a, b), &sum) in pairs() {
        let product = f64::from(a) * f64::from(mul.0) + f64::from(b) * f64::from(mul.1);
        if sum > 0 {
            least = least.max(f64::from(sum) - 128.5 - product);
        }
        if sum < 255 {
            most = most.min(f64::from(sum) - 127.5 - product);
        }
        if least > most {
            return None;
        }
    }
    let add = nearest(least.midpoint(most));
    let agrees = |((a, b), sum): ((u8, u8), &u8)| {
        let value = f32::from(a).mul_add(mul.0, f32::from(b).mul_add(mul.1, add));
        let byte = value.round_ties_even().clamp(-128.0, 127.0) + 128.0;
        value.abs() < 1e9 && byte == f32::from(*sum)
    };
    pairs().all(agrees).then_some(add)
}

impl Sum {
    /// The addition of `step`.
    pub(super) fn new(step: &Step<'_>, clamp: &Clamp) -> Option<Self> {
        let second = step.input2?;
        let Clamp::S8 { lo, hi } = *clamp else {
            return None;
        };
        let bounds = (lo, hi);
        let exact = if let Op::AddLinear { sum, .. } = step.op {
            Exact::Linear(sum)
        } else if let Op::Add { params, .. } = step.op {
            let zero_points = [step.input, second, step.output].map(|tensor| tensor.zero_point);
            Exact::Scaled(params, zero_points)
        } else {
            return None;
        };
        let mut table = exact.table();
        if let Some(scales) = exact.floats(&table, bounds) {
            return Some(Self::Floats(scales));
        }
        let (lo, hi) = (flipped(byte_of(bounds.0)), flipped(byte_of(bounds.1)));
        table
            .iter_mut()
            .for_each(|byte| *byte = flipped((*byte).clamp(lo, hi)));
        Some(Self::Table(table))
    }

    /// Runs it.
    pub(super) fn run(&self, arena: &Arena<'_>, (first, second): (&Place, &Place), output: &Place) {
        let len = output.form.channels * output.form.plane;
        let mine = arena.worker.range(len, 64);
        let [first, second, output] =
            [first, second, output].map(|place| place.offset + mine.start);
        match self {
            Self::Floats(scales) => {
                let inputs = (arena.at(first).cast_const(), arena.at(second).cast_const());
                arena.enter(Add {
                    scales: *scales,
                    inputs,
                    output: arena.at(output),
                    len: mine.len(),
                });
            }
            Self::Table(table) => {
                let bytes = |from: usize| arena.bytes(from..from + mine.len());
                let sums = arena.bytes_mut(output..output + mine.len());
                for ((sum, a), b) in sums.iter_mut().zip(bytes(first)).zip(bytes(second)) {
                    let index = usize::from(flipped(*a)) * 256 + usize::from(flipped(*b));
                    *sum = table.get(index).copied().unwrap_or(0);
                }
            }
        }
    }
}
