//! Weights of a file in the form that vectors stream, in blocks of as many rows as is fastest.

use super::conv::Kernels;
use crate::arch::vector::gather::{Gathered, Group};
use nnz_format::decode::{self, Decoded, Values};
use nnz_format::{Step, Weights};

/// A matrix of `i8`, row by row, its columns in the order of the file: channel, then tap.
#[derive(Debug, Clone)]
pub(super) struct Plain {
    /// The shape and the weights.
    decoded: Decoded,
    values: Vec<i8>,
}

impl Plain {
    /// The weights of a step; `None` where it has none of `s8`, or entries that have no single place in a matrix.
    pub(super) fn of(step: &Step<'_>) -> Option<Self> {
        let mut decoded = decode::weights(step).ok()??;
        let none = Values::S8(Vec::new());
        let Values::S8(values) = core::mem::replace(&mut decoded.values, none) else {
            return None;
        };
        let stored = values.iter().filter(|w| **w != 0).count();
        // Entries that add up would saturate at 8 bits here, and do not in the file.
        (stored == entries(&step.weights)).then_some(Self { decoded, values })
    }

    /// Rows.
    pub(super) const fn rows(&self) -> usize {
        self.decoded.rows
    }

    /// Weights of a row.
    pub(super) fn columns(&self) -> usize {
        self.values
            .len()
            .checked_div(self.decoded.rows)
            .unwrap_or(0)
    }

    /// The weights of row `index`; none past the last.
    pub(super) fn row(&self, index: usize) -> &[i8] {
        let columns = self.columns();
        let from = self.values.get(index * columns..).unwrap_or_default();
        from.get(..columns).unwrap_or_default()
    }

    /// Sums of the positive and of the negative weights of a row.
    pub(super) fn sums(&self, index: usize) -> (i64, i64) {
        let row = self.row(index).iter().map(|w| i64::from(*w));
        row.fold((0, 0), |(up, down), w| (up + w.max(0), down + w.min(0)))
    }
}

/// Stored weights that are not 0.
fn entries(weights: &Weights<'_>) -> usize {
    let nonzeros = |bytes: &[u8]| bytes.iter().filter(|b| **b != 0).count();
    match weights {
        Weights::DenseS8(view) => nonzeros(view.weights()),
        Weights::CsrP(view) => view
            .pairs()
            .chunks_exact(2)
            .map(|e| nonzeros(tail(e, 1)))
            .sum(),
        Weights::CsrN(view) => view
            .triples()
            .chunks_exact(3)
            .map(|e| nonzeros(tail(e, 1)))
            .sum(),
        Weights::CsrQ(view) => view
            .groups()
            .chunks_exact(8)
            .map(|e| nonzeros(tail(e, 4)))
            .sum(),
        Weights::Blk1x4(view) => nonzeros(view.weights()),
        Weights::Blk4x1(view) => nonzeros(view.weights()),
        Weights::None | Weights::Table(_) | Weights::DenseF32(_) | Weights::CsrF(_) => 0,
    }
}

fn tail(bytes: &[u8], from: usize) -> &[u8] {
    bytes.get(from..).unwrap_or_default()
}

/// A matrix in the blocks that its zeros make fastest.
#[derive(Debug, Clone)]
pub(super) enum Matrix {
    /// Every row by itself.
    One(Gathered<1>),
    /// Two rows share their columns.
    Two(Gathered<2>),
    /// Four rows share their columns.
    Four(Gathered<4>),
}

impl Matrix {
    /// Packs `plain` for columns that begin at `offsets`.
    pub(super) fn new(plain: &Plain, offsets: &[u32], kernels: Kernels) -> Self {
        let pack = Packing {
            plain,
            offsets,
            split: kernels.split,
        };
        let mut best = Self::One(pack.blocks());
        let mut take = |other: Self| {
            if other.cost(kernels) < best.cost(kernels) {
                best = other;
            }
        };
        take(Self::Two(pack.blocks()));
        if kernels.rows >= 4 {
            take(Self::Four(pack.blocks()));
        }
        best
    }

    /// What a tile costs.
    pub(super) fn cost(&self, kernels: Kernels) -> usize {
        let [one, two, four] = kernels.costs.gather;
        match self {
            Self::One(matrix) => matrix.groups.len() * one,
            Self::Two(matrix) => matrix.groups.len() * two,
            Self::Four(matrix) => matrix.groups.len() * four,
        }
    }

    /// Rows of a block.
    pub(super) const fn block(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Two(_) => 2,
            Self::Four(_) => 4,
        }
    }
}

struct Packing<'p> {
    plain: &'p Plain,
    offsets: &'p [u32],
    split: fn([i8; 4]) -> [[i8; 4]; 2],
}

impl Packing<'_> {
    /// Blocks of `N` rows, with the columns that any of them has.
    fn blocks<const N: usize>(&self) -> Gathered<N> {
        let mut packed = Gathered {
            groups: Vec::new(),
            counts: Vec::new(),
        };
        for first in (0..self.plain.rows()).step_by(N) {
            let rows: [&[i8]; N] = core::array::from_fn(|n| self.plain.row(first + n));
            let weight = |n: usize, column: usize| {
                rows.get(n)
                    .and_then(|row| row.get(column))
                    .copied()
                    .unwrap_or(0)
            };
            let used: Vec<usize> = (0..self.offsets.len())
                .filter(|&column| (0..N).any(|n| weight(n, column) != 0))
                .collect();
            let before = packed.groups.len();
            for columns in used.chunks(4) {
                let at = |i: usize| columns.get(i.min(columns.len() - 1)).copied().unwrap_or(0);
                let offsets =
                    core::array::from_fn(|i| self.offsets.get(at(i)).copied().unwrap_or(0));
                let weights = core::array::from_fn(|n| {
                    core::array::from_fn(|i| columns.get(i).map_or(0, |&column| weight(n, column)))
                });
                self.push(&mut packed.groups, offsets, weights);
            }
            let count = packed.groups.len() - before;
            packed.counts.push(u32::try_from(count).unwrap_or(u32::MAX));
        }
        packed
    }

    /// Adds a group; two, where its weights may not be one.
    fn push<const N: usize>(
        &self,
        groups: &mut Vec<Group<N>>,
        offsets: [u32; 4],
        weights: [[i8; 4]; N],
    ) {
        let word = |weights: [i8; 4]| i32::from_le_bytes(weights.map(i8::cast_unsigned));
        let group = |weights: [[i8; 4]; N]| Group {
            offsets,
            weights: weights.map(word),
        };
        let parts = weights.map(self.split);
        groups.push(group(parts.map(|[first, _]| first)));
        let second = parts.map(|[_, second]| second);
        if second.iter().any(|weights| *weights != [0; 4]) {
            groups.push(group(second));
        }
    }
}
