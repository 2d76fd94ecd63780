//! Mel-frequency cepstral coefficients as keyword networks take them.
//!
//! ```text
//! x / max(x) → frames of 480 every 320 → periodic Hann → |rfft 512| → 40 HTK mel bands 20…4000 Hz
//!            → ln(· + 1e-6) → DCT-II · 2·sqrt(1/80) → first 10
//! ```
//!
//! One second at 16 kHz gives 49 frames. The steps are those of the `MLPerf` Tiny keyword benchmark.

use core::f64::consts::PI;
use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Samples a second that the bands are made for.
pub const RATE: u32 = 16_000;
/// Coefficients a frame.
pub const COEFFICIENTS: usize = 10;
const FRAME: usize = 480;
const STEP: usize = 320;
const FFT: usize = 512;
const BANDS: usize = 40;
const LOW_HZ: f64 = 20.0;
const HIGH_HZ: f64 = 4_000.0;

/// The tables of the front end.
pub struct Mfcc {
    fft: Arc<dyn RealToComplex<f64>>,
    window: Vec<f64>,
    /// Per band, its weight of every bin.
    bands: Vec<Vec<f64>>,
}

impl core::fmt::Debug for Mfcc {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Mfcc")
            .field("bands", &self.bands.len())
            .finish_non_exhaustive()
    }
}

impl Default for Mfcc {
    fn default() -> Self {
        let window = (0..FRAME).map(|i| 0.5 - 0.5 * (2.0 * PI * real(i) / real(FRAME)).cos());
        Self {
            fft: RealFftPlanner::new().plan_fft_forward(FFT),
            window: window.collect(),
            bands: bands(),
        }
    }
}

impl Mfcc {
    /// Frames that `samples` give.
    #[must_use]
    pub const fn frames(samples: usize) -> usize {
        if samples < FRAME {
            0
        } else {
            (samples - FRAME) / STEP + 1
        }
    }

    /// Samples of the clip that gives so many frames: 20 ms each and 20 more, a second for 49.
    #[must_use]
    pub const fn samples(frames: usize) -> usize {
        frames.saturating_mul(STEP).saturating_add(STEP)
    }

    /// Coefficients of a clip, frame after frame.
    #[must_use]
    pub fn features(&self, samples: &[f32]) -> Vec<f32> {
        let peak = samples.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let gain = if peak == 0.0 { 1.0 } else { f64::from(peak) };
        let starts = (0..Self::frames(samples.len())).map(|i| i * STEP);
        starts
            .filter_map(|start| samples.get(start..start + FRAME))
            .flat_map(|frame| self.frame(frame, gain))
            .collect()
    }

    fn frame(&self, samples: &[f32], gain: f64) -> [f32; COEFFICIENTS] {
        let mut buffer = vec![0.0; FFT];
        for ((slot, x), w) in buffer.iter_mut().zip(samples).zip(&self.window) {
            *slot = f64::from(*x) / gain * w;
        }
        let mut spectrum = self.fft.make_output_vec();
        // Lengths are the plan's own, so that it cannot refuse.
        let _ = self.fft.process(&mut buffer, &mut spectrum);
        let magnitudes: Vec<f64> = spectrum.iter().map(|z| z.re.hypot(z.im)).collect();
        let logs: Vec<f64> = self
            .bands
            .iter()
            .map(|band| {
                band.iter()
                    .zip(&magnitudes)
                    .map(|(w, m)| w * m)
                    .sum::<f64>()
            })
            .map(|energy| (energy + 1e-6).ln())
            .collect();
        core::array::from_fn(|k| coefficient(&logs, k))
    }
}

/// Coefficient `k` of the DCT-II of the logarithms.
fn coefficient(logs: &[f64], k: usize) -> f32 {
    let angle = |n: usize| PI / real(BANDS) * (real(n) + 0.5) * real(k);
    let sum: f64 = logs
        .iter()
        .enumerate()
        .map(|(n, v)| v * angle(n).cos())
        .sum();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "features are single precision"
    )]
    let value = (2.0 * sum * (1.0 / (2.0 * real(BANDS))).sqrt()) as f32;
    value
}

/// Triangles that are straight on the mel scale; the bin of 0 Hz belongs to none.
fn bands() -> Vec<Vec<f64>> {
    let (low, high) = (mel(LOW_HZ), mel(HIGH_HZ));
    let edge = |i: usize| low + (high - low) * real(i) / real(BANDS + 1);
    let hertz = |bin: usize| real(bin) * f64::from(RATE) / real(FFT);
    let weight = |band: usize, bin: usize| {
        if bin == 0 {
            return 0.0;
        }
        let (m, [left, middle, right]) = (mel(hertz(bin)), [0, 1, 2].map(|i| edge(band + i)));
        ((m - left) / (middle - left))
            .min((right - m) / (right - middle))
            .max(0.0)
    };
    (0..BANDS)
        .map(|band| (0..=FFT / 2).map(|bin| weight(band, bin)).collect())
        .collect()
}

/// Hertz on the mel scale of HTK (Young et al.).
fn mel(hertz: f64) -> f64 {
    1127.0 * (hertz / 700.0).ln_1p()
}

#[expect(clippy::cast_precision_loss, reason = "lengths far below 2^52")]
const fn real(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_49_frames_and_silence_the_logarithm_of_nothing() {
        assert_eq!(Mfcc::frames(16_000), 49);
        assert_eq!(Mfcc::frames(479), 0);
        assert_eq!(Mfcc::samples(49), 16_000);
        assert_eq!(Mfcc::frames(Mfcc::samples(49)), 49);
        let silence = Mfcc::default().features(&[0.0; 16_000]);
        assert_eq!(silence.len(), 490);
        // 40 equal logarithms have only a constant part: 2·sqrt(1/80)·40·ln(1e-6).
        let constant = 2.0 * (1.0_f64 / 80.0).sqrt() * 40.0 * 1e-6_f64.ln();
        assert!(
            (f64::from(silence[0]) - constant).abs() < 1e-3,
            "{}",
            silence[0]
        );
        assert!(silence[1..10].iter().all(|v| v.abs() < 1e-3));
    }

    #[test]
    fn loudness_does_not_matter() {
        let tone = |gain: f32| -> Vec<f32> {
            (0..1_000_u16)
                .map(|i| gain * (f32::from(i) * 0.3).sin())
                .collect()
        };
        let front_end = Mfcc::default();
        let (loud, soft) = (
            front_end.features(&tone(1.0)),
            front_end.features(&tone(0.01)),
        );
        assert_eq!(loud.len(), 20);
        assert!(loud.iter().zip(&soft).all(|(a, b)| (a - b).abs() < 1e-3));
    }
}
