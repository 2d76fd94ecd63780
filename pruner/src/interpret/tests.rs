//! The kernels against the operators' definitions, written as plain loops.

use super::fixture::{Build, Random, inputs, window};
use super::*;
use crate::arith::{conv_multipliers, fully_connected_multipliers, requantize, to_s8};
use crate::ir::{Bias, Clamp, Pool, Shape, Values, Window};

/// The input of tap `(ky, kx)` of an output pixel, `None` outside.
fn at(shape: Shape, window: &Window, o: [usize; 2], k: [usize; 2]) -> Option<usize> {
    let y = (o[0] * window.stride[0] + k[0]).checked_sub(window.pad_begin[0])?;
    let x = (o[1] * window.stride[1] + k[1]).checked_sub(window.pad_begin[1])?;
    (y < shape.h && x < shape.w).then(|| y * shape.w + x)
}

/// A convolution or depthwise convolution in integers, by its definition.
fn defined_conv(graph: &Graph, rounding: Rounding, image: &[i8]) -> Vec<i8> {
    let node = &graph.nodes[0];
    let (input, output) = (graph.tensor(node.inputs[0]), graph.tensor(node.output));
    let (weights, bias, clamp) = node.op.layer().unwrap();
    let window = node.op.conv_window().unwrap();
    let (Values::S8(w), Bias::S32(bias)) = (&weights.values, bias) else {
        unreachable!("the fixture is an integer one")
    };
    let (a, b) = (input.quant.unwrap(), output.quant.unwrap());
    let (lo, hi) = arith::activation_bounds(*clamp, b);
    let multipliers = conv_multipliers(a, &weights.scales, b);
    let depthwise = matches!(node.op, Op::DepthwiseConv2d(_));
    let per_channel = output.shape.c / input.shape.c;
    let [_, columns, kh, kw] = weights.shape;
    let mut out = Vec::new();
    for row in 0..output.shape.c {
        for pixel in 0..output.shape.pixels() {
            let o = [pixel / output.shape.w, pixel % output.shape.w];
            let mut acc = bias[row];
            for i in 0..columns * kh * kw {
                let channel = if depthwise {
                    row / per_channel
                } else {
                    i / (kh * kw)
                };
                if let Some(p) = at(input.shape, window, o, [i / kw % kh, i % kw]) {
                    let x = i32::from(image[channel * input.shape.pixels() + p]) - a.zero_point;
                    acc += x * i32::from(w[row * columns * kh * kw + i]);
                }
            }
            let (m, e) = multipliers[row];
            out.push(to_s8(requantize(rounding, acc, m, e) + b.zero_point).clamp(lo, hi));
        }
    }
    out
}

#[test]
fn integer_convolutions_are_their_definition() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let shape = Shape::new(
            1 + random.below(5),
            4 + random.below(5),
            4 + random.below(5),
        );
        let (mut build, x) = Build::new(seed, shape, true);
        let mut window = window(1 + random.below(4), 1 + random.below(2), 0);
        window.pad_begin[0] = random.below(window.kernel[0]);
        window.pad_end[1] = random.below(window.kernel[1]);
        let clamp = [Clamp::NONE, Clamp::RELU, Clamp::RELU6][random.below(3)];
        let y = if random.chance(50) {
            build.conv(x, 1 + random.below(6), window, clamp)
        } else {
            build.depthwise(x, 1 + random.below(2), window, clamp)
        };
        let graph = build.finish(&[y]);
        let values = inputs(&graph, seed);
        let Value::S8(image) = &values[0] else {
            unreachable!()
        };
        for rounding in [Rounding::Double, Rounding::Single] {
            let found = Interpreter::with_rounding(&graph, rounding)
                .unwrap()
                .run(&values)
                .unwrap();
            assert_eq!(
                found[0],
                Value::S8(defined_conv(&graph, rounding, image)),
                "seed {seed}"
            );
        }
    }
}

#[test]
fn sums_beyond_the_integers_of_f32_stay_exact() {
    let (mut build, x) = Build::new(11, Shape::new(8, 9, 9), true);
    let y = build.conv(x, 3, window(9, 1, 4), Clamp::NONE);
    let mut graph = build.finish(&[y]);
    if let Some(Values::S8(v)) = graph.nodes[0].op.weights_mut().map(|w| &mut w.values) {
        v.iter_mut()
            .for_each(|w| *w = if *w < 0 { 127 } else { 126 });
    }
    let values = inputs(&graph, 11);
    let Value::S8(image) = &values[0] else {
        unreachable!()
    };
    let found = Interpreter::new(&graph).unwrap().run(&values).unwrap();
    let expected = defined_conv(&graph, Rounding::Double, image);
    assert_eq!(found[0], Value::S8(expected));
}

