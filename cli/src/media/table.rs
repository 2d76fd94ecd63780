//! Tables: rows of comma-separated numbers, maybe with names in the first row and a column that says the class.

use crate::failure::{InFile, failure};
use csv::{Reader, ReaderBuilder, StringRecord, Trim};
use std::fs::File;
use std::path::Path;

/// What to take from a table.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Between cells.
    pub delimiter: u8,
    /// Feature columns by name or number from 1; empty = all that are nothing else.
    pub columns: Vec<String>,
    /// The column that says the class.
    pub label: Option<String>,
    /// The column that holds the value to predict.
    pub target: Option<String>,
    /// Leave rows out that cannot be used.
    pub skip_bad: bool,
}

/// The usable rows of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Names of the feature columns; their numbers where the first row holds values.
    pub names: Vec<String>,
    /// Features, one vector a row.
    pub rows: Vec<Vec<f32>>,
    /// What the label column says, one a row, or empty.
    pub labels: Vec<String>,
    /// What the target column says, one a row, or empty.
    pub targets: Vec<f32>,
    /// Rows that were left out: the reason.
    pub skipped: Vec<String>,
}

/// Reads a table.
///
/// # Errors
///
/// A file that is no table, a column that is not there, and, unless `skip_bad`, the first cell that is no number.
pub fn read(path: &Path, wanted: &Wanted) -> anyhow::Result<Table> {
    read_rows(path, wanted).in_file(path)
}

/// Which columns are what.
struct Plan {
    features: Vec<usize>,
    label: Option<usize>,
    target: Option<usize>,
    names: Vec<String>,
}

fn read_rows(path: &Path, wanted: &Wanted) -> anyhow::Result<Table> {
    let mut reader = reader(path, wanted)?;
    let mut plan: Option<Plan> = None;
    let mut table = Table::default();
    for record in reader.records() {
        let record = record.map_err(|e| {
            failure(
                format!("cannot be read as a table: {e}"),
                "every row needs as many cells as the first; `--delimiter` says what is between them",
            )
        })?;
        let Some(plan) = &plan else {
            let names = header(&record);
            let is_header = names.is_some();
            let made = Plan::new(names.unwrap_or_else(|| numbers(record.len())), wanted)?;
            table.names = made
                .features
                .iter()
                .map(|&i| made.names[i].clone())
                .collect();
            if !is_header {
                made.take(&record, wanted, &mut table)?;
            }
            plan = Some(made);
            continue;
        };
        plan.take(&record, wanted, &mut table)?;
    }
    if table.rows.is_empty() {
        return Err(failure(
            format!("has no usable row ({} left out)", table.skipped.len()),
            "name another file, or other `--columns`",
        ));
    }
    Ok(table)
}

fn reader(path: &Path, wanted: &Wanted) -> anyhow::Result<Reader<File>> {
    ReaderBuilder::new()
        .has_headers(false)
        .delimiter(wanted.delimiter)
        .trim(Trim::All)
        .from_path(path)
        .map_err(|e| failure(format!("cannot be read: {e}"), "check the path"))
}

/// The first row as names, where it holds something that is no number.
fn header(record: &StringRecord) -> Option<Vec<String>> {
    let is_text = |cell: &str| !cell.is_empty() && cell.parse::<f32>().is_err();
    record
        .iter()
        .any(is_text)
        .then(|| record.iter().map(str::to_owned).collect())
}

fn numbers(len: usize) -> Vec<String> {
    (1..=len).map(|n| n.to_string()).collect()
}

impl Plan {
    fn new(names: Vec<String>, wanted: &Wanted) -> anyhow::Result<Self> {
        let find = |column: &String| -> anyhow::Result<usize> {
            let by_number = || {
                column
                    .parse::<usize>()
                    .ok()
                    .filter(|n| (1..=names.len()).contains(n))
            };
            let by_name = names.iter().position(|n| n == column);
            by_name
                .or_else(|| by_number().map(|n| n - 1))
                .ok_or_else(|| {
                    failure(
                        format!("has no column '{column}'"),
                        format!("its columns are {}", names.join(", ")),
                    )
                })
        };
        let label = wanted.label.as_ref().map(find).transpose()?;
        let target = wanted.target.as_ref().map(find).transpose()?;
        let features: Vec<usize> = if wanted.columns.is_empty() {
            (0..names.len())
                .filter(|i| Some(*i) != label && Some(*i) != target)
                .collect()
        } else {
            wanted.columns.iter().map(find).collect::<Result<_, _>>()?
        };
        if features.is_empty() {
            return Err(failure(
                "has no column left for features",
                "it needs one besides label and target",
            ));
        }
        Ok(Self {
            features,
            label,
            target,
            names,
        })
    }

