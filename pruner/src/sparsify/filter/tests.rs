//! Tests of filter pruning on the network of the calibrated tests: a residual sum, then convolution and flatten.

use super::super::calibrated::tests::{add_tensor, data, error, layer, network, options, pruned};
use super::super::{Method, Options, apply, permute};
use super::Criterion;
use crate::arith::Rounding;
use crate::ir::{Axis, Graph, Node, Op, Rearrange, Shape, TensorId};
use crate::pass::{self, PassSet};
use crate::progress::SILENT;
use crate::quantize;
use crate::random::Random;
use crate::sparsify::groups::spaces;

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
    assert_eq!(
        crate::sparsify::groups::spaces(&graph, &[0]).len(),
        1,
        "pinned"
    );
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

/// Two branches of `network`'s first layer, joined; some channels of the whole are read by the next layer.
fn joined(seed: u64) -> Graph {
    let mut random = Random::new(seed);
    let mut graph = network(seed);
    graph.nodes.truncate(2);
    let [one, two] = [0, 1].map(|n| graph.nodes[n].output);
    let shape = graph.tensor(one).shape;
    let mut move_channels = |inputs: Vec<TensorId>, rearrange: Rearrange, c: usize| {
        let output = add_tensor(&mut graph, Shape { c, ..shape });
        graph.nodes.push(Node {
            name: rearrange.name().into(),
            op: Op::Rearrange(rearrange),
            inputs,
            output,
            source_index: None,
        });
        output
    };
    let axis = Axis::Channels;
    let whole = move_channels(vec![one, two], Rearrange::Concat { axis }, 32);
    let part = Rearrange::Slice {
        begin: [10, 0, 0],
        step: [1; 3],
        size: [12, shape.h, shape.w],
    };
    let part = move_channels(vec![whole], part, 12);
    let end = layer(&mut graph, &mut random, part, [10, 12, 3, 3]);
    let len = graph.tensor(end).shape.len();
    graph.outputs = vec![layer(&mut graph, &mut random, end, [20, len, 1, 1])];
    graph.check().unwrap();
    graph
}

#[test]
fn channels_leave_through_concatenations_and_slices() {
    let (graph, data) = (joined(1), data(1));
    let (after, _) = pruned(&graph, &data, &filter(Criterion::Reconstruction, 0.5));
    let small = shrunk(after.clone());
    assert!(small.macs() * 10 < graph.macs() * 6, "{}", small.macs());
    assert!(error(&after, &small, &data) < 1e-6);
    let channels = |g: &Graph, n: usize| g.tensor(g.nodes[n].output).shape.c;
    for node in 0..5 {
        assert!(channels(&small, node) < channels(&graph, node), "{node}");
    }
    assert!(least_filter(&small) > 0);
    let moved = |g: &Graph| {
        let mut g = g.clone();
        permute(&mut g, &options(Method::Obs, "2:4", 0.0)).unwrap();
        assert_ne!(g.nodes, graph.nodes);
        g
    };
    assert!(error(&graph, &moved(&graph), &data) < 1e-9);
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
