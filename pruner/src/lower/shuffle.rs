//! Operators that meet, move or resize elements.
//!
//! A concatenation of channels costs nothing where its parts can be written in place: each part is then a view of
//! consecutive planes of the whole tensor, and the operator that makes it writes there. A slice of channels is a view
//! in the same way. Everything else is copied, block by block.

use super::convert::{clamp, is_s8, quant, refuse, same_numbers};
use super::nodes::Lowering;
use super::tensors::planar;
use super::{LowerError, TensorSpec};
use crate::arith;
use crate::ir::{
    Axis, Binary, Graph, Node, Op as Meaning, Rearrange, Resize, Shape, Tap, TensorId,
};
use nnz_format::{AddParams, DType, Op, TensorLayout, Ties, encode};

/// Bytes that the beginning of a tensor is a multiple of.
const ALIGN: u64 = 8;

/// The concatenation that a tensor is a part of, and its first channel there.
pub(super) type Home = Option<(TensorId, usize)>;

/// For each tensor, where it can be written in place.
pub(super) fn homes(graph: &Graph, gapless: &[bool]) -> Vec<Home> {
    let mut homes = vec![None; graph.tensors.len()];
    let axis = Axis::Channels;
    let joins = |n: &&Node| n.op == Meaning::Rearrange(Rearrange::Concat { axis });
    for node in graph.nodes.iter().filter(joins) {
        let (mut first, mut own, mut copied) = (0, Vec::new(), Vec::new());
        for id in &node.inputs {
            let part = graph.tensor(*id);
            if homes[id.0].is_none() && fits(graph, node, *id, first, gapless) {
                homes[id.0] = Some((node.output, first));
                own.push(*id);
            } else {
                copied.push(*id);
            }
            first += part.shape.c;
        }
        // What is copied into the whole must not lie in it already.
        if copied
            .iter()
            .any(|id| lies_in(graph, &homes, *id, node.output))
        {
            own.iter().for_each(|id| homes[id.0] = None);
        }
    }
    homes
}

/// Whether an operator's output may be its input's memory, seen otherwise.
const fn is_view(op: &Meaning) -> bool {
    matches!(
        op,
        Meaning::Identity
            | Meaning::Reshape(_)
            | Meaning::Flatten(_)
            | Meaning::Rearrange(Rearrange::Slice { .. })
    )
}

/// Whether a tensor is a view of memory that belongs to `whole`.
fn lies_in(graph: &Graph, homes: &[Home], mut id: TensorId, whole: TensorId) -> bool {
    loop {
        let producer = graph.producer(id).map(|n| &graph.nodes[n]);
        match (homes[id.0], producer) {
            (Some((home, _)), _) if home == whole => return true,
            (Some((home, _)), _) => id = home,
            (None, Some(node)) if is_view(&node.op) => id = node.inputs[0],
            (None, _) => return false,
        }
    }
}

/// Whether a part has an operator that writes it, the whole's numbers and planes, and an aligned beginning.
fn fits(graph: &Graph, node: &Node, id: TensorId, first: usize, gapless: &[bool]) -> bool {
    let (part, whole) = (graph.tensor(id), graph.tensor(node.output));
    let pixels = part.shape.pixels() as u64;
    let stride = |id: TensorId| {
        if gapless[id.0] || pixels == 1 {
            pixels
        } else {
            pixels.next_multiple_of(8)
        }
    };
    let producer = graph.producer(id).map(|n| &graph.nodes[n].op);
    let begin = first as u64 * stride(id) * u64::from(part.dtype.size());
    producer.is_some_and(|op| !is_view(op))
        && same_numbers(part, whole)
        && stride(id) == stride(node.output)
        && begin.is_multiple_of(ALIGN)
}

