//! The page's parts as HTML.

use super::{Content, Drawing, Judged, escaped, memory_map, picture};
use crate::ui;
use core::fmt::Write;
use nnz_pruner::inspect::Prediction;

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn render(content: &Content<'_>) -> String {
    let title = escaped(&content.extra.title);
    let parts = [
        summary(content),
        judged(content.extra.judged.as_ref(), &content.meta.labels),
        drawings(&content.extra.drawings),
        layers(content),
        memory(content),
        weights(content),
        provenance(content),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{}\
         </main>\n</body>\n</html>\n",
        parts.concat()
    )
}

/// A share in percent.
#[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        100.0 * part as f64 / whole as f64
    }
}

fn card(out: &mut String, value: &str, label: &str, note: &str) {
    let _ = writeln!(
        out,
        "<div class=\"card\"><span>{label}</span><b>{value}</b><span>{note}</span></div>"
    );
}

fn summary(content: &Content<'_>) -> String {
    let (i, extra) = (content.inspection, content.extra);
    let mut out = format!(
        "<p>An nnz file for backend {}, {} steps.</p>\n<div class=\"cards\">\n",
        escaped(i.target),
        i.layers.len()
    );
    let dense = |label: &str| {
        let row = extra.versus.iter().find(|(name, _)| *name == label);
        row.map_or_else(String::new, |(_, v)| {
            format!(
                "{} dense, {:.1}\u{a0}% of it",
                ui::grouped(v.dense),
                share(v.now, v.dense)
            )
        })
    };
    if let Some(judged) = &extra.judged {
        let a = &judged.accuracy;
        let note = judged.other.as_ref().map_or_else(
            || format!("{} of {}", a.correct, a.n),
            |(name, b)| format!("{:.2} % with {}", 100.0 * b.fraction(), escaped(name)),
        );
        card(
            &mut out,
            &format!("{:.2} %", 100.0 * a.fraction()),
            "accuracy",
            &note,
        );
    }
    card(
        &mut out,
        &ui::grouped(i.bytes),
        "bytes of the file",
        &dense("bytes"),
    );
    card(
        &mut out,
        &ui::grouped(i.arena_bytes),
        "bytes of memory (arena)",
        &dense("arena"),
    );
    let predicted = extra
        .versus
        .iter()
        .find(|(name, _)| name.starts_with("predicted"));
    match predicted {
        Some((label, v)) => card(&mut out, &ui::grouped(v.now), label, &dense(label)),
        None => {
            let (costs, what) = costs(content);
            card(&mut out, &ui::grouped(costs.iter().sum()), &what, "");
        }
    }
    let note = match dense("multiply-accumulates") {
        note if !note.is_empty() => note,
        _ => format!(
            "{:.1} % of {} with every weight stored",
            share(i.stored_macs, i.macs),
            ui::grouped(i.macs)
        ),
    };
    card(
        &mut out,
        &ui::grouped(i.stored_macs),
        "multiply-accumulates",
        &note,
    );
    let note = format!(
        "{} of {} are not zero",
        ui::grouped(i.nonzeros),
        ui::grouped(i.weights)
    );
    let zeros = 100.0 - share(i.nonzeros, i.weights);
    card(
        &mut out,
        &format!("{zeros:.1} %"),
        "of the weights are zero",
        &note,
    );
    out.push_str("</div>\n");
    out
}

/// Accuracy by class, beside the other network's.
fn judged(judged: Option<&Judged>, labels: &[String]) -> String {
    let Some(judged) = judged else {
        return String::new();
    };
    let a = &judged.accuracy;
    let [low, high] = a.interval();
    let mut out = format!(
        "<h2>Accuracy</h2>\n<p>{} of {} samples are right; 95 % interval {:.2} to {:.2} %.",
        a.correct,
        a.n,
        100.0 * low,
        100.0 * high
    );
    if let (Some((name, _)), Some(p)) = (&judged.other, judged.paired()) {
        let _ = write!(
            out,
            " Against {}: {:+.2} points, 95 % interval {:+.2} to {:+.2}; right only here {}, only there {}; \
             McNemar's exact test gives p = {:.4}.",
            escaped(name),
            100.0 * p.difference,
            100.0 * p.interval[0],
            100.0 * p.interval[1],
            p.gained,
            p.lost,
            p.p_value
        );
    }
    out.push_str("</p>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">class</th><th scope=\"col\">right</th><th scope=\"col\">of</th><th scope=\"col\" class=\"text\">share</th></tr></thead>\n<tbody>\n");
    for class in 0..a.confusion.len() {
        let (right, n) = a.of_class(class);
        let name = labels
            .get(class)
            .cloned()
            .unwrap_or_else(|| class.to_string());
        let of_class = share(right as u64, n as u64);
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{right}</td><td>{n}</td>{}</tr>",
            escaped(&name),
            bar(of_class, &format!("{of_class:.1} %"), "fill")
        );
    }
    out.push_str("</tbody></table></div>\n");
    out
}

/// Drawings with their texts.
fn drawings(drawings: &[Drawing]) -> String {
    let of = |d: &Drawing| {
        format!(
            "<h2>{}</h2>\n<p>{}</p>\n<p><code>{}</code></p>\n<div class=\"scroll\">{}</div>\n{}",
            escaped(&d.title),
            escaped(&d.text),
            escaped(&d.command),
            d.svg,
            table(&d.rows)
        )
    };
    drawings.iter().map(of).collect()
}

