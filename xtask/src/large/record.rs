//! The record of large networks, `benches/record/large.csv`, and the table of `docs/import.md` that is made from it.

use super::{Found, Made, gigabytes};
use crate::command::root;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Columns of the record; `dense` is the quantised network, `pruned` the one that lost weights as well.
const HEADER: &str = "network,sparsity,float_distance,dense_bytes,dense_db,dense_same,pruned_bytes,pruned_db,pruned_same,\
                      images,prune_seconds,prune_cpu_seconds,prune_gigabytes";
/// Where the table stands.
const PAGE: &str = "docs/import.md";
const BEGIN: &str = "<!-- begin large -->\n";
const END: &str = "<!-- end large -->";

/// A row of the record.
pub(super) fn row(model: &str, sparsity: &str, found: &Found) -> String {
    let of = |made: &Made| format!("{},{:.1},{}", made.bytes, made.snr, made.same);
    let usage = &found.pruned.usage;
    format!(
        "{model},{sparsity},{:.1e},{},{},{},{:.0},{:.0},{:.2}",
        found.float,
        of(&found.dense),
        of(&found.pruned),
        found.pruned.rows,
        usage.wall.as_secs_f64(),
        usage.cpu.as_secs_f64(),
        gigabytes(usage.peak_bytes)
    )
}

/// Writes the record and the table.
pub(super) fn write(rows: &[String]) -> Result<()> {
    let record = root().join("benches/record/large.csv");
    let csv = format!("{HEADER}\n{}\n", rows.join("\n"));
    fs::write(&record, csv).with_context(|| format!("writing {}", record.display()))?;
    let page = root().join(PAGE);
    let text = fs::read_to_string(&page).with_context(|| page.display().to_string())?;
    let replaced = replaced(&text, &table(rows)).with_context(|| markers(&page))?;
    fs::write(&page, replaced).with_context(|| format!("writing {}", page.display()))
}

fn markers(page: &Path) -> String {
    format!(
        "{}: has no lines `{}` and `{END}`",
        page.display(),
        BEGIN.trim()
    )
}

/// The page with the table between its markers.
fn replaced(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}

fn table(rows: &[String]) -> String {
    let mut out = String::from(
        "| network | float, relative distance | int8, dB | pruned, int8, dB | bytes: int8, pruned | prune + quantise | memory |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        let cell: Vec<&str> = row.split(',').collect();
        if let [
            model,
            zeros,
            float,
            bytes,
            db,
            _,
            small,
            small_db,
            _,
            _,
            wall,
            cpu,
            memory,
        ] = cell[..]
        {
            out.push_str(&format!(
                "| `{model}`, {zeros} zeros | {float} | {db} | {small_db} | {bytes}, {small} | {wall} s ({cpu} s of CPU) | {memory} GB |\n"
            ));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_takes_the_place_between_its_markers() {
        let page = format!("a\n{BEGIN}old\n{END}\nb\n");
        let row = "net.onnx,0.5,1e-6,9,20.0,1,7,10.0,1,2,60,90,0.70";
        let text = replaced(&page, &table(&[row.into()])).unwrap_or_default();
        assert!(
            text.starts_with("a\n") && text.ends_with("-->\nb\n"),
            "{text}"
        );
        assert!(text.contains("| 60 s (90 s of CPU) | 0.70 GB |"), "{text}");
        assert!(!text.contains("old"));
    }
}
