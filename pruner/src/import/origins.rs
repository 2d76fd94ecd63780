//! Which nodes of a model each operator of the imported graph stands for.
//!
//! ```text
//! DequantizeLinear ─┐
//! DequantizeLinear ─┴ Conv ─ Relu ─ QuantizeLinear        all five are the graph's `conv_2d`
//! ```
//!
//! A node without an operator of its own belongs to what computes its input (an activation, a quantisation), or, where
//! that is a constant, and for dequantisations and the first pieces of a shuffle, to what reads it.

use super::{onnx, tflite};
use crate::ir::Graph;
use std::collections::{BTreeSet, HashMap};

/// Readers that are followed from one node.
const MOST: usize = 16;

/// A node of a model as its file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceNode {
    /// Its name, or one made from operator and position.
    pub name: String,
    /// Its operator in the source format.
    pub operator: String,
    /// Its position, to which `source_index` of graph nodes refers.
    pub(super) index: usize,
    /// Whether the file has it; `false` for what the reader writes an operator out as.
    pub(super) is_own: bool,
    /// Tensors that it reads and that are no constants of the file.
    pub(super) inputs: Vec<String>,
    /// Tensors that it writes.
    pub(super) outputs: Vec<String>,
}

impl SourceNode {
    /// Its output says only something of the shape of its input.
    fn is_shape(&self) -> bool {
        matches!(self.operator.as_str(), "Shape" | "SHAPE" | "Size")
    }

    /// The first of several nodes that together are one operator.
    fn is_first(&self) -> bool {
        matches!(
            self.operator.as_str(),
            "DequantizeLinear" | "DEQUANTIZE" | "Reshape" | "Transpose" | "RESHAPE" | "TRANSPOSE"
        )
    }

    /// Nothing that a person would look for.
    fn is_constant(&self) -> bool {
        matches!(self.operator.as_str(), "Constant" | "ConstantOfShape")
    }
}

/// An operator of the graph and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Position of the operator in the imported graph.
    pub node: usize,
    /// Nodes of the model, its own among them, in the file's order.
    pub nodes: Vec<SourceNode>,
}

/// What a model's nodes became.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origins {
    /// How many nodes of the file the outputs need, constants not counted.
    pub nodes: usize,
    /// The operators of the graph that stand for more than their own node.
    pub fused: Vec<Origin>,
}

/// What the nodes of a model became in `graph`, which was imported from it.
#[must_use]
pub fn origins(bytes: &[u8], graph: &Graph) -> Origins {
    let nodes = if tflite::is_tflite(bytes) {
        tflite::source_nodes(bytes)
    } else {
        onnx::source_nodes(bytes)
    };
    let owners = owners(&nodes, graph);
    let mut fused: Vec<Vec<SourceNode>> = vec![Vec::new(); graph.nodes.len()];
    for (node, owners) in nodes.iter().zip(owners) {
        for owner in owners {
            if let Some(all) = fused.get_mut(owner).filter(|_| node.is_own) {
                all.push(node.clone());
            }
        }
    }
    let listed = |n: &SourceNode| !n.is_constant();
    Origins {
        nodes: nodes.iter().filter(|n| n.is_own && listed(n)).count(),
        fused: fused
            .into_iter()
            .enumerate()
            .map(|(node, all)| (node, all.into_iter().filter(listed).collect::<Vec<_>>()))
            .filter(|(_, nodes)| nodes.len() > 1)
            .map(|(node, nodes)| Origin { node, nodes })
            .collect(),
    }
}

/// For each node of the model, the operators of the graph that it belongs to.
fn owners(nodes: &[SourceNode], graph: &Graph) -> Vec<BTreeSet<usize>> {
    let links = Links::new(nodes, graph);
    let (behind, constant) = links.behind();
    let ahead = links.ahead();
    let all = nodes.iter().enumerate();
    all.map(|(i, node)| {
        let is_piece = node.is_first() && !ahead[i].is_empty();
        match (links.present(i), behind[i]) {
            (Some(own), _) => BTreeSet::from([own]),
            (None, Some(before)) if !(constant[i] || is_piece) => BTreeSet::from([before]),
            _ => ahead[i].clone(),
        }
    })
    .collect()
}

