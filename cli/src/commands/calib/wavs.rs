//! `nnz calib wavs`.

use super::{Common, Extra, check_size, gather, known, listing, write};
use crate::failure::failure;
use crate::media::Kind;
use crate::media::mfcc::{self, Mfcc};
use crate::media::sound::{self, Align};
use nnz_pruner::data::Elements;
use std::path::PathBuf;

const LONG: &str = "\
Sounds (.wav) as samples, or as the features of keyword networks.

Channels are averaged, the rate is converted, every clip is cut or padded with silence to --seconds. \
`--features raw` gives `x` [N, samples], -1 to 1. `--features mfcc` gives [N, frames, 10], the front end of the MLPerf \
Tiny keyword benchmark: x / max(x), frames of 30 ms every 20 ms, periodic Hann, 512-point magnitudes, 40 mel bands \
from 20 to 4000 Hz, logarithm, DCT-II, 10 coefficients; one second gives 49 frames.

  nnz calib wavs recordings -o calib.npz --features mfcc
  nnz calib wavs recordings -o calib.npz --rate 8000 --seconds 0.5 --align center";

/// Sounds, of one rate and length, as samples or features
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// Folder of .wav files, or of one folder for each class
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Samples a second
    #[arg(long, value_name = "HZ", default_value_t = mfcc::RATE, value_parser = clap::value_parser!(u32).range(100..=384_000))]
    rate: u32,
    /// Length of every clip
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    seconds: f64,
    /// Which part of a clip is kept, on which side a short one is padded
    #[arg(long, value_enum, default_value_t)]
    align: Align,
    /// What a clip becomes
    #[arg(long, value_enum, default_value_t)]
    features: Features,
    #[command(flatten)]
    common: Common,
}

/// What a clip becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(in crate::commands) enum Features {
    /// Its samples
    #[default]
    Raw,
    /// Ten mel-frequency cepstral coefficients every 20 ms
    Mfcc,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    crate::atomic::check_writable(&args.common.output)?;
    let samples = check(args)?;
    let listing = listing(&args.folder, Kind::Sound, &args.common)?;
    let frames = Mfcc::frames(samples);
    let sample_shape = match args.features {
        Features::Raw => vec![samples],
        Features::Mfcc => vec![frames, mfcc::COEFFICIENTS],
    };
    let wanted = args
        .common
        .count
        .unwrap_or(usize::MAX)
        .min(listing.entries.len());
    check_size(wanted, sample_shape.iter().product(), 4)?;
    let front_end = Mfcc::default();
    let found = gather(&listing.entries, &args.common, |path| {
        let clip = sound::to_len(sound::open(path, args.rate)?, samples, args.align);
        Ok(match args.features {
            Features::Raw => clip,
            Features::Mfcc => front_end.features(&clip),
        })
    })?;
    let shape = [&[found.samples.len()][..], &sample_shape].concat();
    let extra = Extra {
        classes: known(found.classes),
        names: listing.classes,
        skipped: found.skipped,
        notes: super::left_out(listing.others),
        ..Extra::default()
    };
    write(
        &args.common,
        &shape,
        Elements::F32(found.samples.concat()),
        &extra,
    )
}

/// Samples of a clip, after checking that rate and length make sense.
fn check(args: &Args) -> anyhow::Result<usize> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be at least one sample and at most an hour"
    )]
    let samples = if args.seconds * f64::from(args.rate) >= 1.0 && args.seconds <= 3600.0 {
        (args.seconds * f64::from(args.rate)).round() as usize
    } else {
        return Err(failure(
            format!("a clip of {} seconds cannot be made", args.seconds),
            "give `--seconds` of at least one sample and at most 3600",
        ));
    };
    if args.features == Features::Mfcc && args.rate != mfcc::RATE {
        return Err(failure(
            format!("the mfcc front end is defined at {} Hz", mfcc::RATE),
            "leave `--rate` out: files of any rate are converted",
        ));
    }
    if args.features == Features::Mfcc && Mfcc::frames(samples) == 0 {
        return Err(failure(
            format!("{samples} samples give no frame of features"),
            "give `--seconds` of at least 0.03",
        ));
    }
    Ok(samples)
}
