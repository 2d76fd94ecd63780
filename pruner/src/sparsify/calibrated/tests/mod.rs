//! Tests of the linear algebra and of pruning that looks at data.

mod integers;
mod refit;
mod support;

use super::super::{Alloc, METHODS, Method, Options, Pattern, PruneError, apply, apply_with};
use super::gram::Rows;
use super::matrix::{Square, times_inverse};
use super::{Calibration, patches};
use crate::arith::Rounding;
use crate::data::{Array, Dataset, Elements, Preprocess};
use crate::interpret::{Interpreter, Value};
use crate::ir::{
    Bias, Clamp, Conv, DType, FullyConnected, Graph, Node, Op, Order, Shape, Source, Tensor,
    TensorId, Values, Weights, Window,
};
use crate::progress::SILENT;
use crate::random::Random;

const INPUT: Shape = Shape { c: 6, h: 7, w: 7 };
const SAMPLES: usize = 40;

/// Two convolutions around a sum, then a wide fully connected layer and a head.
pub(in crate::sparsify) fn network(seed: u64) -> Graph {
    let mut random = Random::new(seed);
    let mut graph = Graph::default();
    let mut at = add_tensor(&mut graph, INPUT);
    graph.inputs.push(at);
    at = layer(&mut graph, &mut random, at, [16, 6, 3, 3]);
    let trunk = at;
    at = layer(&mut graph, &mut random, at, [16, 16, 1, 1]);
    let shape = graph.tensor(at).shape;
    let output = add_tensor(&mut graph, shape);
    let inputs = vec![trunk, at];
    let op = Op::Add(Clamp::RELU);
    graph.nodes.push(Node {
        name: "add".into(),
        op,
        inputs,
        output,
        source_index: None,
    });
    at = layer(&mut graph, &mut random, output, [12, 16, 3, 3]);
    let len = graph.tensor(at).shape.len();
    at = layer(&mut graph, &mut random, at, [20, len, 1, 1]);
    graph.outputs.push(at);
    graph.check().unwrap();
    graph
}

pub(in crate::sparsify) fn add_tensor(graph: &mut Graph, shape: Shape) -> TensorId {
    let source = Source {
        dims: vec![1, shape.c, shape.h, shape.w],
        order: Order::Nchw,
    };
    let name = format!("t{}", graph.tensors.len());
    graph.add_tensor(Tensor {
        name,
        shape,
        dtype: DType::F32,
        quant: None,
        source,
    })
}

pub(in crate::sparsify) fn layer(
    graph: &mut Graph,
    random: &mut Random,
    at: TensorId,
    shape: [usize; 4],
) -> TensorId {
    let values = (0..shape.iter().product())
        .map(|_| random.bell() * 0.3)
        .collect();
    let name = format!("layer{}", graph.nodes.len());
    let weights = Weights {
        name: name.clone(),
        shape,
        values: Values::F32(values),
        scales: vec![],
    };
    let bias = Bias::F32((0..shape[0]).map(|_| random.real() * 0.2).collect());
    let clamp = Clamp::RELU;
    let stride = [1 + shape[2] / 2; 2];
    let pad = [shape[2] / 2; 2];
    let window = Window {
        kernel: [shape[2], shape[3]],
        stride,
        pad_begin: pad,
        pad_end: pad,
    };
    let op = if shape[1] == graph.tensor(at).shape.len() {
        Op::FullyConnected(FullyConnected {
            weights,
            bias,
            clamp: Clamp::NONE,
        })
    } else {
        let conv = Conv {
            window,
            weights,
            bias,
            clamp,
        };
        match shape[1] {
            1 => Op::DepthwiseConv2d(conv),
            _ => Op::Conv2d(conv),
        }
    };
    let output_shape = op.output_shape(graph.tensor(at).shape).unwrap();
    let output = add_tensor(graph, output_shape);
    graph.nodes.push(Node {
        name,
        op,
        inputs: vec![at],
        output,
        source_index: None,
    });
    output
}

