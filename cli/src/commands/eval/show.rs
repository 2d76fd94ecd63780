//! Results as JSON and as text.

use super::Judged;
use crate::ui::{Align, Style, Table};
use nnz_pruner::eval::{Accuracy, Deviation, Paired, Reconstruction, statistics};
use serde_json::{Value, json};
use std::path::Path;

/// So many confusions are shown without `--confusion`.
const CONFUSIONS: usize = 5;

/// Results and how to show them.
pub(super) struct View<'a> {
    pub(super) first: &'a Judged,
    pub(super) second: Option<(&'a Path, &'a Judged)>,
    pub(super) top: Option<usize>,
    /// Class names, as far as the file knows them.
    pub(super) labels: Vec<String>,
    /// The classes of the data.
    pub(super) targets: Option<&'a [usize]>,
}

/// A share for people.
fn percent(fraction: f64) -> String {
    format!("{:.2} %", 100.0 * fraction)
}

/// A signed difference in percentage points.
fn points(difference: f64) -> String {
    // Adding zero makes a negative zero positive.
    format!("{:+.2}", 100.0 * difference + 0.0)
}

fn probability(p: f64) -> String {
    if p < 1e-4 {
        "< 0.0001".into()
    } else {
        format!("= {p:.4}")
    }
}

fn range(interval: [f64; 2]) -> String {
    format!("{:.2} to {:.2} %", 100.0 * interval[0], 100.0 * interval[1])
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn fraction(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl View<'_> {
    /// One object; the keys of the first network are at the top, `compare` holds the second.
    pub(super) fn json(&self) -> Value {
        let mut value = self.object(self.first);
        if let (Some((file, second)), Some(map)) = (self.second, value.as_object_mut()) {
            let mut compare = self.object(second);
            if let Some(map) = compare.as_object_mut() {
                map.insert("file".into(), json!(file.display().to_string()));
                map.extend(self.difference(second));
            }
            map.insert("compare".into(), compare);
        }
        value
    }

    fn object(&self, judged: &Judged) -> Value {
        match judged {
            Judged::Classes(a) => self.classes_json(a),
            Judged::Values(d) => json!(d),
            Judged::Copies(r) => {
                let mut value = json!(r);
                let auc = self.targets.and_then(|t| r.anomaly_auc(t));
                if let Some(map) = value.as_object_mut() {
                    map.insert("anomaly_auc".into(), json!(auc));
                }
                value
            }
        }
    }

    fn classes_json(&self, a: &Accuracy) -> Value {
        let classes: Vec<Value> = (0..a.confusion.len())
            .map(|class| {
                let (correct, n) = a.of_class(class);
                json!({"class": class, "label": self.labels.get(class), "correct": correct, "n": n,
                    "accuracy": fraction(correct, n)})
            })
            .collect();
        let mut value = json!({"accuracy": a.fraction(), "correct": a.correct, "n": a.n,
            "interval": a.interval(), "classes": classes, "confusion": a.confusion});
        if let (Some(k), Some(map)) = (self.top, value.as_object_mut()) {
            let correct = a.within(k);
            let top = json!({"k": k, "correct": correct, "accuracy": fraction(correct, a.n)});
            map.insert("top".into(), top);
        }
        value
    }

    /// Keys about the first network against the second.
    fn difference(&self, second: &Judged) -> serde_json::Map<String, Value> {
        let mut map = serde_json::Map::new();
        if let (Judged::Classes(a), Judged::Classes(b)) = (self.first, second) {
            map.insert("paired".into(), json!(Paired::new(a, b)));
            let drops: Vec<Option<f64>> = (0..a.confusion.len()).map(|c| drop(a, b, c)).collect();
            map.insert("class_drop".into(), json!(drops));
        } else if let Some((difference, interval)) = errors(self.first, second) {
            map.insert("mean_squared_difference".into(), json!(difference));
            map.insert("interval".into(), json!(interval));
        }
        map
    }

    /// Lines and tables for people.
    pub(super) fn text(&self, matrix: bool) -> String {
        match self.first {
            Judged::Classes(a) => self.classes_text(a, matrix),
            Judged::Values(d) => self.errors_text(&values_text(d)),
            Judged::Copies(r) => {
                let auc = self.targets.and_then(|t| r.anomaly_auc(t));
                self.errors_text(&copies_text(r, auc))
            }
        }
    }

    fn classes_text(&self, a: &Accuracy, matrix: bool) -> String {
        let style = Style::stdout();
        let mut out = format!(
            "{}  {} of {} right, 95 % interval {}\n",
            style.strong(&format!("accuracy {:.4}", a.fraction())),
            a.correct,
            a.n,
            range(a.interval())
        );
        if let Some(k) = self.top {
            let within = a.within(k);
            let share = fraction(within, a.n).unwrap_or(0.0);
            out.push_str(&format!(
                "top {k}           {share:.4}  {within} of {}\n",
                a.n
            ));
        }
        let other = match self.second {
            Some((file, Judged::Classes(b))) => {
                out.push_str(&paired_text(file, a, b));
                Some(b)
            }
            _ => None,
        };
        out.push('\n');
        out.push_str(&self.class_table(a, other).render(style));
        if matrix {
            out.push('\n');
            out.push_str(&self.matrix(a).render(style));
        } else {
            out.push_str(&self.confusions(a));
        }
        out
    }

    fn name(&self, class: usize) -> String {
        let label = self.labels.get(class).cloned();
        label.unwrap_or_else(|| class.to_string())
    }

    fn class_table(&self, a: &Accuracy, other: Option<&Accuracy>) -> Table {
        let mut heads = vec![
            ("class", Align::Left),
            ("right", Align::Right),
            ("of", Align::Right),
            ("accuracy", Align::Right),
        ];
        if other.is_some() {
            heads.extend([("other", Align::Right), ("points", Align::Right)]);
        }
        let mut table = Table::new(&heads);
        for class in 0..a.confusion.len() {
            let (correct, n) = a.of_class(class);
            let share = |f: Option<f64>| f.map_or_else(|| "-".into(), percent);
            let mut row = vec![
                self.name(class),
                correct.to_string(),
                n.to_string(),
                share(fraction(correct, n)),
            ];
            if let Some(b) = other {
                let (correct, n) = b.of_class(class);
                row.push(share(fraction(correct, n)));
                row.push(drop(a, b, class).map_or_else(|| "-".into(), |d| points(-d)));
            }
            table.row(row);
        }
        table
    }

    fn matrix(&self, a: &Accuracy) -> Table {
        let names: Vec<String> = (0..a.confusion.len()).map(|c| self.name(c)).collect();
        let mut heads = vec![("label \\ said", Align::Left)];
        heads.extend(names.iter().map(|n| (n.as_str(), Align::Right)));
        let mut table = Table::new(&heads);
        for (name, row) in names.iter().zip(&a.confusion) {
            let cells = row.iter().map(|n| match n {
                0 => "·".to_owned(),
                n => n.to_string(),
            });
            table.row(core::iter::once(name.clone()).chain(cells));
        }
        table
    }

    /// The most frequent wrong answers.
    fn confusions(&self, a: &Accuracy) -> String {
        let mut wrong: Vec<(usize, usize, usize)> = Vec::new();
        for (label, row) in a.confusion.iter().enumerate() {
            let others = row.iter().enumerate();
            wrong.extend(
                others
                    .filter_map(|(said, &n)| (said != label && n > 0).then_some((n, label, said))),
            );
        }
        wrong.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let line = |(n, label, said): &(usize, usize, usize)| {
            format!("{} taken for {} ({n})", self.name(*label), self.name(*said))
        };
        let shown: Vec<String> = wrong.iter().take(CONFUSIONS).map(line).collect();
        if shown.is_empty() {
            return String::new();
        }
        format!("\nmost confused: {}\n", shown.join(", "))
    }

    fn errors_text(&self, first: &str) -> String {
        let Some((file, second)) = self.second else {
            return first.to_owned();
        };
        let other = match second {
            Judged::Classes(_) => String::new(),
            Judged::Values(d) => values_text(d),
            Judged::Copies(r) => copies_text(r, self.targets.and_then(|t| r.anomaly_auc(t))),
        };
        let difference = errors(self.first, second).map_or_else(String::new, |(d, i)| {
            format!(
                "difference of mean squared errors {d:+.6}, 95 % interval {:+.6} to {:+.6}\n",
                i[0], i[1]
            )
        });
        format!("{first}{}: {other}{difference}", file.display())
    }
}

/// Accuracy that a class lost against `b`.
fn drop(a: &Accuracy, b: &Accuracy, class: usize) -> Option<f64> {
    let of = |x: &Accuracy| {
        let (correct, n) = x.of_class(class);
        fraction(correct, n)
    };
    Some(of(b)? - of(a)?)
}

/// Difference of the mean squared errors of two networks, and its interval.
fn errors(first: &Judged, second: &Judged) -> Option<(f64, [f64; 2])> {
    let per_sample = |judged: &Judged| match judged {
        Judged::Classes(_) => Vec::new(),
        Judged::Values(d) => d.per_sample.clone(),
        Judged::Copies(r) => r.per_sample.clone(),
    };
    statistics::mean_difference(&per_sample(first), &per_sample(second))
}

fn values_text(d: &Deviation) -> String {
    format!(
        "mean squared error {:.6}  mean absolute {:.6}  root mean square {:.6}  largest {:.6}  n {}\n",
        d.mean_squared, d.mean_absolute, d.root_mean_square, d.largest, d.n
    )
}

fn copies_text(r: &Reconstruction, auc: Option<f64>) -> String {
    let auc = auc.map_or_else(String::new, |a| format!("  anomaly AUC {a:.4}"));
    format!(
        "mean squared reconstruction error {:.6}  best sample {:.6}  worst {:.6}  n {}{auc}\n",
        r.mean_squared, r.smallest, r.largest, r.n
    )
}

fn paired_text(file: &Path, a: &Accuracy, b: &Accuracy) -> String {
    let Some(paired) = Paired::new(a, b) else {
        return String::new();
    };
    let verdict = if paired.p_value < 0.05 {
        "more than chance"
    } else {
        "no more than chance"
    };
    format!(
        "{}: accuracy {:.4}, {} of {} right, 95 % interval {}\n\
         difference {} points, 95 % interval {} to {}\n\
         right only here {}, only there {}; the same answer on {} of {}; McNemar p {}: {verdict}\n",
        file.display(),
        b.fraction(),
        b.correct,
        b.n,
        range(b.interval()),
        points(paired.difference),
        points(paired.interval[0]),
        points(paired.interval[1]),
        paired.gained,
        paired.lost,
        paired.agree,
        paired.n,
        probability(paired.p_value)
    )
}
