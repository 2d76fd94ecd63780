//! Pictures: decoded, turned upright, resized, as bytes in rows, columns, channels.

use crate::failure::{InFile, failure};
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader};
use std::path::Path;

/// What happens to a picture whose sides have another ratio than the wanted size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Resize {
    /// Scale until it covers the size, cut what stands over (the usual choice for classifiers)
    #[default]
    Crop,
    /// Scale until it fits into the size, fill the rest with black
    Fit,
    /// Scale both sides on their own
    Stretch,
}

/// Channels of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// Red, green, blue
    #[default]
    Rgb,
    /// One channel of brightness
    Gray,
}

impl Color {
    /// Number of channels.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Gray => 1,
        }
    }
}

/// Width and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl core::fmt::Display for Size {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl core::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let side = |t: &str| t.parse::<u32>().ok().filter(|n| (1..=8192).contains(n));
        let (width, height) = text.split_once(['x', 'X']).unwrap_or((text, text));
        match (side(width), side(height)) {
            (Some(width), Some(height)) => Ok(Self { width, height }),
            _ => Err("give WIDTHxHEIGHT in pixels, such as 96x96 (1 to 8192)".into()),
        }
    }
}

/// Reads a picture, upright as its camera noted.
///
/// # Errors
///
/// A file that is no PNG, JPEG or BMP, or is damaged.
pub fn open(path: &Path) -> anyhow::Result<DynamicImage> {
    super::exists(path)?;
    decode(path)
        .map_err(|e| {
            failure(
                format!("cannot be decoded: {e}"),
                "open it in a picture viewer: it is damaged, or no PNG, JPEG or BMP",
            )
        })
        .in_file(path)
}

fn decode(path: &Path) -> image::ImageResult<DynamicImage> {
    let reader = ImageReader::open(path)?.with_guessed_format()?;
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Width and height of a picture.
#[must_use]
pub fn size_of(picture: &DynamicImage) -> Size {
    Size {
        width: picture.width(),
        height: picture.height(),
    }
}

/// A picture in a size and colour, rows, columns, channels.
#[must_use]
pub fn bytes(picture: &DynamicImage, size: Size, resize: Resize, color: Color) -> Vec<u8> {
    let Size { width, height } = size;
    let scaled = if size_of(picture) == size {
        picture.clone()
    } else {
        match resize {
            Resize::Crop => picture.resize_to_fill(width, height, FilterType::Triangle),
            Resize::Stretch => picture.resize_exact(width, height, FilterType::Triangle),
            Resize::Fit => on_black(&picture.resize(width, height, FilterType::Triangle), size),
        }
    };
    match color {
        Color::Rgb => scaled.into_rgb8().into_raw(),
        Color::Gray => scaled.into_luma8().into_raw(),
    }
}

/// A picture in the middle of a black one.
fn on_black(picture: &DynamicImage, size: Size) -> DynamicImage {
    let mut whole = DynamicImage::new_rgb8(size.width, size.height);
    let middle = |outer: u32, inner: u32| i64::from(outer.saturating_sub(inner) / 2);
    let (x, y) = (
        middle(size.width, picture.width()),
        middle(size.height, picture.height()),
    );
    image::imageops::overlay(&mut whole, picture, x, y);
    whole
}

/// Values in rows, columns, channels as channels, rows, columns.
#[must_use]
pub fn channels_first(values: &[u8], channels: usize) -> Vec<u8> {
    (0..channels)
        .flat_map(|c| values.iter().skip(c).step_by(channels).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    /// Four columns and two rows: the left half red, the right half blue.
    fn halves() -> DynamicImage {
        let pixel = |x, _| Rgb(if x < 2 { [200, 0, 0] } else { [0, 0, 100] });
        RgbImage::from_fn(4, 2, pixel).into()
    }

    fn size(text: &str) -> Size {
        text.parse().expect("is a size")
    }

    #[test]
    fn a_picture_of_the_wanted_size_keeps_its_pixels() {
        let found = bytes(&halves(), size("4x2"), Resize::Crop, Color::Rgb);
        let row = [200, 0, 0, 200, 0, 0, 0, 0, 100, 0, 0, 100];
        assert_eq!(found, [row, row].concat());
        let first = channels_first(&found, 3);
        assert_eq!(first[..8], [200, 200, 0, 0, 200, 200, 0, 0]);
        assert_eq!(first[16..24], [0, 0, 100, 100, 0, 0, 100, 100]);
    }

    #[test]
    fn crop_cuts_fit_pads_and_stretch_squeezes() {
        let red = |values: &[u8]| values.iter().step_by(3).copied().collect::<Vec<_>>();
        let cropped = bytes(&halves(), size("2x2"), Resize::Crop, Color::Rgb);
        assert_eq!(red(&cropped), [200, 0, 200, 0]);
        let fitted = bytes(&halves(), size("4x4"), Resize::Fit, Color::Rgb);
        assert_eq!(red(&fitted)[..4], [0, 0, 0, 0]);
        assert_eq!(red(&fitted)[4..8], [200, 200, 0, 0]);
        let stretched = bytes(&halves(), size("2x1"), Resize::Stretch, Color::Rgb);
        assert!(red(&stretched)[0] > 150 && red(&stretched)[1] < 50);
        assert_eq!(
            bytes(&halves(), size("8"), Resize::Crop, Color::Gray).len(),
            64
        );
    }

    #[test]
    fn sizes_are_width_then_height() {
        assert_eq!(
            size("96x48"),
            Size {
                width: 96,
                height: 48
            }
        );
        assert!("0x4".parse::<Size>().is_err());
        assert!("4x".parse::<Size>().is_err());
        assert!("99999x4".parse::<Size>().is_err());
    }
}