/// Samples with correlated neighbours and channels, as images have.
pub(in crate::sparsify) fn data(seed: u64) -> Dataset {
    let mut random = Random::new(seed + 77);
    let mut values: Vec<f32> = Vec::new();
    for _ in 0..SAMPLES * INPUT.len() {
        let before = values.last().copied().unwrap_or(0.0);
        values.push(0.8 * before + random.bell());
    }
    let dims = vec![SAMPLES, INPUT.c, INPUT.h, INPUT.w];
    Dataset::new(
        "random",
        "x",
        Array::new(dims, Elements::F32(values)).unwrap(),
        None,
    )
    .unwrap()
}

pub(in crate::sparsify) fn options(method: Method, pattern: &str, sparsity: f64) -> Options {
    let pattern = Pattern::parse(pattern).unwrap();
    let sparsity = (!matches!(pattern, Pattern::NofM { .. })).then_some(sparsity);
    Options {
        method,
        pattern,
        sparsity,
        ..Options::default()
    }
}

pub(in crate::sparsify) fn pruned(
    graph: &Graph,
    data: &Dataset,
    options: &Options,
) -> (Graph, f64) {
    let mut graph = graph.clone();
    let calibration = Calibration {
        data,
        layout: None,
        preprocess: &Preprocess::NONE,
        skip: 0,
        limit: None,
        rounding: Rounding::Double,
    };
    let report = apply_with(&mut graph, options, Some(&calibration), SILENT).unwrap();
    graph.check().unwrap();
    (graph, report.sparsity())
}

/// Mean squared difference of the outputs.
pub(in crate::sparsify) fn error(a: &Graph, b: &Graph, data: &Dataset) -> f64 {
    let samples = data
        .samples(a.tensor(a.inputs[0]), None, &Preprocess::NONE)
        .unwrap();
    let run = |g: &Graph, i: usize| {
        let x = Value::F32(samples.get(i));
        Interpreter::new(g).unwrap().run(&[x]).unwrap()[0].to_real(g.tensor(g.outputs[0]))
    };
    let square = |i: usize| {
        let pairs = run(a, i).into_iter().zip(run(b, i));
        pairs.map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>()
    };
    (0..SAMPLES).map(square).sum()
}

fn calibrated() -> impl Iterator<Item = Method> {
    METHODS
        .iter()
        .map(|r| r.method)
        .filter(|m| m.is_calibrated() && *m != Method::Filter)
}

#[test]
fn every_calibrated_method_reaches_the_wanted_sparsity_with_every_pattern() {
    let (graph, data) = (network(1), data(1));
    for method in calibrated() {
        let allocs = Alloc::ALL.into_iter().cycle();
        for (pattern, (name, alloc)) in ["unstructured", "1x4", "4x1", "2x4"]
            .into_iter()
            .zip(allocs)
        {
            let options = Options {
                alloc,
                ..options(method, pattern, 0.7)
            };
            let (_, sparsity) = pruned(&graph, &data, &options);
            // Wanda rounds every row of blocks to whole blocks.
            let allowed = if method == Method::Wanda { 0.03 } else { 0.005 };
            assert!(
                (sparsity - 0.7).abs() < allowed,
                "{method:?}, {pattern}, {name}: {sparsity}"
            );
        }
    }
}

#[test]
fn groups_of_n_of_m_hold_after_solving() {
    let (graph, data) = (network(2), data(2));
    for method in calibrated() {
        let (graph, _) = pruned(&graph, &data, &options(method, "2:4", 0.0));
        for node in &graph.nodes {
            let Some(Weights {
                shape: [o, i, kh, kw],
                values: Values::F32(v),
                ..
            }) = node.op.weights()
            else {
                continue;
            };
            let taps = kh * kw;
            for (r, t) in (0..*o).flat_map(|r| (0..taps).map(move |t| (r, t))) {
                for c in (0..*i).step_by(4) {
                    let group = (c..(c + 4).min(*i)).map(|c| v[(r * i + c) * taps + t]);
                    assert!(
                        group.filter(|w| *w != 0.0).count() <= 2,
                        "{method:?} {}",
                        node.name
                    );
                }
            }
        }
    }
}