/// A table of texts; the first column names the rows.
fn table(rows: &[Vec<String>]) -> String {
    let Some((head, body)) = rows.split_first() else {
        return String::new();
    };
    let mut out = String::from("<div class=\"scroll\"><table>\n<thead><tr>");
    for name in head {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(name));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in body {
        for (i, cell) in row.iter().enumerate() {
            let cell = escaped(cell);
            let _ = match i {
                0 => write!(out, "<tr><th scope=\"row\">{cell}</th>"),
                _ => write!(out, "<td>{cell}</td>"),
            };
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    out
}

/// A table cell with a bar and its number.
fn bar(percent: f64, text: &str, class: &str) -> String {
    format!(
        "<td class=\"bar\"><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"back\" width=\"100\" \
         height=\"10\" rx=\"2\"/><rect class=\"{class}\" width=\"{percent:.1}\" height=\"10\" rx=\"2\"/></svg>{text}</td>"
    )
}

/// What every step costs, and what is counted: as the target that the file was made for predicts it, where that is known.
fn costs(content: &Content<'_>) -> (Vec<u64>, String) {
    let inspection = content.inspection;
    let named = |p: &&Prediction| Some(p.target) == content.extra.target;
    match inspection.predicted.iter().find(named) {
        Some(p) => (
            p.layers.clone(),
            format!("{} predicted for {}", p.unit, p.target),
        ),
        None => {
            let of_layers = inspection.layers.iter().map(|l| l.predicted_instructions);
            let what = "instructions predicted for the portable kernels";
            (of_layers.collect(), what.to_owned())
        }
    }
}

fn layers(content: &Content<'_>) -> String {
    let (costs, what) = costs(content);
    let largest = costs.iter().copied().max().unwrap_or(0);
    let total = costs.iter().sum();
    let mut out = format!(
        "<h2>Layers</h2>\n<p>Zeros of the weights, and each step's share of the {what} (the bar's full \
         length is the costliest step).</p>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">step</th><th scope=\"col\" class=\"text\">operator</th>\
         <th scope=\"col\" class=\"text\">layout</th><th scope=\"col\">output</th><th scope=\"col\">weights</th><th scope=\"col\" class=\"text\">zeros</th>\
         <th scope=\"col\">bytes</th><th scope=\"col\">stored MACs</th><th scope=\"col\" class=\"text\">cost</th></tr></thead>\n<tbody>\n",
    );
    for (layer, cost) in content.inspection.layers.iter().zip(costs) {
        let [c, h, w] = layer.output;
        let number = |n: u64| {
            if layer.weights == 0 {
                String::new()
            } else {
                ui::grouped(n)
            }
        };
        let zeros = 100.0 - share(layer.nonzeros, layer.weights);
        let zeros = if layer.weights == 0 {
            "<td></td>".to_owned()
        } else {
            bar(zeros, &format!("{zeros:.1} %"), "fill")
        };
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\" title=\"{0}\">{0}</th><td class=\"text\">{1}</td><td class=\"text\">{2}</td><td>{c}×{h}×{w}</td><td>{3}</td>{zeros}<td>{4}</td><td>{5}</td>{6}</tr>",
            escaped(&layer.name),
            layer.op,
            if layer.weights == 0 { "" } else { layer.layout },
            number(layer.weights),
            number(layer.weight_bytes),
            number(layer.stored_macs),
            bar(
                share(cost, largest),
                &format!("{:.1} %", share(cost, total)),
                "fill cost"
            )
        );
    }
    out.push_str("</tbody></table></div>\n");
    out
}

fn memory(content: &Content<'_>) -> String {
    let names: Vec<String> = content
        .inspection
        .layers
        .iter()
        .map(|l| l.name.clone())
        .collect();
    format!(
        "<h2>Memory over time</h2>\n<p><span class=\"key\" style=\"background:var(--main)\"></span>tensors, as long as they live\
         <span class=\"key\" style=\"background:var(--second)\"></span>scratch of a step. A box is as tall as its bytes; \
         pointing at it names it. The arena's {} bytes are all the memory that activations take.</p>\n<div class=\"scroll\">{}</div>\n",
        ui::grouped(content.inspection.arena_bytes),
        memory_map(content.model, &names)
    )
}

fn weights(content: &Content<'_>) -> String {
    let mut out = String::from(
        "<h2>Weights</h2>\n<p>Outputs downwards, inputs and kernel positions across; \
         <span class=\"key\" style=\"background:#2171b5\"></span>positive <span class=\"key\" style=\"background:#d95f0e\"></span>negative, \
         stronger is larger, empty is zero.</p>\n<div class=\"thumbs\">\n",
    );
    for (step, layer) in content.model.steps().zip(&content.inspection.layers) {
        let Some((address, _)) = picture::thumbnail(&step) else {
            continue;
        };
        let name = escaped(&layer.name);
        let zeros = 100.0 - share(layer.nonzeros, layer.weights);
        let _ = writeln!(
            out,
            "<figure><img alt=\"weights of {name}, {zeros:.1} % zeros\" src=\"{address}\"><figcaption>{name}<span>{} weights, {zeros:.1} % zeros, {}</span></figcaption></figure>",
            ui::grouped(layer.weights),
            layer.layout
        );
    }
    out.push_str("</div>\n");
    out
}

fn provenance(content: &Content<'_>) -> String {
    let meta = content.meta;
    let mut out = String::from("<h2>Recipe and provenance</h2>\n<dl>\n");
    let mut row = |label: &str, value: Option<&String>, code: bool| {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            let value = escaped(value);
            let value = if code {
                format!("<code>{value}</code>")
            } else {
                value
            };
            let _ = writeln!(out, "<dt>{label}</dt><dd>{value}</dd>");
        }
    };
    row("made from", meta.source.as_ref(), false);
    row("its SHA-256", meta.source_sha256.as_ref(), true);
    row("recipe", meta.recipe.as_ref(), true);
    row("made by", meta.producer.as_ref(), false);
    for note in &content.extra.notes {
        row("note", Some(note), false);
    }
    out.push_str("</dl>\n");
    out
}
