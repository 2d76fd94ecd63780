//! What a count of right answers says about the network, and whether two networks really differ.
//!
//! All intervals hold the true value in 95 of 100 evaluations.

/// Quantile of the normal distribution that leaves 2.5 % on each side.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's score interval of a proportion (1927): never leaves 0…1, honest near both ends.
///
/// Without trials the interval is everything.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn wilson(successes: usize, trials: usize) -> [f64; 2] {
    if trials == 0 {
        return [0.0, 1.0];
    }
    let n = trials as f64;
    let p = successes as f64 / n;
    let scale = 1.0 + Z * Z / n;
    let centre = (p + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

/// `McNemar`'s test in its exact form: the two-sided probability that two equally good networks disagree at least
/// as unevenly, `gained` times to the one's credit and `lost` times to the other's.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn mcnemar(gained: usize, lost: usize) -> f64 {
    let n = gained + lost;
    let mut log_term = -(n as f64) * core::f64::consts::LN_2;
    let mut tail = log_term.exp();
    for i in 0..gained.min(lost) {
        log_term += ((n - i) as f64 / (i + 1) as f64).ln();
        tail += log_term.exp();
    }
    (2.0 * tail).min(1.0)
}

/// Interval of the difference of two accuracies measured on the same `n` samples, of which `gained` are right
/// only with the first network and `lost` only with the second (Agresti and Min 2005: Wald's interval after half
/// a sample is added to each cell of the table).
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn paired_interval(gained: usize, lost: usize, n: usize) -> [f64; 2] {
    let n = n as f64 + 2.0;
    let (gained, lost) = (gained as f64 + 0.5, lost as f64 + 0.5);
    let difference = (gained - lost) / n;
    let half = Z / n
        * (gained + lost - (gained - lost).powi(2) / n)
            .max(0.0)
            .sqrt();
    [(difference - half).max(-1.0), (difference + half).min(1.0)]
}

/// Mean difference `a − b` of errors measured on the same samples, and its interval (normal approximation).
///
/// `None` where there is nothing to compare.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn mean_difference(a: &[f64], b: &[f64]) -> Option<(f64, [f64; 2])> {
    let n = a.len();
    if n == 0 || n != b.len() {
        return None;
    }
    let differences = a.iter().zip(b).map(|(a, b)| a - b);
    let mean = differences.clone().sum::<f64>() / n as f64;
    let squares: f64 = differences.map(|d| (d - mean).powi(2)).sum();
    let variance = squares / (n.max(2) - 1) as f64;
    let half = Z * (variance / n as f64).sqrt();
    Some((mean, [mean - half, mean + half]))
}

/// Probability that a positive sample scores higher than a negative one, ties counted half (area under the ROC
/// curve); `None` without samples of both kinds.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn auc(scores: &[f64], positive: &[bool]) -> Option<f64> {
    let mut ranked: Vec<(f64, bool)> = scores
        .iter()
        .copied()
        .zip(positive.iter().copied())
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = ranked.iter().filter(|(_, p)| *p).count();
    let negatives = ranked.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let (mut below, mut wins) = (0.0, 0.0);
    for group in ranked.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let up = group.iter().filter(|(_, p)| *p).count() as f64;
        let down = group.len() as f64 - up;
        wins += up * (below + down / 2.0);
        below += down;
    }
    Some(wins / (positives as f64 * negatives as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-4, "{found} {expected}");
    }

    #[test]
    fn wilsons_interval_has_the_published_values() {
        // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        for (r, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let found = wilson(r, n);
            near(found[0], low);
            near(found[1], high);
        }
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
    }

    #[test]
    fn the_exact_test_is_the_binomial_distribution() {
        assert_eq!(mcnemar(0, 0), 1.0);
        assert_eq!(mcnemar(5, 5), 1.0);
        // 2 · (1 + 10) / 2^10.
        near(mcnemar(1, 9), 22.0 / 1024.0);
        assert_eq!(mcnemar(9, 1), mcnemar(1, 9));
        near(mcnemar(0, 20) * 1e6, 2e6 / f64::from(1 << 20));
        assert!(mcnemar(2000, 1500) < 1e-10);
    }

    #[test]
    fn a_paired_interval_holds_its_difference_and_shrinks_with_samples() {
        let small = paired_interval(4, 1, 50);
        assert!(small[0] < 0.0 && small[1] > 0.06, "{small:?}");
        let large = paired_interval(400, 100, 5000);
        assert!(large[0] > 0.05 && large[1] < 0.07, "{large:?}");
        assert_eq!(
            paired_interval(3, 3, 100)[0],
            -paired_interval(3, 3, 100)[1]
        );
    }

    #[test]
    fn a_mean_difference_needs_equal_lengths() {
        let (mean, interval) = mean_difference(&[1.0, 2.0, 6.0], &[0.0, 2.0, 3.0]).expect("pairs");
        near(mean, 4.0 / 3.0);
        near(interval[1] - mean, Z * (7.0f64 / 3.0 / 3.0).sqrt());
        assert!(mean_difference(&[1.0], &[]).is_none());
        assert!(mean_difference(&[], &[]).is_none());
    }

    #[test]
    fn the_area_under_the_curve_counts_ties_half() {
        let positive = [false, false, true, true];
        assert_eq!(auc(&[0.1, 0.4, 0.35, 0.8], &positive), Some(0.75));
        assert_eq!(auc(&[1.0; 4], &positive), Some(0.5));
        assert_eq!(auc(&[1.0, 2.0], &[true, true]), None);
    }
}
