//! A seeded generator.

/// Numbers that depend on nothing but the seed (xorshift).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// Begins a sequence; every seed gives another.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..4 {
            random.bits();
        }
        random
    }

    /// 32 random bits.
    pub(crate) fn bits(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 32).unwrap()
    }

    /// A number in `low..=high`.
    pub(crate) fn within(&mut self, low: i64, high: i64) -> i64 {
        low + i64::from(self.bits()) % (high - low + 1)
    }

    /// A small number in `low..=high`.
    pub(crate) fn size(&mut self, low: u8, high: u8) -> u8 {
        u8::try_from(self.within(low.into(), high.into())).unwrap()
    }

    /// One of `choices`.
    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let last = i64::try_from(choices.len()).unwrap() - 1;
        choices[usize::try_from(self.within(0, last)).unwrap()]
    }

    /// True once in `n`.
    pub(crate) fn one_in(&mut self, n: i64) -> bool {
        self.within(1, n) == 1
    }

    /// An `s8`; extremes are frequent.
    pub(crate) fn s8(&mut self) -> i8 {
        if self.one_in(6) {
            return self.one_of(&[-128, -127, 127]);
        }
        i8::try_from(self.within(-128, 127)).unwrap()
    }
}
