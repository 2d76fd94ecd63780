//! Least squares of relative errors, with constants that are not negative.

use crate::cost::Constants;
use crate::cost::counts::{Counts, Term};

/// Constants of one kernel and how well they explain what was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitted {
    /// One a term.
    pub constants: Constants,
    /// Largest |predicted − measured| / measured.
    pub worst: f64,
}

/// The constants of `terms` with the least sum of squared relative errors.
///
/// A term whose best constant is negative is left out, the most negative first.
#[must_use]
pub fn solve(terms: &[Term], measured: &[(Counts, u64)]) -> Fitted {
    let mut used: Vec<Term> = terms.to_vec();
    let constants = loop {
        let found = least_squares(&used, measured);
        let negative = used.iter().zip(&found).filter(|(_, c)| **c < 0.0);
        let worst = negative
            .min_by(|a, b| a.1.total_cmp(b.1))
            .map(|(term, _)| *term);
        match worst {
            Some(term) if used.len() > 1 => used.retain(|t| *t != term),
            _ => {
                let mut constants = [0.0; Term::ALL.len()];
                for (term, constant) in used.iter().zip(found) {
                    constants[*term as usize] = round(constant.max(0.0));
                }
                break constants;
            }
        }
    };
    let error = |(counts, cost): &(Counts, u64)| {
        let predicted = counts.cost(&constants) as f64;
        (predicted - *cost as f64).abs() / (*cost as f64).max(1.0)
    };
    Fitted {
        constants,
        worst: measured.iter().map(error).fold(0.0, f64::max),
    }
}

/// Four significant digits, so that tables are readable and the same on every machine.
fn round(value: f64) -> f64 {
    if value < 1e-9 {
        return 0.0;
    }
    let unit = 10_f64.powf(value.log10().floor() - 3.0);
    let rounded = (value / unit).round() * unit;
    (rounded * 1e6).round() / 1e6
}

/// The solution of the normal equations, each equation divided by what was measured. Terms are scaled so that a small
/// ridge, which decides between terms that always occur together, is small against each of them.
fn least_squares(terms: &[Term], measured: &[(Counts, u64)]) -> Vec<f64> {
    let n = terms.len();
    let row = |(counts, cost): &(Counts, u64)| -> Vec<f64> {
        let cost = (*cost as f64).max(1.0);
        terms
            .iter()
            .map(|&term| counts.get(term) as f64 / cost)
            .collect()
    };
    let rows: Vec<Vec<f64>> = measured.iter().map(row).collect();
    let scale: Vec<f64> = (0..n)
        .map(|j| {
            rows.iter()
                .map(|r| r[j] * r[j])
                .sum::<f64>()
                .sqrt()
                .max(1e-300)
        })
        .collect();
    let mut system = vec![vec![0.0; n + 1]; n];
    for row in &rows {
        for i in 0..n {
            let left = row[i] / scale[i];
            for j in 0..n {
                system[i][j] += left * row[j] / scale[j];
            }
            system[i][n] += left;
        }
    }
    for (i, equation) in system.iter_mut().enumerate() {
        equation[i] += 1e-7;
    }
    let solution = eliminate(system);
    solution.iter().zip(&scale).map(|(x, s)| x / s).collect()
}

/// Gauss' elimination with the largest pivot of each column.
fn eliminate(mut system: Vec<Vec<f64>>) -> Vec<f64> {
    let n = system.len();
    for column in 0..n {
        let largest = (column..n)
            .max_by(|&a, &b| system[a][column].abs().total_cmp(&system[b][column].abs()));
        system.swap(column, largest.unwrap_or(column));
        let pivot = system[column].clone();
        for (index, row) in system.iter_mut().enumerate() {
            if index == column || pivot[column] == 0.0 {
                continue;
            }
            let factor = row[column] / pivot[column];
            for (value, above) in row.iter_mut().zip(&pivot) {
                *value -= factor * above;
            }
        }
    }
    let value = |(i, row): (usize, &Vec<f64>)| if row[i] == 0.0 { 0.0 } else { row[n] / row[i] };
    system.iter().enumerate().map(value).collect()
}
