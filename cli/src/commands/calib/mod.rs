//! `nnz calib`: folders of pictures, sounds or tables become one data file.

mod images;
mod table;
mod wavs;

use super::common::at_least_one;
use crate::atomic;
use crate::failure::{InFile, describe, failure};
use crate::media::Kind;
use crate::media::folder::{self, Entry, Listing};
use crate::ui::{self, Progress, Style};
use nnz_pruner::data::{self, Array, Elements, MAX_BYTES};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

const LONG: &str = "\
Makes a data file for `prune --calib`, `eval` and `verify` out of pictures, sounds or a table.

The .npz file holds `x` [N, …], and where sub-folders or a column name classes, `y` [N] and `classes`, their \
names; `prune --calib` writes the names into the network. Samples stand in an order that depends on --seed only, so \
that the first hundred are a fair choice of all, and --count keeps the first N.

  nnz calib images photos -o calib.npz --size 96x96 --count 200
  nnz calib wavs recordings -o calib.npz --features mfcc
  nnz calib csv readings.csv -o calib.npz --label state

A file that cannot be read stops the command with its name; --skip-bad leaves it out and lists it.";

/// Makes a data file out of pictures, sounds or a table
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Images(images::Args),
    Wavs(wavs::Args),
    Csv(table::Args),
}

/// Options of every kind of data.
#[derive(Debug, clap::Args)]
struct Common {
    /// The data file to write
    #[arg(long, short, value_name = "OUT.npz")]
    output: PathBuf,
    /// Keep at most N samples, chosen by the seed
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    count: Option<usize>,
    /// Decides the order and the choice
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Leave out what cannot be read, and list it
    #[arg(long)]
    skip_bad: bool,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.what {
        What::Images(args) => images::run(args),
        What::Wavs(args) => wavs::run(args),
        What::Csv(args) => table::run(args),
    }
}

/// What of each sample stays.
#[derive(Debug)]
struct Gathered<T> {
    samples: Vec<T>,
    classes: Vec<Option<usize>>,
    skipped: Vec<String>,
}

/// Files of a kind in the seed's order.
fn listing(folder: &Path, kind: Kind, common: &Common) -> anyhow::Result<Listing> {
    let mut listing = folder::list(folder, kind)?;
    folder::shuffle(&mut listing.entries, common.seed);
    Ok(listing)
}

