//! Tests of ranges, weights and whole networks.

use super::histogram::Histogram;
use super::{Options, QuantizeError, Range, SOFTMAX, input, post_training, range, weights};
use crate::arith;
use crate::data::{Array, Dataset, Elements, Preprocess};
use crate::interpret::{Interpreter, Value};
use crate::ir::{
    Bias, Clamp, Conv, DType, FlattenOrder, FullyConnected, Graph, Node, Op, Order, Pool, Quant,
    Shape, Source, Tensor, TensorId, Values, Weights, Window,
};
use crate::progress::SILENT;
use crate::random::Random;

const SAMPLES: usize = 40;

/// A float network under construction; the last tensor is the next node's input.
struct Maker {
    random: Random,
    graph: Graph,
    at: TensorId,
}

impl Maker {
    fn new(seed: u64, shape: Shape) -> Self {
        let mut graph = Graph::default();
        let at = graph.add_tensor(tensor("input", shape));
        graph.inputs.push(at);
        Self {
            random: Random::new(seed),
            graph,
            at,
        }
    }

    fn node(&mut self, op: Op, inputs: &[TensorId]) -> TensorId {
        let shape = op.output_shape(self.graph.tensor(inputs[0]).shape).unwrap();
        let name = format!("{}{}", op.name(), self.graph.nodes.len());
        let output = self.graph.add_tensor(tensor(&name, shape));
        self.graph.nodes.push(Node {
            name,
            op,
            inputs: inputs.to_vec(),
            output,
            source_index: None,
        });
        self.at = output;
        output
    }

    fn then(&mut self, op: Op) -> TensorId {
        self.node(op, &[self.at])
    }

    /// Weights with a fifth of zeros and rows of very different size.
    fn weights(&mut self, shape: [usize; 4]) -> (Weights, Bias) {
        let row = shape[1] * shape[2] * shape[3];
        let mut values = Vec::new();
        for _ in 0..shape[0] {
            let size = 0.05 + self.random.real().abs();
            let zero = |r: &mut Random| r.chance(20);
            values.extend((0..row).map(|_| {
                if zero(&mut self.random) {
                    0.0
                } else {
                    self.random.bell() * size
                }
            }));
        }
        let bias = (0..shape[0]).map(|_| self.random.real() * 0.5).collect();
        let weights = Weights {
            name: "w".into(),
            shape,
            values: Values::F32(values),
            scales: vec![],
        };
        (weights, Bias::F32(bias))
    }

    fn conv(&mut self, outputs: usize, side: usize, depthwise: bool, clamp: Clamp) -> TensorId {
        let c = self.graph.tensor(self.at).shape.c;
        let shape = if depthwise {
            [c, 1, side, side]
        } else {
            [outputs, c, side, side]
        };
        let (weights, bias) = self.weights(shape);
        let conv = Conv {
            window: window(side, 1, side / 2),
            weights,
            bias,
            clamp,
        };
        self.then(if depthwise {
            Op::DepthwiseConv2d(conv)
        } else {
            Op::Conv2d(conv)
        })
    }

    fn fully_connected(&mut self, outputs: usize) -> TensorId {
        let (weights, bias) = self.weights([outputs, self.graph.tensor(self.at).shape.len(), 1, 1]);
        self.then(Op::FullyConnected(FullyConnected {
            weights,
            bias,
            clamp: Clamp::NONE,
        }))
    }

    fn finish(mut self) -> Graph {
        self.graph.outputs.push(self.at);
        self.graph.check().unwrap();
        self.graph
    }
}

fn tensor(name: &str, shape: Shape) -> Tensor {
    let source = Source {
        dims: vec![1, shape.c, shape.h, shape.w],
        order: Order::Nchw,
    };
    Tensor {
        name: name.into(),
        shape,
        dtype: DType::F32,
        quant: None,
        source,
    }
}

