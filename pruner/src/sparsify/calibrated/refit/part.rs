//! One layer's integers: what could be changed, judged on rows that were kept aside.

use super::super::goal::Goal;
use super::super::gram::Rows;
use super::super::layer::{Moments, damped_factor, sums};
use super::super::matrix::{Square, times, times_inverse};
use super::super::sweep::Sweep;
use super::Refit;
use crate::arith;
use crate::ir::{Bias, Values, Weights};
use crate::sparsify::Pattern;
use core::ops::Range;

/// Shares of the mean diagonal that are added to the diagonal, to choose from.
const DAMPINGS: [f64; 3] = [0.01, 0.05, 0.3];
/// One sample of so many is kept aside.
const ASIDE: usize = 4;
/// Largest |bias|, as quantisation has it.
const MAX_BIAS: i32 = 1 << 30;

/// Patches of a layer's input.
pub(super) struct Inputs {
    /// In the float network.
    pub(super) float: Rows,
    /// In the integer network.
    pub(super) integers: Rows,
    /// Patches that follow each other and belong to one sample.
    pub(super) per_sample: usize,
}

/// The float layer, and the scale of the integer layer's input.
pub(super) struct Layer<'a> {
    pub(super) wanted: &'a Weights,
    pub(super) bias: &'a Bias,
    pub(super) step: f64,
}

/// The most that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Changed {
    Nothing,
    Bias,
    Weights,
}

impl Changed {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Bias => "bias",
            Self::Weights => "weights",
        }
    }
}

/// What became of a layer; errors on samples kept aside, by the variance of its outputs.
pub(super) struct Found {
    pub(super) changed: Changed,
    pub(super) before: f64,
    pub(super) after: f64,
}

impl Layer<'_> {
    /// Refits `weights` and `bias` in `parts` of rows, each of which has columns of its own.
    pub(super) fn refit(
        &self,
        (weights, bias): (&mut Weights, &mut Bias),
        parts: usize,
        what: Refit,
        mut inputs: Inputs,
    ) -> Found {
        let (rows, cols) = (weights.shape[0] / parts, weights.row_len());
        let mut changed = Changed::Nothing;
        let mut sums = [0.0; 3];
        for part in 0..parts {
            let own = part * cols..(part + 1) * cols;
            let take = |rows: &mut Rows| match parts {
                1 => core::mem::take(rows),
                _ => rows.columns(&own),
            };
            let (float, integers) = (take(&mut inputs.float), take(&mut inputs.integers));
            let lines = part * rows..(part + 1) * rows;
            let matrix = self.matrix(weights, bias, &lines);
            let samples = Samples::of(&float, &integers, inputs.per_sample);
            let Some((samples, aside)) = samples else {
                continue;
            };
            let (best, errors) = matrix.best(what, &samples, &aside);
            changed = changed.max(best.changed);
            sums.iter_mut().zip(errors).for_each(|(s, e)| *s += e);
            best.store((weights, bias), &lines);
        }
        let [before, after, whole] = sums;
        let whole = whole.max(f64::MIN_POSITIVE);
        Found {
            changed,
            before: before / whole,
            after: after / whole,
        }
    }

    /// Some rows of the layer.
    fn matrix(&self, weights: &Weights, bias: &Bias, lines: &Range<usize>) -> Matrix {
        let now = Sweep::new(&part(weights, lines), Pattern::Unstructured);
        let wanted = Sweep::new(&part(self.wanted, lines), Pattern::Unstructured);
        let row = |r: usize| match self.bias {
            Bias::F32(b) => f64::from(b[r]),
            Bias::None | Bias::S32(_) => 0.0,
        };
        let steps = |r: usize| match bias {
            Bias::S32(b) => b[r],
            Bias::None | Bias::F32(_) => 0,
        };
        Matrix {
            zero: wanted.weights.iter().map(|w| *w == 0.0).collect(),
            bias: lines.clone().map(row).collect(),
            steps: lines.clone().map(steps).collect(),
            sizes: weights.scales[lines.clone()]
                .iter()
                .map(|s| self.step * f64::from(*s))
                .collect(),
            wanted: wanted.weights,
            now,
        }
    }
}

