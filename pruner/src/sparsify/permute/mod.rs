//! Channels in another order, so that blocks and N:M groups remove less; nothing is left to do at run time.
//!
//! ```text
//! conv a ─ c ─ depthwise ─ c ─ conv b      rows of a, filters of the depthwise layer and columns of b move alike
//! ```
//!
//! Channels that are one decision (`groups`) move together, so that every output of the network stays what it was, up
//! to the order in which floats are added. Inputs and outputs of the network keep their order.

mod search;
#[cfg(test)]
mod tests;

use super::groups::{self, Group};
use super::{Options, Pattern, PruneError, layers, select, selected};
use crate::ir::{Bias, Graph, Op, Slopes, Values, Weights};
use search::{Keeps, View};
use std::collections::BTreeMap;

/// Scores that are looked at for one order: lines × channels.
const MOST_SCORES: usize = 200_000;
/// Share of zeros where none is known yet.
const USUAL: f64 = 0.5;

/// Reorders the channels of `graph` for the pattern of `options`, and notes what that keeps.
///
/// # Errors
///
/// A pattern to which order means nothing.
pub fn permute(graph: &mut Graph, options: &Options) -> Result<(), PruneError> {
    if matches!(options.pattern, Pattern::Unstructured | Pattern::Channel) {
        return Err(PruneError::Option {
            method: options.method.row().name,
            reason:
                "gains nothing from --permute: only blocks and N:M depend on the order of channels"
                    .into(),
        });
    }
    let matrices = matrices(graph, options)?;
    let (mut moved, mut gains) = (0, Vec::new());
    for space in alike(groups::spaces(graph, &[])) {
        let views = views(graph, &space, &matrices, options.pattern);
        if views.is_empty() {
            continue;
        }
        let (order, gain) = search::best_order(&views, space.len(), options.seed);
        if gain > 0.0 {
            reorder(graph, &space, &order);
            moved += 1;
            gains.push(gain);
        }
    }
    let best = gains.into_iter().fold(0.0, f64::max);
    graph.notes.push(format!(
        "channels of {moved} groups of layers were reordered for {}; the pattern keeps up to {:.1} % more there",
        options.pattern,
        100.0 * best
    ));
    Ok(())
}

/// The wanted share of zeros of every layer that is pruned, by node.
fn matrices(graph: &mut Graph, options: &Options) -> Result<BTreeMap<usize, f64>, PruneError> {
    let chosen = layers::choose(graph, options)?;
    let prunable = chosen.iter().filter(|(_, c)| c.is_prunable());
    let nodes: Vec<usize> = prunable.map(|(i, _)| *i).collect();
    let sparsity = options.sparsity.unwrap_or(USUAL);
    let mut weights = selected(graph, &nodes);
    let shares = select::shares(&mut weights, Pattern::Unstructured, sparsity, options.alloc);
    Ok(nodes.into_iter().zip(shares).collect())
}

/// Groups of a space that lie in the same tensors, so that they can take each other's places.
fn alike(spaces: Vec<groups::Space>) -> Vec<Vec<Group>> {
    let mut all = Vec::new();
    for space in spaces {
        let mut by_tensors: BTreeMap<Vec<usize>, Vec<Group>> = BTreeMap::new();
        for group in space {
            let tensors = group.channels.iter().map(|(tensor, _)| *tensor).collect();
            by_tensors.entry(tensors).or_default().push(group);
        }
        all.extend(by_tensors.into_values().filter(|groups| groups.len() > 1));
    }
    all
}