fn window(side: usize, stride: usize, pad: usize) -> Window {
    Window {
        kernel: [side; 2],
        stride: [stride; 2],
        pad_begin: [pad; 2],
        pad_end: [pad; 2],
    }
}

fn pool(side: usize) -> Pool {
    Pool {
        window: window(side, side, 0),
        clamp: Clamp::NONE,
    }
}

/// Convolutions, a residual sum, pools and a classifier.
fn network(seed: u64) -> Graph {
    let mut m = Maker::new(seed, Shape::new(3, 12, 12));
    m.then(Op::ChannelAffine {
        scale: vec![0.5, 1.0, 2.0],
        shift: vec![0.1, 0.0, -0.2],
    });
    let trunk = m.conv(8, 3, false, Clamp::RELU);
    m.conv(8, 3, true, Clamp::RELU6);
    let branch = m.conv(8, 1, false, Clamp::NONE);
    m.node(Op::Add(Clamp::RELU), &[trunk, branch]);
    match seed % 4 {
        0 => m.then(Op::MaxPool2d(pool(2))),
        1 => m.then(Op::AveragePool2d(pool(3))),
        2 => m.then(Op::Pad {
            begin: [1, 0],
            end: [0, 1],
            value: 0.0,
        }),
        _ => m.then(Op::Identity),
    };
    m.conv(12, 3, false, Clamp::NONE);
    m.then(Op::Clamp(Clamp::RELU));
    if seed.is_multiple_of(2) {
        let shape = m.graph.tensor(m.at).shape;
        let window = Window {
            kernel: [shape.h, shape.w],
            ..window(1, 1, 0)
        };
        m.then(Op::AveragePool2d(Pool {
            window,
            clamp: Clamp::NONE,
        }));
    }
    m.then(Op::Flatten(FlattenOrder::ChannelsFirst));
    m.fully_connected(7);
    m.finish()
}

fn data(seed: u64, shape: Shape) -> Dataset {
    let mut random = Random::new(seed ^ 0xDA7A);
    let values = (0..SAMPLES * shape.len())
        .map(|_| random.bell() * 2.0)
        .collect();
    let dims = vec![SAMPLES, shape.c, shape.h, shape.w];
    Dataset::new(
        "random",
        "x",
        Array::new(dims, Elements::F32(values)).unwrap(),
        None,
    )
    .unwrap()
}

fn quantized(graph: &Graph, data: &Dataset, range: Range) -> Graph {
    let options = Options {
        range,
        ..Options::default()
    };
    post_training(graph.clone(), data, &options, SILENT).unwrap()
}

/// Signal to noise in dB of the integer network's outputs over all samples.
fn snr(float: &Graph, integer: &Graph, data: &Dataset) -> f64 {
    let samples = data
        .samples(float.tensor(float.inputs[0]), None, &Preprocess::NONE)
        .unwrap();
    let outputs = |g: &Graph, i: usize| {
        let run = Interpreter::with_rounding(g, arith::Rounding::Single).unwrap();
        let x = Value::from_real(&samples.get(i), g.tensor(g.inputs[0]));
        run.run(&[x]).unwrap()[0].to_real(g.tensor(g.outputs[0]))
    };
    let (mut signal, mut noise) = (0.0, 0.0);
    for i in 0..samples.len() {
        for (a, b) in outputs(float, i).into_iter().zip(outputs(integer, i)) {
            signal += f64::from(a).powi(2);
            noise += f64::from(a - b).powi(2);
        }
    }
    10.0 * (signal / noise).log10()
}

#[test]
fn random_networks_keep_their_outputs_in_eight_bits() {
    for seed in 0..12 {
        let graph = network(seed);
        let data = data(seed, Shape::new(3, 12, 12));
        for (name, range) in Range::ALL {
            let integer = quantized(&graph, &data, range);
            assert!(integer.is_quantized());
            let snr = snr(&graph, &integer, &data);
            assert!(snr > 25.0, "seed {seed}, {name}: {snr:.1} dB");
        }
    }
}

