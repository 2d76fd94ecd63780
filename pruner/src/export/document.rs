//! An ONNX file that can be edited without losing what nnz does not read.
//!
//! Fields are kept as the bytes they came in; only nodes and constants that are changed are written anew.
//!
//! ```text
//! ModelProto  = fields as they are … | graph = [node | initializer | other field] …
//! ```

use super::{ExportError, wire};
use crate::import::onnx::schema::{NodeProto, TensorProto};
use prost::Message as _;

/// Field numbers of the public schema.
pub(super) mod number {
    pub(in crate::export) const MODEL_GRAPH: u64 = 7;
    pub(in crate::export) const GRAPH_NODE: u64 = 1;
    pub(in crate::export) const GRAPH_INITIALIZER: u64 = 5;
    pub(in crate::export) const NODE_INPUT: u64 = 1;
    pub(in crate::export) const NODE_OUTPUT: u64 = 2;
}

/// The standard float type's code.
const FLOAT: i32 = 1;
const FLOAT16: i32 = 10;
const DOUBLE: i32 = 11;

/// One field of the graph.
#[derive(Debug, Clone)]
enum Part {
    Node(Box<Node>),
    Constant(Box<TensorProto>, Vec<u8>),
    /// A whole field, its tag included.
    Other(Vec<u8>),
}

/// A node, its bytes, and its position in the file that was read (`None` for inserted ones).
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) proto: NodeProto,
    pub(super) position: Option<usize>,
    raw: Vec<u8>,
}

/// An ONNX file.
#[derive(Debug, Clone)]
pub(super) struct Document {
    model: Vec<u8>,
    parts: Vec<Part>,
}

impl Document {
    /// Takes a file apart.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ExportError> {
        let broken = || ExportError::refused("the file is damaged", "export it again");
        let mut document = Self {
            model: Vec::new(),
            parts: Vec::new(),
        };
        let mut nodes = 0;
        for field in wire::fields(bytes) {
            let field = field.ok_or_else(broken)?;
            if field.number != number::MODEL_GRAPH {
                document.model.extend_from_slice(field.whole);
                continue;
            }
            for field in wire::fields(field.content) {
                let field = field.ok_or_else(broken)?;
                let part = Part::of(&field, nodes).ok_or_else(broken)?;
                nodes += usize::from(matches!(part, Part::Node(_)));
                document.parts.push(part);
            }
        }
        Ok(document)
    }

    /// The file's bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut graph = Vec::new();
        for part in &self.parts {
            match part {
                Part::Node(node) => wire::bytes(&mut graph, number::GRAPH_NODE, &node.raw),
                Part::Constant(_, raw) => wire::bytes(&mut graph, number::GRAPH_INITIALIZER, raw),
                Part::Other(whole) => graph.extend_from_slice(whole),
            }
        }
        let mut out = self.model.clone();
        wire::bytes(&mut out, number::MODEL_GRAPH, &graph);
        out
    }

    /// The nodes in order.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.parts.iter().filter_map(|part| match part {
            Part::Node(node) => Some(&**node),
            Part::Constant(..) | Part::Other(_) => None,
        })
    }

    /// The node that was at `position` in the file that was read.
    pub(super) fn node(&self, position: usize) -> Option<&Node> {
        self.nodes().find(|n| n.position == Some(position))
    }

    fn node_mut(&mut self, position: usize) -> Option<&mut Node> {
        self.parts.iter_mut().find_map(|part| match part {
            Part::Node(node) if node.position == Some(position) => Some(&mut **node),
            Part::Node(_) | Part::Constant(..) | Part::Other(_) => None,
        })
    }

    /// How many inputs of nodes a name is.
    pub(super) fn uses(&self, name: &str) -> usize {
        let inputs = self.nodes().flat_map(|n| &n.proto.input);
        inputs.filter(|input| *input == name).count()
    }

    /// A constant by name: an initializer, or the value of a `Constant` node.
    pub(super) fn constant(&self, name: &str) -> Option<&TensorProto> {
        self.parts.iter().find_map(|part| match part {
            Part::Constant(tensor, _) if tensor.name == name => Some(&**tensor),
            Part::Node(node) => constant_of(node, name),
            Part::Constant(..) | Part::Other(_) => None,
        })
    }

    /// Gives a float constant other values, in the element type that it has.
    pub(super) fn set(&mut self, name: &str, values: &[f32]) {
        let Some(old) = self.constant(name) else {
            return;
        };
        let tensor = TensorProto {
            name: name.to_owned(),
            ..tensor(old.dims.clone(), old.data_type, values)
        };
        let raw = tensor.encode_to_vec();
        let part = Part::Constant(Box::new(tensor), raw);
        let place = self.parts.iter_mut().find(|part| match part {
            Part::Constant(tensor, _) => tensor.name == name,
            Part::Node(node) => constant_of(node, name).is_some(),
            Part::Other(_) => false,
        });
        if let Some(place) = place {
            *place = part;
        }
    }

    /// Adds a float constant.
    pub(super) fn add(&mut self, name: &str, dims: Vec<i64>, values: &[f32]) {
        let tensor = TensorProto {
            name: name.to_owned(),
            ..tensor(dims, FLOAT, values)
        };
        let raw = tensor.encode_to_vec();
        self.parts.push(Part::Constant(Box::new(tensor), raw));
    }

    /// Gives a node another input `i`; inputs that are missing before it are left out.
    pub(super) fn set_input(&mut self, position: usize, i: usize, name: &str) {
        if let Some(node) = self.node_mut(position) {
            let len = node.proto.input.len().max(i + 1);
            node.proto.input.resize(len, String::new());
            if let Some(slot) = node.proto.input.get_mut(i) {
                name.clone_into(slot);
            }
            node.rewrite();
        }
    }

    /// Inserts a node after that at `position`; the old node's output gets the name `between`, the new one takes
    /// over the old name and reads `between` and `second`.
    pub(super) fn insert_after(&mut self, position: usize, op: &str, between: &str, second: &str) {
        let Some(node) = self.node_mut(position) else {
            return;
        };
        let Some(output) = node.proto.output.first_mut() else {
            return;
        };
        let proto = NodeProto {
            name: between.to_owned(),
            op_type: op.to_owned(),
            input: vec![between.to_owned(), second.to_owned()],
            output: vec![core::mem::replace(output, between.to_owned())],
            ..NodeProto::default()
        };
        node.rewrite();
        let inserted = Part::Node(Box::new(Node {
            raw: proto.encode_to_vec(),
            proto,
            position: None,
        }));
        let at = self
            .parts
            .iter()
            .position(|part| matches!(part, Part::Node(n) if n.position == Some(position)));
        self.parts
            .insert(at.map_or(self.parts.len(), |at| at + 1), inserted);
    }

    /// A name that nothing in the file has, made from `wish`.
    pub(super) fn fresh(&self, wish: &str) -> String {
        let taken = |name: &str| {
            self.constant(name).is_some()
                || self.nodes().any(|n| {
                    let mut names = n.proto.input.iter().chain(&n.proto.output);
                    names.any(|n| n == name)
                })
        };
        let mut name = wish.to_owned();
        let mut count = 1;
        while taken(&name) {
            count += 1;
            name = format!("{wish}_{count}");
        }
        name
    }
}