/// What the pattern sees of the layers around a space.
fn views(
    graph: &Graph,
    space: &[Group],
    matrices: &BTreeMap<usize, f64>,
    pattern: Pattern,
) -> Vec<View> {
    let mut views = Vec::new();
    for (node, share) in matrices {
        let Some(weights) = graph.nodes[*node].op.weights() else {
            continue;
        };
        let places = |pairs: &dyn Fn(&Group) -> &[(usize, usize)]| -> Option<Vec<usize>> {
            let of_group = |g: &Group| {
                let mut own = pairs(g).iter().filter(|(n, _)| n == node);
                own.next().map(|p| p.1).filter(|_| own.next().is_none())
            };
            space.iter().map(of_group).collect()
        };
        // A flattened layer's columns are pixels: their neighbours stay what they are.
        let whole = weights.shape[1] == graph.tensor(graph.nodes[*node].inputs[0]).shape.c;
        let columns = places(&|g| &g.readers).filter(|_| whole);
        let rows = places(&|g| &g.writers);
        let (columns, rows) = match pattern {
            Pattern::NofM { .. } => (columns, None),
            Pattern::Block { rows: r, cols } => {
                (columns.filter(|_| cols > 1), rows.filter(|_| r > 1))
            }
            Pattern::Unstructured | Pattern::Channel => (None, None),
        };
        let threshold = threshold(weights, pattern, *share);
        views.extend(
            columns.map(|places| view(weights, &places, Side::Columns, pattern, threshold)),
        );
        views.extend(rows.map(|places| view(weights, &places, Side::Rows, pattern, threshold)));
    }
    views
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Side {
    Rows,
    Columns,
}

/// One side of a matrix, cut as the pattern cuts it.
fn view(weights: &Weights, places: &[usize], side: Side, pattern: Pattern, threshold: f64) -> View {
    let (keeps, [rows, cols]) = match pattern {
        Pattern::NofM { n, m } => (Keeps::Largest(n), [1, m]),
        Pattern::Block { rows, cols } => (Keeps::Above(threshold), [rows, cols]),
        Pattern::Unstructured | Pattern::Channel => (Keeps::Above(threshold), [1, 1]),
    };
    let [outputs, inputs, kh, kw] = weights.shape;
    let taps = kh * kw;
    let (own, beside, across) = match side {
        Side::Rows => (rows, cols, inputs),
        Side::Columns => (cols, rows, outputs),
    };
    let squares = squares(weights);
    let at = |line: usize, tap: usize, place: usize| match side {
        Side::Rows => squares[(place * inputs + line) * taps + tap],
        Side::Columns => squares[(line * inputs + place) * taps + tap],
    };
    let bands = across.div_ceil(beside);
    let most = (MOST_SCORES / places.len().max(1)).max(1);
    let step = (bands * taps).div_ceil(most);
    let line = |index: usize| {
        let (band, tap) = (index / taps, index % taps);
        let range = band * beside..((band + 1) * beside).min(across);
        let score = |place: &usize| range.clone().map(|l| at(l, tap, *place)).sum();
        places.iter().map(score).collect()
    };
    let mut groups: Vec<usize> = places.iter().map(|p| p / own).collect();
    number(&mut groups);
    View {
        keeps,
        group_of: groups,
        lines: (0..bands * taps).step_by(step).map(line).collect(),
    }
}

/// Numbers from 0 on, in order of appearance.
fn number(groups: &mut [usize]) {
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    for group in groups {
        let next = seen.len();
        *group = *seen.entry(*group).or_insert(next);
    }
}

/// The squared real weights.
#[expect(
    clippy::cast_possible_truncation,
    reason = "scores are compared, not stored"
)]
fn squares(weights: &Weights) -> Vec<f32> {
    match &weights.values {
        Values::F32(v) => v.iter().map(|w| w * w).collect(),
        Values::S8(v) => {
            let real = |(i, q): (usize, &i8)| {
                let scale = weights.scales[i / weights.row_len().max(1)];
                (f64::from(scale) * f64::from(*q)).powi(2) as f32
            };
            v.iter().enumerate().map(real).collect()
        }
    }
}

/// The sum of squares from which on a block stays, at this share of zeros.
fn threshold(weights: &Weights, pattern: Pattern, share: f64) -> f64 {
    let (grid, squares) = (pattern.grid(weights.shape), squares(weights));
    let sum = |g: usize| grid.group(g).map(|i| f64::from(squares[i])).sum::<f64>();
    let mut sums: Vec<f64> = (0..grid.len()).map(sum).collect();
    sums.sort_by(f64::total_cmp);
    let at = select::share(sums.len(), share).min(sums.len().saturating_sub(1));
    sums.get(at).copied().unwrap_or(0.0)
}

/// Puts the groups of a space into another order: place `p` gets the group `order[p]`.
fn reorder(graph: &mut Graph, space: &[Group], order: &[usize]) {
    let mut from: Vec<Vec<usize>> = graph
        .tensors
        .iter()
        .map(|t| (0..t.shape.c).collect())
        .collect();
    for (place, group) in order.iter().enumerate() {
        let pairs = space[place].channels.iter().zip(&space[*group].channels);
        for ((tensor, to), (_, channel)) in pairs {
            from[*tensor][*to] = *channel;
        }
    }
    for node in &mut graph.nodes {
        let (inputs, outputs) = (&from[node.inputs[0].0], &from[node.output.0]);
        let reads = !matches!(node.op, Op::DepthwiseConv2d(_));
        if let Op::ChannelAffine { scale, shift } = &mut node.op {
            *scale = picked(scale, outputs);
            *shift = picked(shift, outputs);
        } else if let Op::Prelu(slopes) = &mut node.op {
            match slopes {
                Slopes::F32(values) => *values = picked(values, outputs),
                Slopes::S8 { values, .. } => *values = picked(values, outputs),
            }
        } else if let Some((weights, bias, _)) = node.op.layer_mut() {
            move_layer(weights, bias, outputs, reads.then_some(inputs));
        }
    }
}

/// Moves rows, and columns where the layer reads across channels.
fn move_layer(
    weights: &mut Weights,
    bias: &mut Bias,
    rows: &[usize],
    columns: Option<&Vec<usize>>,
) {
    let [_, inputs, kh, kw] = weights.shape;
    let channels = columns.map_or(inputs, Vec::len).max(1);
    // A flattened input has several columns a channel.
    let unit = inputs / channels * kh * kw;
    let source = |row: &usize| {
        let row = row * inputs * kh * kw;
        let column = move |c: usize| columns.map_or(c, |from| from[c]);
        (0..channels).flat_map(move |c| {
            let first = row + column(c) * unit;
            first..first + unit
        })
    };
    let index: Vec<usize> = rows.iter().flat_map(source).collect();
    match &mut weights.values {
        Values::F32(v) => *v = picked(v, &index),
        Values::S8(v) => *v = picked(v, &index),
    }
    if !weights.scales.is_empty() {
        weights.scales = picked(&weights.scales, rows);
    }
    match bias {
        Bias::None => {}
        Bias::F32(v) => *v = picked(v, rows),
        Bias::S32(v) => *v = picked(v, rows),
    }
}

fn picked<T: Copy>(values: &[T], from: &[usize]) -> Vec<T> {
    from.iter().map(|i| values[*i]).collect()
}
