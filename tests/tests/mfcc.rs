//! The fixed-point front end of the keyword example against features computed in double precision.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use nnz_mfcc::{COEFFICIENTS, Quantization, Work, features};
use nnz_pruner::data::{Array, Elements, read_npz};
use nnz_tests::shared::shared;
use std::path::Path;

/// Input of `kws_int8.tflite`.
const SCALE: f32 = 0.584_702_9;
const ZERO_POINT: i8 = 83;
/// Coefficients of a second.
const CLIP: usize = 49 * COEFFICIENTS;

fn array(path: &Path, name: &str) -> Array {
    read_npz(path, name).unwrap().unwrap()
}

/// The waveforms, as samples.
fn clips(path: &Path) -> Vec<i16> {
    let Elements::S64(samples) = array(path, "wav").elements else {
        panic!("samples are not integers");
    };
    let samples = samples.iter().map(|&s| i16::try_from(s));
    samples.collect::<Result<_, _>>().unwrap()
}

#[test]
fn thirty_waveforms_have_the_features_of_the_float_recipe() {
    let Some(path) = shared("data/kws_synth_wav30.npz") else {
        return;
    };
    let Elements::F32(wanted) = array(&path, "mfcc").elements else {
        panic!("features are not floats");
    };
    let quantization = Quantization::new(SCALE, ZERO_POINT);
    let mut counts = [0; 3];
    for (clip, wanted) in clips(&path).chunks(16_000).zip(wanted.chunks(CLIP)) {
        let mut found = [0; CLIP];
        assert_eq!(
            features(clip, quantization, &mut Work::new(), &mut found),
            CLIP
        );
        for (found, wanted) in found.iter().zip(wanted) {
            let wanted = (wanted / SCALE).round() + f32::from(ZERO_POINT);
            let wanted = wanted.clamp(-128.0, 127.0);
            let away = (f32::from(*found) - wanted).abs();
            counts[if away < 0.5 {
                0
            } else if away < 1.5 {
                1
            } else {
                2
            }] += 1;
        }
    }
    println!("equal, one step off, more: {counts:?}");
    assert_eq!(counts.iter().sum::<usize>(), 30 * CLIP);
    assert!(counts[2] * 5000 < 30 * CLIP, "{counts:?}");
    assert!(counts[1] * 50 < counts[0], "{counts:?}");
}

/// Sound that would overflow first: every sample at an end of its range.
#[test]
fn the_loudest_sounds_stay_within_16_bits() {
    let square = |period: usize| {
        move |n: usize| {
            if (n / period).is_multiple_of(2) {
                i16::MAX
            } else {
                i16::MIN
            }
        }
    };
    for period in 1..40 {
        let clip: Vec<i16> = (0..16_000).map(square(period)).collect();
        let mut found = [0; CLIP];
        let quantization = Quantization::new(SCALE, ZERO_POINT);
        features(&clip, quantization, &mut Work::new(), &mut found);
        assert!(
            found
                .chunks(COEFFICIENTS)
                .skip(1)
                .all(|frame| frame[0] > -128)
        );
    }
}

#[test]
fn silence_and_short_clips_have_features() {
    let quantization = Quantization::new(SCALE, ZERO_POINT);
    let mut found = [1; CLIP];
    assert_eq!(
        features(&[0; 16_000], quantization, &mut Work::new(), &mut found),
        CLIP
    );
    // 40 times the logarithm of 1e-6, far below the range.
    assert_eq!(found[..2], [-128, ZERO_POINT]);
    let frame = [100; 480];
    assert_eq!(
        features(&frame, quantization, &mut Work::new(), &mut found),
        COEFFICIENTS
    );
    assert_eq!(
        features(&frame[1..], quantization, &mut Work::new(), &mut found),
        0
    );
    assert_eq!(features(&[], quantization, &mut Work::new(), &mut found), 0);
}