    /// Adds one row, or notes why not.
    fn take(
        &self,
        record: &StringRecord,
        wanted: &Wanted,
        table: &mut Table,
    ) -> anyhow::Result<()> {
        match self.numbers(record) {
            Ok((row, target)) => {
                table.rows.push(row);
                table.targets.extend(target);
                let label = self.label.and_then(|i| record.get(i));
                table.labels.extend(label.map(str::to_owned));
                Ok(())
            }
            Err(reason) if wanted.skip_bad => {
                table.skipped.push(reason);
                Ok(())
            }
            Err(reason) => Err(failure(
                reason,
                "`--skip-bad` leaves such rows out, `--columns A,B` takes others, `--label` names the class",
            )),
        }
    }

    fn numbers(&self, record: &StringRecord) -> Result<(Vec<f32>, Option<f32>), String> {
        let line = record.position().map_or(0, csv::Position::line);
        let number = |&i: &usize| {
            let cell = record.get(i).unwrap_or_default();
            let value = cell.parse::<f32>().ok().filter(|v| v.is_finite());
            value.ok_or_else(|| {
                format!(
                    "line {line}, column '{}': '{cell}' is no number",
                    self.names[i]
                )
            })
        };
        let row = self.features.iter().map(number).collect::<Result<_, _>>()?;
        let target = self.target.as_ref().map(number).transpose()?;
        if let Some(i) = self.label
            && record.get(i).is_none_or(str::is_empty)
        {
            return Err(format!("line {line}, column '{}': no class", self.names[i]));
        }
        Ok((row, target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::describe;

    fn table(text: &str, wanted: &Wanted) -> anyhow::Result<Table> {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("t.csv");
        std::fs::write(&path, text).expect("can be written");
        read(&path, wanted)
    }

    fn comma() -> Wanted {
        Wanted {
            delimiter: b',',
            ..Wanted::default()
        }
    }

    #[test]
    fn names_labels_and_targets_are_told_from_features() {
        let wanted = Wanted {
            label: Some("kind".into()),
            target: Some("y".into()),
            ..comma()
        };
        let found =
            table("a, kind, b, y\n1,cat,2,0.5\n3,dog,4,1.5\n", &wanted).expect("is a table");
        assert_eq!(found.names, ["a", "b"]);
        assert_eq!(found.rows, [[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!(found.labels, ["cat", "dog"]);
        assert_eq!(found.targets, [0.5, 1.5]);
    }

    #[test]
    fn a_first_row_of_numbers_is_a_sample_and_columns_have_numbers() {
        let wanted = Wanted {
            delimiter: b';',
            columns: vec!["3".into(), "1".into()],
            ..Wanted::default()
        };
        let found = table("1;2;3\n4;5;6\n", &wanted).expect("is a table");
        assert_eq!(found.rows, [[3.0, 1.0], [6.0, 4.0]]);
    }

    #[test]
    fn a_bad_cell_is_named_by_line_and_column_and_skipped_only_when_asked() {
        let text = "a,b\n1,2\n3,n/a\n5,inf\n7,8\n";
        let (reason, help) = describe(&table(text, &comma()).expect_err("has a bad cell"));
        assert!(
            reason.ends_with("t.csv: line 3, column 'b': 'n/a' is no number"),
            "{reason}"
        );
        assert!(help.expect("has a way out").contains("--skip-bad"));
        let wanted = Wanted {
            skip_bad: true,
            ..comma()
        };
        let found = table(text, &wanted).expect("two rows are good");
        assert_eq!(found.rows, [[1.0, 2.0], [7.0, 8.0]]);
        assert_eq!(found.skipped.len(), 2);
    }

    #[test]
    fn columns_that_are_not_there_and_ragged_rows_are_refused() {
        let wanted = Wanted {
            label: Some("c".into()),
            ..comma()
        };
        let (reason, help) = describe(&table("a,b\n1,2\n", &wanted).expect_err("no column c"));
        assert!(reason.ends_with("has no column 'c'"), "{reason}");
        assert_eq!(help.as_deref(), Some("its columns are a, b"));
        assert!(table("a,b\n1,2,3\n", &comma()).is_err());
        assert!(table("a,b\n", &comma()).is_err());
    }
}
