//! Which channel goes to which place, so that the groups of a pattern keep as much as they can.
//!
//! ```text
//! place    0 1 2 3 | 4 5 6 7      a group of the pattern is some places side by side
//! line     . 9 8 . | 7 . . .      what one row (or column) has at the channels: one number each
//! value    2:4 keeps 9 + 8 + 7;   1x4 with threshold 10 keeps (17 − 10) + 0
//! ```
//!
//! Two channels swap places while the best swap gains anything; then some random swaps lead out of the local optimum,
//! and the best order of all is kept (greedy swaps with escape, after Pool and Yu, `NeurIPS` 2021).

use rayon::prelude::*;

/// Times that a local optimum is left by random swaps.
const ESCAPES: usize = 6;
/// Random swaps of an escape.
const KICKS: usize = 3;
/// A swap must gain this share of the whole value.
const LEAST_GAIN: f64 = 1e-6;

/// What a group of places keeps of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Keeps {
    /// The so many largest.
    Largest(usize),
    /// The sum as far as it is above a threshold: of blocks that stay or go as a whole.
    Above(f64),
}

/// Lines of one layer that are cut into groups in the same way.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) keeps: Keeps,
    /// The group of every place.
    pub(super) group_of: Vec<usize>,
    /// Scores by line and channel.
    pub(super) lines: Vec<Vec<f32>>,
}

impl View {
    /// What is kept of a group of channels, over all lines.
    fn value(&self, channels: &[usize]) -> f64 {
        let of_line = |line: &Vec<f32>| {
            let scores = channels.iter().map(|c| f64::from(line[*c]));
            match self.keeps {
                Keeps::Above(threshold) => (scores.sum::<f64>() - threshold).max(0.0),
                Keeps::Largest(n) => {
                    let mut scores: Vec<f64> = scores.collect();
                    scores.sort_by(|a, b| b.total_cmp(a));
                    scores.iter().take(n).sum()
                }
            }
        };
        self.lines.iter().map(of_line).sum()
    }

    /// The channels at the places of the group of `place`.
    fn group(&self, order: &[usize], place: usize) -> Vec<usize> {
        let group = self.group_of[place];
        let places = (0..order.len()).filter(|p| self.group_of[*p] == group);
        places.map(|p| order[p]).collect()
    }

    /// What swapping two places gains.
    fn gain(&self, order: &[usize], [a, b]: [usize; 2]) -> f64 {
        if self.group_of[a] == self.group_of[b] {
            return 0.0;
        }
        let groups = [a, b].map(|p| self.group(order, p));
        let before: f64 = groups.iter().map(|g| self.value(g)).sum();
        let swapped = |c: usize| match c {
            c if c == order[a] => order[b],
            c if c == order[b] => order[a],
            c => c,
        };
        let after = groups.map(|g| g.into_iter().map(swapped).collect::<Vec<_>>());
        after.iter().map(|g| self.value(g)).sum::<f64>() - before
    }

    /// What all groups keep.
    fn total(&self, order: &[usize]) -> f64 {
        let groups = self.group_of.iter().max().map_or(0, |g| g + 1);
        let mut members = vec![Vec::new(); groups];
        for (channel, group) in order.iter().zip(&self.group_of) {
            members[*group].push(*channel);
        }
        members.iter().map(|m| self.value(m)).sum()
    }
}

/// The order of channels, and the share by which it keeps more than the order they came in.
pub(super) fn best_order(views: &[View], channels: usize, seed: u64) -> (Vec<usize>, f64) {
    let total = |order: &[usize]| views.iter().map(|v| v.total(order)).sum::<f64>();
    let first: Vec<usize> = (0..channels).collect();
    let before = total(&first);
    let mut random = seed;
    let mut search = Search::new(views, first.clone(), LEAST_GAIN * before);
    search.climb();
    let mut best = (total(&search.order), search.order.clone());
    for _ in 0..ESCAPES {
        for _ in 0..KICKS {
            search.swap([0; 2].map(|_| place(&mut random, channels)));
        }
        search.climb();
        let value = total(&search.order);
        if value > best.0 {
            best = (value, search.order.clone());
        } else {
            search = Search::new(views, best.1.clone(), LEAST_GAIN * before);
        }
    }
    let gain = best.0 / before.max(f64::MIN_POSITIVE) - 1.0;
    if gain > 0.0 {
        (best.1, gain)
    } else {
        (first, 0.0)
    }
}

