//! The advice as a table, as JSON and as a drawing.

use super::{Advice, Row};
use crate::svg::{Plot, Series};
use crate::ui::{self, Align, Style, Table};

impl Advice<'_> {
    pub(super) fn json(&self) -> serde_json::Value {
        let best = &self.rows[self.best];
        serde_json::json!({
            "target": self.args.target,
            "measure": self.measure,
            "cost_unit": self.unit,
            "candidates": self.rows,
            "recommended": best.name,
            "options": best.options,
            "reason": self.reason,
            "notes": self.notes,
        })
    }

    /// Names of the columns, then a row a candidate.
    pub(super) fn cells(&self) -> Vec<Vec<String>> {
        let cost = format!("predicted {}", self.unit);
        let head = ["candidate", self.measure, "bytes", "arena", &cost, ""];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for (i, row) in self.rows.iter().enumerate() {
            let mark = match (i == self.best, row.pareto) {
                (true, _) => "recommended",
                (false, true) => "",
                (false, false) => "another is better in all",
            };
            rows.push(vec![
                row.name.to_owned(),
                format!("{:.2} %", 100.0 * row.accuracy),
                ui::grouped(row.bytes),
                ui::grouped(row.arena_bytes),
                ui::grouped(row.cost),
                mark.to_owned(),
            ]);
        }
        rows
    }

    pub(super) fn text(&self) -> String {
        let cells = self.cells();
        let (head, body) = cells.split_at(1);
        let align = |i: usize| match i {
            0 | 5 => Align::Left,
            _ => Align::Right,
        };
        let columns = head.iter().flatten().enumerate();
        let columns: Vec<(&str, Align)> = columns.map(|(i, c)| (c.as_str(), align(i))).collect();
        let mut table = Table::new(&columns);
        for row in body {
            table.row(row.clone());
        }
        let style = Style::stdout();
        let mut out = table.render(style);
        for note in &self.notes {
            out.push_str(&format!("{} {note}\n", style.dim("note:")));
        }
        let best = &self.rows[self.best];
        out.push_str(&format!(
            "\n{} for {}: {}\n\n  {}\n",
            style.strong(&format!("recommended: {}", best.name)),
            self.args.target,
            self.reason,
            self.command(best)
        ));
        out
    }

    /// What to type for a candidate.
    pub(super) fn command(&self, row: &Row) -> String {
        let args = self.args;
        let list = |v: &[f32]| v.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
        let mut words = vec![
            format!("nnz prune {}", args.model.display()),
            format!("--calib {}", args.calib.display()),
        ];
        let given = &args.preprocess;
        for (option, values) in [("--mean", &given.mean), ("--std", &given.std)] {
            if !values.is_empty() {
                words.push(format!("{option} {}", list(values)));
            }
        }
        words.extend(given.layout.map(|l| format!("--layout {}", l.name())));
        words.push(row.options.clone());
        words.push(format!("--target {} -o OUT.nnz", args.target));
        words.join(" ")
    }

    /// Accuracy against bytes and against cost.
    pub(super) fn plots(&self) -> String {
        let name = self.args.model.file_name().unwrap_or_default();
        let plot = |x: &str, of: &dyn Fn(&Row) -> u64| Plot {
            title: format!("{}: {} against {x}", name.to_string_lossy(), self.measure),
            x: x.to_owned(),
            y: format!("{}, %", self.measure),
            series: self.series(of),
        };
        let cost = format!("predicted {} on {}", self.unit, self.args.target);
        Plot::document(&[
            plot("bytes of flash", &|r| r.bytes),
            plot(&cost, &|r| r.cost),
        ])
    }

    /// Every candidate, and a line through those that no cheaper one equals.
    fn series(&self, of: &dyn Fn(&Row) -> u64) -> Vec<Series> {
        let place = |r: &Row| (real(of(r)), 100.0 * r.accuracy);
        let all = self
            .rows
            .iter()
            .map(|r| (place(r).0, place(r).1, r.name.to_owned()));
        let mut sorted: Vec<&Row> = self.rows.iter().collect();
        sorted.sort_by(|a, b| of(a).cmp(&of(b)).then(b.accuracy.total_cmp(&a.accuracy)));
        let mut front: Vec<(f64, f64, String)> = Vec::new();
        for row in sorted {
            let (x, y) = place(row);
            if front.last().is_none_or(|last| y > last.1) {
                front.push((x, y, String::new()));
            }
        }
        vec![
            Series {
                name: "Pareto front".into(),
                points: front,
                joined: true,
            },
            Series {
                name: "candidates".into(),
                points: all.collect(),
                joined: false,
            },
        ]
    }
}

#[expect(clippy::cast_precision_loss, reason = "positions in a plot")]
const fn real(n: u64) -> f64 {
    n as f64
}
