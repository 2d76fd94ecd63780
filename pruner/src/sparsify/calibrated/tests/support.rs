//! Tests of the best values on a support, and of the choice of a support.

use super::super::goal::Goal;
use super::super::layer::damped_factor;
use super::super::matrix::times;
use super::super::support::improve;
use super::super::sweep::Sweep;
use super::*;

const ROWS: usize = 8;
const COLS: usize = 24;

/// A goal of correlated inputs, and weights that reach it without zeros.
fn goal(seed: u64) -> (Goal, Weights) {
    let mut random = Random::new(seed);
    let mut rows = Rows {
        cols: COLS,
        values: Vec::new(),
    };
    for _ in 0..200 {
        let common = random.real();
        rows.values
            .extend((0..COLS).map(|c| random.real() + common * if c % 3 == 0 { 2.0 } else { 0.5 }));
    }
    let weights = Weights {
        name: "w".into(),
        shape: [ROWS, COLS, 1, 1],
        values: Values::F32((0..ROWS * COLS).map(|_| random.real()).collect()),
        scales: Vec::new(),
    };
    let own = rows.gram();
    let dense = Sweep::new(&weights, Pattern::Unstructured).weights;
    let cross = times(&dense, &own);
    (Goal::new(&own, 0.01, &cross, &dense), weights)
}

/// The weights after a sweep.
fn swept(goal: &Goal, weights: &Weights, pattern: &str, zeros: usize) -> Sweep {
    let mut sweep = Sweep::new(weights, Pattern::parse(pattern).unwrap());
    let (u, _) = damped_factor(goal.h.clone(), 0.0).unwrap();
    sweep.solve(&u, zeros);
    sweep
}

#[test]
fn polished_weights_are_the_best_with_these_zeros() {
    for seed in 0..5 {
        let (goal, weights) = goal(seed);
        let before = swept(&goal, &weights, "unstructured", 120);
        let mut after = before.weights.clone();
        goal.polish(&mut after);
        assert!(
            goal.error(&after) <= goal.error(&before.weights),
            "seed {seed}"
        );
        let pull = times(&after, &goal.h);
        for ((b, a), (p, t)) in before
            .weights
            .iter()
            .zip(&after)
            .zip(pull.iter().zip(&goal.target))
        {
            assert_eq!(*b == 0.0, *a == 0.0, "seed {seed}");
            assert!(*a == 0.0 || (p - t).abs() < 1e-3, "seed {seed}: {p} {t}");
        }
    }
}

#[test]
fn a_better_choice_keeps_pattern_and_zeros_and_is_found_where_zeros_are_many() {
    for pattern in ["unstructured", "1x4", "4x1", "2:4", "1:4"] {
        let mut gained = 0;
        for seed in 0..5 {
            let (goal, weights) = goal(seed);
            let mut sweep = swept(&goal, &weights, pattern, 120);
            goal.polish(&mut sweep.weights);
            let (before, polished) = (sweep.clone(), goal.error(&sweep.weights));
            improve(&mut sweep, &goal, 120);
            let zeros = |s: &Sweep| s.weights.iter().filter(|w| **w == 0.0).count();
            assert_eq!(zeros(&before), zeros(&sweep), "{pattern}, seed {seed}");
            let own = goal.error(&sweep.weights);
            assert!(own <= polished, "{pattern}, seed {seed}");
            gained += usize::from(own < polished);
        }
        assert!(gained >= 3, "{pattern}: {gained} of 5");
    }
}

#[test]
fn columns_that_are_gone_stay_zero() {
    let (mut goal, weights) = goal(9);
    goal.without_columns(&[0, 5]);
    let mut sweep = Sweep::new(&weights, Pattern::Unstructured);
    sweep.clear_columns(&[0, 5]);
    goal.polish(&mut sweep.weights);
    improve(&mut sweep, &goal, 60);
    for row in sweep.weights.chunks(COLS) {
        assert!(row[0] == 0.0 && row[5] == 0.0);
    }
}
