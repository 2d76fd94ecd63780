//! Chooses and removes the weights of one layer: a sweep over columns that moves what is lost into the columns
//! that follow (`SparseGPT`, arXiv:2301.00774), or a plain mask.

use super::super::Pattern;
use super::super::select::share;
use super::matrix::{BAND, Square, subtract_product};
use crate::ir::{Values, Weights};
use core::ops::Range;
use rayon::prelude::*;

/// Columns whose masks are chosen together.
const BLOCK: usize = 64;

/// A layer's weights `[output][tap][channel]` and how they are grouped.
#[derive(Clone)]
pub(super) struct Sweep {
    pub(super) weights: Vec<f64>,
    pub(super) cols: usize,
    /// Column ranges that never cross a tap.
    groups: Vec<Range<usize>>,
    /// Outputs of a group.
    height: usize,
    /// Weights of each row and group that may stay, for N:M.
    keep: Option<usize>,
    /// The step of every row's weights; empty where they are floats.
    grid: Vec<f64>,
}

/// Largest weight in steps of its row.
const MAX_STEPS: f64 = 127.0;

impl Sweep {
    /// The layer's weights in sweep order, as real numbers.
    pub(super) fn new(layer: &Weights, pattern: Pattern) -> Self {
        let [o, i, kh, kw] = layer.shape;
        let taps = kh * kw;
        let grid: Vec<f64> = layer.scales.iter().map(|s| f64::from(*s)).collect();
        let real = |at: usize, row: usize| match &layer.values {
            Values::F32(v) => f64::from(v[at]),
            Values::S8(v) => f64::from(v[at]) * grid[row],
        };
        let mut weights = Vec::with_capacity(layer.len());
        for r in 0..o {
            for t in 0..taps {
                weights.extend((0..i).map(|c| real((r * i + c) * taps + t, r)));
            }
        }
        let (height, width, keep) = match pattern {
            Pattern::Unstructured | Pattern::Channel => (1, 1, None),
            Pattern::NofM { n, m } => (1, m, Some(n)),
            Pattern::Block { rows, cols } => (rows, cols, None),
        };
        let groups = (0..taps)
            .flat_map(|t| {
                (0..i)
                    .step_by(width)
                    .map(move |c| t * i + c..t * i + (c + width).min(i))
            })
            .collect();
        Self {
            weights,
            cols: taps * i,
            groups,
            height,
            keep,
            grid,
        }
    }

