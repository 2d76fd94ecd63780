//! Says which word each WAV file holds: 16 kHz, mono, 16 bits, the first second. Without a file, the embedded clip.

use nnz_keyword_spotting::{CLIP, features, network, word};
use nnz_mfcc::{RATE, Work};
use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<String> = env::args().skip(1).collect();
    if files.is_empty() {
        println!("{}", answer(&CLIP));
    }
    for file in files {
        let clip = read(&file).map_err(|e| format!("{file}: {e}"))?;
        println!("{file}: {}", answer(&clip));
    }
    Ok(())
}

/// The word and the network's scores.
fn answer(clip: &[i16]) -> String {
    let mut input = [0; network::INPUT_LEN];
    features(clip, &mut Work::new(), &mut input);
    let mut network = network::Network::new();
    let scores = network.run(&input);
    format!("{} {scores:?}", word(scores))
}

/// The first second of a WAV file.
fn read(file: &str) -> Result<Vec<i16>, Box<dyn Error>> {
    let mut reader = hound::WavReader::open(file)?;
    let spec = reader.spec();
    if (spec.channels, spec.sample_rate, spec.bits_per_sample) != (1, 16_000, 16) {
        return Err("not 16 kHz, mono, 16 bits".into());
    }
    Ok(reader.samples().take(RATE).collect::<Result<_, _>>()?)
}
