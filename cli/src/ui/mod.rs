//! How results look: colour, tables, numbers, progress.

mod number;
mod progress;
mod style;
mod table;

pub use number::{bytes, grouped, percent};
pub use progress::Progress;
pub use style::Style;
pub use table::{Align, Table};

/// Prints a JSON value as one line on stdout.
///
/// # Errors
///
/// Where the value cannot be serialised or stdout is closed.
pub fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string(value)?;
    text.push('\n');
    print_text(&text)
}

/// Prints text on stdout; a reader that has gone away (`| head`) is no error.
///
/// # Errors
///
/// Where stdout cannot be written.
pub fn print_text(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
