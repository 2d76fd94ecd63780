//! Pictures, sounds and tables as arrays of numbers: what `nnz calib` gathers and `nnz run --input` takes.
//!
//! ```text
//! DIR/CLASS/FILE ─folder→ seeded choice ─┬ picture  decode, orient, resize      → u8 [h][w][c]
//!                                        ├ sound    mono, resample, cut or pad  → f32 [samples] ─mfcc→ [frames][10]
//!                                        └ table    columns, label              → f32 [columns]
//! ```

pub mod folder;
pub mod mfcc;
pub mod picture;
pub mod sound;
pub mod table;

use crate::failure::{InFile, failure};
use std::path::Path;

/// What the name of a file says about its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PNG, JPEG or BMP.
    Picture,
    /// RIFF WAVE.
    Sound,
    /// Comma-separated values.
    Table,
}

impl Kind {
    /// Extensions, lower case.
    #[must_use]
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Picture => &["png", "jpg", "jpeg", "bmp"],
            Self::Sound => &["wav"],
            Self::Table => &["csv"],
        }
    }

    /// The kind of a file, by its extension.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_lowercase();
        [Self::Picture, Self::Sound, Self::Table]
            .into_iter()
            .find(|kind| kind.extensions().contains(&extension.as_str()))
    }
}

/// Fails where there is no such file.
///
/// # Errors
///
/// Names the file.
pub(crate) fn exists(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    Err(failure("no such file", "check the path")).in_file(path)
}
