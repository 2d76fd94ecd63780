//! Samples, pictures, sounds and tables: read, or refused with the file's name.

use core::fmt::Display;
use nnz_cli::media::{picture, sound, table};
use nnz_pruner::data::{self, Dataset};
use std::fs;
use std::path::Path;

/// A kind of file that the command line reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Arrays in a zip archive.
    Npz,
    /// One array.
    Npy,
    /// A picture.
    Picture,
    /// A sound.
    Wav,
    /// Comma-separated values.
    Csv,
}

impl Kind {
    /// All of them.
    const ALL: [Self; 5] = [Self::Npz, Self::Npy, Self::Picture, Self::Wav, Self::Csv];

    const fn file_name(self) -> &'static str {
        match self {
            Self::Npz => "hostile.npz",
            Self::Npy => "hostile.npy",
            Self::Picture => "hostile.png",
            Self::Wav => "hostile.wav",
            Self::Csv => "hostile.csv",
        }
    }
}

/// Reads `bytes` behind a first byte that says what they are, through a file of `folder`.
pub fn read(bytes: &[u8], folder: &Path) -> bool {
    let Some((kind, rest)) = bytes.split_first() else {
        return false;
    };
    read_as(
        Kind::ALL[usize::from(*kind) % Kind::ALL.len()],
        rest,
        folder,
    )
}

/// Writes `bytes` to a file of `folder` and reads it; returns whether they could be read.
fn read_as(kind: Kind, bytes: &[u8], folder: &Path) -> bool {
    let path = folder.join(kind.file_name());
    fs::write(&path, bytes).unwrap();
    match kind {
        Kind::Npz => is_read(Dataset::open(&path)) | is_read(data::array_names(&path)),
        Kind::Npy => is_read(data::read_npy(&path)),
        Kind::Picture => is_read(picture::open(&path)),
        Kind::Wav => is_read(sound::open(&path, 16_000)),
        Kind::Csv => is_read(table::read(&path, &table::Wanted::default())),
    }
}

/// Whether a reader succeeded; a refusal must name the file.
fn is_read<T, E: Display>(outcome: Result<T, E>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(error) => {
            let text = format!("{error:#}");
            assert!(text.contains("hostile."), "{text}");
            false
        }
    }
}
