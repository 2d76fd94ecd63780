//! Which weights stay: the choice of a sweep made better for the layer as a whole.
//!
//! ```text
//! W := (T − V + ρD)·(H + ρ)⁻¹                     columns scaled so that H has ones on its diagonal
//! D := W + V/ρ, its least weights or groups zero
//! V := V + ρ(W − D)
//! ```
//!
//! These are the alternating directions of ALPS (Meng 2024, arXiv:2406.07831): a weight that was cleared may come back
//! where another does less. `ρ` rises until the choice stays the same; the weights that stay are then the best ones.

use super::goal::Goal;
use super::layer::damped_factor;
use super::matrix::{Square, times_inverse};
use super::sweep::Sweep;

/// The first `ρ`, what it is multiplied by, how often at most, and rounds at each.
const FIRST: f64 = 0.1;
const GROWTH: f64 = 1.4;
const RISES: usize = 16;
const ROUNDS: usize = 3;

/// Improves a swept and polished choice of weights that leaves `zeros`, where that makes the error smaller.
pub(super) fn improve(sweep: &mut Sweep, goal: &Goal, zeros: usize) {
    let mut other = sweep.clone();
    let Some(chosen) = alternate(sweep, goal, zeros) else {
        return;
    };
    other.weights = chosen;
    goal.polish(&mut other.weights);
    if goal.error(&other.weights) < goal.error(&sweep.weights) {
        *sweep = other;
    }
}

/// The weights that the directions end with; `None` where H cannot be factored.
fn alternate(sweep: &Sweep, goal: &Goal, zeros: usize) -> Option<Vec<f64>> {
    let squares: Vec<f64> = (0..goal.h.n).map(|j| goal.h.at(j, j)).collect();
    let sides: Vec<f64> = squares.iter().map(|s| s.sqrt()).collect();
    let unit = scaled(&goal.h, &sides);
    let target = by(&goal.target, &sides, |t, s| t / s);
    let mut chosen = by(&sweep.weights, &sides, |w, s| w * s);
    let mut dual = vec![0.0; chosen.len()];
    let mut choice = sweep.clone();
    let mut rho = FIRST;
    for _ in 0..RISES {
        let mut shifted = unit.clone();
        shifted.add_diagonal(rho);
        let (u, _) = damped_factor(shifted, 0.0).ok()?;
        let mut changed = false;
        for _ in 0..ROUNDS {
            let cells = target.iter().zip(&dual).zip(&chosen);
            let right: Vec<f64> = cells.map(|((t, v), d)| t - v + rho * d).collect();
            let free = times_inverse(&right, &u);
            let wish: Vec<f64> = free.iter().zip(&dual).map(|(w, v)| w + v / rho).collect();
            choice.weights = by(&wish, &sides, |w, s| w / s);
            let least = choice.least(&squares, zeros);
            for (i, (wish, zero)) in wish.iter().zip(least).enumerate() {
                let next = if zero { 0.0 } else { *wish };
                changed |= (next == 0.0) != (chosen[i] == 0.0);
                chosen[i] = next;
                dual[i] += rho * (free[i] - next);
            }
        }
        if !changed {
            break;
        }
        rho *= GROWTH;
    }
    Some(by(&chosen, &sides, |w, s| w / s))
}

/// Rows of values with one number a column.
fn by(values: &[f64], columns: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let rows = values.chunks(columns.len());
    rows.flat_map(|row| row.iter().zip(columns).map(|(v, c)| f(*v, *c)))
        .collect()
}

/// The matrix with ones on its diagonal.
fn scaled(h: &Square, sides: &[f64]) -> Square {
    let rows = h.values.chunks(h.n).zip(sides);
    let of_row = |(row, own): (&[f64], &f64)| -> Vec<f64> {
        row.iter().zip(sides).map(|(v, s)| v / (own * s)).collect()
    };
    Square {
        n: h.n,
        values: rows.flat_map(of_row).collect(),
    }
}