/// Some rows of a layer as numbers.
fn part(weights: &Weights, lines: &Range<usize>) -> Weights {
    let len = weights.row_len();
    let own = lines.start * len..lines.end * len;
    Weights {
        name: String::new(),
        shape: [
            lines.len(),
            weights.shape[1],
            weights.shape[2],
            weights.shape[3],
        ],
        values: match &weights.values {
            Values::F32(v) => Values::F32(v[own].to_vec()),
            Values::S8(v) => Values::S8(v[own].to_vec()),
        },
        scales: weights
            .scales
            .get(lines.clone())
            .map_or_else(Vec::new, <[f32]>::to_vec),
    }
}

/// Rows that are solved with, around their means.
struct Samples {
    moments: Moments,
    /// Means of the float and of the integer network's inputs.
    means: [Vec<f64>; 2],
}

/// Rows that judge, around the means of the others.
struct Aside {
    moments: Moments,
    float: Square,
    means: [Vec<f64>; 2],
}

impl Samples {
    /// Both kinds of rows; `None` where there are too few.
    fn of(float: &Rows, integers: &Rows, per_sample: usize) -> Option<(Self, Aside)> {
        let (mut float, mut float_aside) = float.split(per_sample, ASIDE);
        let (mut own, mut own_aside) = integers.split(per_sample, ASIDE);
        if own.len() == 0 || own_aside.len() == 0 {
            return None;
        }
        let means = [float.means(), own.means()];
        for (rows, mean) in [
            (&mut float, 0),
            (&mut float_aside, 0),
            (&mut own, 1),
            (&mut own_aside, 1),
        ] {
            rows.subtract(&means[mean]);
        }
        let aside = Aside {
            moments: Moments::of(&float_aside, &own_aside),
            float: float_aside.gram(),
            means: [float_aside.means(), own_aside.means()],
        };
        let moments = Moments::of(&float, &own);
        Some((Self { moments, means }, aside))
    }
}

/// Rows of a layer: float weights and biases, and the integers that they became.
struct Matrix {
    wanted: Vec<f64>,
    bias: Vec<f64>,
    /// Weights that stay zero.
    zero: Vec<bool>,
    now: Sweep,
    steps: Vec<i32>,
    /// What a step of each row's bias is.
    sizes: Vec<f64>,
}

/// Integers for these rows.
struct Candidate {
    changed: Changed,
    sweep: Sweep,
    steps: Vec<i32>,
}

impl Matrix {
    /// The candidate of least error aside; errors before, with it, and of no output at all.
    fn best(&self, what: Refit, samples: &Samples, aside: &Aside) -> (Candidate, [f64; 3]) {
        let verdict = Verdict::new(self, samples, aside);
        let mut best = Candidate {
            changed: Changed::Nothing,
            sweep: self.now.clone(),
            steps: self.steps.clone(),
        };
        let before = verdict.error(&best);
        let mut least = before;
        let cross = times(&self.wanted, &samples.moments.cross);
        let dampings = match what {
            Refit::Weights => &DAMPINGS[..],
            Refit::Bias | Refit::Off => &[],
        };
        let rounded = dampings
            .iter()
            .filter_map(|d| self.rounded(&cross, samples, *d));
        for (sweep, changed) in [(self.now.clone(), Changed::Bias)]
            .into_iter()
            .chain(rounded.map(|s| (s, Changed::Weights)))
        {
            let steps = self.corrected(&sweep, samples);
            let candidate = Candidate {
                changed,
                sweep,
                steps,
            };
            let error = verdict.error(&candidate);
            if error < least {
                (least, best) = (error, candidate);
            }
        }
        (best, [before, least, verdict.own.iter().sum()])
    }