/// Reads files until there are enough; in parallel, with the result of reading them one after the other.
fn gather<T: Send>(
    entries: &[Entry],
    common: &Common,
    read: impl Fn(&Path) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Gathered<T>> {
    const TOGETHER: usize = 64;
    let wanted = common.count.unwrap_or(entries.len()).min(entries.len());
    let progress = Progress::bar("reading", wanted);
    let mut found = Gathered {
        samples: Vec::new(),
        classes: Vec::new(),
        skipped: Vec::new(),
    };
    let mut rest = entries;
    while found.samples.len() < wanted && !rest.is_empty() {
        let missing = wanted - found.samples.len();
        let (now, later) = rest.split_at(missing.min(TOGETHER).min(rest.len()));
        let samples: Vec<_> = now.par_iter().map(|entry| read(&entry.path)).collect();
        for (entry, sample) in now.iter().zip(samples) {
            match sample {
                Ok(sample) => {
                    found.samples.push(sample);
                    found.classes.push(entry.class);
                    progress.step();
                }
                Err(error) if common.skip_bad => found.skipped.push(describe(&error).0),
                Err(error) => return Err(with_skip_bad(&error)),
            }
        }
        rest = later;
    }
    if found.samples.is_empty() {
        return Err(failure(
            format!("none of {} files can be used", entries.len()),
            format!(
                "the first says: {}",
                found.skipped.first().map_or("", |s| s)
            ),
        ));
    }
    Ok(found)
}

/// The help of a file's error, and that it can be left out.
fn with_skip_bad(error: &anyhow::Error) -> anyhow::Error {
    let (reason, help) = describe(error);
    let skip = "`--skip-bad` leaves it out";
    failure(
        reason,
        help.map_or_else(|| skip.to_owned(), |h| format!("{h}; {skip}")),
    )
}

/// What goes into the file besides `x`.
#[derive(Debug, Default)]
struct Extra {
    /// Class indices and their names.
    classes: Vec<usize>,
    names: Vec<String>,
    /// Values to predict.
    targets: Vec<f32>,
    skipped: Vec<String>,
    notes: Vec<String>,
}

/// Class indices, where every sample has one.
fn known(classes: Vec<Option<usize>>) -> Vec<usize> {
    classes
        .into_iter()
        .collect::<Option<_>>()
        .unwrap_or_default()
}

/// Refuses more than data files hold, before the memory is taken.
fn check_size(samples: usize, len: usize, element: usize) -> anyhow::Result<()> {
    let bytes = samples
        .checked_mul(len)
        .and_then(|n| n.checked_mul(element));
    if bytes.is_some_and(|n| n <= MAX_BYTES) {
        return Ok(());
    }
    Err(failure(
        format!(
            "{samples} samples of {len} values are more than the {MAX_BYTES} bytes of a data file"
        ),
        "keep fewer with `--count N`; some hundred are enough to calibrate",
    ))
}

/// Writes the data file and says what is in it.
fn write(
    common: &Common,
    shape: &[usize],
    elements: Elements,
    extra: &Extra,
) -> anyhow::Result<()> {
    let n = shape.first().copied().unwrap_or(0);
    let array = |shape: &[usize], elements| {
        Array::new(shape.to_vec(), elements)
            .ok_or_else(|| anyhow::anyhow!("the samples do not have shape {shape:?}"))
            .in_file(&common.output)
    };
    let x = array(shape, elements)?;
    let y = if !extra.targets.is_empty() {
        Some(array(&[n, 1], Elements::F32(extra.targets.clone()))?)
    } else if !extra.classes.is_empty() {
        let classes = extra
            .classes
            .iter()
            .map(|&c| i64::try_from(c).unwrap_or(i64::MAX))
            .collect();
        Some(array(&[n], Elements::S64(classes))?)
    } else {
        None
    };
    let mut arrays = vec![("x", &x)];
    arrays.extend(y.as_ref().map(|y| ("y", y)));
    let name = common.output.display().to_string();
    let names = if extra.targets.is_empty() {
        &extra.names[..]
    } else {
        &[]
    };
    atomic::write(&common.output, &data::npz_bytes(&name, &arrays, names)?)?;
    report(common, &x, extra)
}

fn report(common: &Common, x: &Array, extra: &Extra) -> anyhow::Result<()> {
    let count = |class: usize| extra.classes.iter().filter(|&&c| c == class).count();
    let per_class: Vec<usize> = (0..extra.names.len()).map(count).collect();
    if common.json {
        return ui::print_json(&serde_json::json!({
            "file": common.output.display().to_string(), "n": x.shape.first(), "shape": x.shape,
            "dtype": x.elements.type_name(), "classes": extra.names, "per_class": per_class,
            "has_y": !(extra.classes.is_empty() && extra.targets.is_empty()),
            "skipped": extra.skipped, "notes": extra.notes, "seed": common.seed,
        }));
    }
    for note in &extra.notes {
        eprintln!("note: {note}");
    }
    for skipped in &extra.skipped {
        eprintln!("left out: {skipped}");
    }
    let style = Style::stdout();
    let file = common.output.display().to_string();
    let mut text = format!(
        "{}  x {} {}",
        style.strong(&file),
        x.shape_text(),
        x.elements.type_name()
    );
    if !extra.targets.is_empty() {
        text.push_str(", y: a value for each");
    }
    if !extra.names.is_empty() {
        let counted = extra.names.iter().zip(&per_class);
        let list: Vec<_> = counted.map(|(name, n)| format!("{name} {n}")).collect();
        text.push_str(&format!(", {} classes: {}", list.len(), list.join(", ")));
    }
    if !extra.skipped.is_empty() {
        text.push_str(&format!(", {} left out", extra.skipped.len()));
    }
    ui::print_text(&format!("{text}\n"))
}

/// What is said of files of other kinds.
fn left_out(others: usize) -> Vec<String> {
    if others == 0 {
        return Vec::new();
    }
    vec![format!("{others} files of other kinds are not used")]
}
