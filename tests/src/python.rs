//! A Python that has what a test needs, where there is one.

use std::ffi::OsStr;
use std::process::{Command, Output};

/// Runs a script with `NNZ_PYTHON`, or `python3`; `None`, with a line that says so, where it lacks one of `modules`.
pub fn python<S: AsRef<OsStr>>(
    modules: &[&str],
    script: &str,
    args: impl IntoIterator<Item = S>,
) -> Option<Output> {
    let program = std::env::var_os("NNZ_PYTHON").unwrap_or_else(|| "python3".into());
    let imports = format!("import {}", modules.join(", "));
    let probe = Command::new(&program).args(["-c", &imports]).output();
    if !probe.is_ok_and(|p| p.status.success()) {
        println!(
            "skipped: {} has no {} (NNZ_PYTHON names another Python)",
            program.display(),
            modules.join(", ")
        );
        return None;
    }
    let output = Command::new(&program)
        .args(["-c", script])
        .args(args)
        .output()
        .unwrap_or_else(|e| panic!("{} does not start: {e}", program.display()));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output)
}
