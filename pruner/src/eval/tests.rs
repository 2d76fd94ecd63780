//! Tests of accuracy and deviation.

use super::{EvalError, Paired, accuracy, deviation, reconstruction};
use crate::data::{Array, Dataset, Elements};
use crate::progress::SILENT;
use core::sync::atomic::{AtomicUsize, Ordering};

fn data(y: Option<Elements>, n: usize) -> Dataset {
    let array = |e: Elements| Array::new(vec![n, e.len() / n], e).unwrap();
    let x = Elements::U8((0..n).map(|i| u8::try_from(i % 256).unwrap()).collect());
    Dataset::new("data.npz", "x", array(x), y.map(array)).unwrap()
}

fn classes(labels: &[i64]) -> Dataset {
    data(Some(Elements::S64(labels.to_vec())), labels.len())
}

/// Scores that say class `f(sample)` of `n`.
fn says(
    n: usize,
    f: impl Fn(usize) -> usize + Sync,
) -> impl Fn(&mut (), usize) -> Result<Vec<f32>, String> {
    move |(), i| {
        let mut scores = vec![0.0; n];
        scores[f(i)] = 1.0;
        Ok(scores)
    }
}

fn state() -> Result<(), String> {
    Ok(())
}

#[test]
fn right_samples_are_counted_by_class() {
    let data = classes(&[0, 1, 2, 2, 1, 0, 2]);
    let result = accuracy(&data, state, says(3, |i| i % 3), SILENT).unwrap();
    assert_eq!((result.correct, result.n), (4, 7));
    assert_eq!(
        result.confusion,
        [[1, 0, 1], [0, 2, 0], [2, 0, 1]].map(Vec::from)
    );
    assert_eq!(result.of_class(2), (1, 3));
    assert_eq!(result.predicted, [0, 1, 2, 0, 1, 2, 0]);
    assert!((result.fraction() - 4.0 / 7.0).abs() < 1e-12);
}

#[test]
fn of_equal_scores_the_first_class_wins() {
    let tie = |(): &mut (), _| Ok::<_, String>(vec![1.0, 3.0, 3.0]);
    let result = accuracy(&classes(&[1, 2]), state, tie, SILENT).unwrap();
    assert_eq!(result.predicted, [1, 1]);
}

#[test]
fn a_single_output_is_a_binary_classifier() {
    #[expect(clippy::cast_precision_loss, reason = "three samples")]
    let half = |(): &mut (), i: usize| Ok::<_, String>(vec![i as f32 * 0.5]);
    let result = accuracy(&classes(&[0, 0, 1]), state, half, SILENT).unwrap();
    assert_eq!((result.correct, result.predicted), (3, vec![0, 0, 1]));
}

#[test]
fn every_thread_has_its_own_state_and_progress_is_complete() {
    let labels: Vec<i64> = (0..500).map(|i| i % 7).collect();
    let done = AtomicUsize::new(0);
    let progress = |_: usize, total: usize| {
        assert_eq!(total, 500);
        done.fetch_add(1, Ordering::Relaxed);
    };
    let scores = |calls: &mut usize, i: usize| {
        *calls += 1;
        let mut v = vec![0.0; 7];
        v[i % 7] = 1.0;
        Ok::<_, String>(v)
    };
    let result = accuracy(&classes(&labels), || Ok(0usize), scores, &progress).unwrap();
    assert_eq!((result.correct, done.load(Ordering::Relaxed)), (500, 500));
}

#[test]
fn what_cannot_be_judged_is_an_error() {
    let no_y = accuracy(&data(None, 2), state, says(2, |_| 0), SILENT).unwrap_err();
    assert!(
        no_y.to_string()
            .contains("data.npz: accuracy needs class indices in the array 'y', found no 'y'")
    );
    let floats = data(Some(Elements::F32(vec![0.0, 1.0])), 2);
    let error = accuracy(&floats, state, says(2, |_| 0), SILENT).unwrap_err();
    assert!(error.to_string().contains("found floats"), "{error}");
    let error = accuracy(&classes(&[0, 5]), state, says(3, |_| 0), SILENT).unwrap_err();
    assert_eq!(
        error,
        EvalError::Label {
            file: "data.npz".into(),
            sample: 1,
            label: 5,
            classes: 3
        }
    );
    let nan = |(): &mut (), _| Ok::<_, String>(vec![0.0, f32::NAN]);
    let error = accuracy(&classes(&[0]), state, nan, SILENT).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("sample 0: the network's output holds a NaN")
    );
    let error = accuracy(
        &classes(&[0]),
        || Err::<(), _>("no memory"),
        |(), _| Ok(vec![]),
        SILENT,
    );
    assert!(error.unwrap_err().to_string().contains("no memory"));
}