#[test]
fn zeros_stay_zeros_and_rows_use_all_of_eight_bits() {
    for seed in 0..4 {
        let graph = network(seed);
        let integer = quantized(&graph, &data(seed, Shape::new(3, 12, 12)), Range::Mse);
        for (old, new) in graph.nodes.iter().zip(&integer.nodes) {
            let (Some(old), Some(new)) = (old.op.weights(), new.op.weights()) else {
                continue;
            };
            let (Values::F32(w), Values::S8(q)) = (&old.values, &new.values) else {
                panic!("types")
            };
            assert!(
                w.iter().zip(q).all(|(w, q)| *w != 0.0 || *q == 0),
                "seed {seed}"
            );
            for (row, scale) in q.chunks(new.row_len()).zip(&new.scales) {
                let full = row.iter().map(|q| q.unsigned_abs()).max() == Some(127);
                assert!(full && *scale > 0.0, "seed {seed}");
            }
        }
    }
}

#[test]
fn operators_that_move_values_share_their_inputs_scale() {
    let mut m = Maker::new(3, Shape::new(2, 8, 8));
    m.conv(4, 3, false, Clamp::NONE);
    let first = m.then(Op::MaxPool2d(pool(2)));
    m.then(Op::Pad {
        begin: [1, 1],
        end: [1, 1],
        value: -40.0,
    });
    m.then(Op::AveragePool2d(pool(2)));
    m.then(Op::Identity);
    let last = m.then(Op::Flatten(FlattenOrder::ChannelsFirst));
    m.fully_connected(5);
    let soft = m.then(Op::Softmax { beta: 1.0 });
    let tail = m.then(Op::Identity);
    let graph = m.finish();
    let integer = quantized(&graph, &data(3, Shape::new(2, 8, 8)), Range::MinMax);
    let quant = |t: TensorId| integer.tensor(t).quant;
    for t in first.0..=last.0 {
        assert_eq!(
            quant(TensorId(t)),
            quant(TensorId(first.0 - 1)),
            "tensor {t}"
        );
    }
    assert_eq!((quant(soft), quant(tail)), (Some(SOFTMAX), Some(SOFTMAX)));
    let q = quant(first).unwrap();
    assert_eq!(
        arith::quantize(-40.0, q),
        -128,
        "the padding value widens the range"
    );
    assert!((arith::dequantize(-128, q) + 40.0).abs() < 0.2);
}

#[test]
fn averages_over_the_image_become_means_and_affine_maps_convolutions() {
    let integer = quantized(&network(0), &data(0, Shape::new(3, 12, 12)), Range::Mse);
    let names: Vec<_> = integer.nodes.iter().map(|n| n.op.name()).collect();
    assert!(
        names.contains(&"mean") && !names.contains(&"channel_affine"),
        "{names:?}"
    );
    assert_eq!(names[0], "depthwise_conv_2d");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let (graph, data) = (network(5), data(5, Shape::new(3, 12, 12)));
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| quantized(&graph, &data, Range::Mse))
    };
    let one = with(1);
    assert!(with(3) == one && with(8) == one);
}

#[test]
fn raw_pixels_map_exactly_where_the_mean_is_an_integer() {
    let pixels = Array::new(vec![1, 256], Elements::U8((0..=255).collect())).unwrap();
    let data = Dataset::new("pixels", "x", pixels, None).unwrap();
    for (mean, std) in [
        (128.0, 64.0),
        (0.0, 255.0),
        (255.0, 3.0),
        (0.0, 1.0),
        (127.0, 58.4),
    ] {
        let preprocess = Preprocess {
            mean: vec![mean],
            std: vec![std],
        };
        let samples = data
            .samples(&tensor("i", Shape::vector(256)), None, &preprocess)
            .unwrap();
        let (quant, _) = input::contract(&samples, &preprocess, (0.0, 0.0));
        let wanted: Vec<i8> = (-128..=127).collect();
        assert_eq!(samples.get_s8(0, quant), wanted, "mean {mean}, std {std}");
    }
}

