//! Where the planes of a host's arena lie: first fit over the steps in which each is alive.

/// Bytes before the first and behind the last range that vectors may read.
pub(super) const GUARD: usize = 256;
/// What ranges begin at multiples of.
const ALIGN: usize = 64;

/// A range that is asked for.
#[derive(Debug, Clone, Copy)]
struct Range {
    offset: usize,
    len: usize,
    first: usize,
    last: usize,
}

/// An arena that is being planned.
#[derive(Debug, Default)]
pub(super) struct Memory {
    ranges: Vec<Range>,
}

impl Memory {
    /// A place for `len` bytes that are in use from node `first` to node `last`, both included.
    pub(super) fn place(&mut self, len: usize, (first, last): (usize, usize)) -> usize {
        let len = len.next_multiple_of(ALIGN);
        let mut others: Vec<&Range> = self
            .ranges
            .iter()
            .filter(|range| range.first <= last && first <= range.last)
            .collect();
        others.sort_unstable_by_key(|range| range.offset);
        let mut offset = GUARD;
        for other in others {
            if offset + len <= other.offset {
                break;
            }
            offset = offset.max(other.offset + other.len);
        }
        self.ranges.push(Range {
            offset,
            len,
            first,
            last,
        });
        offset
    }

    /// Bytes of the arena.
    pub(super) fn len(&self) -> usize {
        let end = self.ranges.iter().map(|range| range.offset + range.len);
        end.max().unwrap_or(GUARD) + GUARD
    }
}

/// Bytes from one plane of `pixels` to the next: room for whole vectors, and never a multiple of 128, so that the
/// planes of a tile do not compete for the same lines of a cache.
pub(super) const fn plane_stride(pixels: usize) -> usize {
    if pixels <= 1 {
        return pixels;
    }
    let lines = pixels.div_ceil(64);
    (lines | 1) * 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_live_together_are_apart() {
        let mut memory = Memory::default();
        let a = memory.place(100, (0, 2));
        let b = memory.place(50, (1, 3));
        let c = memory.place(100, (3, 4));
        assert!(b >= a + 100);
        assert_eq!(c, a, "the first range is free again");
        assert!(memory.len() >= b + 50 + GUARD);
    }
}
