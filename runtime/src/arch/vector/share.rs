//! The part of a layer that one of several threads computes.

/// Blocks of a matrix that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    /// The first block.
    pub(crate) first: usize,
    /// Blocks.
    pub(crate) len: usize,
    /// Entries of the blocks before the first.
    pub(crate) before: usize,
}

impl Share {
    /// The blocks of thread `index` of `threads`, where a block has the entries of `counts`: as equal in entries as whole
    /// groups of `together` blocks can be. Every block is in one thread's share.
    pub(crate) fn of(counts: &[u32], (index, threads): (usize, usize), together: usize) -> Self {
        if threads <= 1 {
            return Self {
                first: 0,
                len: counts.len(),
                before: 0,
            };
        }
        let (first, before) = bound(counts, (index, threads), together);
        let (end, _) = bound(counts, (index + 1, threads), together);
        Self {
            first,
            len: end.saturating_sub(first),
            before,
        }
    }

    /// The entries of its blocks in those of all.
    pub(crate) fn of_slice<'s, T>(&self, blocks: &'s [T], per_block: usize) -> &'s [T] {
        let from = blocks.get(self.first * per_block..).unwrap_or_default();
        from.get(..self.len * per_block).unwrap_or(from)
    }
}

/// The first block of part `index` of `parts`, and the entries before it. A block's results are work as well: they count
/// as one more entry.
fn bound(counts: &[u32], (index, parts): (usize, usize), together: usize) -> (usize, usize) {
    let entries: usize = counts.iter().map(|count| *count as usize).sum();
    let all = entries + counts.len();
    let mut before = 0;
    for (block, count) in counts.iter().enumerate() {
        if block % together.max(1) == 0 && (before + block) * parts >= all * index {
            return (block, before);
        }
        before += *count as usize;
    }
    (counts.len(), before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_all_blocks_once_and_about_equal() {
        let counts: Vec<u32> = (0..96).map(|block| block % 7 * 3).collect();
        for (threads, together) in [(1, 1), (2, 1), (3, 4), (8, 2), (200, 1)] {
            let (mut block, mut before) = (0, 0);
            for index in 0..threads {
                let share = Share::of(&counts, (index, threads), together);
                assert_eq!((share.first, share.before), (block, before));
                assert_eq!(share.first % together, 0);
                let mine = share.of_slice(&counts, 1);
                before += mine.iter().sum::<u32>() as usize;
                block += share.len;
                if threads == 2 {
                    assert!((45..=51).contains(&share.len), "{share:?}");
                }
            }
            assert_eq!(block, counts.len(), "{threads} threads");
        }
    }
}