/// A random place, by a linear congruential generator.
fn place(state: &mut u64, channels: usize) -> usize {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap_or(0) % channels.max(1)
}

/// An order with the gain of every swap.
struct Search<'v> {
    views: &'v [View],
    order: Vec<usize>,
    /// `gains[a][b]` for places a > b.
    gains: Vec<Vec<f64>>,
    least: f64,
}

impl<'v> Search<'v> {
    fn new(views: &'v [View], order: Vec<usize>, least: f64) -> Self {
        let gains = (0..order.len()).map(|a| vec![0.0; a]).collect();
        let mut search = Self {
            views,
            order,
            gains,
            least,
        };
        search.update(&vec![true; search.order.len()]);
        search
    }

    /// Swaps what gains most until nothing gains.
    fn climb(&mut self) {
        for _ in 0..4 * self.order.len() {
            let rows = self.gains.iter().enumerate();
            let all =
                rows.flat_map(|(a, row)| row.iter().enumerate().map(move |(b, g)| (*g, a, b)));
            // Of equal ones the last, whatever the number of threads.
            let best = all.max_by(|x, y| x.0.total_cmp(&y.0));
            match best.filter(|(gain, ..)| *gain > self.least) {
                Some((_, a, b)) => self.swap([a, b]),
                None => return,
            }
        }
    }

    fn swap(&mut self, [a, b]: [usize; 2]) {
        self.order.swap(a, b);
        let touched = |place: usize| {
            let beside = |v: &View| [a, b].iter().any(|p| v.group_of[*p] == v.group_of[place]);
            self.views.iter().any(beside)
        };
        let touched: Vec<bool> = (0..self.order.len()).map(touched).collect();
        self.update(&touched);
    }

    /// Computes the gains of all pairs that touch such a place.
    fn update(&mut self, touched: &[bool]) {
        let (views, order) = (self.views, &self.order);
        self.gains.par_iter_mut().enumerate().for_each(|(a, row)| {
            for (b, gain) in row.iter_mut().enumerate() {
                if touched[a] || touched[b] {
                    *gain = views.iter().map(|v| v.gain(order, [a, b])).sum();
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn view(keeps: Keeps, side: usize, lines: Vec<Vec<f32>>) -> View {
        let channels = lines[0].len();
        View {
            keeps,
            group_of: (0..channels).map(|p| p / side).collect(),
            lines,
        }
    }

    #[test]
    fn large_weights_of_a_row_are_dealt_to_groups_that_keep_two() {
        // Four large in one group of four: an order with two in each keeps all.
        let views = [view(
            Keeps::Largest(2),
            4,
            vec![vec![9.0, 8.0, 7.0, 6.0, 0.1, 0.2, 0.3, 0.4]],
        )];
        let (order, gain) = best_order(&views, 8, 1);
        let kept = views[0].total(&order);
        assert!((kept - 30.0).abs() < 1e-6, "{kept} {order:?}");
        assert!(gain > 0.6);
    }

    #[test]
    fn rows_with_the_same_zeros_come_together_in_blocks() {
        let mut random = Random::new(3);
        let line = |random: &mut Random| -> Vec<f32> {
            let first = random.below(2);
            (0..32)
                .map(|c| if c % 2 == first { 1.0 } else { 0.01 })
                .collect()
        };
        let lines = (0..40).map(|_| line(&mut random)).collect();
        let views = [view(Keeps::Above(2.1), 4, lines)];
        let (order, gain) = best_order(&views, 32, 1);
        let alike = |block: &[usize]| block.iter().all(|c| c % 2 == block[0] % 2);
        assert!(order.chunks(4).all(alike), "{order:?}");
        assert!(gain > 0.0);
    }

    #[test]
    fn an_order_is_kept_where_nothing_gains() {
        let views = [view(Keeps::Largest(1), 2, vec![vec![1.0; 6]; 3])];
        assert_eq!(best_order(&views, 6, 1), ((0..6).collect(), 0.0));
    }
}