    /// The weights refitted to the integer network's inputs, on the grid.
    fn rounded(&self, cross: &[f64], samples: &Samples, damping: f64) -> Option<Sweep> {
        let (u, lambda) = damped_factor(samples.moments.own.clone(), damping).ok()?;
        let goal = Goal::new(&samples.moments.own, lambda, cross, &self.wanted);
        let mut sweep = self.now.clone();
        if goal.is_narrow() {
            sweep.weights.clone_from(&self.wanted);
            goal.polish(&mut sweep.weights);
        } else {
            sweep.weights = times_inverse(&goal.target, &u);
        }
        sweep.round(&u, &self.zero);
        Some(sweep)
    }

    /// Biases that make the mean outputs those of the float layer; rows without weights keep theirs.
    fn corrected(&self, sweep: &Sweep, samples: &Samples) -> Vec<i32> {
        let wanted = sums(&self.wanted, &samples.means[0]);
        let found = sums(&sweep.weights, &samples.means[1]);
        let lives = sweep
            .weights
            .chunks(sweep.cols)
            .map(|w| w.iter().any(|w| *w != 0.0));
        let rows = wanted.iter().zip(&found).zip(lives).enumerate();
        rows.map(|(r, ((wanted, found), lives))| match self.sizes[r] {
            size if lives && size > 0.0 => {
                let steps = arith::round_half_even((wanted + self.bias[r] - found) / size);
                steps.clamp(-MAX_BIAS, MAX_BIAS)
            }
            _ => self.steps[r],
        })
        .collect()
    }
}

/// Judges candidates for a matrix.
struct Verdict<'a> {
    matrix: &'a Matrix,
    samples: &'a Samples,
    aside: &'a Aside,
    /// Products of the float weights with the cross covariance aside.
    cross: Vec<f64>,
    /// Every row's variance of float outputs aside.
    own: Vec<f64>,
}

impl<'a> Verdict<'a> {
    fn new(matrix: &'a Matrix, samples: &'a Samples, aside: &'a Aside) -> Self {
        let products = times(&matrix.wanted, &aside.float);
        let cols = aside.float.n;
        let rows = products.chunks(cols).zip(matrix.wanted.chunks(cols));
        Self {
            cross: times(&matrix.wanted, &aside.moments.cross),
            own: rows.map(|(p, w)| product(p, w)).collect(),
            matrix,
            samples,
            aside,
        }
    }

    /// Mean squared difference of the outputs, summed over rows:
    /// `w·S·w − 2·w·C + variance + 2·d·(mean of W_f·x_f − w·x_q) + d²` with `d` the difference at the means.
    fn error(&self, candidate: &Candidate) -> f64 {
        let weights = &candidate.sweep.weights;
        let cols = self.aside.float.n;
        let own = times(weights, &self.aside.moments.own);
        let at = |means: &[Vec<f64>; 2]| {
            let pairs = sums(&self.matrix.wanted, &means[0]).into_iter();
            let pairs = pairs.zip(sums(weights, &means[1]));
            pairs.map(|(f, q)| f - q).collect::<Vec<f64>>()
        };
        let (rest, drift) = (at(&self.samples.means), at(&self.aside.means));
        let row = |r: usize| {
            let line = r * cols..(r + 1) * cols;
            let w = &weights[line.clone()];
            let bias = self.matrix.bias[r] - f64::from(candidate.steps[r]) * self.matrix.sizes[r];
            let d = rest[r] + bias;
            let spread = product(w, &own[line.clone()]) - 2.0 * product(w, &self.cross[line]);
            spread + self.own[r] + 2.0 * d * drift[r] + d * d
        };
        (0..rest.len()).map(row).sum()
    }
}

impl Candidate {
    /// Puts the rows back.
    fn store(&self, (weights, bias): (&mut Weights, &mut Bias), lines: &Range<usize>) {
        if self.changed == Changed::Nothing {
            return;
        }
        let len = weights.row_len();
        let mut own = part(weights, lines);
        self.sweep.store(&mut own);
        if let (Values::S8(all), Values::S8(own)) = (&mut weights.values, &own.values) {
            all[lines.start * len..lines.end * len].copy_from_slice(own);
        }
        if let Bias::S32(all) = bias {
            all[lines.clone()].copy_from_slice(&self.steps);
        }
    }
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