    /// Writes the weights back to the layer that they came from.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "float weights are f32, others were rounded to the grid and fit i8"
    )]
    pub(super) fn store(&self, layer: &mut Weights) {
        let [o, i, kh, kw] = layer.shape;
        let taps = kh * kw;
        let places = (0..o * i * taps).map(|at| (at / (i * taps), at / taps % i, at % taps));
        let found = places.map(|(r, c, t)| (r, self.weights[r * self.cols + t * i + c]));
        layer.values = match &layer.values {
            Values::F32(_) => Values::F32(found.map(|(_, w)| w as f32).collect()),
            Values::S8(_) => Values::S8(found.map(|(r, w)| steps(w, self.grid[r]) as i8).collect()),
        };
    }

    /// Zeroes `wanted` weights (N:M: what the pattern says), column block by column block; what a weight
    /// contributed moves to later columns by `u`, the factor of the inverse Hessian. Weights with a grid end on it,
    /// and what rounding changes moves on as well.
    pub(super) fn solve(&mut self, u: &Square, wanted: usize) {
        let scale: Vec<f64> = (0..u.n).map(|j| 1.0 / (u.at(j, j) * u.at(j, j))).collect();
        let (cols, rows) = (self.cols, self.weights.len() / self.cols);
        let mut cleared = 0;
        for groups in self.blocks() {
            let (from, to) = (groups[0].start, groups[groups.len() - 1].end);
            let width = to - from;
            let mut mask = vec![false; rows * width];
            if self.keep.is_none() {
                let due = portion(wanted, to, cols).saturating_sub(cleared);
                mask = self.mask(&groups, &scale, due, 0..rows);
                cleared += mask.iter().filter(|m| **m).count();
            }
            self.clear_groups(&groups, mask, u, &scale);
        }
    }

    /// Rounds weights to their grid, block by block, and zeroes those of `zero`; what either changes moves to later
    /// columns as in [`Self::solve`].
    pub(super) fn round(&mut self, u: &Square, zero: &[bool]) {
        let keep = self.keep.take();
        for groups in self.blocks() {
            let (from, to) = (groups[0].start, groups[groups.len() - 1].end);
            let rows = zero.chunks(self.cols);
            let mask = rows.flat_map(|row| row[from..to].iter().copied()).collect();
            self.clear_groups(&groups, mask, u, &[]);
        }
        self.keep = keep;
    }

    /// Lets the weights be real numbers; the grid that they leave.
    pub(super) fn take_grid(&mut self) -> Vec<f64> {
        core::mem::take(&mut self.grid)
    }

    /// Brings the weights to a grid, zeros stay; nothing to do where it is empty.
    pub(super) fn snap(&mut self, grid: Vec<f64>, u: &Square) {
        self.grid = grid;
        if !self.grid.is_empty() {
            let zero: Vec<bool> = self.weights.iter().map(|w| *w == 0.0).collect();
            self.round(u, &zero);
        }
    }

    /// Clears what the mask says (N:M: what the pattern says) in the columns of some groups, in every row.
    fn clear_groups(
        &mut self,
        groups: &[Range<usize>],
        mut mask: Vec<bool>,
        u: &Square,
        scale: &[f64],
    ) {
        let (from, to) = (groups[0].start, groups[groups.len() - 1].end);
        let (cols, width) = (self.cols, to - from);
        let (keep, grid) = (self.keep, &self.grid);
        self.weights
            .par_chunks_mut(BAND * cols)
            .zip(mask.par_chunks_mut(BAND * width))
            .enumerate()
            .for_each(|(band, (weights, mask))| {
                let mut errors = vec![0.0; mask.len()];
                let lines = weights.chunks_mut(cols).zip(mask.chunks_mut(width));
                for (r, ((w, mask), errors)) in lines.zip(errors.chunks_mut(width)).enumerate() {
                    let step = grid.get(band * BAND + r).copied();
                    for group in groups {
                        if let Some(keep) = keep {
                            least(w, group, scale, keep, &mut mask[group.start - from..]);
                        }
                        clear(w, u, group, (from, to), (mask, errors), step);
                    }
                }
                move_on(weights, &errors, u, (from, to));
            });
    }

    /// Whether the pattern or a number of zeros leaves anything to choose.
    pub(super) const fn chooses(&self, zeros: usize) -> bool {
        zeros > 0 || self.keep.is_some()
    }

    /// Which weights are least by `w² · scale`: `zeros` of all of them (N:M: what the pattern says).
    pub(super) fn least(&self, scale: &[f64], zeros: usize) -> Vec<bool> {
        self.mask(
            &self.groups,
            scale,
            zeros,
            0..self.weights.len() / self.cols,
        )
    }

    /// Zeroes whole columns.
    pub(super) fn clear_columns(&mut self, columns: &[usize]) {
        for row in self.weights.chunks_mut(self.cols) {
            columns.iter().for_each(|c| row[*c] = 0.0);
        }
    }

    /// Zeroes the share `sparsity` of every row (of blocks: row of blocks) where `w² · scale` is least.
    pub(super) fn mask_rows(&mut self, scale: &[f64], sparsity: f64) {
        let groups = self.groups.clone();
        let rows = self.weights.len() / self.cols;
        for top in (0..rows).step_by(self.height) {
            let range = top..(top + self.height).min(rows);
            let due = share(range.len() * self.cols, sparsity);
            let mask = self.mask(&groups, scale, due, range.clone());
            let part = &mut self.weights[range.start * self.cols..range.end * self.cols];
            part.iter_mut()
                .zip(mask)
                .filter(|(_, m)| *m)
                .for_each(|(w, _)| *w = 0.0);
        }
    }

    /// Consecutive groups of at least [`BLOCK`] columns.
    fn blocks(&self) -> Vec<Vec<Range<usize>>> {
        let mut blocks: Vec<Vec<Range<usize>>> = Vec::new();
        for group in &self.groups {
            match blocks.last_mut() {
                Some(b) if b.iter().map(Range::len).sum::<usize>() < BLOCK => b.push(group.clone()),
                _ => blocks.push(vec![group.clone()]),
            }
        }
        blocks
    }

    /// Which weights of some rows and groups go: about `due` of them, those of least `w² · scale`.
    fn mask(
        &self,
        groups: &[Range<usize>],
        scale: &[f64],
        due: usize,
        rows: Range<usize>,
    ) -> Vec<bool> {
        let (from, to) = (groups[0].start, groups[groups.len() - 1].end);
        let width = to - from;
        let mut mask = vec![false; rows.len() * width];
        let saliency = |r: usize, c: usize| {
            let w = self.weights[r * self.cols + c];
            w * w * scale[c]
        };
        if let Some(keep) = self.keep {
            for r in rows.clone() {
                let w = &self.weights[r * self.cols..(r + 1) * self.cols];
                for group in groups {
                    let at = (r - rows.start) * width + group.start - from;
                    least(w, group, scale, keep, &mut mask[at..]);
                }
            }
            return mask;
        }
        let mut units = Vec::new();
        for top in rows.clone().step_by(self.height) {
            let bottom = (top + self.height).min(rows.end);
            for (g, group) in groups.iter().enumerate() {
                let sum: f64 = (top..bottom)
                    .flat_map(|r| group.clone().map(move |c| (r, c)))
                    .map(|(r, c)| saliency(r, c))
                    .sum();
                let len = (bottom - top) * group.len();
                units.push((mean(sum, len), top, g, len));
            }
        }
        units.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let mut cleared = 0;
        for (_, top, g, len) in units {
            if cleared + len > due && (cleared + len - due) * 2 > len {
                break;
            }
            cleared += len;
            for r in top..(top + self.height).min(rows.end) {
                let at = (r - rows.start) * width;
                groups[g].clone().for_each(|c| mask[at + c - from] = true);
            }
        }
        mask
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a group has at most 4096 weights"
)]
fn mean(sum: f64, n: usize) -> f64 {
    sum / n as f64
}

