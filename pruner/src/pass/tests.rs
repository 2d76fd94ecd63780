//! Every pass on small graphs: what it changes, what it leaves, and that outputs stay the same.

use super::*;
use crate::interpret::fixture::{Build, Zeros, assert_equal, window};
use crate::ir::{Bias, Clamp, FlattenOrder, Op, Pool, Shape, TensorId, Values};

const BOTH: [Rounding; 2] = [Rounding::Double, Rounding::Single];

/// Runs all passes, checks that outputs stay, and returns the names of the operators that remain.
fn operators(graph: &Graph, seed: u64) -> Vec<&'static str> {
    let after = run(graph.clone(), PassSet::All).unwrap();
    assert_equal(graph, &after, Rounding::Double, seed);
    after.nodes.iter().map(|n| n.op.name()).collect()
}

fn affine(build: &mut Build, channels: usize) -> Op {
    let mut random = || (0..channels).map(|_| 0.5 + build.random.unit()).collect();
    Op::ChannelAffine {
        scale: random(),
        shift: random(),
    }
}

#[test]
fn affine_folds_into_the_layer_before() {
    for seed in 0..8 {
        let (mut build, x) = Build::new(seed, Shape::new(2, 5, 5), false);
        let a = build.conv(x, 4, window(3, 1, 1), Clamp::NONE);
        let op = affine(&mut build, 4);
        let a = build.push(op, &[a]);
        let a = build.depthwise(a, 2, window(3, 1, 1), Clamp::NONE);
        let op = affine(&mut build, 8);
        let a = build.push(op, &[a]);
        let a = build.fully_connected(a, 3);
        let op = affine(&mut build, 3);
        let a = build.push(op, &[a]);
        let graph = build.finish(&[a]);
        let expected = ["conv_2d", "depthwise_conv_2d", "fully_connected"];
        assert_eq!(operators(&graph, seed), expected);
    }
}

#[test]
fn affine_folds_into_the_layers_that_read_it() {
    for seed in 0..8 {
        let (mut build, x) = Build::new(seed, Shape::new(3, 5, 4), false);
        let op = affine(&mut build, 3);
        let a = build.push(op, &[x]);
        let b = build.conv(a, 4, window(3, 1, 0), Clamp::RELU);
        let c = build.depthwise(a, 2, window(2, 1, 0), Clamp::NONE);
        let d = build.fully_connected(a, 2);
        let graph = build.finish(&[b, c, d]);
        let expected = ["conv_2d", "depthwise_conv_2d", "fully_connected"];
        assert_eq!(operators(&graph, seed), expected);
    }
}

#[test]
fn affine_without_a_layer_before_becomes_a_depthwise_convolution() {
    let (mut build, x) = Build::new(1, Shape::new(3, 4, 4), false);
    let op = affine(&mut build, 3);
    let a = build.push(op, &[x]);
    let a = build.conv(a, 4, window(3, 1, 1), Clamp::RELU);
    let op = affine(&mut build, 4);
    let b = build.push(op, &[a]);
    let graph = build.finish(&[b]);
    let expected = ["depthwise_conv_2d", "conv_2d", "depthwise_conv_2d"];
    assert_eq!(operators(&graph, 1), expected);
    let minimal = run(graph, PassSet::None).unwrap();
    assert!(
        minimal
            .nodes
            .iter()
            .all(|n| n.op.name() != "channel_affine")
    );
}

#[test]
fn identities_and_undone_quantisations_disappear() {
    let (mut build, x) = Build::new(2, Shape::new(2, 4, 4), true);
    let a = build.push_same(Op::Identity, x);
    let a = build.conv(a, 3, window(1, 1, 0), Clamp::NONE);
    let real = build.push(Op::Dequantize, &[a]);
    let tensor = build.graph.tensor_mut(real);
    (tensor.dtype, tensor.quant) = (crate::ir::DType::F32, None);
    let b = build.push(Op::Quantize, &[real]);
    build.graph.tensor_mut(b).quant = build.graph.tensor(a).quant;
    let c = build.push_same(Op::Identity, b);
    let graph = build.finish(&[c]);
    assert_eq!(operators(&graph, 2), ["conv_2d"]);
    let name = &graph.tensor(c).name;
    let after = run(graph.clone(), PassSet::All).unwrap();
    assert_eq!(
        after.tensor(after.outputs[0]).name,
        *name,
        "outputs keep their names"
    );
    assert_eq!(after.tensors.len(), 2, "unused tensors disappear");
}

#[test]
fn an_identity_between_input_and_output_stays() {
    let (mut build, x) = Build::new(2, Shape::new(2, 4, 4), true);
    let a = build.push_same(Op::Identity, x);
    let graph = build.finish(&[a]);
    assert_eq!(operators(&graph, 2), ["identity"]);
}

