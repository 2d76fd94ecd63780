//! `benches/record/fuzz.csv`: what every target went through, a row a run.

use super::statistics::Statistics;
use crate::command::{self, root};
use anyhow::{Context, Result};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Command;

const HEADER: &str = "date,target,executions,seconds,edges,corpus,findings\n";

/// Adds a row.
pub(super) fn add(target: &str, statistics: &Statistics) -> Result<()> {
    let path = root().join("benches/record/fuzz.csv");
    let header = if path.is_file() { "" } else { HEADER };
    let date = command::read(Command::new("date").arg("+%F"))?;
    let Statistics {
        executions,
        seconds,
        coverage,
        corpus,
        findings,
    } = statistics;
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("opening {}", path.display()))?;
    writeln!(
        file,
        "{header}{},{target},{executions},{seconds},{coverage},{corpus},{findings}",
        date.trim()
    )
    .with_context(|| format!("adding a row to {}", path.display()))
}
