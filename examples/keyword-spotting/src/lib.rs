//! A word from a second of sound.
//!
//! ```text
//! 16,000 samples ─ nnz-mfcc ─► 49 frames of 10 coefficients, the network's bytes ─ nnz ─► 12 scores ─► a word
//! ```
//!
//! The three programs differ in what surrounds this: `host` reads a WAV file, `bare` is a loop, `embassy` a task
//! beside another. All embed the same network and, for a board without a microphone, the same clip.

#![no_std]

use nnz::format::Io;
use nnz_mfcc::{Quantization, Work};

nnz::model! {
    /// The network that the build was given.
    pub mod network = concat!(env!("OUT_DIR"), "/model.nnz");
}

/// What the scores stand for.
pub const WORDS: [&str; 12] = [
    "down",
    "go",
    "left",
    "no",
    "off",
    "on",
    "right",
    "stop",
    "up",
    "yes",
    "(silence)",
    "(another word)",
];
const _: () = assert!(
    network::OUTPUT_LEN == WORDS.len() && network::INPUT_LEN == 490,
    "the network must tell the twelve words apart from 49 frames of 10 coefficients"
);

/// The networks of `examples/keywords` were trained on coefficients divided by this.
const DIVISOR: f32 = 16.0;
/// How coefficients become the network's bytes.
pub const QUANTIZATION: Quantization = quantization(network::MODEL.input(0));

/// How the network's input is quantised.
const fn quantization(io: Option<Io<'static>>) -> Quantization {
    match io {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a zero point of s8 has 8 bits"
        )]
        Some(io) => Quantization::new(io.tensor.scale * DIVISOR, io.tensor.zero_point as i8),
        None => Quantization::new(1.0, 0),
    }
}

/// Fills the network's input from a second of sound; what is missing at its end stays 0.
pub fn features(clip: &[i16], work: &mut Work, input: &mut [i8; network::INPUT_LEN]) {
    nnz_mfcc::features(clip, QUANTIZATION, work, input);
}

/// The word of the highest score.
#[must_use]
pub fn word(scores: &[i8]) -> &'static str {
    let scored = WORDS.iter().zip(scores);
    scored
        .max_by_key(|&(_, score)| score)
        .map_or("", |(word, _)| word)
}

/// The clip that the build was given.
pub static CLIP: [i16; 16_000] = include!(concat!(env!("OUT_DIR"), "/clip.in"));
