//! Tests of filter pruning on the network of the calibrated tests: a residual sum, then convolution and flatten.

use super::super::calibrated::tests::{data, error, network, options, pruned};
use super::super::{Method, Options, apply};
use super::Criterion;
use super::groups::spaces;
use crate::arith::Rounding;
use crate::ir::Graph;
use crate::pass::{self, PassSet};
use crate::progress::SILENT;
use crate::quantize;

fn filter(criterion: Criterion, share: f64) -> Options {
    Options {
        criterion: Some(criterion),
        ..options(Method::Filter, "channel", share)
    }
}

fn shrunk(graph: Graph) -> Graph {
    pass::run_with_rounding(graph, PassSet::All, Rounding::Double).unwrap()
}

/// Nonzeros of the emptiest filter of the network.
fn least_filter(graph: &Graph) -> usize {
    let rows = |w: &crate::ir::Weights| {
        let values: Vec<bool> = match &w.values {
            crate::ir::Values::F32(v) => v.iter().map(|x| *x != 0.0).collect(),
            crate::ir::Values::S8(v) => v.iter().map(|x| *x != 0).collect(),
        };
        let nonzeros = |r: &[bool]| r.iter().filter(|x| **x).count();
        values.chunks(w.row_len()).map(nonzeros).min()
    };
    let weights = graph.nodes.iter().filter_map(|n| n.op.weights());
    weights.filter_map(rows).min().unwrap_or(0)
}

#[test]
fn a_sum_ties_the_channels_of_both_sides_and_outputs_are_kept() {
    let graph = network(1);
    let spaces = spaces(&graph, &[]);
    let sizes: Vec<(usize, usize)> = spaces
        .iter()
        .map(|s| (s.len(), s[0].writers.len()))
        .collect();
    // The trunk (two convolutions) and the third convolution; the last layer's filters are outputs.
    assert_eq!(sizes, [(16, 2), (12, 1)]);
    assert!(spaces[0].iter().all(|g| g.readers.len() == 2));
    assert_eq!(super::groups::spaces(&graph, &[0]).len(), 1, "pinned");
}

#[test]
fn every_criterion_shrinks_tensors_and_leaves_no_empty_filter() {
    let (graph, data) = (network(2), data(2));
    for (name, criterion) in Criterion::ALL {
        let (after, _) = pruned(&graph, &data, &filter(criterion, 0.5));
        let after = shrunk(after);
        assert!(
            after.macs() * 10 < graph.macs() * 4,
            "{name}: {}",
            after.macs()
        );
        let of = |g: &Graph| {
            g.nodes
                .iter()
                .map(|n| g.tensor(n.output).shape.c)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(&after), [8, 8, 8, 6, 20], "{name}");
        assert!(least_filter(&after) > 0, "{name}");
    }
}

#[test]
fn the_goal_of_multiply_accumulates_is_met_and_not_by_far() {
    let (graph, data) = (network(3), data(3));
    for alloc in [super::Alloc::Layer, super::Alloc::Global] {
        let options = Options {
            sparsity: None,
            macs: Some(0.6),
            alloc,
            ..filter(Criterion::Reconstruction, 0.5)
        };
        let after = shrunk(pruned(&graph, &data, &options).0);
        let (now, before) = (after.macs(), graph.macs());
        assert!(
            now * 10 <= before * 6 && now * 10 >= before * 5,
            "{alloc:?}: {now} of {before}"
        );
    }
}

#[test]
fn reconstruction_loses_less_than_norms() {
    for seed in 4..7 {
        let (graph, data) = (network(seed), data(seed));
        let loss = |c: Criterion| error(&graph, &pruned(&graph, &data, &filter(c, 0.4)).0, &data);
        let (solved, l1) = (loss(Criterion::Reconstruction), loss(Criterion::L1));
        assert!(solved < 0.7 * l1, "seed {seed}: {solved} {l1}");
    }
}

#[test]
fn integer_networks_shrink_too() {
    let data = data(8);
    let how = quantize::Options::default();
    let graph = quantize::post_training(network(8), &data, &how, SILENT).unwrap();
    let (after, _) = pruned(&graph, &data, &filter(Criterion::Reconstruction, 0.5));
    let same = shrunk(after.clone());
    assert!(same.macs() * 10 < graph.macs() * 4);
    assert!(least_filter(&same) > 0);
}

#[test]
fn what_filter_lacks_is_said() {
    let mut graph = network(1);
    let text = |o: Options| apply(&mut graph.clone(), &o).unwrap_err().to_string();
    let without_data = text(filter(Criterion::Reconstruction, 0.5));
    assert!(without_data.contains("--calib DATA.npz"), "{without_data}");
    let without_goal = text(Options {
        sparsity: None,
        ..filter(Criterion::L1, 0.5)
    });
    assert!(without_goal.contains("--macs F"), "{without_goal}");
    let other = text(options(Method::Magnitude, "channel", 0.5));
    assert!(other.contains("--method filter"), "{other}");
    apply(&mut graph, &filter(Criterion::L1, 0.5)).unwrap();
}
