//! Padding with real 0 into the windows of the convolutions that read it.

use super::rewrite::bypass;
use crate::arith::{self, Rounding};
use crate::ir::{Graph, Op, Window};

/// Folds every [`Op::Pad`] whose value is 0 (integers: the zero point) and whose readers are all convolutions.
pub(super) fn fold(mut graph: Graph, _: Rounding) -> Result<Graph, String> {
    let mut index = 0;
    while index < graph.nodes.len() {
        if !fold_one(&mut graph, index) {
            index += 1;
        }
    }
    Ok(graph)
}

fn fold_one(graph: &mut Graph, index: usize) -> bool {
    let node = &graph.nodes[index];
    let Op::Pad { begin, end, value } = node.op else {
        return false;
    };
    let (input, output) = (graph.tensor(node.inputs[0]), graph.tensor(node.output));
    let is_zero = match output.quant {
        Some(q) => i32::from(arith::quantize(value, q)) == q.zero_point,
        None => value == 0.0,
    };
    let readers = graph.consumers(node.output);
    let fits = |i: &usize| {
        graph.nodes[*i]
            .op
            .conv_window()
            .is_some_and(|w| grown(w, begin, end).is_some())
    };
    if !is_zero
        || input.quant != output.quant
        || graph.outputs.contains(&node.output)
        || readers.is_empty()
        || !readers.iter().all(fits)
    {
        return false;
    }
    for reader in readers {
        if let Op::Conv2d(c) | Op::DepthwiseConv2d(c) = &mut graph.nodes[reader].op
            && let Some(window) = grown(&c.window, begin, end)
        {
            c.window = window;
        }
    }
    bypass(graph, index)
}

/// The window with more padding; `None` where it would reach the kernel's size.
fn grown(window: &Window, begin: [usize; 2], end: [usize; 2]) -> Option<Window> {
    let mut new = *window;
    for d in 0..2 {
        new.pad_begin[d] += begin[d];
        new.pad_end[d] += end[d];
        if new.pad_begin[d] >= new.kernel[d] || new.pad_end[d] >= new.kernel[d] {
            return None;
        }
    }
    Some(new)
}
