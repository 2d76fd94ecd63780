//! Offsets for blocks that may share memory when they are not live together.
//!
//! A block is a chain of tensors that begin at one byte (in-place steps), so its size changes over
//! time. Two blocks conflict with two distances: how far above A's start B may begin at the earliest,
//! and the other way round; each is the size of the lower one while both are live.
//!
//! ```text
//! time →      0  1  2  3  4
//! block A    ███████▌           need(A, B) = size of A at time 2
//! block B          ▐███████     need(B, A) = size of B at time 2
//! ```
//!
//! Orderings are placed at the lowest free offset first (best fit by size and its variants). Where that
//! misses the lower bound, a branch and bound over the order of offsets finds the optimum of small
//! problems; its effort is bounded by a number of nodes, so that a result never depends on the machine.

/// Part of a block's life with one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// First step it exists in.
    pub(super) first: usize,
    /// Last step it exists in.
    pub(super) last: usize,
    /// Bytes, a multiple of 8.
    pub(super) size: u64,
}

/// Tensors that begin at one byte.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Block {
    /// Their lives; they overlap only in the step that turns one into the next.
    pub(super) spans: Vec<Span>,
}

impl Block {
    fn peak(&self) -> u64 {
        self.spans.iter().map(|s| s.size).max().unwrap_or(0)
    }

    fn area(&self) -> u64 {
        self.spans
            .iter()
            .map(|s| s.size * (s.last - s.first + 1) as u64)
            .sum()
    }

    fn duration(&self) -> usize {
        self.spans.iter().map(|s| s.last - s.first + 1).sum()
    }

    fn first(&self) -> usize {
        self.spans.iter().map(|s| s.first).min().unwrap_or(0)
    }

    /// Bytes of `self` while `other` is live, 0 where they never meet.
    fn size_beside(&self, other: &Self) -> u64 {
        let meets = |s: &&Span| {
            other
                .spans
                .iter()
                .any(|o| s.first <= o.last && o.first <= s.last)
        };
        self.spans
            .iter()
            .filter(meets)
            .map(|s| s.size)
            .max()
            .unwrap_or(0)
    }
}

/// An arrangement: the offset of each block, and the bytes needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrangement {
    pub(super) offsets: Vec<u64>,
    pub(super) len: u64,
}

/// The most nodes that the exact search visits.
const NODES: usize = 100_000;
/// The most blocks that the exact search is tried on.
const EXACT_BLOCKS: usize = 40;

/// Arranges `blocks` by best fit; no arrangement can be shorter than `bound`, so the search ends when it is met.
pub(super) fn best_fit(blocks: &[Block], bound: u64) -> Arrangement {
    let needs = Needs::new(blocks);
    let mut best = Arrangement {
        offsets: Vec::new(),
        len: u64::MAX,
    };
    for order in orders(blocks) {
        let found = needs.first_fit(&order);
        if found.len < best.len {
            best = found;
        }
        if best.len <= bound {
            return best;
        }
    }
    best
}

/// Improves `best` by exact search where the problem is small enough.
pub(super) fn exact(blocks: &[Block], bound: u64, best: Arrangement) -> Arrangement {
    if best.len <= bound || blocks.len() > EXACT_BLOCKS {
        return best;
    }
    let mut exact = Exact {
        needs: &Needs::new(blocks),
        best,
        bound,
        nodes: 0,
    };
    exact.visit(&mut vec![None; blocks.len()], 0, 0, 0);
    exact.best
}

/// Orders in which best fit is tried.
fn orders(blocks: &[Block]) -> Vec<Vec<usize>> {
    let by = |key: &dyn Fn(&Block) -> (u64, u64)| {
        let mut order: Vec<usize> = (0..blocks.len()).collect();
        order.sort_by_key(|&i| (core::cmp::Reverse(key(&blocks[i])), i));
        order
    };
    vec![
        by(&|b| (b.peak(), b.area())),
        by(&|b| (b.area(), b.peak())),
        by(&|b| (b.duration() as u64, b.peak())),
        by(&|b| (u64::MAX - b.first() as u64, b.peak())),
        by(&|b| (b.first() as u64, b.peak())),
    ]
}

/// Distances between blocks that meet.
struct Needs {
    /// `beside[a][b]`: bytes of a while b is live; `None` where they never meet.
    beside: Vec<Vec<Option<u64>>>,
    peaks: Vec<u64>,
}

impl Needs {
    fn new(blocks: &[Block]) -> Self {
        let row = |a: &Block| {
            let meets = |b: &Block| Some(a.size_beside(b)).filter(|&n| n > 0);
            blocks.iter().map(meets).collect()
        };
        Self {
            beside: blocks.iter().map(row).collect(),
            peaks: blocks.iter().map(Block::peak).collect(),
        }
    }

    /// Places the blocks in `order`, each at the lowest offset where it fits.
    fn first_fit(&self, order: &[usize]) -> Arrangement {
        let mut offsets = vec![None; order.len()];
        let mut len = 0;
        for &block in order {
            // Starts in (low, high) would overlap a placed block.
            let mut taken: Vec<(u64, u64)> = Vec::new();
            for (other, offset) in offsets.iter().enumerate() {
                let (Some(at), Some(above), Some(below)) = (
                    *offset,
                    self.beside[other][block],
                    self.beside[block][other],
                ) else {
                    continue;
                };
                let at: u64 = at;
                taken.push(((at + 1).saturating_sub(below), at + above));
            }
            taken.sort_unstable();
            let mut offset = 0;
            for (low, high) in taken {
                if offset < low {
                    break;
                }
                offset = offset.max(high);
            }
            offsets[block] = Some(offset);
            len = len.max(offset + self.peaks[block]);
        }
        Arrangement {
            offsets: offsets.into_iter().map(Option::unwrap_or_default).collect(),
            len,
        }
    }
}

