//! Tests of methods, patterns and allocations.

use super::{Alloc, Choice, METHODS, Method, Options, PATTERNS, Pattern, PruneError, apply};
use crate::ir::{
    Bias, Clamp, Conv, DType, FullyConnected, Graph, Node, Op, Order, Quant, Shape, Source, Tensor,
    TensorId, Values, Weights, Window,
};
use crate::random::Random;

/// Layers of the test network: name, operator, weights' shape.
const LAYERS: [(&str, char, [usize; 4]); 5] = [
    ("first", 'c', [8, 3, 3, 3]),
    ("spatial", 'd', [8, 1, 3, 3]),
    ("wide", 'c', [10, 8, 3, 3]),
    ("point", 'c', [13, 10, 1, 1]),
    ("head", 'f', [3, 13, 1, 1]),
];

fn weights(random: &mut Random, name: &str, shape: [usize; 4], quantized: bool) -> Weights {
    let len = shape.iter().product();
    let values = if quantized {
        Values::S8((0..len).map(|_| random.s8()).collect())
    } else {
        Values::F32((0..len).map(|_| random.real()).collect())
    };
    let scales = if quantized {
        (0..shape[0]).map(|_| random.real().abs() + 0.01).collect()
    } else {
        vec![]
    };
    Weights {
        name: format!("{name}.weight"),
        shape,
        values,
        scales,
    }
}

/// A small network with every kind of layer; about a tenth of the weights are zero.
fn network(seed: u64, quantized: bool) -> Graph {
    let mut random = Random::new(seed);
    let mut graph = Graph::default();
    let tensor = |shape: Shape| Tensor {
        name: "t".into(),
        shape,
        dtype: if quantized { DType::S8 } else { DType::F32 },
        quant: quantized.then_some(Quant {
            scale: 0.1,
            zero_point: 0,
        }),
        source: Source {
            dims: vec![1, shape.c, shape.h, shape.w],
            order: Order::Nchw,
        },
    };
    let mut at = graph.add_tensor(tensor(Shape::new(3, 7, 7)));
    graph.inputs.push(at);
    for (name, kind, shape) in LAYERS {
        let mut weights = weights(&mut random, name, shape, quantized);
        for i in 0..weights.len() {
            if random.chance(10) {
                zero(&mut weights, i);
            }
        }
        let kernel = [shape[2], shape[3]];
        let stride = if kernel == [1, 1] { [1, 1] } else { [2, 2] };
        let pad = [kernel[0] / 2; 2];
        let window = Window {
            kernel,
            stride,
            pad_begin: pad,
            pad_end: pad,
        };
        let (bias, clamp) = (Bias::None, Clamp::RELU);
        let op = match kind {
            'c' => Op::Conv2d(Conv {
                window,
                weights,
                bias,
                clamp,
            }),
            'd' => Op::DepthwiseConv2d(Conv {
                window,
                weights,
                bias,
                clamp,
            }),
            _ => Op::FullyConnected(FullyConnected {
                weights,
                bias,
                clamp,
            }),
        };
        let shape = op.output_shape(graph.tensor(at).shape).unwrap();
        let output = graph.add_tensor(tensor(shape));
        let inputs = vec![at];
        graph.nodes.push(Node {
            name: name.into(),
            op,
            inputs,
            output,
            source_index: None,
        });
        at = output;
    }
    graph.outputs.push(TensorId(graph.tensors.len() - 1));
    graph.check().unwrap();
    graph
}

fn zero(weights: &mut Weights, i: usize) {
    match &mut weights.values {
        Values::F32(v) => v[i] = 0.0,
        Values::S8(v) => v[i] = 0,
    }
}

/// Real values of a layer's weights.
fn real(graph: &Graph, layer: usize) -> Vec<f64> {
    let w = graph.nodes[layer].op.weights().unwrap();
    match &w.values {
        Values::F32(v) => v.iter().map(|x| f64::from(*x)).collect(),
        Values::S8(v) => {
            let row = w.row_len();
            v.iter()
                .enumerate()
                .map(|(i, q)| f64::from(w.scales[i / row]) * f64::from(*q))
                .collect()
        }
    }
}

