//! Tests of calibrated methods on integer networks.

use super::*;
use crate::quantize;

/// The network of the other tests, quantised.
fn quantized(seed: u64) -> (Graph, Dataset) {
    let data = data(seed);
    let options = quantize::Options::default();
    let graph = quantize::post_training(network(seed), &data, &options, SILENT).unwrap();
    (graph, data)
}

/// Mean squared difference of the outputs, real numbers.
fn loss(a: &Graph, b: &Graph, data: &Dataset) -> f64 {
    let samples = data
        .samples(a.tensor(a.inputs[0]), None, &Preprocess::NONE)
        .unwrap();
    let run = |g: &Graph, i: usize| {
        Interpreter::new(g)
            .unwrap()
            .run_real(&samples.get(i))
            .unwrap()
    };
    let square = |i: usize| {
        let pairs = run(a, i).into_iter().zip(run(b, i));
        pairs.map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>()
    };
    (0..SAMPLES).map(square).sum()
}

#[test]
fn integers_keep_their_scales_and_solving_beats_magnitude() {
    for seed in 1..4 {
        let (graph, data) = quantized(seed);
        for (pattern, sparsity) in [
            ("unstructured", 0.6),
            ("1x4", 0.5),
            ("4x1", 0.5),
            ("2:4", 0.5),
        ] {
            let of = |m: Method| pruned(&graph, &data, &options(m, pattern, sparsity));
            let (obs, reached) = of(Method::Obs);
            assert!((reached - sparsity).abs() < 0.05, "{pattern}: {reached}");
            for (before, after) in graph.nodes.iter().zip(&obs.nodes) {
                let scales = |n: &Node| n.op.weights().map(|w| w.scales.clone());
                assert_eq!(scales(before), scales(after));
            }
            let (obs, magnitude) = (
                loss(&graph, &obs, &data),
                loss(&graph, &of(Method::Magnitude).0, &data),
            );
            assert!(
                obs < 0.6 * magnitude,
                "seed {seed}, {pattern}: {obs} {magnitude}"
            );
        }
    }
}

#[test]
fn integers_on_the_grid_stay_where_they_are_without_sparsity() {
    let (graph, data) = quantized(5);
    for method in calibrated() {
        let (same, _) = pruned(&graph, &data, &options(method, "unstructured", 0.0));
        let weights = |g: &Graph| {
            g.nodes
                .iter()
                .map(|n| n.op.weights().cloned())
                .collect::<Vec<_>>()
        };
        assert!(weights(&graph) == weights(&same), "{method:?}");
    }
}

#[test]
fn a_row_whose_scale_is_zero_stays_zero() {
    let (mut graph, data) = quantized(6);
    if let Some(w) = graph.nodes[1].op.weights_mut() {
        w.scales[3] = 0.0;
    }
    let (after, _) = pruned(&graph, &data, &options(Method::Obs, "unstructured", 0.5));
    let Some(Values::S8(w)) = after.nodes[1].op.weights().map(|w| &w.values) else {
        panic!("layer 1 has integer weights")
    };
    assert!(w[3 * 16..4 * 16].iter().all(|w| *w == 0));
}
