//! Matrices over channels by fours: blocks of 1x4, and dense rows, where interleaving the planes pays.

use super::conv::Kernels;
use super::matrix::Plain;
use crate::arch::vector::quads::{Blocks, Quad};

/// Interleaved planes: where they come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interleaved {
    /// Channels.
    pub(super) channels: usize,
    /// Planes of a channel.
    pub(super) apart: usize,
    /// Bytes from plane to plane, before they are interleaved.
    pub(super) stride: usize,
    /// Bytes of a plane, before they are interleaved.
    pub(super) len: usize,
}

impl Interleaved {
    /// Bytes of all planes.
    pub(super) const fn bytes(&self) -> usize {
        self.channels.div_ceil(4) * self.apart * self.stride * 4
    }

    /// What interleaving costs a tile of `pixels` altogether.
    pub(super) fn cost(&self, kernels: Kernels, pixels: usize) -> usize {
        let fours = self.channels.div_ceil(4) * self.apart;
        fours * kernels.costs.interleave * self.len / pixels.max(1)
    }
}

/// A matrix in the blocks that its zeros make fastest.
#[derive(Debug)]
pub(super) enum FourByFour {
    /// Every row by itself.
    One(Blocks<1>),
    /// Two rows share their loads.
    Two(Blocks<2>),
    /// Four rows share their loads.
    Four(Blocks<4>),
}

impl FourByFour {
    /// Packs `plain`; `taps` gives where each tap of the first four channels begins, and the next four begin `next`
    /// bytes later.
    pub(super) fn new(
        plain: &Plain,
        taps: &[usize],
        next: usize,
        kernels: Kernels,
    ) -> Option<Self> {
        let pack = Packing {
            plain,
            taps,
            next,
            kernels,
        };
        let mut best = Self::One(pack.blocks()?);
        let mut take = |other: Self| {
            if other.cost(kernels) < best.cost(kernels) {
                best = other;
            }
        };
        take(Self::Two(pack.blocks()?));
        if kernels.rows >= 4 {
            take(Self::Four(pack.blocks()?));
        }
        Some(best)
    }

    /// Rows of a block.
    pub(super) const fn block(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Two(_) => 2,
            Self::Four(_) => 4,
        }
    }

    /// What a tile costs, in the units of [`super::matrix::Matrix::cost`].
    pub(super) fn cost(&self, kernels: Kernels) -> usize {
        let [one, two, four] = kernels.costs.quads;
        match self {
            Self::One(blocks) => blocks.quads.len() * one,
            Self::Two(blocks) => blocks.quads.len() * two,
            Self::Four(blocks) => blocks.quads.len() * four,
        }
    }
}

struct Packing<'p> {
    plain: &'p Plain,
    taps: &'p [usize],
    next: usize,
    kernels: Kernels,
}

impl Packing<'_> {
    /// Blocks of `N` rows, with the quads that any of them has.
    fn blocks<const N: usize>(&self) -> Option<Blocks<N>> {
        let taps = self.taps.len();
        let channels = self.plain.columns().checked_div(taps)?;
        let mut blocks = Blocks {
            quads: Vec::new(),
            counts: Vec::new(),
        };
        for first in (0..self.plain.rows()).step_by(N) {
            let rows: [&[i8]; N] = core::array::from_fn(|n| self.plain.row(first + n));
            let before = blocks.quads.len();
            for four in 0..channels.div_ceil(4) {
                for (tap, from) in self.taps.iter().enumerate() {
                    let offset = u32::try_from(from + four * self.next).ok()?;
                    let weight = |row: &[i8], i: usize| {
                        row.get((4 * four + i) * taps + tap).copied().unwrap_or(0)
                    };
                    let parts = rows
                        .map(|row| (self.kernels.split)(core::array::from_fn(|i| weight(row, i))));
                    push(&mut blocks.quads, offset, &parts);
                }
            }
            let count = blocks.quads.len() - before;
            blocks.counts.push(u32::try_from(count).ok()?);
        }
        Some(blocks)
    }
}

/// Adds a quad where it has weights; twice, where a row's may not be one product.
fn push<const N: usize>(quads: &mut Vec<Quad<N>>, offset: u32, parts: &[[[i8; 4]; 2]; N]) {
    for part in 0..2 {
        let weights = parts.map(|parts| {
            let four = parts.get(part).copied().unwrap_or_default();
            i32::from_le_bytes(four.map(i8::cast_unsigned))
        });
        if weights.iter().any(|weights| *weights != 0) {
            quads.push(Quad { offset, weights });
        }
    }
}