fn frame(value: f32) -> Op {
    Op::Pad {
        begin: [0, 1],
        end: [1, 1],
        value,
    }
}

#[test]
fn zero_padding_moves_into_all_convolutions_that_read_it() {
    for quantized in [false, true] {
        let (mut build, x) = Build::new(3, Shape::new(2, 5, 5), quantized);
        let a = build.push_same(frame(0.0), x);
        let b = build.conv(a, 3, window(3, 2, 0), Clamp::NONE);
        let c = build.depthwise(a, 1, window(3, 1, 1), Clamp::NONE);
        let graph = build.finish(&[b, c]);
        assert_eq!(
            operators(&graph, 3),
            ["conv_2d"; 1]
                .into_iter()
                .chain(["depthwise_conv_2d"])
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn other_padding_stays() {
    let (mut build, x) = Build::new(3, Shape::new(2, 5, 5), true);
    let one = build.push_same(frame(1.0), x);
    let a = build.conv(one, 3, window(3, 2, 0), Clamp::NONE);
    let zero = build.push_same(frame(0.0), x);
    let b = build.conv(zero, 3, window(1, 1, 0), Clamp::NONE);
    let graph = build.finish(&[a, b]);
    assert_eq!(
        operators(&graph, 3),
        ["pad", "conv_2d", "pad", "conv_2d"],
        "value, and kernel size"
    );
}

#[test]
fn activations_become_bounds() {
    let clamp = Op::Clamp(Clamp::RELU6);
    for quantized in [false, true] {
        let (mut build, x) = Build::new(4, Shape::new(3, 4, 4), quantized);
        let a = build.conv(x, 3, window(1, 1, 0), Clamp::NONE);
        let a = build.push_same(clamp.clone(), a);
        let b = build.push(Op::Add(Clamp::NONE), &[a, x]);
        let b = build.push_same(Op::Clamp(Clamp::RELU), b);
        let b = build.push_same(clamp.clone(), b);
        let pool = Pool {
            window: window(2, 2, 0),
            clamp: Clamp::NONE,
        };
        let b = build.push_same(Op::AveragePool2d(pool), b);
        let b = build.push_same(clamp.clone(), b);
        let graph = build.finish(&[b]);
        assert_eq!(operators(&graph, 4), ["conv_2d", "add", "average_pool_2d"]);
    }
}

#[test]
fn activations_stay_where_another_node_reads_their_input_or_scales_differ() {
    let (mut build, x) = Build::new(5, Shape::new(3, 4, 4), true);
    let a = build.conv(x, 3, window(1, 1, 0), Clamp::NONE);
    let b = build.push_same(Op::Clamp(Clamp { lo: -0.5, hi: 0.5 }), a);
    let c = build.push(Op::Add(Clamp::NONE), &[a, b]);
    let d = build.push(Op::Clamp(Clamp::RELU), &[c]);
    build.graph.tensor_mut(d).quant = Some(crate::ir::Quant {
        scale: 0.2,
        zero_point: -9,
    });
    let graph = build.finish(&[d]);
    assert_eq!(operators(&graph, 5), ["conv_2d", "clamp", "add", "clamp"]);
}

#[test]
fn flattens_become_an_order_of_columns() {
    for order in [FlattenOrder::ChannelsFirst, FlattenOrder::ChannelsLast] {
        for quantized in [false, true] {
            let (mut build, x) = Build::new(6, Shape::new(3, 4, 2), quantized);
            let a = build.conv(x, 5, window(1, 1, 0), Clamp::NONE);
            let a = build.push_same(Op::Flatten(order), a);
            let a = build.push_same(Op::Clamp(Clamp::RELU), a);
            let b = build.fully_connected(a, 4);
            let c = build.fully_connected(a, 2);
            let graph = build.finish(&[b, c]);
            assert_eq!(
                operators(&graph, 6),
                ["conv_2d", "fully_connected", "fully_connected"]
            );
        }
    }
}

#[test]
fn a_flatten_that_is_an_output_stays() {
    let (mut build, x) = Build::new(6, Shape::new(3, 4, 2), true);
    let a = build.conv(x, 5, window(1, 1, 0), Clamp::NONE);
    let a = build.push_same(Op::Flatten(FlattenOrder::ChannelsLast), a);
    let graph = build.finish(&[a]);
    assert_eq!(operators(&graph, 6), ["conv_2d", "flatten"]);
}

/// Makes a row of a layer constant: no weights, and a bias that gives real 0 under relu, or the highest value.
fn kill_row(graph: &mut Graph, node: usize, row: usize, bias: i32) {
    let (weights, b, _) = graph.nodes[node].op.layer_mut().unwrap();
    let row_len = weights.row_len();
    if let (Values::S8(v), Bias::S32(b)) = (&mut weights.values, b) {
        v[row * row_len..(row + 1) * row_len].fill(0);
        b[row] = bias;
    }
}

/// conv 1x1 (6 channels) → depthwise 3x3 with padding → conv 1x1 → mean, and the depthwise's input.
fn separable(seed: u64) -> (Graph, TensorId) {
    let (mut build, x) = Build::new(seed, Shape::new(3, 6, 6), true);
    let a = build.conv(x, 6, window(1, 1, 0), Clamp::RELU);
    let b = build.depthwise(a, 1, window(3, 1, 1), Clamp::RELU);
    let c = build.conv(b, 4, window(1, 1, 0), Clamp::NONE);
    let d = build.push(Op::Mean, &[c]);
    (build.finish(&[d]), a)
}

fn channels(graph: &Graph) -> Vec<usize> {
    graph
        .nodes
        .iter()
        .map(|n| graph.tensor(n.output).shape.c)
        .collect()
}

#[test]
fn a_constant_zero_goes_through_padding_and_leaves_with_its_bias_folded() {
    let all_live = |seed: &u64| {
        let untouched = run(separable(*seed).0, PassSet::Lossless).unwrap();
        channels(&untouched) == [6, 6, 4, 4]
    };
    let seeds = (0..60).filter(all_live).take(6);
    for (seed, rounding) in seeds.zip(BOTH.into_iter().cycle()) {
        let (mut graph, _) = separable(seed);
        kill_row(&mut graph, 0, 2, -2_000_000_000);
        let after = run_with_rounding(graph.clone(), PassSet::Lossless, rounding).unwrap();
        assert_eq!(channels(&after), [5, 5, 4, 4], "seed {seed}");
        assert_equal(&graph, &after, rounding, seed);
        assert_eq!(after.notes.len(), 2);
        let note = &after.notes[0];
        assert!(note.ends_with("6 → 5 channels"), "{note}");
    }
}

#[test]
fn a_constant_other_than_zero_stays_before_padding() {
    let (mut graph, a) = separable(3);
    kill_row(&mut graph, 0, 2, 0);
    let quant = graph.tensor(a).quant.unwrap();
    let (weights, bias, _) = graph.nodes[0].op.layer_mut().unwrap();
    if let Bias::S32(b) = bias {
        let step = quant.scale / (weights.scales[2] * 0.05);
        b[2] = crate::arith::round_half_even(f64::from(step) * 40.0);
    }
    let after = run(graph.clone(), PassSet::Lossless).unwrap();
    assert_eq!(
        channels(&after),
        [6, 6, 4, 4],
        "edges see the zero point beside the constant"
    );
    assert_equal(&graph, &after, Rounding::Double, 3);
    let Op::DepthwiseConv2d(conv) = &mut graph.nodes[1].op else {
        unreachable!()
    };
    (conv.window.pad_begin, conv.window.pad_end) = ([0, 0], [0, 0]);
    for id in [graph.nodes[1].output, graph.nodes[2].output] {
        let tensor = graph.tensor_mut(id);
        (tensor.shape.h, tensor.shape.w) = (4, 4);
        tensor.source.dims = vec![1, tensor.shape.c, 4, 4];
    }
    let after = run(graph.clone(), PassSet::Lossless).unwrap();
    assert_eq!(channels(&after), [5, 5, 4, 4], "without padding it folds");
    assert_equal(&graph, &after, Rounding::Double, 4);
}

#[test]
fn channels_that_nothing_reads_leave_with_all_that_made_them() {
    let (mut graph, _) = separable(7);
    let (weights, ..) = graph.nodes[2].op.layer_mut().unwrap();
    if let Values::S8(v) = &mut weights.values {
        v.chunks_exact_mut(6)
            .for_each(|row| (row[1], row[4]) = (0, 0));
    }
    let after = run(graph.clone(), PassSet::Lossless).unwrap();
    assert_eq!(channels(&after), [4, 4, 4, 4]);
    assert_equal(&graph, &after, Rounding::Double, 7);
}

#[test]
fn both_sides_of_a_residual_sum_shrink_together_or_not_at_all() {
    let (mut build, x) = Build::new(8, Shape::new(3, 6, 6), true);
    let a = build.conv(x, 6, window(1, 1, 0), Clamp::RELU);
    let b = build.conv(a, 6, window(3, 1, 1), Clamp::RELU);
    let sum = build.push(Op::Add(Clamp::NONE), &[a, b]);
    let c = build.fully_connected(sum, 4);
    let mut graph = build.finish(&[c]);
    kill_row(&mut graph, 0, 2, -2_000_000_000);
    let same = run(graph.clone(), PassSet::Lossless).unwrap();
    assert_eq!(
        channels(&same),
        [6, 6, 6, 4],
        "one side alone is not constant"
    );
    assert_equal(&graph, &same, Rounding::Double, 8);
    kill_row(&mut graph, 1, 2, -2_000_000_000);
    let both = run(graph.clone(), PassSet::Lossless).unwrap();
    assert_eq!(channels(&both), [5, 5, 5, 4]);
    assert_equal(&graph, &both, Rounding::Double, 8);
}

#[test]
fn a_network_of_constants_keeps_one_channel_a_tensor() {
    let (mut graph, _) = separable(9);
    (0..4).for_each(|row| kill_row(&mut graph, 2, row, 1000));
    let after = run(graph.clone(), PassSet::Lossless).unwrap();
    assert_eq!(channels(&after), [1, 1, 4, 4]);
    assert_equal(&graph, &after, Rounding::Double, 9);
}

/// A random chain of blocks with dead rows, dead columns and zeros.
fn random_network(seed: u64, quantized: bool) -> Graph {
    let (mut build, mut x) = Build::new(seed, Shape::new(3, 7, 6), quantized);
    build.zeros = Zeros {
        rows: 25,
        columns: 20,
        weights: 30,
    };
    let clamps = [Clamp::NONE, Clamp::RELU, Clamp::RELU6];
    for _ in 0..2 + build.random.below(4) {
        let (pad, clamp) = (build.random.below(2), clamps[build.random.below(3)]);
        let shape = build.graph.tensor(x).shape;
        let kernel = if shape.h < 3 || shape.w < 3 { 1 } else { 3 };
        let pad = pad.min(kernel - 1);
        x = match build.random.below(6) {
            0 => {
                let rows = 2 + build.random.below(7);
                build.conv(x, rows, window(kernel, 1, pad), clamp)
            }
            1 => build.depthwise(x, 1, window(kernel, 1, pad), clamp),
            2 => build.depthwise(x, 2, window(kernel, 1 + pad, pad), clamp),
            3 => {
                let side = build.conv(x, shape.c, window(1, 1, 0), clamp);
                build.push(Op::Add(clamp), &[x, side])
            }
            4 => {
                let pool = Pool {
                    window: window(kernel.min(2), 1, 0),
                    clamp,
                };
                let max = build.random.chance(50);
                build.push_same(
                    if max {
                        Op::MaxPool2d(pool)
                    } else {
                        Op::AveragePool2d(pool)
                    },
                    x,
                )
            }
            _ => {
                let rows = 2 + build.random.below(7);
                let wide = build.conv(x, rows, window(1, 1, 0), clamp);
                build.push_same(frame(0.5), wide)
            }
        };
    }
    if build.random.chance(50) {
        x = build.push(Op::Mean, &[x]);
    }
    let order = [FlattenOrder::ChannelsFirst, FlattenOrder::ChannelsLast][build.random.below(2)];
    x = build.push_same(Op::Flatten(order), x);
    x = build.fully_connected(x, 6);
    let y = build.fully_connected(x, 4);
    build.finish(&[y])
}

#[test]
fn random_integer_networks_keep_every_bit() {
    let mut removed = 0;
    for seed in 0..400 {
        let graph = random_network(seed, true);
        for rounding in BOTH {
            let after = run_with_rounding(graph.clone(), PassSet::Lossless, rounding).unwrap();
            assert_equal(&graph, &after, rounding, seed);
            removed += after.notes.len();
        }
    }
    assert!(removed > 400, "{removed} layers shrank");
}

#[test]
fn random_float_networks_keep_their_outputs() {
    let mut removed = 0;
    for seed in 0..200 {
        let graph = random_network(seed, false);
        let after = run(graph.clone(), PassSet::All).unwrap();
        assert_equal(&graph, &after, Rounding::Double, seed);
        removed += after.notes.len();
    }
    assert!(removed > 100, "{removed} layers shrank");
}

#[test]
fn a_second_run_finds_nothing_more() {
    for seed in 0..60 {
        let once = run(random_network(seed, true), PassSet::Lossless).unwrap();
        let twice = run(once.clone(), PassSet::Lossless).unwrap();
        assert_eq!(once, twice, "seed {seed}");
    }
}

#[test]
fn passes_have_distinct_names_and_sets_nest() {
    for (i, pass) in PASSES.iter().enumerate() {
        assert!(PASSES[i + 1..].iter().all(|other| other.name != pass.name));
        assert!(PassSet::All.contains(pass));
        assert!(!PassSet::None.contains(pass) || PassSet::Lossless.contains(pass));
    }
}