#[test]
fn solving_beats_magnitude_and_refitting_beats_solving() {
    for seed in 3..5 {
        let (graph, data) = (network(seed), data(seed));
        for (pattern, sparsity) in [("unstructured", 0.7), ("1x4", 0.5), ("2:4", 0.5)] {
            let loss = |m: Method| {
                error(
                    &graph,
                    &pruned(&graph, &data, &options(m, pattern, sparsity)).0,
                    &data,
                )
            };
            let (magnitude, gpt, obs) = (
                loss(Method::Magnitude),
                loss(Method::SparseGpt),
                loss(Method::Obs),
            );
            assert!(
                gpt < 0.8 * magnitude,
                "seed {seed}, {pattern}: {gpt} {magnitude}"
            );
            assert!(obs < gpt, "seed {seed}, {pattern}: {obs} {gpt}");
        }
    }
}

#[test]
fn without_sparsity_nothing_is_lost() {
    let (graph, data) = (network(7), data(7));
    for method in calibrated() {
        let (same, sparsity) = pruned(&graph, &data, &options(method, "unstructured", 0.0));
        let size = error(
            &graph,
            &pruned(
                &graph,
                &data,
                &options(Method::Magnitude, "unstructured", 0.99),
            )
            .0,
            &data,
        );
        assert!(
            sparsity < 1e-3 && error(&graph, &same, &data) < 1e-6 * size,
            "{method:?}"
        );
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (graph, data) = (network(8), data(8));
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| pruned(&graph, &data, &options(Method::Obs, "unstructured", 0.6)).0)
    };
    let one = with(1);
    assert!(with(2) == one && with(7) == one);
}

#[test]
fn calibrated_methods_say_what_they_lack() {
    let mut graph = network(1);
    let text = apply(&mut graph, &options(Method::Obs, "unstructured", 0.5))
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("method 'obs' needs calibration samples: give --calib DATA.npz"),
        "{text}"
    );
    let narrow = Dataset::new(
        "narrow.npz",
        "x",
        Array::new(vec![1, 5], Elements::U8(vec![0; 5])).unwrap(),
        None,
    );
    let narrow = narrow.unwrap();
    let calibration = Calibration {
        data: &narrow,
        layout: None,
        preprocess: &Preprocess::NONE,
        skip: 0,
        limit: None,
        rounding: Rounding::Double,
    };
    let obs = options(Method::Obs, "unstructured", 0.5);
    let error = apply_with(&mut graph, &obs, Some(&calibration), SILENT).unwrap_err();
    assert!(
        matches!(&error, PruneError::Calibration { reason } if reason.contains("narrow.npz")),
        "{error}"
    );
}

#[test]
fn few_samples_are_noted() {
    let (mut graph, data) = (network(1), data(1));
    let calibration = Calibration {
        data: &data,
        layout: None,
        preprocess: &Preprocess::NONE,
        skip: 0,
        limit: Some(3),
        rounding: Rounding::Double,
    };
    apply_with(
        &mut graph,
        &options(Method::Obs, "unstructured", 0.5),
        Some(&calibration),
        SILENT,
    )
    .unwrap();
    assert!(
        graph
            .notes
            .iter()
            .any(|n| n.contains("calibration patches") && n.contains("are few"))
    );
}

#[test]
fn the_factor_of_the_inverse_inverts() {
    let mut random = Random::new(3);
    for n in [1, 2, 5, 33, 64, 70, 300] {
        let rows = Rows {
            cols: n,
            values: (0..3 * n * n).map(|_| random.bell()).collect(),
        };
        let mut h = rows.product(&rows);
        h.add_diagonal(0.1);
        let u = h.inverse_factor().unwrap();
        let identity = times_inverse(&h.values, &u);
        for (k, x) in identity.iter().enumerate() {
            let wanted = f64::from(u8::from(k / n == k % n));
            assert!((x - wanted).abs() < 1e-8, "side {n}: {x} at {k}");
        }
        assert!(
            (0..n).all(|i| (0..i).all(|j| u.at(i, j) == 0.0)),
            "not triangular"
        );
    }
    assert!(
        [0.0, -1.0].into_iter().all(|last| {
            let mut far = Square {
                n: 100,
                values: vec![0.0; 10_000],
            };
            far.add_diagonal(1.0);
            far.values[40 * 101] = last;
            far.inverse_factor().is_none()
        }),
        "a pivot of a later block"
    );
    let singular = Square {
        n: 2,
        values: vec![1.0, 1.0, 1.0, 1.0],
    };
    assert!(singular.inverse_factor().is_none());
}

