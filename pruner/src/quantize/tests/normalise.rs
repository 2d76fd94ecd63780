//! Mean and deviation move into networks of pixels, and only into those.

use super::maker::{Maker, pool, window};
use crate::arith::Rounding;
use crate::data::{Array, Dataset, Elements, Preprocess};
use crate::interpret::{Interpreter, Value};
use crate::ir::{Clamp, Conv, FlattenOrder, Graph, Op, Quant, Shape};
use crate::progress::SILENT;
use crate::quantize::{Options, fold_preprocess, post_training};
use crate::random::Random;

const SHAPE: Shape = Shape { c: 3, h: 9, w: 9 };
const PIXEL: Quant = Quant {
    scale: 1.0,
    zero_point: -128,
};
const SAMPLES: usize = 40;

fn pixels(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed ^ 0x91C5);
    (0..SAMPLES * SHAPE.len())
        .map(|_| random.s8().cast_unsigned())
        .collect()
}

fn dataset(elements: Elements) -> Dataset {
    let dims = vec![SAMPLES, SHAPE.c, SHAPE.h, SHAPE.w];
    Dataset::new("pixels", "x", Array::new(dims, elements).unwrap(), None).unwrap()
}

fn options(mean: &[f32], std: &[f32]) -> Options {
    Options {
        preprocess: Preprocess {
            mean: mean.to_vec(),
            std: std.to_vec(),
        },
        ..Options::default()
    }
}

fn by_channel() -> Options {
    options(&[125.3, 123.0, 113.9], &[63.0, 62.1, 66.7])
}

/// What the first layer of a network is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum First {
    Conv,
    Depthwise,
    FullyConnected,
    Affine,
    Padded,
    Pool,
    Flatten,
}

fn network(seed: u64, first: First) -> Graph {
    let mut m = Maker::new(seed, SHAPE);
    match first {
        First::Conv | First::Depthwise => {
            let depthwise = first == First::Depthwise;
            let (weights, bias) = m.weights([6, if depthwise { 1 } else { 3 }, 3, 3]);
            let conv = Conv {
                window: window(3, 1, 0),
                weights,
                bias,
                clamp: Clamp::RELU,
            };
            m.then(if depthwise {
                Op::DepthwiseConv2d(conv)
            } else {
                Op::Conv2d(conv)
            });
        }
        First::FullyConnected => {
            m.fully_connected(8);
        }
        First::Affine => {
            m.then(Op::ChannelAffine {
                scale: vec![0.5, 1.0, 2.0],
                shift: vec![0.1, 0.0, -0.2],
            });
        }
        First::Padded => {
            m.conv(6, 3, false, Clamp::RELU);
        }
        First::Pool => {
            m.then(Op::MaxPool2d(pool(3)));
        }
        First::Flatten => {
            m.then(Op::Flatten(FlattenOrder::ChannelsLast));
        }
    }
    m.fully_connected(5);
    m.finish()
}

/// Signal to noise in dB: the float network on preprocessed values beside the integer one on `x − 128`.
fn snr(float: &Graph, preprocess: &Preprocess, integer: &Graph, data: &Dataset) -> f64 {
    let samples = data
        .samples(float.tensor(float.inputs[0]), None, preprocess)
        .unwrap();
    let (floats, integers) = (
        Interpreter::new(float).unwrap(),
        Interpreter::with_rounding(integer, Rounding::Single).unwrap(),
    );
    let Elements::U8(raw) = &data.x().elements else {
        panic!("pixels")
    };
    let (mut signal, mut noise) = (0.0, 0.0);
    for (i, x) in raw.chunks(SHAPE.len()).enumerate() {
        let expected = floats.run(&[Value::F32(samples.get(i))]).unwrap();
        let q = x.iter().map(|x| (x ^ 0x80).cast_signed()).collect();
        let found = integers.run(&[Value::S8(q)]).unwrap();
        let expected = expected[0].to_real(float.tensor(float.outputs[0]));
        let found = found[0].to_real(integer.tensor(integer.outputs[0]));
        for (a, b) in expected.into_iter().zip(found) {
            signal += f64::from(a).powi(2);
            noise += f64::from(a - b).powi(2);
        }
    }
    10.0 * (signal / noise).log10()
}

