//! Mean and deviation become part of the network, so that raw pixels go in.
//!
//! ```text
//! one mean, an integer    scale 1/std, zero point mean − 128          nothing to do, see `input`
//! layers without padding  w' = w / std_c,  b' = b − Σ w'·mean_c       nothing to run
//! anything else           a depthwise 1x1 convolution `normalise` in front of it
//! ```
//!
//! Padding holds real 0, which is the mean and not a pixel of value 0: a padded layer needs the third row unless
//! every mean is 0. So does a deviation that differs much by channel, as channels share the scale of a weight row.

use super::{Options, QuantizeError, input, rewrite};
use crate::data::{Dataset, Preprocess};
use crate::ir::{Bias, Conv, DType, FullyConnected, Graph, Node, Op, TensorId, Values, Weights};

/// Name of the inserted convolution.
const NAME: &str = "normalise";
/// Largest ratio of deviations that weights take without losing bits that matter.
const MAX_RATIO: f32 = 4.0;
/// Largest integer of a quantised weight.
const MAX_Q: f64 = 127.0;

/// Makes `graph` take raw pixels where the data are pixels: `q = x − 128`.
///
/// Returns whether `options.preprocess` moved into the graph; `options` is then that of a network without
/// preprocessing. Data other than pixels, integer graphs and graphs of several inputs stay as they are. What was
/// done is in the graph's notes.
///
/// # Errors
///
/// Data or preprocessing that do not fit the network's input.
pub fn fold_preprocess(
    graph: &mut Graph,
    data: &Dataset,
    options: &mut Options,
) -> Result<bool, QuantizeError> {
    let floats = graph.tensors.iter().all(|t| t.dtype == DType::F32);
    let ([input], true, false) = (
        &graph.inputs[..],
        floats,
        options.preprocess.is_identity() || !data.x().elements.are_pixels(),
    ) else {
        return Ok(false);
    };
    let input = *input;
    let tensor = graph.tensor(input);
    data.samples(tensor, options.layout, &options.preprocess)?;
    let channels = options.preprocess.per_channel(tensor.shape.c)?;
    options.pixels = true;
    if input::is_exact(&options.preprocess) {
        return Ok(false);
    }
    let note = if is_foldable(graph, input, &channels) {
        fold(graph, input, &channels)
    } else {
        insert(graph, input, &channels)
    };
    graph.notes.push(note);
    options.preprocess = Preprocess::NONE;
    Ok(true)
}

/// Whether all readers of the input can take mean and deviation into their weights.
fn is_foldable(graph: &Graph, input: TensorId, channels: &[(f32, f32)]) -> bool {
    let centred = channels.iter().all(|(mean, _)| *mean == 0.0);
    let least = channels
        .iter()
        .fold(f32::INFINITY, |a, (_, std)| a.min(*std));
    let most = channels.iter().fold(0.0, |a: f32, (_, std)| a.max(*std));
    let readers = graph.consumers(input);
    let takes = |op: &Op| match (op, op.conv_window()) {
        (Op::FullyConnected(_) | Op::ChannelAffine { .. }, _) => true,
        (_, Some(w)) => centred || (w.pad_begin == [0, 0] && w.pad_end == [0, 0]),
        _ => false,
    };
    most <= MAX_RATIO * least
        && !graph.outputs.contains(&input)
        && !readers.is_empty()
        && readers.iter().all(|&n| takes(&graph.nodes[n].op))
}

/// Folds mean and deviation into the readers of the input.
fn fold(graph: &mut Graph, input: TensorId, channels: &[(f32, f32)]) -> String {
    let mut names = Vec::new();
    for n in graph.consumers(input) {
        let node = &mut graph.nodes[n];
        names.push(format!("'{}'", node.name));
        match &mut node.op {
            Op::Conv2d(Conv { weights, bias, .. })
            | Op::FullyConnected(FullyConnected { weights, bias, .. }) => {
                // Columns of one channel follow each other.
                let run = weights.row_len() / channels.len();
                fold_rows(weights, bias, |_, column| channels[column / run]);
            }
            Op::DepthwiseConv2d(Conv { weights, bias, .. }) => {
                let multiplier = weights.shape[0] / channels.len();
                fold_rows(weights, bias, |row, _| channels[row / multiplier]);
            }
            Op::ChannelAffine { scale, shift } => {
                for ((scale, shift), (mean, std)) in scale.iter_mut().zip(shift).zip(channels) {
                    *scale /= std;
                    *shift -= *scale * mean;
                }
            }
            Op::Add(_)
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
            | Op::Flatten(_)
            | Op::Reshape(_)
            | Op::Identity
            | Op::Quantize
            | Op::Dequantize => {}
        }
    }
    format!(
        "input: mean and deviation are folded into {}",
        names.join(", ")
    )
}

/// Folds into one layer; `of` gives mean and deviation of a row and column.
///
/// Weights are rounded to the integers that they will be, so that the bias, the sum of hundreds of weights times
/// means, cancels the mean of what is really multiplied.
#[expect(
    clippy::cast_possible_truncation,
    reason = "weights and biases are f32 by contract"
)]
fn fold_rows(weights: &mut Weights, bias: &mut Bias, of: impl Fn(usize, usize) -> (f32, f32)) {
    let row_len = weights.row_len();
    let mut sums = match bias {
        Bias::F32(b) => b.clone(),
        Bias::None | Bias::S32(_) => vec![0.0; weights.shape[0]],
    };
    let Values::F32(values) = &mut weights.values else {
        return;
    };
    for (row, (w, sum)) in values.chunks_exact_mut(row_len).zip(&mut sums).enumerate() {
        let scaled: Vec<f64> = w
            .iter()
            .enumerate()
            .map(|(column, w)| f64::from(*w) / f64::from(of(row, column).1))
            .collect();
        let step = scaled.iter().fold(0.0, |m: f64, w| m.max(w.abs())) / MAX_Q;
        let mut shift = 0.0;
        for (column, (w, scaled)) in w.iter_mut().zip(scaled).enumerate() {
            let rounded = if step > 0.0 {
                (scaled / step).round_ties_even() * step
            } else {
                0.0
            };
            shift += rounded * f64::from(of(row, column).0);
            *w = rounded as f32;
        }
        *sum = (f64::from(*sum) - shift) as f32;
    }
    *bias = Bias::F32(sums);
}

/// Puts a depthwise 1x1 convolution between the input and everything that reads it.
fn insert(graph: &mut Graph, input: TensorId, channels: &[(f32, f32)]) -> String {
    let mut tensor = graph.tensor(input).clone();
    let taken = |name: &str| {
        graph.tensors.iter().any(|t| t.name == name) || graph.nodes.iter().any(|n| n.name == name)
    };
    let mut name = NAME.to_string();
    while taken(&name) {
        name.push('_');
    }
    tensor.name.clone_from(&name);
    let output = graph.add_tensor(tensor);
    let readers = graph.nodes.iter_mut().flat_map(|n| &mut n.inputs);
    for id in readers.chain(&mut graph.outputs).filter(|id| **id == input) {
        *id = output;
    }
    let scale = channels.iter().map(|(_, std)| 1.0 / std).collect();
    let shift = channels.iter().map(|(mean, std)| -mean / std).collect();
    let node = Node {
        op: rewrite::depthwise(&name, scale, shift),
        inputs: vec![input],
        output,
        source_index: None,
        name,
    };
    let note = format!(
        "input: mean and deviation are a depthwise 1x1 convolution '{}' of {} MACs in front",
        node.name,
        graph.tensor(input).shape.len()
    );
    graph.nodes.insert(0, node);
    note
}
