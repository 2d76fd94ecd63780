//! Which channels are one decision: what filter pruning removes and permutations move together.
//!
//! ```text
//! conv ─ c ─┬─ depthwise ─ c ─ conv       one group: filter c, depthwise filter c, column c of the reader
//!           ├─ add ─ c ─ …                a sum (or product) ties channel c of both of its inputs to its output
//!           ├─ concat ─ k + c ─ …         channel c of a part is one of the whole; a slice has some of them
//!           └─ flatten                    all pixels of c
//! ```

use crate::ir::{Axis, BinaryKind, FlattenOrder, Graph, Node, Op, Rearrange, Shape, TensorId};
use std::collections::BTreeMap;

/// Channels of several tensors that are one decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Filters that write them: node and output channel; depthwise ones too.
    pub(super) writers: Vec<(usize, usize)>,
    /// What reads them: node and input channel; depthwise ones not.
    pub(super) readers: Vec<(usize, usize)>,
    /// Where it is: tensor and channel.
    pub(super) channels: Vec<(usize, usize)>,
}

/// Groups that the same layers write, in order of their channels.
pub(super) type Space = Vec<Group>;

/// The groups that may leave, by the layers that write them; `pinned` layers keep all of their filters.
pub(super) fn spaces(graph: &Graph, pinned: &[usize]) -> Vec<Space> {
    let mut sets = Sets::of(graph);
    for node in &graph.nodes {
        tie(graph, node, &mut sets);
    }
    let mut fixed = vec![false; sets.parent.len()];
    let mut fix = |sets: &mut Sets, tensor: usize, channels: usize| {
        for c in 0..channels {
            let root = sets.root(sets.at[tensor] + c);
            fixed[root] = true;
        }
    };
    let ends = graph.inputs.iter().chain(&graph.outputs);
    let mixing = graph.nodes.iter().filter(|n| mixes(graph, n));
    let mixing = mixing.flat_map(|n| n.inputs.iter().chain([&n.output]));
    let kept = pinned.iter().map(|n| &graph.nodes[*n].output);
    for id in ends.chain(mixing).chain(kept) {
        fix(&mut sets, id.0, graph.tensor(*id).shape.c);
    }
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for (i, node) in graph.nodes.iter().enumerate() {
        let Some(weights) = node.op.weights() else {
            continue;
        };
        let depthwise = matches!(node.op, Op::DepthwiseConv2d(_));
        for row in 0..weights.shape[0] {
            let group = entry(&mut groups, sets.root(sets.at[node.output.0] + row));
            group.writers.push((i, row));
        }
        let channels = graph.tensor(node.inputs[0]).shape.c;
        for c in (0..channels).filter(|_| !depthwise) {
            let group = entry(&mut groups, sets.root(sets.at[node.inputs[0].0] + c));
            group.readers.push((i, c));
        }
    }
    for (tensor, first) in sets.at.clone().into_iter().enumerate() {
        for c in 0..graph.tensors[tensor].shape.c {
            if let Some(group) = groups.get_mut(&sets.root(first + c)) {
                group.channels.push((tensor, c));
            }
        }
    }
    let mut spaces: BTreeMap<Vec<usize>, Space> = BTreeMap::new();
    for (root, group) in groups {
        let filters = |g: &Group| g.writers.iter().any(|(n, _)| !is_depthwise(graph, *n));
        if !fixed[root] && filters(&group) {
            let mut key: Vec<usize> = group.writers.iter().map(|w| w.0).collect();
            key.dedup();
            spaces.entry(key).or_default().push(group);
        }
    }
    spaces.into_values().collect()
}

/// Whether an operator moves values between channels in a way that groups do not follow.
fn mixes(graph: &Graph, node: &Node) -> bool {
    match &node.op {
        Op::Softmax { .. } | Op::Reshape(_) | Op::PadChannels { .. } => true,
        Op::Rearrange(rearrange) => first_channels(graph, node, rearrange).is_none(),
        Op::Binary(binary) => {
            let channels = |id: &TensorId| graph.tensor(*id).shape.c;
            let out = channels(&node.output);
            binary.kind != BinaryKind::Mul || node.inputs.iter().any(|i| channels(i) != out)
        }
        Op::Conv2d(_)
        | Op::DepthwiseConv2d(_)
        | Op::FullyConnected(_)
        | Op::ChannelAffine { .. }
        | Op::Add(_)
        | Op::Clamp(_)
        | Op::Prelu(_)
        | Op::Unary(_)
        | Op::Resize(_)
        | Op::MaxPool2d(_)
        | Op::AveragePool2d(_)
        | Op::Mean
        | Op::Pad { .. }
        | Op::Flatten(_)
        | Op::Identity
        | Op::Quantize
        | Op::Dequantize => false,
    }
}

