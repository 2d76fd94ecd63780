//! A memory layout for each activation.
//!
//! ```text
//! input, NHWC source      interleaved [h][w][c], or one plane        the caller's bytes go in as they are
//! input, NCHW source      planar, plane_stride = h·w
//! between layers          planar, plane_stride = h·w rounded up to 8 the tiles of pointwise layers are aligned
//! read by a flatten       planar, plane_stride = h·w                 the vector is another view of the same bytes
//! vector                  planar, plane_stride = 1
//! output                  as an input of the same source order
//! ```

use super::{LowerError, TensorSpec};
use crate::ir::{FlattenOrder, Graph, Op, Order, Tensor, TensorId};
use nnz_format::TensorLayout;

/// Whether each tensor's planes must follow each other without gaps, because a vector view reads them.
pub(super) fn gapless(graph: &Graph) -> Vec<bool> {
    let mut gapless = vec![false; graph.tensors.len()];
    for node in graph.nodes.iter().rev() {
        let viewed = match &node.op {
            Op::FullyConnected(_) | Op::Flatten(FlattenOrder::ChannelsFirst) | Op::Reshape(_) => {
                true
            }
            Op::Identity => gapless[node.output.0],
            Op::Flatten(FlattenOrder::ChannelsLast)
            | Op::Conv2d(_)
            | Op::DepthwiseConv2d(_)
            | Op::ChannelAffine { .. }
            | Op::Add(_)
            | Op::Clamp(_)
            | Op::Prelu(_)
            | Op::Unary(_)
            | Op::Binary(_)
            | Op::Rearrange(_)
            | Op::PadChannels { .. }
            | Op::Resize(_)
            | Op::MaxPool2d(_)
            | Op::AveragePool2d(_)
            | Op::Mean
            | Op::Softmax { .. }
            | Op::Pad { .. }
            | Op::Quantize
            | Op::Dequantize => false,
        };
        if viewed {
            gapless[node.inputs[0].0] = true;
        }
    }
    gapless
}

/// The planar record of `tensor`; planes without gaps if `gapless`.
pub(super) fn planar(tensor: &Tensor, gapless: bool) -> Result<TensorSpec, LowerError> {
    let fail = |reason: String| LowerError::Tensor {
        tensor: tensor.name.clone(),
        reason,
    };
    let shape = tensor.shape;
    let small = |n: usize| {
        u16::try_from(n).map_err(|_| fail(format!("{n} channels, rows or columns exceed 65535")))
    };
    let pixels = u32::try_from(shape.pixels()).unwrap_or(u32::MAX);
    let plane_stride = if gapless || pixels == 1 {
        pixels
    } else {
        pixels.next_multiple_of(8)
    };
    let spec = TensorSpec {
        name: tensor.name.clone(),
        dtype: tensor.dtype,
        layout: TensorLayout::Planar,
        c: small(shape.c)?,
        h: small(shape.h)?,
        w: small(shape.w)?,
        plane_stride,
        scale: tensor.quant.map_or(1.0, |q| q.scale),
        zero_point: tensor.quant.map_or(0, |q| q.zero_point),
        dims: tensor.source.dims.clone(),
        order: tensor.source.order,
        alias_of: None,
        alias_at: 0,
    };
    if u32::try_from(spec.len()).is_err() {
        return Err(fail(format!("{} bytes exceed 4 GB", spec.len())));
    }
    Ok(spec)
}

/// The record of `tensor` as the caller of the network has it.
pub(super) fn external(tensor: &Tensor) -> Result<TensorSpec, LowerError> {
    let mut spec = planar(tensor, true)?;
    if tensor.source.order == Order::Nhwc && spec.c > 1 && spec.pixels() > 1 {
        spec.layout = TensorLayout::Interleaved;
        spec.plane_stride = 0;
    }
    Ok(spec)
}

/// The record of a graph tensor inside the network.
pub(super) fn internal(
    graph: &Graph,
    id: TensorId,
    gapless: &[bool],
) -> Result<TensorSpec, LowerError> {
    planar(graph.tensor(id), gapless[id.0])
}
