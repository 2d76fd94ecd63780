//! Grouped and dilated filters as full ones with zeros between: exact, and zeros are what nnz does not store.
//!
//! ```text
//! 2 groups   [a b]       [a b . .]        dilation 2   [a b c]  ─►  [a . b . c]
//!            [c d]  ─►   [. . c d]
//! ```

use super::error::Problem;
use super::limits::Budget;

/// How a convolution's filters lie in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spread {
    /// Groups of input channels; each filter reads one.
    pub(super) groups: usize,
    /// Rows and columns between taps.
    pub(super) dilation: [usize; 2],
}

impl Spread {
    /// One group, no gaps.
    pub(super) const NONE: Self = Self {
        groups: 1,
        dilation: [1, 1],
    };

    /// Rows and columns that a kernel covers with its gaps.
    pub(super) fn kernel(self, taps: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|d| taps[d].saturating_sub(1).saturating_mul(self.dilation[d]) + 1)
    }

    /// Filters `[o, i, kh, kw]` with their zeros written out, and their new dimensions.
    ///
    /// `o` is a multiple of the groups.
    pub(super) fn apply<T: Copy + Default>(
        self,
        values: Vec<T>,
        dims: [usize; 4],
        budget: &mut Budget,
    ) -> Result<(Vec<T>, [usize; 4]), Problem> {
        if self == Self::NONE {
            return Ok((values, dims));
        }
        let [o, i, kh, kw] = dims;
        let [wide_h, wide_w] = self.kernel([kh, kw]);
        let wide = [o, i * self.groups, wide_h, wide_w];
        let count = wide.iter().try_fold(1_usize, |n, d| n.checked_mul(*d));
        let count = count.ok_or_else(|| Problem::malformed(format!("filters {dims:?}")))?;
        budget.take(count)?;
        let mut out = vec![T::default(); count];
        let per_group = (o / self.groups).max(1);
        for (row, taps) in values.chunks((kh * kw).max(1)).enumerate() {
            let (filter, channel) = (row / i, row % i);
            let target = filter * wide[1] + (filter / per_group) * i + channel;
            for (tap, value) in taps.iter().enumerate() {
                let (y, x) = (tap / kw * self.dilation[0], tap % kw * self.dilation[1]);
                if let Some(slot) = out.get_mut((target * wide_h + y) * wide_w + x) {
                    *slot = *value;
                }
            }
        }
        Ok((out, wide))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_gaps_become_zeros() {
        let mut budget = Budget::for_file(0);
        let grouped = Spread {
            groups: 2,
            ..Spread::NONE
        };
        let (values, dims) = grouped
            .apply(vec![1, 2, 3, 4], [2, 2, 1, 1], &mut budget)
            .unwrap();
        assert_eq!((values, dims), (vec![1, 2, 0, 0, 0, 0, 3, 4], [2, 4, 1, 1]));
        let dilated = Spread {
            groups: 1,
            dilation: [2, 3],
        };
        let (values, dims) = dilated
            .apply(vec![1, 2, 3, 4], [1, 1, 2, 2], &mut budget)
            .unwrap();
        assert_eq!(dims, [1, 1, 3, 4]);
        assert_eq!(values, [1, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0, 4]);
    }

    #[test]
    fn a_spread_beyond_the_budget_is_refused() {
        let wide = Spread {
            groups: 1,
            dilation: [60_000, 60_000],
        };
        let mut budget = Budget::for_file(0);
        assert!(wide.apply(vec![1; 4], [1, 1, 2, 2], &mut budget).is_err());
    }
}
