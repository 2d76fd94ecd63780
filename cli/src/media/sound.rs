//! Sounds: WAVE files as mono samples of one rate and length.

use crate::failure::{InFile, failure};
use hound::{SampleFormat, WavReader};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};
use std::path::Path;

/// Longest file that is read, in samples of all channels.
const LONGEST: u32 = 1 << 28;

/// Which part of a clip is kept, and on which side a short one is padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Align {
    /// From the beginning on; silence follows
    #[default]
    Start,
    /// Around the middle; silence on both sides
    Center,
}

/// The samples of a file, channels averaged, -1 to 1, at `rate` samples a second.
///
/// # Errors
///
/// A file that is no WAVE file, is damaged, too long, or of a rate that cannot be converted.
pub fn open(path: &Path, rate: u32) -> anyhow::Result<Vec<f32>> {
    super::exists(path)?;
    let read = || -> anyhow::Result<Vec<f32>> {
        let reader = WavReader::open(path).map_err(damaged)?;
        let spec = reader.spec();
        if reader.len() > LONGEST {
            return Err(failure(
                format!("{} samples are too many", reader.len()),
                "cut it into clips",
            ));
        }
        let mono = mono(reader)?;
        if spec.sample_rate == rate {
            return Ok(mono);
        }
        resample(&mono, spec.sample_rate, rate).map_err(|reason| {
            failure(
                format!("{} Hz cannot become {rate} Hz: {reason}", spec.sample_rate),
                "convert the file with an audio program",
            )
        })
    };
    read().in_file(path)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn damaged(error: hound::Error) -> anyhow::Error {
    failure(
        format!("cannot be read as a WAVE file: {error}"),
        "write it as plain 16-bit PCM; `ffmpeg -i FILE -c:a pcm_s16le OUT.wav` does",
    )
}

/// Integer and float samples, channels averaged, -1 to 1.
fn mono(reader: WavReader<std::io::BufReader<std::fs::File>>) -> anyhow::Result<Vec<f32>> {
    let spec = reader.spec();
    let samples: Vec<f32> = match spec.sample_format {
        SampleFormat::Float => reader
            .into_samples::<f32>()
            .collect::<Result<_, _>>()
            .map_err(damaged)?,
        SampleFormat::Int => {
            let full = f64::from(spec.bits_per_sample.saturating_sub(1)).exp2();
            #[expect(clippy::cast_possible_truncation, reason = "a sample within -1 to 1")]
            let real = |v: i32| (f64::from(v) / full) as f32;
            let samples = reader.into_samples::<i32>();
            samples
                .map(|v| v.map(real))
                .collect::<Result<_, _>>()
                .map_err(damaged)?
        }
    };
    if let Some(at) = samples.iter().position(|v| !v.is_finite()) {
        return Err(failure(
            format!("sample {at} is no finite number"),
            "write the file again",
        ));
    }
    let channels = usize::from(spec.channels).max(1);
    let share = f32::from(spec.channels.max(1));
    let frames = samples.chunks_exact(channels);
    Ok(frames.map(|f| f.iter().sum::<f32>() / share).collect())
}

/// The same sound at another rate, band-limited.
fn resample(samples: &[f32], from: u32, to: u32) -> Result<Vec<f32>, String> {
    const AT_LEAST: usize = 1024;
    if samples.is_empty() {
        return Ok(Vec::new());
    }
    let text = |e: &dyn core::fmt::Display| e.to_string();
    // Even transforms delay by whole samples, which `process_all` takes away exactly.
    let even = 2 * (from / gcd(from, to)) as usize;
    let chunk = even * AT_LEAST.div_ceil(even);
    let window = WindowFunction::BlackmanHarris2;
    let (from, to) = (from as usize, to as usize);
    let mut fft = Fft::<f32>::new_custom(from, to, chunk, 1, 1, window, FixedSync::Both)
        .map_err(|e| text(&e))?;
    let input = InterleavedSlice::new(samples, 1, samples.len()).map_err(|e| text(&e))?;
    let output = fft
        .process_all(&input, samples.len(), None)
        .map_err(|e| text(&e))?;
    Ok(output.take_data())
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// `samples` cut or padded with silence to `len`.
#[must_use]
pub fn to_len(mut samples: Vec<f32>, len: usize, align: Align) -> Vec<f32> {
    if align == Align::Center {
        if samples.len() > len {
            let before = (samples.len() - len) / 2;
            samples.drain(..before);
        } else {
            let before = (len - samples.len()) / 2;
            samples.splice(0..0, core::iter::repeat_n(0.0, before));
        }
    }
    samples.resize(len, 0.0);
    samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::f32::consts::TAU;
    use hound::{WavSpec, WavWriter};

    /// A file with a tone of 440 Hz on both channels.
    fn tone(path: &Path, rate: u16, spec: WavSpec) {
        let mut writer = WavWriter::create(path, spec).expect("can be written");
        for i in 0..rate {
            let value = (TAU * 440.0 * f32::from(i) / f32::from(rate)).sin() * 0.5;
            for _ in 0..spec.channels {
                match spec.sample_format {
                    SampleFormat::Float => writer.write_sample(value),
                    #[expect(clippy::cast_possible_truncation, reason = "within 16 bits")]
                    SampleFormat::Int => writer.write_sample((value * 32767.0) as i16),
                }
                .expect("can be written");
            }
        }
        writer.finalize().expect("can be written");
    }

    fn spec(rate: u16, channels: u16, sample_format: SampleFormat) -> WavSpec {
        WavSpec {
            channels,
            sample_rate: rate.into(),
            bits_per_sample: if sample_format == SampleFormat::Float {
                32
            } else {
                16
            },
            sample_format,
        }
    }

    #[test]
    fn rates_channels_and_encodings_give_the_same_sound() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("a.wav");
        tone(&path, 16_000, spec(16_000, 1, SampleFormat::Int));
        let plain = open(&path, 16_000).expect("is a wav");
        assert_eq!(plain.len(), 16_000);
        for other in [
            spec(48_000, 2, SampleFormat::Float),
            spec(44_100, 1, SampleFormat::Int),
            spec(8_000, 2, SampleFormat::Int),
        ] {
            let rate = u16::try_from(other.sample_rate).expect("fits");
            tone(&path, rate, other);
            let found = open(&path, 16_000).expect("is a wav");
            assert!(found.len().abs_diff(16_000) <= 1, "{}", found.len());
            let largest = (1_000..15_000)
                .map(|i| (found[i] - plain[i]).abs())
                .fold(0.0, f32::max);
            assert!(largest < 2e-3, "{rate} Hz: {largest}");
        }
    }

    #[test]
    fn clips_are_cut_and_padded_where_asked() {
        let clip = vec![1.0, 2.0, 3.0, 4.0];
        assert_eq!(to_len(clip.clone(), 2, Align::Start), [1.0, 2.0]);
        assert_eq!(to_len(clip.clone(), 2, Align::Center), [2.0, 3.0]);
        assert_eq!(to_len(clip.clone(), 5, Align::Start)[3..], [4.0, 0.0]);
        let centred = to_len(clip, 6, Align::Center);
        assert_eq!(centred, [0.0, 1.0, 2.0, 3.0, 4.0, 0.0]);
    }

    #[test]
    fn a_file_that_is_no_wave_file_is_named() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("bad.wav");
        std::fs::write(&path, b"RIFFxxxxJUNK").expect("can be written");
        let error = open(&path, 16_000).expect_err("is no wav");
        let (reason, help) = crate::failure::describe(&error);
        assert!(
            reason.contains("bad.wav: cannot be read as a WAVE file"),
            "{reason}"
        );
        assert!(help.is_some());
    }
}
