//! Windows of a recording as samples for an autoencoder: even ones calibrate, odd ones are evaluated.
//!
//! ```text
//! logmel [frames, bands] of an .npz   →   x[k] = frames k … k + 4, one after the other   →   two .npy files
//! ```

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// Frames of a window.
const FRAMES: usize = 5;
/// Where the numbers of a version 1 `.npy` file begin is a multiple of this.
const ALIGNMENT: usize = 64;
/// Magic, version and length of the text before it.
const HEAD: usize = 10;

/// Writes `calib` and `eval` from `archive`.
pub(crate) fn write(archive: &Path, calib: &Path, eval: &Path) -> Result<()> {
    let (frames, bands) = read(archive).with_context(|| archive.display().to_string())?;
    let windows = frames.windows(FRAMES * bands * 4).step_by(bands * 4);
    let (mut even, mut odd) = (Vec::new(), Vec::new());
    for (k, window) in windows.enumerate() {
        let side = if k % 2 == 0 { &mut even } else { &mut odd };
        side.extend_from_slice(window);
    }
    for (path, values) in [(calib, even), (eval, odd)] {
        fs::write(path, array(&values, FRAMES * bands))
            .with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// The bytes of `logmel`, and how many bands a frame has.
fn read(archive: &Path) -> Result<(Vec<u8>, usize)> {
    let mut archive = zip::ZipArchive::new(File::open(archive)?)?;
    let mut bytes = Vec::new();
    archive.by_name("logmel.npy")?.read_to_end(&mut bytes)?;
    let text = bytes.get(8..HEAD).context("no header")?;
    let len = usize::from(u16::from_le_bytes([text[0], text[1]]));
    let text = bytes.get(HEAD..HEAD + len).context("a short header")?;
    let text = core::str::from_utf8(text)?;
    if !text.contains("'<f4'") || text.contains("'fortran_order': True") {
        bail!("floats of 32 bits are expected, row by row: {text}");
    }
    let shape = text
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    let sides = shape.map(|(shape, _)| shape.split(',').map(str::trim));
    let bands = sides.and_then(|mut sides| sides.nth(1)?.parse().ok());
    Ok((
        bytes.split_off(HEAD + len),
        bands.context("two sides are expected")?,
    ))
}

/// A version 1 `.npy` file of rows of `cols` floats.
fn array(values: &[u8], cols: usize) -> Vec<u8> {
    let rows = values.len() / 4 / cols;
    let mut text =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {cols}), }}");
    while !(HEAD + text.len() + 1).is_multiple_of(ALIGNMENT) {
        text.push(' ');
    }
    text.push('\n');
    let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend_from_slice(&len.to_le_bytes());
    file.extend_from_slice(text.as_bytes());
    file.extend_from_slice(values);
    file
}
