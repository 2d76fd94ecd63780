//! Weights as a small picture: outputs downwards, inputs across, colour the sign, strength the size.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use nnz_format::Step;
use nnz_format::decode::{self, Values};

/// Largest side in pixels.
const SIDE: usize = 96;
/// Positive and negative weights, readable on light and dark ground and for the colour-blind.
const POSITIVE: [u8; 3] = [33, 113, 181];
const NEGATIVE: [u8; 3] = [217, 95, 14];

/// A `data:` address of a PNG and its size, `None` for steps without weights.
pub(super) fn thumbnail(step: &Step<'_>) -> Option<(String, [usize; 2])> {
    let matrix = decode::weights(step).ok()??;
    let rows = matrix.rows.max(1);
    let columns = (matrix.len() / rows).max(1);
    let values: Vec<f32> = match &matrix.values {
        Values::S8(values) => values.iter().map(|w| f32::from(*w)).collect(),
        Values::F32(values) => values.clone(),
    };
    let largest = values.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
    let (height, width) = (rows.min(SIDE), columns.min(SIDE));
    let mut pixels = Vec::with_capacity(height * width * 4);
    for y in 0..height {
        for x in 0..width {
            let rows = y * rows / height..((y + 1) * rows).div_ceil(height);
            let columns_of = x * columns / width..((x + 1) * columns).div_ceil(width);
            let cell = rows.flat_map(|r| columns_of.clone().map(move |c| r * columns + c));
            pixels.extend(colour(cell.filter_map(|i| values.get(i)), largest));
        }
    }
    let mut png = Vec::new();
    let size = [width, height].map(|n| u32::try_from(n).unwrap_or(1));
    PngEncoder::new(&mut png)
        .write_image(&pixels, size[0], size[1], ExtendedColorType::Rgba8)
        .ok()?;
    Some((
        format!("data:image/png;base64,{}", base64(&png)),
        [width, height],
    ))
}

/// The colour of a cell: nothing where all weights are zero.
fn colour<'a>(weights: impl Iterator<Item = &'a f32>, largest: f32) -> [u8; 4] {
    let (mut sum, mut size, mut count, mut live) = (0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32);
    for w in weights {
        (sum, size, count) = (sum + w, size + w.abs(), count + 1.0);
        live += f32::from(u8::from(*w != 0.0));
    }
    if live == 0.0 || largest == 0.0 {
        return [0; 4];
    }
    let strength = (size / live / largest).sqrt() * (live / count).sqrt();
    let [r, g, b] = if sum < 0.0 { NEGATIVE } else { POSITIVE };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 40 and 255"
    )]
    let alpha = (40.0 + 215.0 * strength.min(1.0)) as u8;
    [r, g, b, alpha]
}

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let digit = DIGITS.get((word >> (18 - 6 * i) & 63) as usize);
            out.push(match digit {
                Some(digit) if i <= chunk.len() => char::from(*digit),
                _ => '=',
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_has_the_published_values() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

    #[test]
    fn cells_show_sign_and_density() {
        assert_eq!(colour([0.0, 0.0].iter(), 1.0), [0; 4]);
        let full = colour([1.0, 1.0].iter(), 1.0);
        assert_eq!(full, [33, 113, 181, 255]);
        let sparse = colour([-1.0, 0.0].iter(), 1.0);
        assert!(sparse[..3] == NEGATIVE && sparse[3] < 255);
    }
}
