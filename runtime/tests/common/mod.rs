//! What the suites share: seeded cases, one-step files, and literal arithmetic to compare with.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::type_complexity,
    reason = "each suite uses its part; a test that fails may panic"
)]

pub mod any;
pub mod conv;
pub mod literal;
pub mod net;
pub mod small;

/// A seeded generator (xorshift).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Begins a sequence; every seed gives another.
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..4 {
            random.bits();
        }
        random
    }

    /// 32 random bits.
    pub fn bits(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 32).unwrap()
    }

    /// A number in `low..=high`.
    pub fn within(&mut self, low: i64, high: i64) -> i64 {
        low + i64::from(self.bits()) % (high - low + 1)
    }

    /// A number in `low..=high`.
    pub fn size(&mut self, low: u8, high: u8) -> u8 {
        u8::try_from(self.within(low.into(), high.into())).unwrap()
    }

    /// One of `choices`.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let last = i64::try_from(choices.len()).unwrap() - 1;
        choices[usize::try_from(self.within(0, last)).unwrap()]
    }

    /// True once in `n`.
    pub fn one_in(&mut self, n: i64) -> bool {
        self.within(1, n) == 1
    }

    /// An `s8`; extremes are frequent.
    pub fn s8(&mut self) -> i8 {
        if self.one_in(6) {
            return self.one_of(&[-128, -127, 127]);
        }
        i8::try_from(self.within(-128, 127)).unwrap()
    }

    /// `len` values of `s8`; one vector in eight is all one extreme.
    pub fn s8_vec(&mut self, len: usize) -> Vec<i8> {
        if self.one_in(8) {
            let value = self.one_of(&[-128, 127]);
            return vec![value; len];
        }
        (0..len).map(|_| self.s8()).collect()
    }

    /// `len` values in −1…1.
    pub fn f32_vec(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.real()).collect()
    }

    /// A value in −1…1.
    pub fn real(&mut self) -> f32 {
        (f64::from(self.bits()) / f64::from(u32::MAX) * 2.0 - 1.0) as f32
    }
}