#[test]
fn a_mean_between_integers_keeps_pixels_apart() {
    let pixels = Array::new(vec![1, 256], Elements::U8((0..=255).collect())).unwrap();
    let data = Dataset::new("pixels", "x", pixels, None).unwrap();
    for (mean, std) in [(127.5, 127.5), (33.3, 70.0), (200.7, 1.0)] {
        let preprocess = Preprocess {
            mean: vec![mean],
            std: vec![std],
        };
        let samples = data
            .samples(&tensor("i", Shape::vector(256)), None, &preprocess)
            .unwrap();
        let (quant, note) = input::contract(&samples, &preprocess, (0.0, 0.0));
        let q = samples.get_s8(0, quant);
        assert!(note.is_some());
        assert!(
            q.is_sorted() && q.windows(2).filter(|w| w[0] == w[1]).count() <= 2,
            "mean {mean}: {q:?}"
        );
        let worst = (0..256)
            .map(|i| (arith::dequantize(q[i], quant) - samples.get(0)[i]).abs())
            .fold(0.0, f32::max);
        assert!(worst * std < 1.1, "mean {mean}: {worst}");
    }
}

#[test]
fn histograms_add_up_in_any_order_and_refuse_nan() {
    let mut random = Random::new(8);
    let values: Vec<f32> = (0..3000)
        .map(|_| random.bell() * 10f32.powi(i32::from(random.s8()) / 30))
        .collect();
    let mut whole = Histogram::new();
    assert!(whole.add(&values));
    let mut parts = Histogram::new();
    for part in values.chunks(700).rev() {
        let mut h = Histogram::new();
        h.add(part);
        parts.merge(&h);
    }
    assert_eq!(whole.bins(), parts.bins());
    assert_eq!(whole.extremes(), parts.extremes());
    assert!((whole.count() - 3000.0).abs() < 0.5);
    assert!(whole.bins().is_sorted_by(|a, b| a.value < b.value));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(!Histogram::new().add(&[0.0, bad]));
    }
    let mut extreme = Histogram::new();
    assert!(extreme.add(&[f32::MAX, f32::MIN, f32::from_bits(1), -0.0]));
    assert!(extreme.bins().iter().all(|b| b.value.is_finite()));
}

#[test]
fn ranges_hold_zero_and_give_up_outliers_only_where_that_pays() {
    let mut random = Random::new(4);
    let mut values: Vec<f32> = (0..400_000).map(|_| random.bell().abs()).collect();
    values.push(5.0);
    let mut h = Histogram::new();
    h.add(&values);
    assert_eq!(range::bounds(&h, Range::MinMax), (0.0, 5.0));
    let percentile = range::bounds(&h, Range::Percentile);
    assert!(percentile.0 == 0.0 && percentile.1 < 4.0, "{percentile:?}");
    let noise = |range: Range| {
        let (lo, hi) = range::bounds(&h, range);
        let quant = range::quant(lo, hi);
        let error =
            |x: &f32| f64::from(x - arith::dequantize(arith::quantize(*x, quant), quant)).powi(2);
        values.iter().map(error).sum::<f64>()
    };
    assert!(noise(Range::Mse) < 0.9 * noise(Range::MinMax));
    assert!(noise(Range::Mse) < 1.05 * noise(Range::Percentile));
}

