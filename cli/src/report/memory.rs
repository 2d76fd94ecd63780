//! The arena over time as SVG: one box a tensor, as long as it lives and as tall as its bytes.
//!
//! ```text
//! bytes ↑   ┌────────────┐
//!           │ tensor 1   ├──────┐      a step reads in its first half
//!           ├──────┬─────┤ t 3  │      and writes in its second
//!           │ t 0  │ scr │      │
//!           └──────┴─────┴──────┴─► steps
//! ```

use super::escaped;
use crate::ui;
use core::fmt::Write;
use nnz::Model;

/// Width and height of the drawing, in its own units.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 320.0;
/// Room for the labels of the axes.
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 34.0;

/// A box: steps from and to, bytes from and to, and what it is.
struct Block {
    time: [f64; 2],
    bytes: [f64; 2],
    class: &'static str,
    label: String,
}

/// The drawing.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "bytes and steps are far below 2^52"
)]
pub fn memory_map(model: &Model<'_>, names: &[String]) -> String {
    let blocks = blocks(model, names);
    let (steps, arena) = (
        model.steps_len().max(1) as f64,
        (model.arena_len() as f64).max(1.0),
    );
    let x = |time: f64| LEFT + time / steps * (WIDTH - LEFT - 8.0);
    let y = |bytes: f64| 8.0 + (1.0 - bytes / arena) * (HEIGHT - BOTTOM - 8.0);
    let mut out = format!(
        "<svg class=\"memory\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Arena of {} bytes over {} steps\">\n",
        model.arena_len(),
        model.steps_len()
    );
    for quarter in 0..=4_u8 {
        let share = f64::from(quarter) / 4.0;
        let (at, bytes) = (
            y(share * arena),
            ui::grouped(model.arena_len() as u64 * u64::from(quarter) / 4),
        );
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{bytes}</text>",
            WIDTH - 8.0,
            LEFT - 6.0,
            at + 4.0
        );
    }
    for block in &blocks {
        let (left, right) = (x(block.time[0]), x(block.time[1]));
        let (top, bottom) = (y(block.bytes[1]), y(block.bytes[0]));
        let _ = writeln!(
            out,
            "<rect class=\"{}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
            block.class,
            (right - left).max(1.0),
            (bottom - top).max(1.0),
            escaped(&block.label)
        );
    }
    let every = model.steps_len().div_ceil(16).max(1);
    for step in (0..model.steps_len()).step_by(every) {
        let at = x(step as f64 + 0.5);
        let _ = writeln!(
            out,
            "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{step}</text>",
            HEIGHT - BOTTOM + 15.0
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">step</text></svg>",
        (LEFT + WIDTH) / 2.0,
        HEIGHT - 4.0
    );
    out
}

/// Live ranges of tensors and scratch, read off the steps.
#[expect(
    clippy::cast_precision_loss,
    reason = "bytes and steps are far below 2^52"
)]
fn blocks(model: &Model<'_>, names: &[String]) -> Vec<Block> {
    let end = model.steps_len() as f64;
    let mut lives: Vec<Option<[f64; 2]>> = vec![None; model.tensors_len()];
    let mut live = |tensor: usize, from: f64, to: f64| {
        if let Some(life) = lives.get_mut(tensor) {
            let [a, b] = life.unwrap_or([from, to]);
            *life = Some([a.min(from), b.max(to)]);
        }
    };
    (0..model.inputs_len())
        .filter_map(|i| model.input(i))
        .for_each(|io| live(io.tensor_index, 0.0, 0.0));
    let mut blocks = Vec::new();
    for step in model.steps() {
        let half = step.index as f64 + 0.5;
        for input in [Some(step.input_index), step.input2_index]
            .into_iter()
            .flatten()
        {
            live(input, half, half);
        }
        live(step.output_index, half, half);
        if step.scratch_len > 0 {
            let name = names.get(step.index).map_or("", String::as_str);
            let from = f64::from(step.scratch_offset);
            blocks.push(Block {
                time: [half - 0.5, half + 0.5],
                bytes: [from, from + f64::from(step.scratch_len)],
                class: "scratch",
                label: format!(
                    "scratch of {name}: {} bytes",
                    ui::grouped(step.scratch_len.into())
                ),
            });
        }
    }
    (0..model.outputs_len())
        .filter_map(|i| model.output(i))
        .for_each(|io| live(io.tensor_index, end, end));
    let tensors = lives.into_iter().enumerate().filter_map(|(i, life)| {
        let (time, tensor) = (life?, model.tensor(i)?);
        let from = f64::from(tensor.offset);
        Some(Block {
            time,
            bytes: [from, from + f64::from(tensor.len)],
            class: if i % 2 == 0 { "even" } else { "odd" },
            label: format!(
                "tensor {i}: {}×{}×{}, {} bytes at {}",
                tensor.c,
                tensor.h,
                tensor.w,
                ui::grouped(tensor.len.into()),
                ui::grouped(tensor.offset.into())
            ),
        })
    });
    let mut all: Vec<Block> = tensors.collect();
    all.append(&mut blocks);
    all
}
