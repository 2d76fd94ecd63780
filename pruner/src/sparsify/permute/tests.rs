//! Tests of channel permutations on the network of the calibrated tests.

use super::super::calibrated::tests::{data, error, network, options, pruned};
use super::super::{Method, Pattern};
use super::permute;
use crate::data::Preprocess;
use crate::interpret::{Interpreter, Value};
use crate::ir::Graph;
use crate::progress::SILENT;
use crate::quantize;

fn permuted(graph: &Graph, pattern: &str) -> Graph {
    let mut graph = graph.clone();
    permute(&mut graph, &options(Method::Obs, pattern, 0.5)).unwrap();
    graph
}

#[test]
fn outputs_stay_what_they_were() {
    for (seed, pattern) in [(1, "1x4"), (2, "2:4"), (3, "4x1"), (4, "2x2")] {
        let graph = network(seed);
        let after = permuted(&graph, pattern);
        assert_ne!(after.nodes, graph.nodes, "{pattern}: nothing moved");
        let found = error(&graph, &after, &data(seed));
        assert!(found < 1e-9, "{pattern}, seed {seed}: {found}");
    }
}

#[test]
fn integer_networks_keep_every_output_bit() {
    let data = data(5);
    let how = quantize::Options::default();
    let graph = quantize::post_training(network(5), &data, &how, SILENT).unwrap();
    let input = graph.tensor(graph.inputs[0]);
    let samples = data.samples(input, None, &Preprocess::NONE).unwrap();
    let run = |graph: &Graph, i: usize| {
        let x = Value::S8(samples.get_s8(i, input.quant.unwrap()));
        Interpreter::new(graph).unwrap().run(&[x]).unwrap()
    };
    for pattern in ["1x4", "4x1", "1:4"] {
        let after = permuted(&graph, pattern);
        assert_ne!(after.nodes, graph.nodes);
        for i in 0..10 {
            assert_eq!(run(&graph, i), run(&after, i), "{pattern}");
        }
    }
}

#[test]
fn blocks_lose_less_afterwards_and_the_order_is_always_the_same() {
    let (mut before, mut after) = (0.0, 0.0);
    for seed in 10..16 {
        let (graph, data) = (network(seed), data(seed));
        let how = options(Method::Magnitude, "1x4", 0.5);
        let ordered = permuted(&graph, "1x4");
        assert_eq!(ordered.nodes, permuted(&graph, "1x4").nodes);
        let loss = |g: &Graph| error(&graph, &pruned(g, &data, &how).0, &data);
        before += loss(&graph);
        after += loss(&ordered);
    }
    assert!(after < 0.97 * before, "{after} {before}");
}

#[test]
fn a_pattern_without_order_is_refused() {
    let mut graph = network(1);
    for pattern in [Pattern::Unstructured, Pattern::Channel] {
        let options = super::Options {
            pattern,
            ..super::Options::default()
        };
        let error = permute(&mut graph, &options).unwrap_err().to_string();
        assert!(error.contains("--permute"), "{error}");
    }
}
