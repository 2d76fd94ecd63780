//! Prunes one layer, given what it receives in the dense and in the pruned network.

use super::super::{Method, Options, select};
use super::matrix::{Rows, Square, times_inverse};
use super::sweep::Sweep;
use crate::arith;
use crate::ir::{Bias, Graph, Quant, Weights};

/// Share of the Hessian's mean diagonal that is added to the diagonal.
const DAMPING: f64 = 0.01;
/// Tenfold increases of the damping before a layer is given up.
const MAX_DAMPINGS: usize = 8;

/// Prunes the layer `node` to a share of zeros; `inputs` are patches of the dense and of the pruned network.
pub(super) fn prune(
    graph: &mut Graph,
    node: usize,
    sparsity: f64,
    options: &Options,
    (xd, xs): (&Rows, &Rows),
) -> Result<(), String> {
    let quant = graph.tensor(graph.nodes[node].inputs[0]).quant;
    let Some((weights, bias, _)) = graph.nodes[node].op.layer_mut() else {
        return Ok(());
    };
    let mut sweep = Sweep::new(weights, options.pattern);
    let wanted = select::share(weights.len(), sparsity);
    match options.method {
        Method::Wanda => {
            let second = xs.product(xs);
            let scale: Vec<f64> = (0..second.n).map(|j| second.at(j, j)).collect();
            sweep.mask_rows(&scale, sparsity);
        }
        Method::SparseGpt => {
            let (u, _) = damped_factor(xs.product(xs))?;
            sweep.solve(&u, wanted);
        }
        Method::Obs => {
            let (md, ms) = (xd.means(), xs.means());
            let before = sums(&sweep.weights, &md);
            let (u, lambda) = damped_factor(centred(xs.product(xs), &ms, &ms))?;
            let cross = centred(xd.product(xs), &md, &ms);
            refit(&mut sweep.weights, &cross, lambda, &u);
            sweep.solve(&u, wanted);
            let after = sums(&sweep.weights, &ms);
            let change: Vec<f64> = before.iter().zip(&after).map(|(b, a)| b - a).collect();
            add_bias(bias, &change, weights, quant);
        }
        Method::Keep | Method::Threshold | Method::Magnitude => return Ok(()),
    }
    sweep.store(weights);
    Ok(())
}

/// The factor of the damped inverse and the damping; it grows until the matrix can be factored.
fn damped_factor(mut hessian: Square) -> Result<(Square, f64), String> {
    let mut lambda = 0.0;
    let mut add = DAMPING * hessian.mean_diagonal().max(0.0) + 1e-8;
    for _ in 0..MAX_DAMPINGS {
        hessian.add_diagonal(add);
        lambda += add;
        if let Some(u) = hessian.inverse_factor() {
            return Ok((u, lambda));
        }
        add = lambda * 9.0;
    }
    Err("its inputs are not finite, or too large to solve for".into())
}

fn centred(mut product: Square, left: &[f64], right: &[f64]) -> Square {
    for (row, l) in product.values.chunks_mut(product.n.max(1)).zip(left) {
        row.iter_mut().zip(right).for_each(|(x, r)| *x -= l * r);
    }
    product
}

/// `W := (W · cross + λ W) · H⁻¹`.
fn refit(weights: &mut [f64], cross: &Square, lambda: f64, u: &Square) {
    let n = cross.n;
    for w in weights.chunks_mut(n) {
        let mut out: Vec<f64> = w.iter().map(|x| lambda * x).collect();
        for (i, x) in w.iter().enumerate().filter(|(_, x)| **x != 0.0) {
            out.iter_mut()
                .zip(cross.row(i))
                .for_each(|(o, c)| *o += x * c);
        }
        w.copy_from_slice(&out);
    }
    times_inverse(weights, u);
}

/// Every row's product with the means.
fn sums(weights: &[f64], means: &[f64]) -> Vec<f64> {
    weights
        .chunks_exact(means.len().max(1))
        .map(|w| w.iter().zip(means).map(|(w, m)| w * m).sum())
        .collect()
}

/// Adds real numbers to a bias: whole steps of input scale × weight scale in integer layers.
fn add_bias(bias: &mut Bias, change: &[f64], weights: &Weights, input: Option<Quant>) {
    let rows = change.len();
    match (input, bias) {
        (Some(input), bias) => {
            let mut steps = match bias {
                Bias::S32(v) => core::mem::take(v),
                Bias::None | Bias::F32(_) => vec![0; rows],
            };
            for ((step, change), scale) in steps.iter_mut().zip(change).zip(&weights.scales) {
                let size = f64::from(input.scale) * f64::from(*scale);
                if size > 0.0 {
                    *step = step.saturating_add(arith::round_half_even(change / size));
                }
            }
            *bias = Bias::S32(steps);
        }
        (None, bias) => {
            let mut values = match bias {
                Bias::F32(v) => core::mem::take(v),
                Bias::None | Bias::S32(_) => vec![0.0; rows],
            };
            values
                .iter_mut()
                .zip(change)
                .for_each(|(v, c)| *v += single(*c));
            *bias = Bias::F32(values);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "biases are f32")]
const fn single(x: f64) -> f32 {
    x as f32
}
