//! `nnz calib csv`.

use super::{Common, Extra, check_size, write};
use crate::failure::{InFile, failure};
use crate::media::Kind;
use crate::media::folder;
use crate::media::table::{self, Table, Wanted};
use nnz_pruner::data::Elements;
use std::path::{Path, PathBuf};

const LONG: &str = "\
Rows of comma-separated numbers as samples: `x` [N, columns].

PATH is a file, or a folder of files with the same columns. A first row that holds anything but numbers names the \
columns; without one they are 1, 2, 3. --label names the column of the class (texts are sorted, whole numbers are \
class indices as they are), --target the column of a value to predict.

  nnz calib csv readings.csv -o calib.npz --label state
  nnz calib csv readings.csv -o calib.npz --columns x,y,z --target temperature --count 500";

/// Rows of a table
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// A .csv file, or a folder of them
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Feature columns by name or number; all others by default
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    columns: Vec<String>,
    /// The column of the class
    #[arg(long, value_name = "COLUMN", conflicts_with = "target")]
    label: Option<String>,
    /// The column of a value to predict
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// What stands between cells
    #[arg(long, value_name = "CHAR", default_value = ",")]
    delimiter: char,
    #[command(flatten)]
    common: Common,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    crate::atomic::check_writable(&args.common.output)?;
    let table = read(args)?;
    let mut order: Vec<usize> = (0..table.rows.len()).collect();
    folder::shuffle(&mut order, args.common.seed);
    order.truncate(args.common.count.unwrap_or(order.len()));
    let columns = table.names.len();
    check_size(order.len(), columns, 4)?;
    let x: Vec<f32> = order
        .iter()
        .flat_map(|&i| table.rows[i].iter().copied())
        .collect();
    let (classes, names) = classes(&table.labels);
    let extra = Extra {
        classes: order
            .iter()
            .filter_map(|&i| classes.get(i).copied())
            .collect(),
        names,
        targets: order
            .iter()
            .filter_map(|&i| table.targets.get(i).copied())
            .collect(),
        skipped: table.skipped,
        notes: vec![format!("features: {}", table.names.join(", "))],
    };
    write(
        &args.common,
        &[order.len(), columns],
        Elements::F32(x),
        &extra,
    )
}

/// The rows of all files.
fn read(args: &Args) -> anyhow::Result<Table> {
    let delimiter = u8::try_from(args.delimiter).map_err(|_| {
        failure(
            format!("`--delimiter {}` is no single byte", args.delimiter),
            "use , ; or a tab",
        )
    })?;
    let wanted = Wanted {
        delimiter,
        columns: args.columns.clone(),
        label: args.label.clone(),
        target: args.target.clone(),
        skip_bad: args.common.skip_bad,
    };
    let mut whole = Table::default();
    for file in files(&args.path)? {
        let part = table::read(&file, &wanted)?;
        if !whole.names.is_empty() && whole.names != part.names {
            return Err(failure(
                format!(
                    "has columns {}, files before have {}",
                    part.names.join(", "),
                    whole.names.join(", ")
                ),
                "choose columns that all files have with `--columns`",
            ))
            .in_file(&file);
        }
        whole.names = part.names;
        whole.rows.extend(part.rows);
        whole.labels.extend(part.labels);
        whole.targets.extend(part.targets);
        let named = |reason| format!("{}: {reason}", file.display());
        whole.skipped.extend(part.skipped.into_iter().map(named));
    }
    Ok(whole)
}

fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = folder::list(path, Kind::Table)?.entries;
    Ok(entries.into_iter().map(|e| e.path).collect())
}

/// Class of every row, and the names of the classes: none where the labels are indices already.
fn classes(labels: &[String]) -> (Vec<usize>, Vec<String>) {
    let indices: Option<Vec<usize>> = labels.iter().map(|l| l.parse().ok()).collect();
    if let Some(indices) = indices {
        return (indices, Vec::new());
    }
    let mut names = labels.to_vec();
    names.sort();
    names.dedup();
    let index = |l: &String| names.binary_search(l).unwrap_or(0);
    (labels.iter().map(index).collect(), names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_classes_by_name_and_whole_numbers_stay() {
        let texts = |list: &[&str]| list.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
        let (found, names) = classes(&texts(&["up", "down", "up"]));
        assert_eq!((found, names), (vec![1, 0, 1], texts(&["down", "up"])));
        assert_eq!(classes(&texts(&["3", "0"])), (vec![3, 0], vec![]));
    }
}