/// For every input of a concatenation or slice: its first channel that is in the output, and where it is there.
fn first_channels(
    graph: &Graph,
    node: &Node,
    rearrange: &Rearrange,
) -> Option<Vec<(usize, usize)>> {
    match rearrange {
        Rearrange::Concat {
            axis: Axis::Channels,
        } => {
            let mut end = 0;
            let of_input = |id: &TensorId| {
                let first = end;
                end += graph.tensor(*id).shape.c;
                (0, first)
            };
            Some(node.inputs.iter().map(of_input).collect())
        }
        Rearrange::Slice { begin, step, .. } if step[0] == 1 => Some(vec![(begin[0], 0)]),
        Rearrange::Concat { .. }
        | Rearrange::Slice { .. }
        | Rearrange::DepthToSpace { .. }
        | Rearrange::SpaceToDepth { .. }
        | Rearrange::ChannelShuffle { .. } => None,
    }
}

pub(super) fn is_depthwise(graph: &Graph, node: usize) -> bool {
    matches!(graph.nodes[node].op, Op::DepthwiseConv2d(_))
}

fn entry(groups: &mut BTreeMap<usize, Group>, root: usize) -> &mut Group {
    groups.entry(root).or_insert_with(|| Group {
        writers: Vec::new(),
        readers: Vec::new(),
        channels: Vec::new(),
    })
}

/// Disjoint sets over the channels of all tensors.
struct Sets {
    /// First channel of every tensor.
    at: Vec<usize>,
    parent: Vec<usize>,
}

impl Sets {
    fn of(graph: &Graph) -> Self {
        let mut at = Vec::with_capacity(graph.tensors.len());
        let mut total = 0;
        for tensor in &graph.tensors {
            at.push(total);
            total += tensor.shape.c;
        }
        Self {
            at,
            parent: (0..total).collect(),
        }
    }

    fn root(&mut self, mut i: usize) -> usize {
        while self.parent[i] != i {
            self.parent[i] = self.parent[self.parent[i]];
            i = self.parent[i];
        }
        i
    }

    /// The smaller root stays one, so that results do not depend on the order of ties.
    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }
}

/// Ties input channels of a node to the output channels that they become.
fn tie(graph: &Graph, node: &Node, sets: &mut Sets) {
    let shape = graph.tensor(node.inputs[0]).shape;
    let out = graph.tensor(node.output).shape.c;
    let (input, output) = (sets.at[node.inputs[0].0], sets.at[node.output.0]);
    match &node.op {
        Op::Conv2d(_) | Op::FullyConnected(_) | Op::Reshape(_) | Op::PadChannels { .. } => {}
        Op::Rearrange(rearrange) => {
            let firsts = first_channels(graph, node, rearrange).unwrap_or_default();
            for (id, (from, to)) in node.inputs.iter().zip(firsts) {
                let both = (graph.tensor(*id).shape.c - from).min(out - to);
                (0..both).for_each(|i| sets.join(sets.at[id.0] + from + i, output + to + i));
            }
        }
        Op::Binary(_) if mixes(graph, node) => {}
        Op::DepthwiseConv2d(_) => {
            (0..out).for_each(|i| sets.join(input + i * shape.c / out, output + i));
        }
        Op::Flatten(order) => {
            (0..out).for_each(|i| sets.join(input + flattened(*order, shape, i), output + i));
        }
        Op::Add(_) | Op::Binary(_) => {
            let other = sets.at[node.inputs[1].0];
            for i in 0..out {
                sets.join(input + i, output + i);
                sets.join(other + i, output + i);
            }
        }
        Op::ChannelAffine { .. }
        | Op::Clamp(_)
        | Op::Prelu(_)
        | Op::Unary(_)
        | Op::Resize(_)
        | Op::MaxPool2d(_)
        | Op::AveragePool2d(_)
        | Op::Mean
        | Op::Softmax { .. }
        | Op::Pad { .. }
        | Op::Identity
        | Op::Quantize
        | Op::Dequantize => (0..out).for_each(|i| sets.join(input + i, output + i)),
    }
}

/// The channel that entry `i` of a flattened vector comes from.
const fn flattened(order: FlattenOrder, shape: Shape, i: usize) -> usize {
    match order {
        FlattenOrder::ChannelsFirst => i / shape.pixels(),
        FlattenOrder::ChannelsLast => i % shape.c,
    }
}
