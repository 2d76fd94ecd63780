//! A page about one `.nnz` file: what it costs, layer by layer, where its memory goes, and what its weights look like.
//!
//! One HTML file without anything from elsewhere: style and pictures are in it, so that it can be mailed and printed.

mod memory;
mod page;
mod picture;

pub use memory::memory_map;

use crate::meta::Meta;
use nnz::Model;
use nnz_pruner::eval::{Accuracy, Paired};
use nnz_pruner::inspect::{Inspection, inspect};
use nnz_pruner::pipeline::{Report, Versus};

/// A measured accuracy, maybe beside that of another network.
#[derive(Debug)]
pub struct Judged {
    /// Of this file.
    pub accuracy: Accuracy,
    /// Name and accuracy of the other network.
    pub other: Option<(String, Accuracy)>,
}

impl Judged {
    /// How the two compare.
    #[must_use]
    pub fn paired(&self) -> Option<Paired> {
        Paired::new(&self.accuracy, &self.other.as_ref()?.1)
    }
}

/// A drawing with what it says.
#[derive(Debug)]
pub struct Drawing {
    /// Heading.
    pub title: String,
    /// Above the drawing.
    pub text: String,
    /// What to type.
    pub command: String,
    /// The drawing.
    pub svg: String,
    /// What is drawn as a table: names of the columns, then rows.
    pub rows: Vec<Vec<String>>,
}

/// What the page knows beside the file.
#[derive(Debug, Default)]
pub struct Extra {
    /// Name of the file.
    pub title: String,
    /// The target that it was made for.
    pub target: Option<&'static str>,
    /// Rows of numbers against the same network with dense weights.
    pub versus: Vec<(&'static str, Versus)>,
    /// Accuracy, where data were given.
    pub judged: Option<Judged>,
    /// What importer, passes and lowering said.
    pub notes: Vec<String>,
    /// Drawings about how the file was chosen.
    pub drawings: Vec<Drawing>,
}

impl Extra {
    /// What a report of the pruner tells.
    #[must_use]
    pub fn of(title: String, report: &Report) -> Self {
        let macs = Versus {
            now: report.stored_macs,
            dense: report.dense_macs,
        };
        let rows = [
            ("bytes", Some(report.bytes)),
            ("arena", Some(report.arena)),
            ("predicted instructions", report.instructions),
            ("predicted cycles", report.cycles),
            ("multiply-accumulates", Some(macs)),
        ];
        let set = rows.into_iter();
        Self {
            title,
            target: Some(report.target),
            versus: set.filter_map(|(label, v)| Some((label, v?))).collect(),
            notes: report.notes.clone(),
            ..Self::default()
        }
    }
}

/// The page.
#[must_use]
pub fn html(model: &Model<'_>, extra: &Extra) -> String {
    let inspection = inspect(model);
    let meta = Meta::of(model);
    page::render(&Content {
        model,
        inspection: &inspection,
        meta: &meta,
        extra,
    })
}

/// A drawing as a file of its own.
#[must_use]
pub fn standalone(svg: &str) -> String {
    let style = "<style>text{font:12px sans-serif;fill:#5b6470}.grid{stroke:#d9dde3}.even{fill:#2171b5}\
                 .odd{fill:#6ba3d6}.scratch{fill:#d95f0e;fill-opacity:.75}rect{stroke:#fff}</style>";
    match svg.split_once(">\n") {
        Some((head, rest)) => format!("{head}>\n{style}\n{rest}"),
        None => svg.to_owned(),
    }
}

/// Everything that the page shows.
struct Content<'a> {
    model: &'a Model<'a>,
    inspection: &'a Inspection,
    meta: &'a Meta,
    extra: &'a Extra,
}

/// Text as HTML shows it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn names_cannot_break_out_of_the_page() {
        assert_eq!(
            escaped("<script>\"a\" & b</script>"),
            "&lt;script&gt;&quot;a&quot; &amp; b&lt;/script&gt;"
        );
    }
}
