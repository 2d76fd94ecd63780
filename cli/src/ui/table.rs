//! Aligned tables on stdout.

use super::Style;

/// Side on which a column's cells end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table with a heading.
#[derive(Debug, Clone)]
pub struct Table {
    heads: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    #[must_use]
    pub fn new(heads: &[(&str, Align)]) -> Self {
        Self {
            heads: heads.iter().map(|(h, a)| ((*h).to_owned(), *a)).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; missing cells are empty.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The table as text, ending with a newline.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let widths = self.widths();
        let heads: Vec<String> = self.heads.iter().map(|(h, _)| h.clone()).collect();
        let mut out = style.strong(&self.line(&heads, &widths));
        out.push('\n');
        for row in &self.rows {
            out.push_str(&self.line(row, &widths));
            out.push('\n');
        }
        out
    }

    fn widths(&self) -> Vec<usize> {
        let cell = |row: &Vec<String>, i: usize| row.get(i).map_or(0, |c| c.chars().count());
        (0..self.heads.len())
            .map(|i| {
                let head = self.heads[i].0.chars().count();
                self.rows.iter().map(|r| cell(r, i)).fold(head, usize::max)
            })
            .collect()
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut out = String::new();
        for (i, width) in widths.iter().enumerate() {
            let text = cells.get(i).map_or("", String::as_str);
            let gap = " ".repeat(width.saturating_sub(text.chars().count()));
            if i > 0 {
                out.push_str("  ");
            }
            match self.heads[i].1 {
                Align::Left => out.extend([text, &gap]),
                Align::Right => out.extend([&gap, text]),
            }
        }
        out.truncate(out.trim_end().len());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&[("layer", Align::Left), ("MACs", Align::Right)]);
        table.row(["conv", "1,000"]);
        table.row(["fully_connected", "10"]);
        assert_eq!(
            table.render(Style::PLAIN),
            "layer             MACs\nconv             1,000\nfully_connected     10\n"
        );
    }
}
