//! Everything in a model that stops its import, not only what the import meets first.
//!
//! Whether an operator is known at all is found for every node; what a known operator refuses depends on shapes,
//! which are known only up to the first refusal, so that of those only the first is listed.

use super::error::{DEFAULT_HELP, ImportError, Problem, WHOLE};
use super::{onnx, read, support, tflite};
use std::path::Path;

/// An operator, or something in it, that cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// The operator's name in the source format, `-` for the model as a whole.
    pub operator: String,
    /// The nodes that it blocks.
    pub nodes: Vec<String>,
    /// What is not supported.
    pub reason: String,
    /// What to do instead.
    pub help: String,
}

/// What stops the import of a model, nothing for a model that can be imported.
#[must_use]
pub fn blockers(name: &str, bytes: &[u8], folder: Option<&Path>) -> Vec<Blocker> {
    let Err(first) = read(name, bytes, folder) else {
        return Vec::new();
    };
    let mut found: Vec<Blocker> = Vec::new();
    for (operator, node) in unknown_operators(bytes) {
        match found.iter_mut().find(|b| b.operator == operator) {
            Some(blocker) => blocker.nodes.push(node),
            None => found.push(unknown(operator, node)),
        }
    }
    let first = of_error(first, name);
    match found.iter_mut().find(|b| b.operator == first.operator) {
        Some(same) => (same.reason, same.help) = (first.reason, first.help),
        None => found.insert(0, first),
    }
    found
}

/// The error that says most: where a known operator refuses its shapes and the model has an unknown operator as well,
/// the refusal of that one, as the shapes are often its doing.
pub(super) fn rather_unknown(first: ImportError, bytes: &[u8]) -> ImportError {
    let ImportError::Unsupported { file, operator, .. } = &first else {
        return first;
    };
    let unknown = unknown_operators(bytes);
    let is_unknown = |name: &str| unknown.iter().any(|(operator, _)| operator == name);
    match unknown.first() {
        Some((instead, node)) if operator != WHOLE && !is_unknown(operator) => {
            support::refusal(instead).at(file, node, instead)
        }
        _ => first,
    }
}

fn unknown_operators(bytes: &[u8]) -> Vec<(String, String)> {
    if tflite::is_tflite(bytes) {
        tflite::unknown_operators(bytes)
    } else {
        onnx::unknown_operators(bytes)
    }
}

fn unknown(operator: String, node: String) -> Blocker {
    let (reason, help) = match support::refusal(&operator) {
        Problem::Unsupported { reason, help } => (reason, help),
        Problem::Malformed(reason) => (reason, DEFAULT_HELP.to_owned()),
        Problem::NotFinite { tensor } => (tensor, DEFAULT_HELP.to_owned()),
        Problem::Limit { what, .. } => (what.to_owned(), DEFAULT_HELP.to_owned()),
    };
    Blocker {
        operator,
        nodes: vec![node],
        reason,
        help,
    }
}

fn of_error(error: ImportError, name: &str) -> Blocker {
    if let ImportError::Unsupported {
        node,
        operator,
        reason,
        help,
        ..
    } = error
    {
        return Blocker {
            operator,
            nodes: vec![node],
            reason,
            help,
        };
    }
    let text = error.to_string();
    let (reason, help) = text.split_once("\n  help: ").unwrap_or((&text, ""));
    let reason = reason.strip_prefix(&format!("{name}: ")).unwrap_or(reason);
    Blocker {
        operator: "-".into(),
        nodes: Vec::new(),
        reason: reason.to_owned(),
        help: help.to_owned(),
    }
}
