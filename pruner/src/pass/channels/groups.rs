//! Layers whose zeros come in blocks of four output channels lose whole groups of channels only; vectors keep a multiple of
//! four channels, so that the rows of the matrix that reads them begin at words.
//!
//! ```text
//! rows 0…3   w w w w      a row that nothing reads stays while its group has others: without it, rows 1…4 would be
//! rows 4…7   · · · ·      the first group, and each block of either group would be stored for both
//! ```

use super::rows::Rows;

/// Rows of a block.
const GROUP: usize = 4;
/// The share of weights within blocks that is not zero, in percent, from which on the zeros come in blocks.
const FILLED: usize = 90;
/// The share of blocks that are stored, in percent, up to which blocks matter.
const STORED: usize = 90;
/// Stored blocks from which on that is no chance.
const FEWEST: usize = 16;

/// Whether the zeros of a matrix come in blocks of four rows of a column.
pub(super) fn are_blocks(rows: &Rows<'_>) -> bool {
    let groups = rows.len() / GROUP;
    let (mut blocks, mut stored, mut weights) = (0_usize, 0_usize, 0_usize);
    for first in (0..groups).map(|group| group * GROUP) {
        for channel in rows.channels(first) {
            let mut filled = vec![0_usize; rows.taps];
            for row in first..first + GROUP {
                for (count, weight) in filled.iter_mut().zip(rows.weights(row, channel)) {
                    *count += usize::from(weight != 0.0);
                }
            }
            blocks += filled.len();
            stored += filled.iter().filter(|count| **count > 0).count();
            weights += filled.iter().sum::<usize>();
        }
    }
    stored >= FEWEST && stored * 100 <= blocks * STORED && weights * 100 >= stored * GROUP * FILLED
}

/// Keeps every group that keeps a channel; `true` where something new remains.
pub(super) fn keep_whole(kept: &mut [bool]) -> bool {
    let mut new = false;
    for group in kept.chunks_mut(GROUP) {
        if group.contains(&true) && group.contains(&false) {
            group.fill(true);
            new = true;
        }
    }
    new
}

/// Keeps as many more channels as a multiple of four needs; `true` where something new remains.
pub(super) fn keep_words(kept: &mut [bool]) -> bool {
    let count = kept.iter().filter(|kept| **kept).count();
    let missing = count.next_multiple_of(GROUP) - count;
    let dropped = kept.iter_mut().filter(|kept| !**kept);
    let added = dropped.take(missing).map(|kept| *kept = true).count();
    added > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_stays_or_goes() {
        let mut kept = [
            true, false, true, true, false, false, false, false, false, true,
        ];
        assert!(keep_whole(&mut kept));
        let expected = [
            true, true, true, true, false, false, false, false, true, true,
        ];
        assert_eq!(kept, expected);
        assert!(!keep_whole(&mut kept));
    }

    #[test]
    fn what_a_vector_keeps_is_a_multiple_of_four() {
        let mut kept = [false, true, true, false, true, true, true, false, false];
        assert!(keep_words(&mut kept));
        assert_eq!(kept.iter().filter(|kept| **kept).count(), 8);
        assert!(!keep_words(&mut kept));
        let mut few = [true, false, true];
        assert!(keep_words(&mut few));
        assert_eq!(few, [true; 3]);
    }
}
