//! Histograms, ranges and the input contract.

use super::maker::tensor;
use crate::arith;
use crate::data::{Array, Dataset, Elements, Preprocess};
use crate::ir::Shape;
use crate::quantize::histogram::Histogram;
use crate::quantize::{Range, input, range};
use crate::random::Random;

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
        let (quant, _) = input::contract(samples.is_u8(), &preprocess, (0.0, 0.0));
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
        let (quant, note) = input::contract(samples.is_u8(), &preprocess, (0.0, 0.0));
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
