//! Mel-frequency cepstral coefficients (MFCC) in fixed point: from a second of speech to what a keyword network reads.
//!
//! ```text
//! 480 samples, every 320      frame
//!   × Hann window             fft.rs        two real samples are one complex number
//!   512-point Fourier         fft.rs        256 complex points, radix 4
//!   magnitudes below 4 kHz    spectrum.rs
//!   40 triangles, mel scale   cepstrum.rs   each bin is shared by two bands
//!   ln(· + 1e-6)              cepstrum.rs
//!   cosine transform, 10      cepstrum.rs
//!   (c / scale) + zero point  here          the bytes of the network's input
//! ```
//!
//! Everything is integers: the transform has 16 bits and one exponent a frame, sums of bands 64 bits, logarithms 16 bits
//! below the point. The recipe is the usual one (Davis and Mermelstein, 1980; HTK's mel
//! scale) with samples divided by the greatest of the clip. That division never happens: a factor before the
//! logarithm is a summand behind it.

#![no_std]
#![deny(unsafe_code)]

mod cepstrum;
mod fft;
mod pair;
mod spectrum;
mod tables;

use cepstrum::Cepstrum;
use pair::Pair;

/// Samples a second.
pub const RATE: usize = 16_000;
/// Samples of a frame.
pub const FRAME: usize = 480;
/// Samples from one frame to the next.
pub const HOP: usize = 320;
/// Coefficients of a frame.
pub const COEFFICIENTS: usize = 10;

/// Memory of the transform, 1.5 KB; nothing stays in it between two frames.
#[derive(Debug)]
pub struct Work {
    points: [Pair; 256],
    magnitudes: [u32; 128],
}

impl Work {
    /// Memory for one frame at a time.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            points: [Pair::ZERO; 256],
            magnitudes: [0; 128],
        }
    }
}

impl Default for Work {
    fn default() -> Self {
        Self::new()
    }
}

/// How a network's input is quantised: `q = round(c / scale) + zero_point`, within `i8`.
#[derive(Debug, Clone, Copy)]
pub struct Quantization {
    /// `2^16 / scale`.
    multiplier: i32,
    zero_point: i32,
}

impl Quantization {
    /// The input's `scale`, times what the network's training divided coefficients by (1 where nothing was), and its
    /// zero point.
    #[must_use]
    pub const fn new(scale: f32, zero_point: i8) -> Self {
        Self {
            #[expect(clippy::cast_possible_truncation, reason = "saturates")]
            multiplier: (65536.0 / scale) as i32,
            zero_point: zero_point as i32,
        }
    }

    /// One coefficient with 16 bits below the point.
    fn apply(self, coefficient: i32) -> i8 {
        let product = i64::from(coefficient) * i64::from(self.multiplier);
        // The coefficient's 16 bits below the point and the multiplier's.
        let rounded = ((product >> 31) + 1) >> 1;
        let value = rounded + i64::from(self.zero_point);
        i8::try_from(value).unwrap_or(if value < 0 { i8::MIN } else { i8::MAX })
    }
}

/// The front end of one clip.
#[derive(Debug, Clone, Copy)]
pub struct Frontend {
    cepstrum: Cepstrum,
    quantization: Quantization,
}

impl Frontend {
    /// For a clip whose greatest sample is `peak`; a clip without a positive sample counts as silence, `peak` 1.
    #[must_use]
    pub fn new(peak: i16, quantization: Quantization) -> Self {
        Self {
            cepstrum: Cepstrum::new(peak.unsigned_abs().max(1)),
            quantization,
        }
    }

    /// The coefficients of one frame.
    #[must_use]
    #[inline(never)]
    pub fn frame(&self, samples: &[i16; FRAME], work: &mut Work) -> [i8; COEFFICIENTS] {
        let exponent = fft::transform(samples, &mut work.points) + spectrum::BITS;
        spectrum::magnitudes(&work.points, &mut work.magnitudes);
        let coefficients = self.cepstrum.coefficients(&work.magnitudes, exponent);
        coefficients.map(|coefficient| self.quantization.apply(coefficient))
    }
}

/// The greatest sample of a clip, at least 1: what [`Frontend::new`] wants.
#[must_use]
pub fn peak(clip: &[i16]) -> i16 {
    let (eights, rest) = clip.as_chunks::<16>();
    let greatest = eights.iter().fold(Pair::ZERO, |greatest, eight| {
        let (pairs, _) = eight.as_chunks::<2>();
        let pairs = pairs.iter().map(|&samples| Pair::from(samples));
        pairs.fold(greatest, Pair::max)
    });
    let greatest = greatest.re().max(greatest.im()).max(1);
    let rest = rest.iter().copied().max().unwrap_or(1);
    i16::try_from(greatest).map_or(i16::MAX, |greatest| greatest.max(rest))
}

/// The whole frames of a clip.
pub fn frames(clip: &[i16]) -> impl Iterator<Item = &[i16; FRAME]> {
    let at = (0..).step_by(HOP);
    at.map_while(|at| clip.get(at..)?.first_chunk())
}

/// Writes the coefficients of every frame of `clip`, one frame after another: 490 of a second at 16 kHz.
///
/// Returns how many were written: as many frames as the clip and `features` both have whole.
pub fn features(
    clip: &[i16],
    quantization: Quantization,
    work: &mut Work,
    features: &mut [i8],
) -> usize {
    let frontend = Frontend::new(peak(clip), quantization);
    let mut written = 0;
    for (samples, place) in frames(clip).zip(features.chunks_exact_mut(COEFFICIENTS)) {
        place.copy_from_slice(&frontend.frame(samples, work));
        written += COEFFICIENTS;
    }
    written
}
