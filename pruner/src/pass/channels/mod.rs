//! Lossless removal of constant and of unread channels.
//!
//! ```text
//! range    forward    which values can each channel take? one value only: the channel is constant
//! needed   backward   which channels does a live row read that cannot be folded into its bias?
//! groups              where zeros come in blocks of four rows, which go together?
//! shrink              rows, columns, biases and shapes of what remains
//! ```
//!
//! A filter whose live weights are all zero, or whose accumulator always ends at one bound of its activation, gives a
//! constant. A constant moves into the bias of the layer that reads it where padding keeps that exact: the constant is
//! the zero point, or there is no padding. Integer graphs give the same bytes afterwards. Inputs and outputs of the
//! network keep all channels.

mod groups;
mod needed;
mod range;
mod rows;
mod shrink;

use crate::arith::Rounding;
use crate::interpret::Interpreter;
use crate::ir::Graph;

/// Removes them; one analysis is a fixed point, because what is removed was read by nothing that remains.
pub(super) fn remove(mut graph: Graph, rounding: Rounding) -> Result<Graph, String> {
    let interpreter =
        Interpreter::with_rounding(&graph, rounding).map_err(|error| error.to_string())?;
    let ranges = range::of_tensors(&interpreter);
    drop(interpreter);
    let kept = needed::channels(&graph, &ranges);
    shrink::apply(&mut graph, &ranges, &kept);
    Ok(graph)
}
