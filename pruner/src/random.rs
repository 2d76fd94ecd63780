//! The seeded generator of this crate's own tests.

/// A small generator with a seed that failures print.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        random.below(2);
        random
    }

    /// A number in `0…n−1`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n.max(1)
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A number in `-1…1`.
    pub(crate) fn real(&mut self) -> f32 {
        f32::from(i16::try_from(self.below(2001)).unwrap() - 1000) / 1000.0
    }

    /// A number that is near 0 most of the time, as weights and activations are.
    pub(crate) fn bell(&mut self) -> f32 {
        (0..6).map(|_| self.real()).sum::<f32>() / 2.0
    }

    /// One of `items`.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Any `s8` but −128, as weights are.
    pub(crate) fn s8(&mut self) -> i8 {
        i8::try_from(self.below(255).cast_signed() - 127).unwrap()
    }
}
