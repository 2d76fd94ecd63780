//! Finished runs of the table, kept so that an interrupted one goes on where it stopped.
//!
//! ```text
//! target/rtl/runs/KEY.txt    "instructions cycles", cycles - where the machine counts none
//! ```
//!
//! The key is a hash of all that decides the counts: image, what the simulator was built from, wait states, model,
//! input, and the output that this computer expects. A run is kept only after its machine gave that output.

use super::hash;
use crate::command::root;
use anyhow::{Context, Result};
use nnz_support::emulator::{FlashModel, find_image, find_simulator};
use nnz_support::targets::Target;
use std::fs;
use std::path::PathBuf;

/// Instructions, and cycles where they are the core's.
pub(super) type Counts = (u64, Option<u64>);

/// The file of a run of `bytes` (model, input and expected output) on a target.
pub(super) fn file(target: &Target, bytes: [&[u8]; 3]) -> Result<PathBuf> {
    let image = fs::read(find_image(target)?)?;
    let simulator = match &target.rtl {
        Some(rtl) => fs::read(find_simulator(rtl)?.with_extension("rtl.txt")).unwrap_or_default(),
        None => Vec::new(),
    };
    let flash = FlashModel::of(target);
    let waits = format!("{} {} {}", target.name, flash.wait_states, flash.lines);
    let parts = [image.as_slice(), &simulator, waits.as_bytes()];
    let hashes: Vec<u8> = parts
        .into_iter()
        .chain(bytes)
        .flat_map(|part| hash(part).to_le_bytes())
        .collect();
    let name = format!("{:016x}.txt", hash(&hashes));
    Ok(root().join("target/rtl/runs").join(name))
}

/// What was counted, if the run is there.
pub(super) fn find(file: &PathBuf) -> Option<Counts> {
    parsed(&fs::read_to_string(file).ok()?)
}

fn parsed(text: &str) -> Option<Counts> {
    let (instructions, cycles) = text.trim().split_once(' ')?;
    let cycles = match cycles {
        "-" => None,
        count => Some(count.parse().ok()?),
    };
    Some((instructions.parse().ok()?, cycles))
}

/// Keeps a finished run.
pub(super) fn keep(file: &PathBuf, counts: Counts) -> Result<()> {
    let folder = file.parent().context("a file in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let partial = file.with_extension("partial");
    fs::write(&partial, written(counts))
        .with_context(|| format!("writing {}", partial.display()))?;
    fs::rename(&partial, file).with_context(|| format!("writing {}", file.display()))
}

fn written((instructions, cycles): Counts) -> String {
    let cycles = cycles.map_or_else(|| "-".to_owned(), |count| count.to_string());
    format!("{instructions} {cycles}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("runs/a.txt");
        assert_eq!(find(&file), None);
        for counts in [(12, Some(34)), (u64::MAX, None)] {
            keep(&file, counts).unwrap();
            assert_eq!(find(&file), Some(counts));
        }
    }

    #[test]
    fn damaged_runs_are_run_again() {
        for text in ["", "1", "1 x", "a 2", "1 2 3"] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }
}