/// Marks all but the `keep` weights of a group whose `w² · scale` is largest; of equal ones the first stay.
fn least(w: &[f64], group: &Range<usize>, scale: &[f64], keep: usize, mask: &mut [bool]) {
    let saliency = |c: usize| w[c] * w[c] * scale[c];
    let mut members: Vec<usize> = group.clone().collect();
    members.sort_by(|a, b| saliency(*b).total_cmp(&saliency(*a)));
    members
        .iter()
        .skip(keep)
        .for_each(|c| mask[c - group.start] = true);
}

/// Clears or rounds one row's weights of a group and corrects those after them in the block `from..to`.
fn clear(
    w: &mut [f64],
    u: &Square,
    group: &Range<usize>,
    (from, to): (usize, usize),
    (mask, errors): (&[bool], &mut [f64]),
    step: Option<f64>,
) {
    for j in group.clone() {
        let rounded = match step {
            _ if mask[j - from] => 0.0,
            Some(step) => steps(w[j], step) * step,
            None => continue,
        };
        let error = (w[j] - rounded) / u.at(j, j);
        w[j] = rounded;
        errors[j - from] = error;
        w[j + 1..to]
            .iter_mut()
            .zip(&u.row(j)[j + 1..to])
            .for_each(|(w, u)| *w -= error * u);
    }
}

/// Corrects the columns after the block `from..to` of a band of rows.
fn move_on(weights: &mut [f64], errors: &[f64], u: &Square, (from, to): (usize, usize)) {
    if to == u.n {
        return;
    }
    subtract_product(weights, errors, u, from..to);
}

/// The weight as a whole number of steps.
fn steps(w: f64, step: f64) -> f64 {
    if step > 0.0 {
        (w / step).round_ties_even().clamp(-MAX_STEPS, MAX_STEPS)
    } else {
        0.0
    }
}

/// `wanted · part / whole`, rounded.
const fn portion(wanted: usize, part: usize, whole: usize) -> usize {
    (wanted * part + whole / 2) / whole
}