#[test]
fn products_of_rows_are_sums_of_outer_products() {
    let mut random = Random::new(9);
    for (n, cols) in [(1, 1), (300, 3), (17, 41), (129, 70)] {
        let mut rows = || Rows {
            cols,
            values: (0..n * cols).map(|_| random.bell()).collect(),
        };
        let (a, b) = (rows(), rows());
        let product = a.product(&b);
        let (gram, whole) = (a.gram(), a.product(&a));
        assert!(gram == whole, "{n} rows of {cols}: a half is mirrored");
        for i in 0..cols {
            for j in 0..cols {
                let sum: f64 = (0..n)
                    .map(|r| f64::from(a.values[r * cols + i]) * f64::from(b.values[r * cols + j]))
                    .sum();
                let wanted = sum / f64::from(u16::try_from(n).unwrap());
                assert!(
                    (product.at(i, j) - wanted).abs() < 1e-4,
                    "{n} rows, ({i}, {j})"
                );
            }
        }
    }
}

#[test]
fn patches_are_what_the_convolution_multiplies() {
    let graph = network(4);
    let Op::Conv2d(conv) = &graph.nodes[0].op else {
        panic!("layer 0 is a convolution")
    };
    let samples = data(4);
    let x = samples
        .samples(graph.tensor(graph.inputs[0]), None, &Preprocess::NONE)
        .unwrap()
        .get(2);
    let output = graph.tensor(graph.nodes[0].output).shape;
    let all: Vec<usize> = (0..output.pixels()).collect();
    let rows = patches::cut(&graph.nodes[0].op, INPUT, output, &x, &all);
    let y = Interpreter::new(&graph)
        .unwrap()
        .run_all(&[Value::F32(x)])
        .unwrap();
    let Some(Value::F32(y)) = &y[graph.nodes[0].output.0] else {
        panic!("no output")
    };
    let (Values::F32(w), Bias::F32(b)) = (&conv.weights.values, &conv.bias) else {
        panic!("types")
    };
    let cols = conv.weights.row_len();
    for (p, row) in rows.chunks(cols).enumerate() {
        for o in 0..output.c {
            // Columns are in tap, channel order.
            let product = |k: usize| row[k] * w[o * cols + k % INPUT.c * 9 + k / INPUT.c];
            let sum: f32 = b[o] + (0..cols).map(product).sum::<f32>();
            assert!(
                (sum.max(0.0) - y[o * output.pixels() + p]).abs() < 1e-4,
                "position {p}, output {o}"
            );
        }
    }
    assert_eq!(patches::pick(5, 9, 1, 0), [0, 1, 2, 3, 4]);
    let few = patches::pick(100, 7, 1, 0);
    assert!(few.len() == 7 && few.iter().all(|p| *p < 100));
}

#[test]
fn the_damping_that_suits_few_samples_is_found() {
    // Fewer samples than columns: what fits them best does worse on others.
    let (graph, data) = (network(11), data(11));
    let more = self::data(12);
    let few = Calibration {
        data: &data,
        layout: None,
        preprocess: &Preprocess::NONE,
        skip: 0,
        limit: Some(24),
        rounding: Rounding::Double,
    };
    let options = options(Method::Obs, "unstructured", 0.6);
    let (mut obs, mut gpt) = (graph.clone(), graph.clone());
    apply_with(&mut obs, &options, Some(&few), SILENT).unwrap();
    let fixed = Options {
        method: Method::SparseGpt,
        ..options
    };
    apply_with(&mut gpt, &fixed, Some(&few), SILENT).unwrap();
    let (obs, gpt) = (error(&graph, &obs, &more), error(&graph, &gpt, &more));
    assert!(obs < gpt, "{obs} {gpt}");
}
