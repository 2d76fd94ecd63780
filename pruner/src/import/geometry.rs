//! From the source's dimensions and paddings to the graph's shapes and windows.
//!
//! | source dimensions | shape |
//! |---|---|
//! | `[n]`, `[1, n]` | vector of n |
//! | `[1, c, n]` (channels first), `[1, n, c]` (channels last) | image of one row: c channels, n columns |
//! | `[1, c, h, w]` (channels first), `[1, h, w, c]` (channels last) | image |
//!
//! With one channel, or one pixel, both axis orders lay the values out in the same sequence.

use super::error::Problem;
use super::limits;
use crate::ir::{Axis, FlattenOrder, Op, Order, Shape, Source};

/// The shape of an activation.
pub(super) fn shape_of(dims: &[usize], order: Order) -> Result<Shape, Problem> {
    if let Some(d) = dims.iter().find(|d| **d == 0 || **d > limits::DIM) {
        return Err(Problem::malformed(format!(
            "an activation of dimensions {dims:?}: {d} is not between 1 and {}",
            limits::DIM
        )));
    }
    let shape = match (dims, order) {
        ([n] | [1, n], _) => Shape::vector(*n),
        ([1, c, n], Order::Nchw) | ([1, n, c], Order::Nhwc) => Shape::new(*c, 1, *n),
        ([1, c, h, w], Order::Nchw) | ([1, h, w, c], Order::Nhwc) => Shape::new(*c, *h, *w),
        ([n, _] | [n, _, _] | [n, _, _, _], _) => {
            return Err(Problem::refused(
                format!("a batch of {n} (dimensions {dims:?}) is not supported"),
                "export the model with batch 1",
            ));
        }
        _ => {
            return Err(Problem::refused(
                format!(
                    "activations of rank {} are not supported (1 to 4 are)",
                    dims.len()
                ),
                "networks of vectors, signals and images are read, those of volumes and image sequences are not",
            ));
        }
    };
    let values = dims.iter().fold(1_usize, |n, d| n.saturating_mul(*d));
    if values > limits::ACTIVATION {
        return Err(Problem::Limit {
            what: "values of one activation",
            found: values as u64,
            limit: limits::ACTIVATION as u64,
        });
    }
    Ok(shape)
}

/// A shape as errors show it.
pub(super) fn shown(shape: Shape) -> String {
    format!("{}x{}x{}", shape.c, shape.h, shape.w)
}

/// Whether channels first and channels last are the same sequence of values.
pub(super) const fn orders_agree(shape: Shape) -> bool {
    shape.c == 1 || shape.pixels() == 1
}

/// The axis of `source` that counts channels, if one does.
pub(super) fn channel_axis(source: &Source) -> Option<usize> {
    match (source.dims.len(), source.order) {
        (1, _) => Some(0),
        (2, _) => Some(1),
        (3 | 4, Order::Nchw) => Some(1),
        (rank @ (3 | 4), Order::Nhwc) => Some(rank - 1),
        _ => None,
    }
}

/// What an axis of `source` counts; `None` for the batch.
pub(super) fn axis_of(source: &Source, axis: usize) -> Option<Axis> {
    if channel_axis(source) == Some(axis) {
        return Some(Axis::Channels);
    }
    match (source.dims.len(), source.order, axis) {
        (4, Order::Nchw, 2) | (4, Order::Nhwc, 1) => Some(Axis::Rows),
        (4, Order::Nchw, 3) | (4, Order::Nhwc, 2) | (3, Order::Nchw, 2) | (3, Order::Nhwc, 1) => {
            Some(Axis::Columns)
        }
        _ => None,
    }
}

/// The nodes for a reshape that keeps the sequence of the source's values, one or two.
///
/// `None` where values in channel order become an image in pixel order: only a network input can be seen so.
pub(super) fn reshape(
    from: Shape,
    from_order: Order,
    to: Shape,
    to_order: Order,
) -> Result<Option<Vec<Op>>, Problem> {
    if from.len() != to.len() {
        return Err(Problem::malformed(format!(
            "a reshape from {} to {} values",
            from.len(),
            to.len()
        )));
    }
    let by_channel = |shape: Shape, order: Order| order == Order::Nchw || orders_agree(shape);
    let is_vector = to == Shape::vector(to.len());
    let view = if from == to {
        Op::Identity
    } else if is_vector {
        Op::Flatten(FlattenOrder::ChannelsFirst)
    } else {
        Op::Reshape(to)
    };
    match (by_channel(from, from_order), by_channel(to, to_order)) {
        (true, true) => Ok(Some(vec![view])),
        (false, false) if from.c == to.c => Ok(Some(vec![view])),
        (false, true) if is_vector => Ok(Some(vec![Op::Flatten(FlattenOrder::ChannelsLast)])),
        (false, true) => Ok(Some(vec![
            Op::Flatten(FlattenOrder::ChannelsLast),
            Op::Reshape(to),
        ])),
        (true, false) => Ok(None),
        (false, false) => Err(Problem::refused(
            format!(
                "reshaping {} to {} (channels x rows x columns) mixes channels and pixels",
                shown(from),
                shown(to)
            ),
            "only reshapes that keep channels apart, flattening, and reshapes of a network input are supported",
        )),
    }
}

/// Output length and (begin, end) padding of TensorFlow's SAME.
pub(super) const fn same_padding(size: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let out = size.div_ceil(stride);
    let total = ((out - 1) * stride + kernel).saturating_sub(size);
    (total / 2, total - total / 2)
}

/// Kernel, stride or padding of a window as a sane number.
pub(super) fn window_number(what: &str, value: i64, least: i64) -> Result<usize, Problem> {
    match usize::try_from(value) {
        Ok(number) if value >= least && number <= limits::WINDOW => Ok(number),
        _ => Err(Problem::malformed(format!(
            "{what} {value} is not between {least} and {}",
            limits::WINDOW
        ))),
    }
}
