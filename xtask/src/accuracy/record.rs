//! The record of measured rows, and the table of the page that is made from it.
//!
//! One line of `accuracy.csv` a row, in the order of [`ROWS`]; a row that is measured again replaces its line. Lines of
//! rows that are no more disappear.

use super::measure::Measured;
use super::rows::ROWS;
use super::{name, stem};
use crate::command::root;
use anyhow::{Context, Result, bail};
use core::fmt::Write;
use std::collections::BTreeMap;
use std::fs;

const HEAD: &str = "row,network,options,method,correct,beside,beside_correct,dense,bound,passed\n";
const BEGIN: &str = "<!-- begin accuracy -->\n";
const END: &str = "<!-- end accuracy -->";

/// The lines by row.
pub(super) struct Record(BTreeMap<String, String>);

impl Record {
    /// What was measured before.
    pub(super) fn read() -> Self {
        let text = fs::read_to_string(path()).unwrap_or_default();
        let lines = text.lines().skip(1);
        let keyed = lines.filter_map(|l| Some((l.split_once(',')?.0.to_owned(), l.to_owned())));
        Self(keyed.collect())
    }

    /// Puts a row in, and writes record and page.
    pub(super) fn put(&mut self, m: &Measured) -> Result<()> {
        let [first, second] = m
            .row
            .methods
            .map(|m| if m.is_empty() { "budget" } else { m });
        let key = name(m.row);
        let line = format!(
            "{key},{},{},{first},{},{second},{},{},{},{}",
            stem(m.row.network),
            m.options,
            m.first,
            m.second,
            m.dense.of(),
            m.said,
            m.passed
        );
        self.0.insert(key, line);
        self.write()
    }

    fn write(&self) -> Result<()> {
        let lines: Vec<&String> = ROWS
            .iter()
            .filter_map(|row| self.0.get(&name(row)))
            .collect();
        let mut csv = HEAD.to_owned();
        let mut table = String::from(
            "| network (dense int8) | options | method | right | bound | beside it | right | |\n|---|---|---|---:|---|---|---:|---|\n",
        );
        for line in lines {
            writeln!(csv, "{line}")?;
            let cells: Vec<&str> = line.split(',').collect();
            let &[
                _,
                network,
                options,
                first,
                right,
                second,
                beside,
                dense,
                said,
                passed,
            ] = &cells[..]
            else {
                bail!("{}: not a row: {line}", path().display());
            };
            let verdict = if passed == "true" { "pass" } else { "miss" };
            writeln!(
                table,
                "| {network} ({dense}) | `{options}` | `{first}` | {right} | {said} | `{second}` | {beside} | {verdict} |"
            )?;
        }
        fs::write(path(), csv).with_context(|| format!("writing {}", path().display()))?;
        let page = root().join("docs/accuracy.md");
        let text =
            fs::read_to_string(&page).with_context(|| format!("reading {}", page.display()))?;
        let parts = text
            .split_once(BEGIN)
            .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let Some((before, after)) = parts else {
            bail!("{} has lost its marks", page.display());
        };
        let text = format!("{before}{BEGIN}{table}{END}{after}");
        fs::write(&page, text).with_context(|| format!("writing {}", page.display()))
    }
}

fn path() -> std::path::PathBuf {
    root().join("benches/record/accuracy.csv")
}