/// Who writes what in a model, and which operators of a graph its nodes are.
struct Links<'n> {
    nodes: &'n [SourceNode],
    writers: HashMap<&'n str, usize>,
    operators: HashMap<usize, usize>,
}

impl<'n> Links<'n> {
    fn new(nodes: &'n [SourceNode], graph: &Graph) -> Self {
        let of = graph.nodes.iter().enumerate();
        let writes =
            |(i, n): (usize, &'n SourceNode)| n.outputs.iter().map(move |name| (name.as_str(), i));
        Self {
            nodes,
            writers: nodes.iter().enumerate().flat_map(writes).collect(),
            operators: of
                .filter_map(|(i, n)| n.source_index.map(|s| (s, i)))
                .collect(),
        }
    }

    /// The operator that a node of the model is itself.
    fn present(&self, i: usize) -> Option<usize> {
        self.operators.get(&self.nodes[i].index).copied()
    }

    /// Nodes before `i` that write what it reads.
    fn before(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        let writers = self.nodes[i].inputs.iter();
        writers
            .filter_map(|t| self.writers.get(t.as_str()).copied())
            .filter(move |&w| w < i)
    }

    /// The nearest operator on the way that values come, and whether a node depends on constants only.
    fn behind(&self) -> (Vec<Option<usize>>, Vec<bool>) {
        let mut behind: Vec<Option<usize>> = vec![None; self.nodes.len()];
        let mut constant = vec![false; self.nodes.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            let written = |t: &String| self.writers.get(t.as_str()).is_some_and(|&w| constant[w]);
            constant[i] = node.is_shape() || node.inputs.iter().all(written);
            let source = self.before(i).find(|&w| !constant[w]);
            behind[i] = self.present(i).or(source.and_then(|w| behind[w]));
        }
        (behind, constant)
    }

    /// The nearest operators on the way that values go.
    fn ahead(&self) -> Vec<BTreeSet<usize>> {
        let mut ahead: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); self.nodes.len()];
        for i in (0..self.nodes.len()).rev() {
            let own = match self.present(i) {
                Some(own) => BTreeSet::from([own]),
                None => ahead[i].clone(),
            };
            for writer in self.before(i) {
                if ahead[writer].len() < MOST {
                    ahead[writer].extend(&own);
                }
            }
        }
        ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{DType, Node, Op, Order, Shape, Source, Tensor, TensorId};

    fn node(index: usize, operator: &str, inputs: &[&str], output: &str) -> SourceNode {
        SourceNode {
            name: format!("n{index}"),
            operator: operator.into(),
            index,
            is_own: true,
            inputs: inputs.iter().map(ToString::to_string).collect(),
            outputs: vec![output.into()],
        }
    }

    fn graph(sources: &[usize]) -> Graph {
        let mut graph = Graph::default();
        let tensor = |name: &str| Tensor {
            name: name.into(),
            shape: Shape::vector(1),
            dtype: DType::F32,
            quant: None,
            source: Source {
                dims: vec![1],
                order: Order::Nchw,
            },
        };
        let mut last = graph.add_tensor(tensor("x"));
        graph.inputs = vec![last];
        for source in sources {
            let output: TensorId = graph.add_tensor(tensor("t"));
            graph.nodes.push(Node {
                name: format!("g{source}"),
                op: Op::Identity,
                inputs: vec![last],
                output,
                source_index: Some(*source),
            });
            last = output;
        }
        graph
    }

    #[test]
    fn a_layer_owns_its_dequantisations_its_activation_and_its_quantisation() {
        let nodes = [
            node(0, "QuantizeLinear", &["x"], "q"),
            node(1, "DequantizeLinear", &["q"], "d"),
            node(2, "DequantizeLinear", &[], "w"),
            node(3, "Conv", &["d", "w"], "c"),
            node(4, "Relu", &["c"], "r"),
            node(5, "QuantizeLinear", &["r"], "qr"),
            node(6, "DequantizeLinear", &["qr"], "dr"),
            node(7, "Shape", &["dr"], "s"),
            node(8, "Flatten", &["dr", "s"], "y"),
        ];
        let found = owners(&nodes, &graph(&[3, 8]));
        let expected = [0, 0, 0, 0, 0, 0, 1, 1, 1];
        let expected: Vec<BTreeSet<usize>> =
            expected.iter().map(|&i| BTreeSet::from([i])).collect();
        assert_eq!(found, expected);
    }
}
