//! How commands fail: `error: FILE: reason` and, where there is one, a line `  help: way out`.
//!
//! Library errors carry the reason; commands add the file with [`anyhow::Context`]. A [`Failure`] at the root of
//! the chain adds the way out.

use crate::ui;
use std::path::Path;

/// An error with a way out.
#[derive(Debug)]
pub struct Failure {
    reason: String,
    help: String,
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl core::error::Error for Failure {}

/// An error whose text says what is wrong and whose help says what to do instead.
pub fn failure(reason: impl Into<String>, help: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Failure {
        reason: reason.into(),
        help: help.into(),
    })
}

/// Adds the file that an error is about.
pub trait InFile<T> {
    /// Prefixes the error with `FILE: `.
    ///
    /// # Errors
    ///
    /// The error of `self`, with the file in front.
    fn in_file(self, path: &Path) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> InFile<T> for Result<T, E> {
    fn in_file(self, path: &Path) -> anyhow::Result<T> {
        self.map_err(|e| {
            let error: anyhow::Error = e.into();
            error.context(path.display().to_string())
        })
    }
}

/// The text of an error, its causes joined by `: `, and its help.
///
/// A library error may bring its own help as the lines after the first (`\n  help: …`).
#[must_use]
pub fn describe(error: &anyhow::Error) -> (String, Option<String>) {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // An error that repeats its source in its own text is said once.
        if !parts.last().is_some_and(|last| last.ends_with(&text)) {
            parts.push(text);
        }
    }
    let text = parts.join(": ");
    let own = error
        .chain()
        .find_map(|e| e.downcast_ref::<Failure>())
        .map(|f| f.help.clone());
    match text.split_once("\n  help: ") {
        Some((reason, help)) => (
            reason.to_owned(),
            Some(own.unwrap_or_else(|| help.to_owned())),
        ),
        None => (text, own),
    }
}

/// Prints an error to stderr.
pub fn print(error: &anyhow::Error) {
    let style = ui::Style::stderr();
    let (reason, help) = describe(error);
    eprintln!("{} {reason}", style.bad("error:"));
    if let Some(help) = help {
        eprintln!("  {} {help}", style.strong("help:"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_file_then_the_reason_then_the_help() {
        let error: anyhow::Result<()> = Err(failure("is empty", "export it again"));
        let error = error.in_file(Path::new("a.onnx")).expect_err("is an error");
        assert_eq!(
            describe(&error),
            ("a.onnx: is empty".into(), Some("export it again".into()))
        );
    }

    #[test]
    fn the_help_line_of_a_library_error_is_found() {
        let error = anyhow::anyhow!("node 'a': no\n  help: do b").context("m.onnx");
        assert_eq!(
            describe(&error),
            ("m.onnx: node 'a': no".into(), Some("do b".into()))
        );
    }
}