#[test]
fn layers_without_padding_take_mean_and_deviation_and_others_get_a_convolution_in_front() {
    let firsts = [
        (First::Conv, true),
        (First::Depthwise, true),
        (First::FullyConnected, true),
        (First::Affine, true),
        (First::Padded, false),
        (First::Pool, false),
        (First::Flatten, false),
    ];
    for (first, folds) in firsts {
        for seed in 0..4 {
            let float = network(seed, first);
            let data = dataset(Elements::U8(pixels(seed)));
            for given in [by_channel(), options(&[127.5], &[127.5])] {
                let (mut graph, mut options) = (float.clone(), given.clone());
                assert!(fold_preprocess(&mut graph, &data, &mut options).unwrap());
                graph.check().unwrap();
                assert_eq!(options.preprocess, Preprocess::NONE);
                assert_eq!(graph.notes.len(), 1);
                let inserted = graph.nodes.len() - float.nodes.len();
                assert_eq!(inserted, usize::from(!folds), "{first:?}");
                assert_eq!(graph.nodes[0].name == "normalise", !folds, "{first:?}");
                let (old, new) = (float.inputs[0], graph.inputs[0]);
                assert_eq!(float.tensor(old), graph.tensor(new));
                let integer = post_training(graph, &data, &options, SILENT).unwrap();
                assert_eq!(integer.tensor(integer.inputs[0]).quant, Some(PIXEL));
                let snr = snr(&float, &given.preprocess, &integer, &data);
                assert!(snr > 28.0, "{first:?}, seed {seed}: {snr:.1} dB");
            }
        }
    }
}

#[test]
fn pixels_are_told_by_their_values_where_their_type_does_not() {
    let raw = pixels(1);
    let integer = |elements: Elements| {
        let (mut graph, mut options, data) =
            (network(1, First::Conv), by_channel(), dataset(elements));
        assert!(fold_preprocess(&mut graph, &data, &mut options).unwrap());
        post_training(graph, &data, &options, SILENT).unwrap()
    };
    let bytes = integer(Elements::U8(raw.clone()));
    assert!(bytes == integer(Elements::F32(raw.iter().map(|x| f32::from(*x)).collect())));
    assert!(bytes == integer(Elements::S64(raw.iter().map(|x| i64::from(*x)).collect())));
}

#[test]
fn features_and_exact_means_stay_with_the_input() {
    let float = network(2, First::Conv);
    let raw = pixels(2);
    let kept = |elements: Elements, given: &Options| {
        let (mut graph, mut options) = (float.clone(), given.clone());
        assert!(!fold_preprocess(&mut graph, &dataset(elements), &mut options).unwrap());
        assert!(graph == float);
        assert_eq!(options.preprocess, given.preprocess);
        options.pixels
    };
    let halves = raw.iter().map(|x| f32::from(*x) / 2.0).collect();
    let bits = raw.iter().map(|x| f32::from(x & 1)).collect();
    let signed = raw.iter().map(|x| x.cast_signed()).collect();
    assert!(!kept(Elements::F32(halves), &by_channel()));
    assert!(!kept(Elements::F32(bits), &by_channel()));
    assert!(!kept(Elements::S8(signed), &by_channel()));
    assert!(!kept(Elements::U8(raw.clone()), &Options::default()));
    assert!(kept(Elements::U8(raw), &options(&[128.0], &[64.0])));
}

#[test]
fn deviations_too_far_apart_for_one_weight_scale_are_not_folded() {
    let data = dataset(Elements::U8(pixels(3)));
    let (mut graph, mut options) = (
        network(3, First::Conv),
        options(&[0.0], &[255.0, 64.0, 1.0]),
    );
    assert!(fold_preprocess(&mut graph, &data, &mut options).unwrap());
    assert_eq!(graph.nodes[0].name, "normalise");
}

#[test]
fn padding_is_no_obstacle_where_every_mean_is_zero() {
    let float = network(4, First::Padded);
    let data = dataset(Elements::U8(pixels(4)));
    let given = options(&[], &[255.0, 200.0, 220.0]);
    let (mut graph, mut options) = (float.clone(), given.clone());
    assert!(fold_preprocess(&mut graph, &data, &mut options).unwrap());
    assert_eq!(graph.nodes.len(), float.nodes.len());
    let integer = post_training(graph, &data, &options, SILENT).unwrap();
    let snr = snr(&float, &given.preprocess, &integer, &data);
    assert!(snr > 28.0, "{snr:.1} dB");
}

#[test]
fn preprocessing_of_the_wrong_length_is_refused() {
    let (mut graph, mut options) = (network(5, First::Conv), options(&[1.5, 2.5], &[]));
    let data = dataset(Elements::U8(pixels(5)));
    assert!(fold_preprocess(&mut graph, &data, &mut options).is_err());
}
