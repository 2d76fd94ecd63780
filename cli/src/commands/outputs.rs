//! Outputs of `nnz run`: files, JSON, and the largest values for people.

use crate::arrays;
use crate::infer;
use crate::ui::{self, Align, Style, Table};
use nnz_pruner::data::Elements;
use nnz_pruner::ir::Tensor;
use std::path::Path;

/// Values of a row that are printed where nobody says how many.
pub(super) const DEFAULT_TOP: usize = 5;

/// Whether an output path means one file, and not a folder.
pub(super) fn is_file(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "npy") & !path.is_dir()
}

/// Writes every output: to a file, or to one file each in a folder.
pub(super) fn write(
    path: &Path,
    tensors: &[Tensor],
    stacked: &[Elements],
    rows: usize,
) -> anyhow::Result<()> {
    for (tensor, values) in tensors.iter().zip(stacked) {
        let file = if is_file(path) {
            path.to_owned()
        } else {
            path.join(format!("{}.npy", safe_name(&tensor.name)))
        };
        arrays::write(
            &file,
            &stacked_shape(&tensor.source.dims, rows),
            values.clone(),
        )?;
    }
    Ok(())
}

/// Dimensions of `rows` outputs: the source's batch of 1 becomes `rows`.
pub(super) fn stacked_shape(dims: &[usize], rows: usize) -> Vec<usize> {
    let rest = match dims.split_first() {
        Some((1, rest)) => rest,
        _ => dims,
    };
    core::iter::once(rows).chain(rest.iter().copied()).collect()
}

/// A tensor's name as a file name.
fn safe_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    if safe.trim_matches(['.', '_']).is_empty() {
        "output".into()
    } else {
        safe
    }
}

/// Prints all values, or with `top` the largest of each row, as JSON.
pub(super) fn print_json(
    tensors: &[Tensor],
    stacked: &[Elements],
    rows: usize,
    top: Option<usize>,
    labels: &[String],
) -> anyhow::Result<()> {
    let outputs: Vec<_> = tensors
        .iter()
        .zip(stacked)
        .map(|(tensor, values)| json_output(tensor, values, rows, top, labels))
        .collect();
    ui::print_json(&serde_json::json!({ "rows": rows, "outputs": outputs }))
}

/// Prints the largest `count` values of each row.
pub(super) fn print(
    tensors: &[Tensor],
    stacked: &[Elements],
    rows: usize,
    count: usize,
    labels: &[String],
) -> anyhow::Result<()> {
    let style = Style::stdout();
    let mut text = String::new();
    for (tensor, values) in tensors.iter().zip(stacked) {
        let shape = stacked_shape(&tensor.source.dims, rows);
        text.push_str(&format!("{} {shape:?}\n", style.strong(&tensor.name)));
        text.push_str(&table(tensor, values, rows, count, labels).render(style));
    }
    ui::print_text(&text)
}

/// Index and real value of the largest outputs of one row, largest first.
fn largest(tensor: &Tensor, values: &Elements, row: usize, count: usize) -> Vec<(usize, f32)> {
    let len = tensor.shape.len();
    let real = infer::to_real(values, tensor.quant);
    let mut indexed: Vec<(usize, f32)> = real
        .get(row * len..(row + 1) * len)
        .unwrap_or_default()
        .iter()
        .copied()
        .enumerate()
        .collect();
    indexed.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    indexed.truncate(count);
    indexed
}

/// The names of a tensor's values, where there is one for each.
fn named<'l>(tensor: &Tensor, labels: &'l [String]) -> Option<&'l [String]> {
    (labels.len() == tensor.shape.len()).then_some(labels)
}

fn table(
    tensor: &Tensor,
    values: &Elements,
    rows: usize,
    count: usize,
    labels: &[String],
) -> Table {
    let names = named(tensor, labels);
    let mut heads = vec![
        ("row", Align::Right),
        ("rank", Align::Right),
        ("index", Align::Right),
        ("value", Align::Right),
    ];
    heads.extend(names.map(|_| ("class", Align::Left)));
    let mut table = Table::new(&heads);
    for row in 0..rows {
        for (rank, (index, value)) in largest(tensor, values, row, count).into_iter().enumerate() {
            let row = if rank == 0 {
                row.to_string()
            } else {
                String::new()
            };
            let mut cells = vec![
                row,
                (rank + 1).to_string(),
                index.to_string(),
                format!("{value:.6}"),
            ];
            cells.extend(names.and_then(|n| n.get(index)).cloned());
            table.row(cells);
        }
    }
    table
}

fn json_output(
    tensor: &Tensor,
    values: &Elements,
    rows: usize,
    top: Option<usize>,
    labels: &[String],
) -> serde_json::Value {
    let numbers = match values {
        Elements::F32(v) => serde_json::json!(v),
        Elements::U8(v) => serde_json::json!(v),
        Elements::S8(v) => serde_json::json!(v),
        Elements::S64(v) => serde_json::json!(v),
    };
    let mut object = serde_json::json!({
        "name": tensor.name,
        "dtype": values.type_name(),
        "shape": stacked_shape(&tensor.source.dims, rows),
        "scale": tensor.quant.map(|q| q.scale),
        "zero_point": tensor.quant.map(|q| q.zero_point),
    });
    let (key, value) = match top {
        Some(k) => {
            let lists: Vec<_> = (0..rows)
                .map(|row| largest(tensor, values, row, k))
                .map(|l| {
                    l.iter()
                        .map(|(i, v)| json_entry(*i, *v, named(tensor, labels)))
                        .collect::<Vec<_>>()
                })
                .collect();
            ("top", serde_json::json!(lists))
        }
        None => ("values", numbers),
    };
    if let Some(map) = object.as_object_mut() {
        map.insert(key.into(), value);
    }
    object
}

/// One of the largest values, with its name where that is known.
fn json_entry(index: usize, value: f32, names: Option<&[String]>) -> serde_json::Value {
    let mut entry = serde_json::json!({"index": index, "value": value});
    if let (Some(name), Some(map)) = (names.and_then(|n| n.get(index)), entry.as_object_mut()) {
        map.insert("label".into(), name.as_str().into());
    }
    entry
}