/// Branch and bound over the order of offsets: every optimal arrangement, sorted by offset and pushed
/// down, is met by placing each next block right above those below it.
struct Exact<'a> {
    needs: &'a Needs,
    best: Arrangement,
    bound: u64,
    nodes: usize,
}

impl Exact<'_> {
    fn visit(&mut self, offsets: &mut Vec<Option<u64>>, placed: usize, floor: u64, len: u64) {
        if placed == offsets.len() {
            let found = offsets.iter().map(|o| o.unwrap_or_default()).collect();
            self.best = Arrangement {
                offsets: found,
                len,
            };
            return;
        }
        let mut next: Vec<(u64, usize)> = (0..offsets.len())
            .filter(|&b| offsets[b].is_none())
            .map(|b| (self.lowest(b, offsets), b))
            .filter(|&(offset, _)| offset >= floor)
            .collect();
        next.sort_by_key(|&(offset, b)| (offset, core::cmp::Reverse(self.needs.peaks[b]), b));
        for (offset, block) in next {
            self.nodes += 1;
            if self.nodes > NODES || self.best.len <= self.bound {
                return;
            }
            let reach = len.max(offset + self.needs.peaks[block]);
            if reach >= self.best.len {
                continue;
            }
            offsets[block] = Some(offset);
            self.visit(offsets, placed + 1, offset, reach);
            offsets[block] = None;
        }
    }

    /// The lowest offset above every placed block that `block` meets.
    fn lowest(&self, block: usize, offsets: &[Option<u64>]) -> u64 {
        let above = |(other, offset): (usize, &Option<u64>)| {
            Some((*offset)? + self.needs.beside[other][block]?)
        };
        offsets
            .iter()
            .enumerate()
            .filter_map(above)
            .max()
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(first: usize, last: usize, size: u64) -> Block {
        Block {
            spans: vec![Span { first, last, size }],
        }
    }

    fn live_at(blocks: &[Block], time: usize) -> u64 {
        let at = |b: &Block| {
            let live = b.spans.iter().filter(|s| s.first <= time && time <= s.last);
            live.map(|s| s.size).max().unwrap_or(0)
        };
        blocks.iter().map(at).sum()
    }

    fn assert_disjoint(blocks: &[Block], found: &Arrangement, seed: u64) {
        for (a, b) in (0..blocks.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
            for (s, o) in blocks[a]
                .spans
                .iter()
                .flat_map(|s| blocks[b].spans.iter().map(move |o| (s, o)))
            {
                let together = s.first <= o.last && o.first <= s.last;
                let apart = found.offsets[a] + s.size <= found.offsets[b]
                    || found.offsets[b] + o.size <= found.offsets[a];
                assert!(
                    !together || apart,
                    "blocks {a} and {b} overlap at seed {seed}"
                );
            }
        }
    }

    fn arrange(blocks: &[Block], bound: u64) -> Arrangement {
        exact(blocks, bound, best_fit(blocks, bound))
    }

    #[test]
    fn blocks_that_never_meet_share_their_bytes() {
        let blocks = [block(0, 1, 64), block(2, 3, 80)];
        assert_eq!(arrange(&blocks, 80).len, 80);
    }

    #[test]
    fn random_blocks_are_disjoint_and_close_to_the_bound() {
        for seed in 1..200_u64 {
            let mut state = seed;
            let mut below = |n: u64| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695);
                (state >> 33) % n
            };
            let blocks: Vec<Block> = (0..9)
                .map(|_| {
                    let first = usize::try_from(below(8)).unwrap();
                    let middle = first + usize::try_from(below(3)).unwrap();
                    let last = middle + usize::try_from(below(3)).unwrap();
                    let spans = vec![
                        Span {
                            first,
                            last: middle,
                            size: 8 * (1 + below(20)),
                        },
                        Span {
                            first: middle,
                            last,
                            size: 8 * (1 + below(20)),
                        },
                    ];
                    Block { spans }
                })
                .collect();
            let bound = (0..16).map(|t| live_at(&blocks, t)).max().unwrap();
            let found = arrange(&blocks, bound);
            assert_disjoint(&blocks, &found, seed);
            assert!(
                found.len >= bound && found.len * 4 <= bound * 5,
                "{} of {bound} at seed {seed}",
                found.len
            );
        }
    }

    #[test]
    fn the_exact_search_beats_best_fit_where_the_order_matters() {
        // Sizes 2,1 then 1,2 with a long block between them: largest first wastes one unit.
        let blocks = [
            block(0, 2, 16),
            block(0, 1, 8),
            block(2, 4, 8),
            block(3, 6, 16),
            block(1, 5, 8),
        ];
        let bound = (0..7).map(|t| live_at(&blocks, t)).max().unwrap();
        assert_eq!(arrange(&blocks, bound).len, bound);
    }
}
