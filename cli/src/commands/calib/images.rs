//! `nnz calib images`.

use super::{Common, Extra, check_size, gather, known, listing, write};
use crate::commands::common::Layout;
use crate::failure::{InFile, failure};
use crate::media::Kind;
use crate::media::picture::{self, Color, Resize, Size};
use nnz_pruner::data::Elements;
use std::path::{Path, PathBuf};

const LONG: &str = "\
Pictures (.png, .jpg, .jpeg, .bmp) as bytes 0 to 255, without mean and deviation: those go to `prune` as --mean and --std.

DIR holds the pictures, or one sub-folder of pictures for each class. Resizing averages (bilinear with the width of \
the reduction), as Pillow's and torchvision's does.

  nnz calib images photos -o calib.npz --size 96x96 --count 200
  nnz calib images digits -o calib.npz --size 28x28 --color gray --layout nchw";

/// Pictures, resized, as bytes
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// Folder of pictures, or of one folder for each class
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Width and height; may be left out where all pictures have the same
    #[arg(long, value_name = "WxH")]
    size: Option<Size>,
    /// What happens where width and height have another ratio
    #[arg(long, value_enum, default_value_t)]
    resize: Resize,
    /// Channels
    #[arg(long, value_enum, default_value_t)]
    color: Color,
    /// Axis order of `x`: nhwc for TFLite, nchw for most ONNX networks
    #[arg(long, value_enum, default_value = "nhwc")]
    layout: Layout,
    #[command(flatten)]
    common: Common,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    crate::atomic::check_writable(&args.common.output)?;
    let listing = listing(&args.folder, Kind::Picture, &args.common)?;
    let size = match args.size {
        Some(size) => size,
        None => first_size(&listing.entries)?,
    };
    let (width, height, channels) = (
        size.width as usize,
        size.height as usize,
        args.color.channels(),
    );
    let wanted = args
        .common
        .count
        .unwrap_or(usize::MAX)
        .min(listing.entries.len());
    check_size(wanted, width * height * channels, 1)?;
    let found = gather(&listing.entries, &args.common, |path| {
        read(path, size, args)
    })?;
    let pixels: Vec<u8> = found.samples.concat();
    let n = found.samples.len();
    let shape = match args.layout {
        Layout::Nhwc => [n, height, width, channels],
        Layout::Nchw => [n, channels, height, width],
    };
    let extra = Extra {
        classes: known(found.classes),
        names: listing.classes,
        skipped: found.skipped,
        notes: super::left_out(listing.others),
        ..Extra::default()
    };
    write(&args.common, &shape, Elements::U8(pixels), &extra)
}

/// The size of the first picture that can be read.
fn first_size(entries: &[crate::media::folder::Entry]) -> anyhow::Result<Size> {
    let mut pictures = entries.iter().map(|e| picture::open(&e.path));
    let first = pictures.next();
    let good = match first {
        Some(Err(error)) => pictures.find_map(Result::ok).ok_or(error),
        Some(Ok(picture)) => Ok(picture),
        None => Err(anyhow::anyhow!("no picture")),
    };
    good.map(|picture| picture::size_of(&picture))
}

fn read(path: &Path, size: Size, args: &Args) -> anyhow::Result<Vec<u8>> {
    let picture = picture::open(path)?;
    let own = picture::size_of(&picture);
    if args.size.is_none() && own != size {
        return Err(failure(
            format!("is {own}, others are {size}"),
            format!("`--size {size}` resizes all of them"),
        ))
        .in_file(path);
    }
    let pixels = picture::bytes(&picture, size, args.resize, args.color);
    Ok(match args.layout {
        Layout::Nhwc => pixels,
        Layout::Nchw => picture::channels_first(&pixels, args.color.channels()),
    })
}