#[test]
fn integer_fully_connected_layers_are_their_definition() {
    for seed in 0..20 {
        let (mut build, x) = Build::new(seed, Shape::new(7, 2, 3), true);
        let y = build.fully_connected(x, 5);
        let graph = build.finish(&[y]);
        let values = inputs(&graph, seed);
        let (weights, bias, _) = graph.nodes[0].op.layer().unwrap();
        let (Values::S8(w), Bias::S32(bias), Value::S8(image)) =
            (&weights.values, bias, &values[0])
        else {
            unreachable!()
        };
        let (a, b) = (
            graph.tensor(x).quant.unwrap(),
            graph.tensor(y).quant.unwrap(),
        );
        let multipliers = fully_connected_multipliers(a, &weights.scales, b);
        let expected = (0..5).map(|row| {
            let products = image.iter().zip(&w[row * 42..]);
            let dot: i32 = products
                .map(|(x, w)| (i32::from(*x) - a.zero_point) * i32::from(*w))
                .sum();
            let (m, e) = multipliers[row];
            to_s8(requantize(Rounding::Double, dot + bias[row], m, e) + b.zero_point)
        });
        let found = Interpreter::new(&graph).unwrap().run(&values).unwrap();
        assert_eq!(found[0], Value::S8(expected.collect()), "seed {seed}");
    }
}

#[test]
fn pools_leave_padding_out_and_average_away_from_zero() {
    for quantized in [true, false] {
        let (mut build, x) = Build::new(3, Shape::new(1, 2, 2), quantized);
        let pool = Pool {
            window: window(2, 2, 1),
            clamp: Clamp::NONE,
        };
        let pool = Pool {
            window: Window {
                pad_end: [1, 0],
                stride: [2, 1],
                ..pool.window
            },
            ..pool
        };
        let max = build.push_same(Op::MaxPool2d(pool), x);
        let average = build.push_same(Op::AveragePool2d(pool), x);
        let graph = build.finish(&[max, average]);
        let run = Interpreter::new(&graph).unwrap();
        if quantized {
            let found = run.run(&[Value::S8(vec![-3, -4, 6, 7])]).unwrap();
            assert_eq!(found[0], Value::S8(vec![-3, -3, 6, 7]));
            assert_eq!(
                found[1],
                Value::S8(vec![-3, -4, 6, 7]),
                "-3.5 and 6.5 go away from zero"
            );
        } else {
            let found = run.run(&[Value::F32(vec![-3.0, -4.0, 6.0, 7.0])]).unwrap();
            assert_eq!(found[0], Value::F32(vec![-3.0, -3.0, 6.0, 7.0]));
            assert_eq!(found[1], Value::F32(vec![-3.0, -3.5, 6.0, 6.5]));
        }
    }
}

