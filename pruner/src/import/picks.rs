//! Operators whose output rows and columns are rows and columns of the input: mirrored padding, repetition, reversal.
//!
//! All are a nearest-neighbour resize with places of their own:
//!
//! ```text
//! reflect by 2   c b [a b c d] c b        symmetric   b a [a b c d] d c        edge   a a [a b c d] d d
//! ```

use super::error::Problem;
use super::limits::{self, Budget};
use crate::ir::{Op, Resize, Tap};

/// Which pixel stands beyond the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beyond {
    /// Mirrored at the last pixel.
    Reflect,
    /// Mirrored after the last pixel.
    Symmetric,
    /// The last pixel.
    Edge,
    /// From the other side.
    Wrap,
}

impl Beyond {
    /// The places of `n` pixels with `begin` before and `end` after them.
    pub(super) fn places(
        self,
        n: usize,
        begin: usize,
        end: usize,
        budget: &mut Budget,
    ) -> Result<Vec<usize>, Problem> {
        let most = match self {
            Self::Reflect => n.saturating_sub(1),
            Self::Symmetric | Self::Wrap => n,
            Self::Edge => limits::WINDOW,
        };
        if begin > most || end > most {
            return Err(Problem::malformed(format!(
                "{n} pixels cannot be padded by {begin} and {end} of their own"
            )));
        }
        budget.take(n + begin + end)?;
        let before = (0..begin).rev().map(|i| match self {
            Self::Reflect => i + 1,
            Self::Symmetric => i,
            Self::Edge => 0,
            Self::Wrap => n - 1 - i,
        });
        let after = (0..end).map(|i| match self {
            Self::Reflect => n - 2 - i,
            Self::Symmetric => n - 1 - i,
            Self::Edge => n - 1,
            Self::Wrap => i,
        });
        Ok(before.chain(0..n).chain(after).collect())
    }
}

/// The places of `n` pixels, all of them `times` over.
pub(super) fn tiled(n: usize, times: usize, budget: &mut Budget) -> Result<Vec<usize>, Problem> {
    let count = n.saturating_mul(times);
    if times == 0 || count > limits::DIM {
        return Err(Problem::malformed(format!("{n} pixels {times} times")));
    }
    budget.take(count)?;
    Ok((0..count).map(|i| i % n).collect())
}

/// The places of `n` pixels, each `times` over before the next.
pub(super) fn stretched(
    n: usize,
    times: usize,
    budget: &mut Budget,
) -> Result<Vec<usize>, Problem> {
    let mut places = tiled(n, times, budget)?;
    places.sort_unstable();
    Ok(places)
}

/// The image whose rows and columns are those of the input.
pub(super) fn picked(rows: &[usize], columns: &[usize]) -> Op {
    let taps = |places: &[usize]| {
        let tap = |&at: &usize| Tap {
            before: at,
            after: at,
            weight: 0.0,
        };
        places.iter().map(tap).collect()
    };
    Op::Resize(Resize {
        nearest: true,
        rows: taps(rows),
        columns: taps(columns),
    })
}