#[test]
fn deviation_measures_all_values() {
    let targets = data(Some(Elements::F32(vec![0.0, 0.0, 1.0, -1.0])), 2);
    let outputs = |(): &mut (), i: usize| {
        Ok::<_, String>(if i == 0 {
            vec![3.0, 0.0]
        } else {
            vec![1.0, 0.0]
        })
    };
    let result = deviation(&targets, state, outputs, SILENT).unwrap();
    assert_eq!((result.n, result.largest), (2, 3.0));
    assert!((result.mean_absolute - 1.0).abs() < 1e-12);
    assert!((result.root_mean_square - 2.5f64.sqrt()).abs() < 1e-12);
}

#[test]
fn deviation_needs_targets_of_the_outputs_length() {
    let one = |(): &mut (), _| Ok::<_, String>(vec![0.0]);
    let error = deviation(&data(None, 2), state, one, SILENT).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("needs real values in the array 'y'")
    );
    let targets = data(Some(Elements::F32(vec![0.0; 4])), 2);
    let error = deviation(&targets, state, one, SILENT).unwrap_err();
    assert_eq!(
        error,
        EvalError::Outputs {
            found: 1,
            expected: 2
        }
    );
}

#[test]
fn a_label_among_the_best_k_counts_as_right() {
    let scores = |(): &mut (), _| Ok::<_, String>(vec![0.1, 0.5, 0.3, 0.3]);
    let result = accuracy(&classes(&[0, 1, 2, 3]), state, scores, SILENT).unwrap();
    assert_eq!(result.ranks, [3, 0, 1, 2]);
    assert_eq!([1, 2, 3, 4].map(|k| result.within(k)), [1, 2, 3, 4]);
    assert_eq!(result.within(1), result.correct);
    let one = |(): &mut (), _| Ok::<_, String>(vec![0.9]);
    let binary = accuracy(&classes(&[0, 1]), state, one, SILENT).unwrap();
    assert_eq!(binary.ranks, [1, 0]);
}

#[test]
fn networks_are_compared_sample_by_sample() {
    let data = classes(&[0, 1, 2, 0, 1, 2]);
    let first = accuracy(&data, state, says(3, |i| [0, 1, 2, 0, 0, 0][i]), SILENT).unwrap();
    let second = accuracy(&data, state, says(3, |i| [0, 0, 0, 0, 1, 1][i]), SILENT).unwrap();
    let paired = Paired::new(&first, &second).unwrap();
    assert_eq!((paired.both_right, paired.both_wrong), (2, 1));
    assert_eq!((paired.gained, paired.lost, paired.agree), (2, 1, 2));
    assert!((paired.difference - 1.0 / 6.0).abs() < 1e-12);
    assert_eq!(paired.p_value, 1.0);
    let shorter = accuracy(&classes(&[0]), state, says(3, |_| 0), SILENT).unwrap();
    assert!(Paired::new(&first, &shorter).is_none());
}

#[test]
fn an_autoencoder_is_judged_by_its_inputs() {
    let pair = |(): &mut (), i: usize| {
        let shift = if i == 2 { 3.0 } else { 1.0 };
        Ok::<_, String>((vec![1.0, 2.0], vec![1.0 + shift, 2.0 - shift]))
    };
    let result = reconstruction(3, state, pair, SILENT).unwrap();
    assert_eq!(result.per_sample, [1.0, 1.0, 9.0]);
    assert_eq!((result.smallest, result.largest), (1.0, 9.0));
    assert!((result.mean_squared - 11.0 / 3.0).abs() < 1e-12);
    assert_eq!(result.anomaly_auc(&[0, 0, 1]), Some(1.0));
    assert_eq!(result.anomaly_auc(&[0, 2, 1]), None);
    let short = |(): &mut (), _| Ok::<_, String>((vec![1.0, 2.0], vec![1.0]));
    assert!(reconstruction(1, state, short, SILENT).is_err());
}