fn options(method: Method, pattern: &str, sparsity: f64) -> Options {
    let pattern = Pattern::parse(pattern).unwrap();
    let sparsity = (!matches!(pattern, Pattern::NofM { .. })).then_some(sparsity);
    Options {
        method,
        pattern,
        sparsity,
        ..Options::default()
    }
}

/// Largest number of weights of a group, in which the wanted count may be missed.
fn group_len(pattern: Pattern) -> usize {
    match pattern {
        Pattern::Block { rows, cols } => rows * cols,
        Pattern::Unstructured | Pattern::Channel | Pattern::NofM { .. } => 1,
    }
}

#[test]
fn magnitude_reaches_the_wanted_sparsity_with_every_pattern_and_allocation() {
    for seed in 0..6 {
        for quantized in [false, true] {
            for pattern in ["unstructured", "1x4", "4x1", "2x4", "3x5"] {
                for (name, alloc) in Alloc::ALL {
                    for sparsity in [0.0, 0.3, 0.5, 0.75, 0.9] {
                        let mut graph = network(seed, quantized);
                        let before = graph.clone();
                        let options = Options {
                            alloc,
                            ..options(Method::Magnitude, pattern, sparsity)
                        };
                        let report = apply(&mut graph, &options).unwrap();
                        graph.check().unwrap();
                        assert_reached(
                            &report,
                            &options,
                            &format!("seed {seed}, {pattern}, {name}, {sparsity}"),
                        );
                        assert_only_zeroed(&before, &graph);
                    }
                }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn assert_reached(report: &super::SparsityReport, options: &Options, case: &str) {
    let group = group_len(options.pattern) as f64;
    let check = |weights: usize, nonzeros: usize, before: usize| {
        let wanted = (weights as f64 * options.sparsity.unwrap())
            .round()
            .max((weights - before) as f64);
        let off = ((weights - nonzeros) as f64 - wanted).abs();
        assert!(
            off <= (group / 2.0).floor(),
            "{case}: {} zeros, wanted {wanted}",
            weights - nonzeros
        );
    };
    let prunable = report.layers.iter().filter(|l| l.choice.is_prunable());
    if options.alloc == Alloc::Layer {
        prunable.for_each(|l| check(l.weights, l.nonzeros, l.nonzeros_before));
    } else {
        let sum = prunable.fold((0, 0, 0), |s, l| {
            (s.0 + l.weights, s.1 + l.nonzeros, s.2 + l.nonzeros_before)
        });
        check(sum.0, sum.1, sum.2);
    }
}

/// Values either stay or become zero, and unprunable layers stay.
fn assert_only_zeroed(before: &Graph, after: &Graph) {
    for layer in 0..LAYERS.len() {
        let (old, new) = (real(before, layer), real(after, layer));
        assert!(old.iter().zip(&new).all(|(o, n)| o == n || *n == 0.0));
        if layer < 2 {
            assert_eq!(old, new, "layer {layer} is not prunable");
        }
    }
}

#[test]
fn groups_of_n_of_m_hold_in_every_tap_and_keep_the_largest() {
    for (seed, quantized) in [(1, false), (2, true), (3, false)] {
        for (text, n, m) in [("2:4", 2, 4), ("1:4", 1, 4), ("4:8", 4, 8), ("1:3", 1, 3)] {
            let mut graph = network(seed, quantized);
            let before = graph.clone();
            apply(&mut graph, &options(Method::Magnitude, text, 0.0)).unwrap();
            for (layer, (_, _, shape)) in LAYERS.into_iter().enumerate().take(4).skip(2) {
                let [o, i, kh, kw] = shape;
                let (old, new) = (real(&before, layer), real(&graph, layer));
                for (r, tap) in (0..o).flat_map(|r| (0..kh * kw).map(move |t| (r, t))) {
                    for c in (0..i).step_by(m) {
                        let at = |c: usize| (r * i + c) * kh * kw + tap;
                        let members: Vec<usize> = (c..(c + m).min(i)).map(at).collect();
                        let kept = |k: &&usize| new[**k] != 0.0;
                        assert!(
                            members.iter().filter(kept).count() <= n,
                            "seed {seed}, {text}"
                        );
                        let least = members
                            .iter()
                            .filter(kept)
                            .map(|k| new[*k].abs())
                            .fold(f64::MAX, f64::min);
                        let lost = members
                            .iter()
                            .filter(|k| new[**k] == 0.0)
                            .map(|k| old[*k].abs());
                        assert!(
                            lost.fold(0.0, f64::max) <= least,
                            "seed {seed}: a larger weight was lost"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn blocks_of_outputs_and_inputs_go_whole() {
    for (rows, cols) in [(1, 4), (4, 1), (2, 4), (3, 5)] {
        let mut graph = network(7, false);
        let before = graph.clone();
        apply(
            &mut graph,
            &options(Method::Magnitude, &format!("{rows}x{cols}"), 0.6),
        )
        .unwrap();
        for (layer, (_, _, shape)) in LAYERS.into_iter().enumerate().take(4).skip(2) {
            let [o, i, kh, kw] = shape;
            let (old, new) = (real(&before, layer), real(&graph, layer));
            for (r, c) in (0..o)
                .step_by(rows)
                .flat_map(|r| (0..i).step_by(cols).map(move |c| (r, c)))
            {
                for tap in 0..kh * kw {
                    let members: Vec<usize> = (r..(r + rows).min(o))
                        .flat_map(|r| {
                            (c..(c + cols).min(i)).map(move |c| (r * i + c) * kh * kw + tap)
                        })
                        .collect();
                    let cleared = members.iter().all(|k| new[*k] == 0.0);
                    let kept = members.iter().all(|k| new[*k] == old[*k]);
                    assert!(cleared || kept, "a block of {rows}x{cols} is torn");
                }
            }
        }
    }
}

#[test]
fn the_smallest_weights_go_first_and_ties_by_position() {
    let mut graph = network(5, false);
    if let Some(Weights {
        values: Values::F32(v),
        ..
    }) = graph.nodes[3].op.weights_mut()
    {
        v.fill(0.5);
        v[7] = -0.1;
    }
    apply(&mut graph, &options(Method::Magnitude, "unstructured", 0.1)).unwrap();
    let zeros: Vec<usize> = real(&graph, 3)
        .iter()
        .enumerate()
        .filter(|(_, w)| **w == 0.0)
        .map(|(i, _)| i)
        .collect();
    assert_eq!(
        zeros,
        (0..13).collect::<Vec<_>>(),
        "130 weights, 13 go: number 7 and the first 12 others"
    );
}

#[test]
fn global_compares_integers_by_their_real_size() {
    let mut graph = network(3, true);
    for layer in 2..5 {
        let w = graph.nodes[layer].op.weights_mut().unwrap();
        w.scales.fill(if layer == 2 { 0.001 } else { 10.0 });
        if let Values::S8(v) = &mut w.values {
            v.fill(if layer == 2 { 127 } else { 1 });
        }
    }
    let options = Options {
        alloc: Alloc::Global,
        ..options(Method::Magnitude, "unstructured", 0.5)
    };
    let report = apply(&mut graph, &options).unwrap();
    assert!(
        report.layers[2].nonzeros < 300,
        "the layer of small scale loses"
    );
    assert_eq!(
        report.layers[3].nonzeros, 130,
        "the layer of large scale keeps all"
    );
}

#[test]
fn lamp_never_empties_a_layer() {
    let mut graph = network(3, false);
    if let Some(Weights {
        values: Values::F32(v),
        ..
    }) = graph.nodes[3].op.weights_mut()
    {
        v.iter_mut().for_each(|w| *w *= 1e-6);
    }
    let options = Options {
        alloc: Alloc::Lamp,
        ..options(Method::Magnitude, "unstructured", 0.97)
    };
    let report = apply(&mut graph, &options).unwrap();
    assert!(report.layers[2..].iter().all(|l| l.nonzeros > 0));
}

#[test]
fn threshold_clears_what_is_not_above_it() {
    for quantized in [false, true] {
        let mut graph = network(9, quantized);
        let before = graph.clone();
        let options = Options {
            method: Method::Threshold,
            threshold: Some(0.3),
            include: vec!["first".into()],
            ..Options::default()
        };
        apply(&mut graph, &options).unwrap();
        for layer in [0, 2, 3] {
            let limit = f64::from(0.3f32);
            let wanted = real(&before, layer)
                .into_iter()
                .map(|w| if w.abs() <= limit { 0.0 } else { w });
            assert!(real(&graph, layer).into_iter().eq(wanted));
        }
    }
}

#[test]
fn keep_changes_nothing_and_reports_what_is_there() {
    let mut graph = network(4, false);
    let before = graph.clone();
    let report = apply(&mut graph, &Options::default()).unwrap();
    assert_eq!(graph, before);
    let choices: Vec<Choice> = report.layers.iter().map(|l| l.choice).collect();
    use Choice::{Depthwise, FewInputs, Prunable, SmallLast};
    assert_eq!(
        choices,
        [FewInputs, Depthwise, Prunable, Prunable, SmallLast]
    );
    assert!(report.sparsity() > 0.05 && report.sparsity() < 0.2);
    assert!(report.layers[2].sparsity() > 0.0 && report.sparsity_of_all() > 0.05);
}

#[test]
fn skip_and_include_override_the_rule_by_node_or_initializer() {
    let mut graph = network(4, false);
    let options = Options {
        skip: vec!["wide".into()],
        include: vec!["spatial.weight".into(), "head".into()],
        ..options(Method::Magnitude, "unstructured", 0.8)
    };
    let report = apply(&mut graph, &options).unwrap();
    let pruned: Vec<bool> = report.layers.iter().map(|l| l.sparsity() > 0.7).collect();
    assert_eq!(pruned, [false, true, false, true, true]);
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_changes() {
    let with = |f: fn(&mut Options)| {
        let mut options = options(Method::Magnitude, "unstructured", 0.5);
        f(&mut options);
        let mut graph = network(1, false);
        let before = graph.clone();
        let error = apply(&mut graph, &options).unwrap_err();
        assert_eq!(graph, before);
        error.to_string()
    };
    for (found, reason) in [
        (
            with(|o| o.sparsity = Some(1.0)),
            "a sparsity of 1 is impossible",
        ),
        (with(|o| o.sparsity = Some(f64::NAN)), "impossible"),
        (with(|o| o.sparsity = None), "needs --sparsity"),
        (with(|o| o.method = Method::Keep), "takes no --sparsity"),
        (with(|o| o.threshold = Some(0.1)), "takes no --threshold"),
        (
            with(|o| o.pattern = Pattern::NofM { n: 1, m: 4 }),
            "means a sparsity of 0.750",
        ),
        (
            with(|o| o.skip = vec!["conv9".into()]),
            "the layers are first, spatial, wide, point, head",
        ),
        (
            with(|o| (o.skip, o.include) = (vec!["wide".into()], vec!["wide".into()])),
            "both skipped and included",
        ),
        (
            with(|o| o.skip = vec!["wide".into(), "point".into()]),
            "no layer is prunable",
        ),
    ] {
        assert!(found.contains(reason), "{found}");
    }
}

#[test]
fn every_row_of_the_tables_is_found_by_its_name() {
    for row in METHODS {
        assert_eq!(Method::from_name(row.name).map(Method::row), Some(row));
        assert!(!row.when.is_empty() && !row.needs.is_empty() && !row.cost.is_empty());
    }
    assert_eq!(Method::from_name("magic"), None);
    for row in PATTERNS {
        assert_eq!(
            Pattern::parse(row.example).unwrap().to_string(),
            row.example
        );
    }
    for bad in [
        "", "4:2", "4:4", "0:4", "1x", "x4", "0x4", "65x1", "2:4x", "-1x4", "dense",
    ] {
        assert_eq!(
            Pattern::parse(bad),
            Err(PruneError::Pattern { text: bad.into() }),
            "{bad}"
        );
    }
}
