//! `--permute`: channels in another order, on networks of real exporters; nothing that a network says changes.

use nnz_pruner::interpret::Interpreter;
use nnz_pruner::ir::{DType, Graph};
use nnz_pruner::pass::{self, PassSet};
use nnz_pruner::sparsify::{self, Method, Options, Pattern};
use nnz_tests::fixtures::{self, Fixture};

/// Largest difference of floats, which are added in another order, by the largest value.
const FLOATS: f32 = 1e-5;

/// Every output on all rows of the inputs, as real numbers.
fn outputs(fixture: &Fixture, graph: &Graph) -> Vec<f32> {
    let interpreter = Interpreter::new(graph).expect("it runs");
    let mut all = Vec::new();
    for row in fixture.input_rows(graph) {
        let values = interpreter.run(&row).expect("it runs");
        let pairs = values.iter().zip(&graph.outputs);
        all.extend(pairs.flat_map(|(value, id)| value.to_real(graph.tensor(*id))));
    }
    all
}

/// The graph with its channels in another order; `None` where none were moved.
fn permuted(graph: &Graph, pattern: &str) -> Option<Graph> {
    let options = Options {
        method: Method::Magnitude,
        pattern: Pattern::parse(pattern).expect("a pattern"),
        ..Options::default()
    };
    let mut moved = graph.clone();
    sparsify::permute(&mut moved, &options).expect("a pattern with an order");
    (moved.nodes != graph.nodes).then_some(moved)
}

#[test]
fn outputs_of_networks_in_another_order_are_what_they_were() {
    let (mut floats, mut integers) = (0, 0);
    for fixture in fixtures::all() {
        let graph = fixture.load().expect("a network that is imported");
        let graph = pass::run(graph, PassSet::All).expect("simplified");
        let before = outputs(&fixture, &graph);
        let most = before.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
        let is_float = graph.tensors.iter().all(|t| t.dtype == DType::F32);
        for pattern in ["1x4", "4x1", "2:4"] {
            let Some(moved) = permuted(&graph, pattern) else {
                continue;
            };
            let after = outputs(&fixture, &moved);
            assert_eq!(before.len(), after.len());
            let allowed = if is_float { FLOATS * most } else { 0.0 };
            let pairs = before.iter().zip(&after);
            let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst <= allowed, "{}, {pattern}: {worst}", fixture.model);
            *(if is_float { &mut floats } else { &mut integers }) += 1;
        }
    }
    assert!(floats >= 20 && integers >= 10, "{floats} {integers}");
}
