//! Runs one model on the emulated machines, side by side.

use crate::firmware;
use anyhow::{Context, Result};
use core::time::Duration;
use nnz_support::emulator::{self, Request};
use std::fs;
use std::path::Path;

/// Runs `model` on the named targets, or all, and prints one line each.
pub(crate) fn run(model: &Path, names: &[String], input: Option<&Path>) -> Result<()> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("reading {}", path.display()));
    let bytes = read(model)?;
    let input = input.map(read).transpose()?.unwrap_or_default();
    println!(
        "{:<12} {:>14} {:>12} {:>8} {:>6} {:>8}  output",
        "target", "instructions", "load", "arena", "stack", "rows"
    );
    for target in firmware::select(names)? {
        let request = Request {
            target,
            model: &bytes,
            input: &input,
            timeout: Duration::from_secs(600),
            meter: None,
            slice: None,
        };
        let outcome = emulator::run(&request)?;
        let run = &outcome.run;
        println!(
            "{:<12} {:>14} {:>12} {:>8} {:>6} {:>8}  {:08x}",
            target.name,
            run.rows.first().copied().unwrap_or_default(),
            run.load_instructions,
            run.arena_bytes,
            run.stack_bytes,
            run.rows.len(),
            fnv1a(&outcome.output),
        );
    }
    Ok(())
}

/// FNV-1a, 32 bits: equal lines ran to equal bytes.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5, |hash, &b| {
        (hash ^ u32::from(b)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::fnv1a;

    #[test]
    fn the_hash_is_fnv1a() {
        assert_eq!(fnv1a(b""), 0x811C_9DC5);
        assert_eq!(fnv1a(b"foobar"), 0xBF9C_F968);
    }
}
