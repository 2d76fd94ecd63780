//! Whole networks keep their outputs, their zeros and their rules; bad ones are refused.

use super::maker::{Maker, data, network, pool, quantized, snr, tensor};
use crate::arith;
use crate::ir::{Clamp, FlattenOrder, Graph, Op, Order, Shape, TensorId, Values, Weights};
use crate::progress::SILENT;
use crate::quantize::{Options, QuantizeError, Range, SHARE, post_training};

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
    assert_eq!((quant(soft), quant(tail)), (Some(SHARE), Some(SHARE)));
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
    assert!(
        text.contains("one array for each, named input, other"),
        "{text}"
    );
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