#[test]
fn zero_is_exact_in_every_range() {
    for (lo, hi) in [
        (0.0, 6.0),
        (-1.0, 1.0),
        (-3.7, 0.2),
        (2.0, 5.0),
        (-5.0, -2.0),
        (0.0, 0.0),
        (-1e-38, 1e-38),
        (-1e38, 3e38),
    ] {
        let quant = range::quant(lo, hi);
        assert!(quant.scale.is_finite() && quant.scale > 0.0, "{lo} {hi}");
        assert_eq!(
            i32::from(arith::quantize(0.0, quant)),
            quant.zero_point,
            "{lo} {hi}"
        );
    }
    assert_eq!(range::quant(0.0, 6.0).zero_point, -128);
    assert_eq!(range::quant(-6.0, 0.0).zero_point, 127);
}

fn layer(rows: &[&[f32]], bias: &[f32]) -> (Weights, Bias) {
    let shape = [rows.len(), rows[0].len(), 1, 1];
    let values = Values::F32(rows.concat());
    (
        Weights {
            name: "w".into(),
            shape,
            values,
            scales: vec![],
        },
        Bias::F32(bias.to_vec()),
    )
}

#[test]
fn dead_tiny_and_overweighted_rows_keep_multipliers_and_biases_in_range() {
    let (input, output) = (
        Quant {
            scale: 0.02,
            zero_point: 3,
        },
        Quant {
            scale: 0.05,
            zero_point: -128,
        },
    );
    let rows: [&[f32]; 5] = [
        &[0.0, 0.0],
        &[1e-30, 0.0],
        &[1.0, -0.5],
        &[1e-6, 0.0],
        &[0.0, 0.0],
    ];
    let (weights, bias) = layer(&rows, &[2.0, 1.5, 0.25, 5.0, -1e9]);
    let q = weights::quantize(&weights, &bias, input, output);
    let Bias::S32(b) = &q.bias else {
        panic!("bias type")
    };
    for (row, (multiplier, shift)) in arith::conv_multipliers(input, &q.weights.scales, output)
        .into_iter()
        .enumerate()
    {
        assert!(
            multiplier >= 1 << 30 && (0..=31).contains(&shift),
            "row {row}: {multiplier} >> {shift}"
        );
        let real = f64::from(b[row]) * f64::from(input.scale) * f64::from(q.weights.scales[row]);
        let wanted = [2.0, 1.5, 0.25, 5.0, -256.0 * 0.05][row];
        assert!((real - wanted).abs() < 0.01, "row {row}: bias {real}");
    }
    assert_eq!(q.coarse_rows, 2, "the rows of 1e-30 and 1e-6");
    let Values::S8(values) = &q.weights.values else {
        panic!("weights type")
    };
    assert_eq!(values[4..8], [127, -64, 4, 0]);
}

#[test]
fn what_cannot_be_quantised_is_refused() {
    let (graph, data) = (network(1), data(1, Shape::new(3, 12, 12)));
    let fails = |graph: &Graph, options: &Options| {
        post_training(graph.clone(), &data, options, SILENT).unwrap_err()
    };
    let integer = quantized(&graph, &data, Range::Mse);
    assert!(matches!(
        fails(&integer, &Options::default()),
        QuantizeError::AlreadyInteger { .. }
    ));
    let none = Options {
        limit: Some(0),
        ..Options::default()
    };
    assert_eq!(fails(&graph, &none), QuantizeError::NoCalibration);
    let mut two = graph.clone();
    let other = two.add_tensor(tensor("other", Shape::vector(1)));
    two.inputs.push(other);
    let text = fails(&two, &Options::default()).to_string();
    assert!(text.contains("the network has 2: input, other"), "{text}");
    let mut hot = graph.clone();
    if let Some(Weights {
        values: Values::F32(v),
        ..
    }) = hot.nodes[1].op.weights_mut()
    {
        v.fill(3e38);
    }
    let text = fails(&hot, &Options::default()).to_string();
    assert!(
        text.contains("NaN or an infinity in tensor 'conv_2d1'"),
        "{text}"
    );
    let deep = Options {
        layout: Some(Order::Nhwc),
        ..Options::default()
    };
    assert!(matches!(fails(&graph, &deep), QuantizeError::Data(_)));
}
