//! Format, lints, documentation, spelling, licences, and the sizes of files and functions.

use crate::command::{self, cargo, root};
use crate::summary::Summary;
use crate::toolchain::Toolchain;
use anyhow::{Context, Result, bail};
use nnz_support::targets::Target;
use std::fs;
use std::process::Command;

/// Longest file.
const FILE_LINES: usize = 500;
/// Longest function, for all but one in twenty.
const FUNCTION_LINES: usize = 40;

/// Runs every check and reports all that fail.
pub(crate) fn run() -> Result<()> {
    let mut summary = Summary::default();
    component(&mut summary, "format", "fmt", || {
        command::run(cargo().args(["fmt", "--all", "--", "--check"]))?;
        ["targets/firmware", "examples/embassy"]
            .into_iter()
            .try_for_each(|folder| {
                let mut fmt = cargo();
                fmt.current_dir(root().join(folder));
                command::run(fmt.args(["fmt", "--", "--check"]))
            })
    });
    component(&mut summary, "lints", "clippy", || {
        command::run(
            cargo()
                .args(["clippy", "--workspace", "--all-targets", "--all-features"])
                .args(["--", "-D", "warnings"]),
        )
    });
    lint_firmware(&mut summary);
    summary.part("documentation", || {
        let mut doc = cargo();
        doc.args(["doc", "--workspace", "--no-deps", "--all-features"]);
        command::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    });
    tool(&mut summary, "spelling", "typos", &["typos"]);
    tool(
        &mut summary,
        "licences and sources",
        "cargo-deny",
        &["cargo-deny", "check"],
    );
    summary.part("sizes", sizes);
    summary.finish()
}

fn lint_firmware(summary: &mut Summary) {
    let name = "lints of the firmware";
    let Some(target) = Target::all().iter().find(|t| t.name == "cortex-m4") else {
        return;
    };
    let Some(toolchain) = Toolchain::with(&target.triple) else {
        return summary.skip(name, "no compiler for it; `cargo xtask setup`");
    };
    if !toolchain.has_clippy() {
        return summary.skip(name, "its compiler has no clippy (Debian: rust-web-clippy)");
    }
    summary.part(name, || {
        let mut clippy = toolchain.cargo();
        clippy
            .current_dir(root().join("targets/firmware"))
            .args([
                "clippy",
                "--release",
                "--bin",
                "any",
                "--target",
                &target.triple,
            ])
            .arg("--target-dir")
            .arg(root().join("target/firmware-build"))
            .args(["--", "-D", "warnings"])
            .env("NNZ_TARGET", &target.name);
        command::run(&mut clippy)
    });
}

/// A part that needs a component of the toolchain which minimal installations lack.
fn component(summary: &mut Summary, name: &str, component: &str, run: impl FnOnce() -> Result<()>) {
    if command::read(cargo().args([component, "--version"])).is_ok() {
        summary.part(name, run);
    } else {
        summary.skip(name, &format!("`cargo {component}` is not installed"));
    }
}

fn tool(summary: &mut Summary, name: &str, program: &str, words: &[&str]) {
    let Some((first, rest)) = words.split_first() else {
        return;
    };
    if command::is_installed(program) {
        summary.part(name, || {
            command::run(Command::new(first).args(rest).current_dir(root()))
        });
    } else {
        summary.skip(name, &format!("{program} is not installed"));
    }
}

/// Fails where a file is too long or more than one function in twenty is.
fn sizes() -> Result<()> {
    let list = command::read(
        Command::new("git")
            .args(["ls-files", "*.rs"])
            .current_dir(root()),
    )?;
    let mut long_files = Vec::new();
    let mut functions = Vec::new();
    for name in list.lines() {
        let path = root().join(name);
        if !path.is_file() {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("reading {name}"))?;
        let lines = text.lines().count();
        if lines > FILE_LINES {
            long_files.push(format!("{name}: {lines} lines"));
        }
        functions.extend(function_lengths(&text).into_iter().map(|n| (n, name)));
    }
    functions.sort_unstable();
    let at = functions.len() * 95 / 100;
    let percentile = functions.get(at).map_or(0, |&(lines, _)| lines);
    println!(
        "{} functions, 95 % have at most {percentile} lines",
        functions.len()
    );
    if !long_files.is_empty() {
        bail!("files over {FILE_LINES} lines: {}", long_files.join(", "));
    }
    if percentile > FUNCTION_LINES {
        let longest = functions.iter().rev().take(10);
        let names: Vec<String> = longest.map(|(n, file)| format!("{file} ({n})")).collect();
        bail!(
            "95 % of functions must have at most {FUNCTION_LINES} lines; longest: {}",
            names.join(", ")
        );
    }
    Ok(())
}

/// Lines of each function of formatted source: from its `fn` line to the brace that closes at the
/// same indentation.
fn function_lengths(text: &str) -> Vec<usize> {
    let mut lengths = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        let indentation = line.len() - trimmed.len();
        if trimmed == "}" && open.last().is_some_and(|&(at, _)| at == indentation) {
            if let Some((_, begin)) = open.pop() {
                lengths.push(number - begin + 1);
            }
        } else if is_function(trimmed) && !trimmed.ends_with([';', '}']) {
            open.retain(|&(at, _)| at < indentation);
            open.push((indentation, number));
        }
    }
    lengths
}

fn is_function(line: &str) -> bool {
    let before = line.split_once("fn ").map(|(before, _)| before);
    before.is_some_and(|words| {
        words.split_whitespace().all(|word| {
            word.starts_with("pub")
                || word.starts_with('"')
                || ["const", "unsafe", "extern", "async", "crate)", "super)"].contains(&word)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_from_fn_to_closing_brace() {
        let text = "pub(crate) fn a() {\n    1\n}\nimpl X {\n    const unsafe fn b(\n    ) {\n        \
                    if c {\n        }\n    }\n    fn one() {}\n}\n";
        assert_eq!(function_lengths(text), [3, 5]);
    }

    #[test]
    fn a_word_in_a_comment_is_no_function() {
        assert!(!is_function("// the fn that"));
        assert!(!is_function("let f = fn pointer"));
        assert!(is_function("pub unsafe extern \"C\" fn x("));
    }
}
