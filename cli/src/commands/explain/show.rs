//! How an explanation looks.

use super::{Args, Explained, origins};
use crate::ui::{self, Align, Style, Table, grouped};
use nnz_pruner::import::Blocker;
use nnz_pruner::ir::Graph;
use std::collections::BTreeMap;

/// Names that are written out before the rest is counted.
const SHOWN: usize = 4;

/// Operators of a graph and how many there are of each.
fn operators(graph: &Graph) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for node in &graph.nodes {
        *counts.entry(node.op.name()).or_default() += 1;
    }
    counts
}

pub(super) fn some_of(names: &[String]) -> String {
    let mut text = names
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// A number of things.
fn count(n: usize, of: &str) -> String {
    format!("{n} {of}{}", if n == 1 { "" } else { "s" })
}

/// Prints what became of a model.
pub(super) fn print(args: &Args, explained: &Explained) -> anyhow::Result<()> {
    let style = Style::stdout();
    let counts = operators(&explained.imported);
    let list: Vec<String> = counts.iter().map(|(op, n)| format!("{op} {n}")).collect();
    let mut text = format!(
        "{}\n  {} of {}: {}\n",
        style.strong("imported"),
        count(explained.imported.nodes.len(), "operator"),
        count(explained.origins.nodes, "node"),
        list.join(", ")
    );
    text.push_str(&origins::conversions(&explained.imported));
    text.push_str(&origins::text(explained, style));
    text.push_str(&format!(
        "{}\n{}",
        style.strong("passes"),
        effects(explained)
    ));
    text.push_str(&format!(
        "{} ({}, {})\n{}",
        style.strong("layers"),
        if explained.is_integer {
            "int8"
        } else {
            "float"
        },
        if explained.is_integer {
            &*args.target
        } else {
            "portable"
        },
        table(explained).render(style)
    ));
    if !explained.notes.is_empty() {
        text.push_str(&format!("{}\n", style.strong("notes")));
        for note in &explained.notes {
            text.push_str(&format!("  {note}\n"));
        }
    }
    if !explained.is_integer && args.calib.is_none() {
        text.push_str("`--calib DATA.npz` explains the int8 network\n");
    }
    ui::print_text(&text)
}

fn effects(explained: &Explained) -> String {
    let mut text = String::new();
    for effect in explained.effects.iter().filter(|e| !e.is_empty()) {
        let mut done = Vec::new();
        if !effect.removed.is_empty() {
            let names = some_of(&effect.removed);
            done.push(format!(
                "{} gone ({names})",
                count(effect.removed.len(), "node")
            ));
        }
        if !effect.added.is_empty() {
            let names = some_of(&effect.added);
            done.push(format!(
                "{} new ({names})",
                count(effect.added.len(), "node")
            ));
        }
        if effect.weights > 0 {
            done.push(format!("{} weights gone", grouped(effect.weights as u64)));
        }
        text.push_str(&format!(
            "  {}: {}\n    {}\n",
            effect.pass,
            done.join(", "),
            effect.what
        ));
    }
    if text.is_empty() {
        text.push_str("  nothing to fold, fuse or remove\n");
    }
    text
}

fn table(explained: &Explained) -> Table {
    let mut table = Table::new(&[
        ("layer", Align::Left),
        ("operator", Align::Left),
        ("zeros", Align::Right),
        ("layout", Align::Left),
        (&explained.unit, Align::Right),
        ("dense", Align::Right),
        ("why", Align::Left),
    ]);
    for layer in &explained.layers {
        table.row([
            layer.name.clone(),
            layer.op.to_owned(),
            ui::percent(layer.zeros, layer.weights),
            layer.layout.to_owned(),
            grouped(layer.cost),
            grouped(layer.dense),
            layer.why.clone(),
        ]);
    }
    table
}

/// Prints what became of a model as JSON.
pub(super) fn json(explained: &Explained) -> anyhow::Result<()> {
    let effects = explained.effects.iter().map(|e| {
        serde_json::json!({
            "pass": e.pass, "what": e.what, "removed": e.removed, "added": e.added, "weights_removed": e.weights,
        })
    });
    let layers = explained.layers.iter().map(|l| {
        serde_json::json!({
            "name": l.name, "op": l.op, "weights": l.weights, "zeros": l.zeros, "layout": l.layout,
            "cost": l.cost, "dense_cost": l.dense,
            "smallest": l.smallest.map(|(layout, n)| serde_json::json!({"layout": layout, "cost": n})),
            "why": l.why,
        })
    });
    ui::print_json(&serde_json::json!({
        "imports": true,
        "operators": operators(&explained.imported),
        "source_nodes": explained.origins.nodes,
        "fused": origins::json(explained),
        "passes": effects.collect::<Vec<_>>(),
        "layers": layers.collect::<Vec<_>>(),
        "is_integer": explained.is_integer,
        "unit": explained.unit,
        "notes": explained.notes,
        "blockers": [],
    }))
}

/// Prints what stops an import.
pub(super) fn print_blocked(name: &str, blockers: &[Blocker]) -> anyhow::Result<()> {
    let style = Style::stdout();
    let mut text = format!("{} {name}\n", style.bad("cannot be imported:"));
    for blocker in blockers {
        let what = if blocker.operator == "-" {
            "the model"
        } else {
            &blocker.operator
        };
        text.push_str(&format!("{}: {}\n", style.strong(what), blocker.reason));
        if !blocker.nodes.is_empty() {
            text.push_str(&format!(
                "  {}: {}\n",
                count(blocker.nodes.len(), "node"),
                some_of(&blocker.nodes)
            ));
        }
        text.push_str(&format!("  help: {}\n", blocker.help));
    }
    ui::print_text(&text)
}

/// Prints what stops an import as JSON.
pub(super) fn json_blocked(blockers: &[Blocker]) -> anyhow::Result<()> {
    let list = blockers.iter().map(|b| {
        serde_json::json!({"operator": b.operator, "nodes": b.nodes, "reason": b.reason, "help": b.help})
    });
    ui::print_json(&serde_json::json!({"imports": false, "blockers": list.collect::<Vec<_>>()}))
}