#[test]
fn integer_networks_follow_their_float_twins() {
    for seed in 0..10 {
        let (mut build, x) = Build::new(seed, Shape::new(3, 8, 8), true);
        let a = build.conv(x, 6, window(3, 1, 1), Clamp::RELU);
        let b = build.depthwise(a, 1, window(3, 1, 1), Clamp::NONE);
        let sum = build.push(Op::Add(Clamp::NONE), &[a, b]);
        let mean = build.push(Op::Mean, &[sum]);
        let graph = build.finish(&[sum, mean]);
        let twin = float_twin(&graph);
        let values = inputs(&graph, seed);
        let real = Value::F32(values[0].to_real(graph.tensor(x)));
        let integers = Interpreter::new(&graph).unwrap().run_all(&values).unwrap();
        let floats = Interpreter::new(&twin).unwrap().run_all(&[real]).unwrap();
        for (tensor, (q, f)) in graph.tensors.iter().zip(integers.iter().zip(&floats)) {
            let (q, Some(Value::F32(f))) = (q.as_ref().unwrap().to_real(tensor), f) else {
                unreachable!()
            };
            let quant = tensor.quant.unwrap();
            let (lo, hi) = (
                arith::dequantize(-128, quant),
                arith::dequantize(127, quant),
            );
            for (q, f) in q.iter().zip(f) {
                let inside = f.clamp(lo, hi);
                let tolerance = 4.0 * quant.scale + 0.1 * (f - inside).abs();
                assert!(
                    (q - inside).abs() <= tolerance,
                    "seed {seed}, '{}': {q}, {f}",
                    tensor.name
                );
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "an f32 bias is meant")]
const fn single(x: f64) -> f32 {
    x as f32
}

/// The same network in floats; activations saturate where the integers do.
fn float_twin(graph: &Graph) -> Graph {
    let mut twin = graph.clone();
    for node in &mut twin.nodes {
        let scale = graph.tensor(node.inputs[0]).quant.unwrap().scale;
        let quant = graph.tensor(node.output).quant.unwrap();
        let (lo, hi) = (
            arith::dequantize(-128, quant),
            arith::dequantize(127, quant),
        );
        if let Some((weights, bias, clamp)) = node.op.layer_mut() {
            let (Values::S8(w), Bias::S32(b)) = (&weights.values, &bias) else {
                unreachable!()
            };
            let row_len = weights.row_len();
            let real = |(i, w): (usize, &i8)| f32::from(*w) * weights.scales[i / row_len];
            let values = w.iter().enumerate().map(real).collect();
            let real = |(b, s): (&i32, &f32)| single(f64::from(*b) * f64::from(scale * s));
            *bias = Bias::F32(b.iter().zip(&weights.scales).map(real).collect());
            weights.values = Values::F32(values);
            weights.scales.clear();
            *clamp = Clamp {
                lo: clamp.lo.max(lo),
                hi: clamp.hi.min(hi),
            };
        } else if let Op::Add(clamp) = &mut node.op {
            *clamp = Clamp { lo, hi };
        }
    }
    for tensor in &mut twin.tensors {
        tensor.quant = None;
        tensor.dtype = DType::F32;
    }
    twin
}

#[test]
fn float_convolutions_by_matrix_product_are_depthwise_ones_where_weights_say_so() {
    for seed in 0..10 {
        let (mut build, x) = Build::new(seed, Shape::new(4, 7, 6), false);
        let y = build.depthwise(x, 1, window(3, 2, 1), Clamp::RELU);
        let graph = build.finish(&[y]);
        let mut full = graph.clone();
        let Op::DepthwiseConv2d(conv) = &graph.nodes[0].op else {
            unreachable!()
        };
        let Values::F32(w) = &conv.weights.values else {
            unreachable!()
        };
        let mut values = vec![0.0; 4 * 4 * 9];
        for c in 0..4 {
            values[(c * 4 + c) * 9..][..9].copy_from_slice(&w[c * 9..][..9]);
        }
        let mut conv = conv.clone();
        conv.weights.shape = [4, 4, 3, 3];
        conv.weights.values = Values::F32(values);
        full.nodes[0].op = Op::Conv2d(conv);
        fixture::assert_equal(&graph, &full, Rounding::Double, seed);
    }
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let (mut build, x) = Build::new(0, Shape::new(1, 4, 4), true);
    let y = build.conv(x, 2, window(3, 1, 0), Clamp::NONE);
    let graph = build.finish(&[y]);
    let run = Interpreter::new(&graph).unwrap();
    for wrong in [
        vec![],
        vec![Value::S8(vec![0; 15])],
        vec![Value::F32(vec![0.0; 16])],
    ] {
        let error = run.run(&wrong).unwrap_err();
        assert!(matches!(error, InterpretError::Input { .. }), "{error}");
    }
}

#[test]
fn nodes_that_mix_types_are_named() {
    let (mut build, x) = Build::new(0, Shape::new(1, 4, 4), true);
    let y = build.conv(x, 2, window(3, 1, 0), Clamp::NONE);
    let pool = Pool {
        window: window(2, 2, 0),
        clamp: Clamp::NONE,
    };
    let z = build.push(Op::MaxPool2d(pool), &[y]);
    let mut graph = build.finish(&[z]);
    let message = |graph: &Graph| Interpreter::new(graph).unwrap_err().to_string();
    assert!(
        message(&graph).contains("max_pool_2d1"),
        "a pool between scales"
    );
    if let Some((_, bias, _)) = graph.nodes[0].op.layer_mut() {
        *bias = Bias::F32(vec![0.0; 2]);
    }
    assert!(message(&graph).contains("'conv_2d0': its bias is a float one"));
}