impl Part {
    fn of(field: &wire::Field<'_>, nodes: usize) -> Option<Self> {
        Some(match field.number {
            number::GRAPH_NODE => Self::Node(Box::new(Node {
                proto: NodeProto::decode(field.content).ok()?,
                position: Some(nodes),
                raw: field.content.to_vec(),
            })),
            number::GRAPH_INITIALIZER => {
                let tensor = TensorProto::decode(field.content).ok()?;
                Self::Constant(Box::new(tensor), field.content.to_vec())
            }
            _ => Self::Other(field.whole.to_vec()),
        })
    }
}

impl Node {
    /// Writes inputs and outputs anew, every other field as it was.
    fn rewrite(&mut self) {
        let mut raw = Vec::new();
        for name in &self.proto.input {
            wire::bytes(&mut raw, number::NODE_INPUT, name.as_bytes());
        }
        for name in &self.proto.output {
            wire::bytes(&mut raw, number::NODE_OUTPUT, name.as_bytes());
        }
        for field in wire::fields(&self.raw).flatten() {
            if field.number != number::NODE_INPUT && field.number != number::NODE_OUTPUT {
                raw.extend_from_slice(field.whole);
            }
        }
        self.raw = raw;
    }
}

/// The tensor of a `Constant` node that writes `name`.
fn constant_of<'n>(node: &'n Node, name: &str) -> Option<&'n TensorProto> {
    let is = node.proto.op_type == "Constant" && node.proto.output.first()? == name;
    let attributes = node.proto.attribute.iter().filter(|_| is);
    attributes.filter_map(|a| a.t.as_ref()).next()
}

/// A nameless constant; halves stay halves, everything else that is float becomes `f32` or stays `f64`.
fn tensor(dims: Vec<i64>, data_type: i32, values: &[f32]) -> TensorProto {
    let raw: Vec<u8> = match data_type {
        DOUBLE => values
            .iter()
            .flat_map(|v| f64::from(*v).to_le_bytes())
            .collect(),
        FLOAT16 => values
            .iter()
            .flat_map(|v| half::f16::from_f32(*v).to_le_bytes())
            .collect(),
        _ => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    TensorProto {
        dims,
        data_type: match data_type {
            DOUBLE | FLOAT16 => data_type,
            _ => FLOAT,
        },
        raw_data: Some(raw),
        ..TensorProto::default()
    }
}