impl Lowering<'_> {
    /// The tensor of `id`, made where it is not yet: a part of its home, or memory of its own.
    pub(super) fn place(&mut self, id: TensorId) -> Result<usize, LowerError> {
        if let Some(tensor) = self.tensor_of[id.0] {
            return Ok(tensor);
        }
        let mut spec = self.internal(id)?;
        if let Some((whole, first)) = self.homes[id.0] {
            let root = self.place(whole)?;
            let stride = u64::from(self.program.tensors[root].plane_stride);
            let begin = first as u64 * stride * u64::from(spec.dtype.size());
            spec.plane_stride = self.program.tensors[root].plane_stride;
            spec.alias_of = Some(root);
            spec.alias_at = u32::try_from(begin).unwrap_or(u32::MAX);
        }
        let tensor = self.add(spec);
        self.tensor_of[id.0] = Some(tensor);
        Ok(tensor)
    }

    /// Two activations; the one that has the output's shape comes first.
    pub(super) fn binary(&mut self, node: &Node, binary: &Binary) -> Result<(), LowerError> {
        let [first, second] = node.inputs[..] else {
            return Err(refuse(
                node,
                "it does not have two inputs",
                "export it again",
            ));
        };
        let shapes = [first, second].map(|id| self.graph.tensor(id).shape);
        let (_, swapped) = Binary::output_shape(shapes[0], shapes[1])
            .map_err(|reason| refuse(node, reason, "give both activations one shape"))?;
        let (large, small) = if swapped {
            (second, first)
        } else {
            (first, second)
        };
        let quants = [large, small, node.output].map(|id| quant(self.graph.tensor(id)));
        let params = if is_s8(self.output(node)) {
            arith::binary_params(binary.kind, quants).ok_or_else(|| {
                refuse(
                    node,
                    "integers have no quotient of two activations",
                    "keep the network in floats, or leave the division to the application",
                )
            })?
        } else {
            AddParams::default()
        };
        let op = Op::Binary {
            kind: binary.kind,
            swapped,
            params,
            clamp: clamp(binary.clamp, self.output(node)),
        };
        let (input, input2) = (self.written(large), self.written(small));
        let output = self.target(node)?;
        let step = self.step(node.name.clone(), op, input, output);
        step.input2 = Some(input2);
        step.source_index = node.source_index;
        Ok(())
    }

    /// A view where nothing needs to move, else one copy a block.
    pub(super) fn rearrange(
        &mut self,
        node: &Node,
        rearrange: &Rearrange,
    ) -> Result<(), LowerError> {
        for id in &node.inputs {
            if !same_numbers(self.graph.tensor(*id), self.output(node)) {
                return Err(refuse(
                    node,
                    "inputs and output have different scales",
                    "export the layer with one scale, or import the float network and quantise it with `--calib`",
                ));
            }
        }
        if let Rearrange::Slice { begin, step, size } = rearrange
            && let Some(spec) = self.channel_view(node, *begin, *step, *size)?
        {
            let tensor = self.add(spec);
            self.tensor_of[node.output.0] = Some(tensor);
            return Ok(());
        }
        let shapes: Vec<Shape> = node
            .inputs
            .iter()
            .map(|id| self.graph.tensor(*id).shape)
            .collect();
        let moves = rearrange.moves(&shapes).ok_or_else(|| {
            refuse(
                node,
                "a dimension exceeds 65535, or a step or block 255",
                "use smaller blocks",
            )
        })?;
        let output = self.target(node)?;
        let copies: Vec<_> = moves
            .into_iter()
            .filter(|m| !self.is_in_place(node, m.input))
            .collect();
        for (count, one) in copies.iter().enumerate() {
            let last = count + 1 == copies.len();
            let input = self.written(node.inputs[one.input]);
            let name = if last {
                node.name.clone()
            } else {
                format!("{}/{count}", node.name)
            };
            let step = self.step(name, Op::Copy { block: one.block }, input, output);
            step.source_index = node.source_index.filter(|_| last);
        }
        Ok(())
    }

    /// Whether input `i` of a concatenation was written where it belongs.
    fn is_in_place(&self, node: &Node, i: usize) -> bool {
        let id = node.inputs[i];
        let home = self.homes[id.0].filter(|(whole, _)| *whole == node.output);
        let earlier: usize = node.inputs[..i]
            .iter()
            .map(|id| self.graph.tensor(*id).shape.c)
            .sum();
        home.is_some_and(|(_, first)| first == earlier)
    }

    /// A slice of whole planes as a view of them.
    fn channel_view(
        &self,
        node: &Node,
        begin: [usize; 3],
        step: [usize; 3],
        size: [usize; 3],
    ) -> Result<Option<TensorSpec>, LowerError> {
        let source = self.source(node);
        let from = &self.program.tensors[source];
        let shape = self.input(node).shape;
        let bytes = begin[0] as u64 * u64::from(from.plane_stride) * u64::from(from.dtype.size());
        let whole = begin[1..] == [0, 0] && size[1..] == [shape.h, shape.w];
        if self.options.keep_all_steps
            || from.layout != TensorLayout::Planar
            || !whole
            || (step[0] != 1 && size[0] != 1)
            || !bytes.is_multiple_of(ALIGN)
        {
            return Ok(None);
        }
        let mut spec = planar(self.output(node), true)?;
        spec.plane_stride = from.plane_stride;
        spec.alias_of = Some(source);
        spec.alias_at = u32::try_from(bytes).unwrap_or(u32::MAX);
        Ok(Some(spec))
    }

    /// Constant channels.
    pub(super) fn pad_channels(
        &mut self,
        node: &Node,
        begin: usize,
        value: f32,
    ) -> Result<(), LowerError> {
        self.same_scale(node)?;
        let front = u16::try_from(begin)
            .map_err(|_| refuse(node, "more than 65535 channels", "pad fewer channels"))?;
        let value = super::convert::constant(value, self.output(node));
        let (top, left) = (0, 0);
        self.plain(
            node,
            Op::Pad {
                top,
                left,
                front,
                value,
            },
        )
    }

    /// Rows, columns and weights as a table.
    pub(super) fn resize(&mut self, node: &Node, resize: &Resize) -> Result<(), LowerError> {
        self.same_scale(node)?;
        let s8 = self.output(node).dtype == DType::S8;
        let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let taps = resize.rows.iter().chain(&resize.columns);
        let (op, table) = if resize.nearest {
            let places: Vec<u16> = taps.map(|t| small(t.before)).collect();
            (Op::ResizeNearest, encode::table_u16(&places))
        } else {
            let tap = |t: &Tap| {
                let weight = if s8 {
                    arith::resize_weight(t.weight).to_le_bytes()
                } else {
                    t.weight.to_le_bytes()
                };
                ([small(t.before), small(t.after)], weight)
            };
            let table: Vec<_> = taps.map(tap).collect();
            let ties = if s8 {
                self.graph.arithmetic.ties()
            } else {
                Ties::Away
            };
            (Op::ResizeBilinear { ties }, encode::table_taps(&table))
        };
        self.tabled(node, op, table)
    }
}

/// Whether any concatenation of a graph may be written in place; `None` where every node keeps an output of its own.
pub(super) fn homes_unless(keep_all: bool, graph: &Graph, gapless: &[bool]) -> Vec<Home> {
    if keep_all {
        vec![None; graph.tensors.len()]
    } else {
        homes(graph, gapless)
    }
}

impl Lowering<'_> {
    fn internal(&self, id: TensorId) -> Result<TensorSpec, LowerError> {
        super::tensors::internal(self.graph, id, self.gapless())
    }
}
