//! Which channels can only leave together: the dependency graph of filter pruning.
//!
//! ```text
//! conv ─ c ─┬─ depthwise ─ c ─ conv       one group: filter c, depthwise filter c, column c of the reader
//!           └─ add ─ c ─ …                a sum ties channel c of both of its inputs to its output
//!                    └─ flatten           all pixels of c
//! ```

use crate::ir::{FlattenOrder, Graph, Node, Op, Shape};
use std::collections::BTreeMap;

/// Channels of several tensors that are one decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Filters that write them: node and output channel; depthwise ones too.
    pub(super) writers: Vec<(usize, usize)>,
    /// What reads them: node and input channel; depthwise ones not.
    pub(super) readers: Vec<(usize, usize)>,
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
    let across = |n: &&Node| {
        matches!(
            n.op,
            Op::Softmax { .. }
                | Op::Reshape(_)
                | Op::Binary(_)
                | Op::Rearrange(_)
                | Op::PadChannels { .. }
        )
    };
    let mixing = graph.nodes.iter().filter(across);
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

pub(super) fn is_depthwise(graph: &Graph, node: usize) -> bool {
    matches!(graph.nodes[node].op, Op::DepthwiseConv2d(_))
}

fn entry(groups: &mut BTreeMap<usize, Group>, root: usize) -> &mut Group {
    groups.entry(root).or_insert_with(|| Group {
        writers: Vec::new(),
        readers: Vec::new(),
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
        Op::Conv2d(_)
        | Op::FullyConnected(_)
        | Op::Reshape(_)
        | Op::Binary(_)
        | Op::Rearrange(_)
        | Op::PadChannels { .. } => {}
        Op::DepthwiseConv2d(_) => {
            (0..out).for_each(|i| sets.join(input + i * shape.c / out, output + i));
        }
        Op::Flatten(order) => {
            (0..out).for_each(|i| sets.join(input + flattened(*order, shape, i), output + i));
        }
        Op::Add(_) => {
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
