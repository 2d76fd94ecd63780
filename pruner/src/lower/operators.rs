//! Each operator of the graph as steps of the program.

use super::convert::{
    POINTWISE, clamp, constant, is_s8, quant, refuse, same_numbers, shift, window,
};
use super::nodes::Lowering;
use super::tensors::planar;
use super::weights::Layer;
use super::{LowerError, TensorSpec};
use crate::arith;
use crate::ir::{
    Bias, Clamp, Conv, FlattenOrder, FullyConnected, Node, Op as Meaning, Pool, Shape, Tensor,
    Values, Weights,
};
use nnz_format::{Op, RepackOrder, Rounding, Ties};

/// Most values of an int8 softmax: each adds up to 1 to a sum with 12 integer bits.
const SOFTMAX_S8_LEN: usize = 4095;

impl Lowering<'_> {
    /// Lowers one node.
    pub(super) fn node(&mut self, node: &Node) -> Result<(), LowerError> {
        match &node.op {
            Meaning::Conv2d(conv) => {
                let window = window(node, &conv.window)?;
                let clamp = clamp(conv.clamp, self.graph.tensor(node.output));
                let layer = Layer::convolution(&conv.weights, &window);
                self.weighted(node, Op::Conv2d { window, clamp }, layer, &conv.bias)
            }
            Meaning::DepthwiseConv2d(conv) => self.depthwise(node, conv),
            Meaning::FullyConnected(layer) => self.fully_connected(node, layer),
            Meaning::ChannelAffine { scale, shift } => self.channel_affine(node, scale, shift),
            Meaning::Add(bounds) => self.addition(node, *bounds),
            Meaning::Clamp(bounds) => self.bounds(node, *bounds),
            Meaning::Prelu(slopes) => self.prelu(node, slopes),
            Meaning::Unary(unary) => self.unary(node, unary),
            Meaning::Binary(binary) => self.binary(node, binary),
            Meaning::Rearrange(rearrange) => self.rearrange(node, rearrange),
            Meaning::PadChannels { begin, value, .. } => self.pad_channels(node, *begin, *value),
            Meaning::Resize(resize) => self.resize(node, resize),
            Meaning::MaxPool2d(pool) => self.max_pool(node, pool),
            Meaning::AveragePool2d(pool) => self.average_pool(node, pool),
            Meaning::Mean => {
                let op = self.mean_op(node);
                self.plain(node, op)
            }
            Meaning::Softmax { beta } => self.softmax(node, *beta),
            Meaning::Pad { begin, value, .. } => self.padding(node, *begin, *value),
            Meaning::Flatten(order) => self.flatten(node, *order),
            Meaning::Reshape(_) => self.reshape(node),
            Meaning::Identity => self.identity(node),
            Meaning::Quantize => self.quantize(node),
            Meaning::Dequantize => self.plain(node, Op::Dequantize),
        }
    }

    fn depthwise(&mut self, node: &Node, conv: &Conv) -> Result<(), LowerError> {
        let window = window(node, &conv.window)?;
        let clamp = clamp(conv.clamp, self.output(node));
        let multiplier = self.output(node).shape.c / self.input(node).shape.c.max(1);
        let multiplier = u16::try_from(multiplier).map_err(|_| {
            refuse(
                node,
                "more than 65535 outputs per channel",
                "split the layer",
            )
        })?;
        let op = Op::DepthwiseConv2d {
            window,
            multiplier,
            clamp,
        };
        self.weighted(
            node,
            op,
            Layer::depthwise(&conv.weights, &window),
            &conv.bias,
        )
    }

    fn fully_connected(&mut self, node: &Node, layer: &FullyConnected) -> Result<(), LowerError> {
        let clamp = clamp(layer.clamp, self.output(node));
        let op = Op::FullyConnected { clamp };
        let mut input = self.source(node);
        if !self.program.tensors[input].is_contiguous_planar() {
            let vector = self.vector_like(self.input(node))?;
            let order = RepackOrder::ChannelsFirst;
            self.step(
                format!("{}/flatten", node.name),
                Op::Repack { order },
                input,
                vector,
            );
            input = vector;
        }
        let output = self.target(node)?;
        let weights = Layer::fully_connected(&layer.weights);
        self.weighted_between(node, op, weights, &layer.bias, (input, output))
    }

    /// A new vector with as many values as `tensor`.
    fn vector_like(&mut self, tensor: &Tensor) -> Result<usize, LowerError> {
        let mut flat = tensor.clone();
        flat.shape = Shape::vector(tensor.shape.len());
        let spec = planar(&flat, true)?;
        Ok(self.add(spec))
    }

    /// A batch normalisation that nothing absorbed: a depthwise convolution with one tap.
    fn channel_affine(
        &mut self,
        node: &Node,
        scale: &[f32],
        shift: &[f32],
    ) -> Result<(), LowerError> {
        let op = Op::DepthwiseConv2d {
            window: POINTWISE,
            multiplier: 1,
            clamp: clamp(Clamp::NONE, self.output(node)),
        };
        let weights = Weights {
            name: node.name.clone(),
            shape: [scale.len(), 1, 1, 1],
            values: Values::F32(scale.to_vec()),
            scales: Vec::new(),
        };
        let layer = Layer::depthwise(&weights, &POINTWISE);
        self.weighted(node, op, layer, &Bias::F32(shift.to_vec()))
    }

    fn addition(&mut self, node: &Node, bounds: Clamp) -> Result<(), LowerError> {
        let (a, b) = (self.input(node), self.graph.tensor(node.inputs[1]));
        let output = self.output(node);
        let clamp = clamp(bounds, output);
        let op = if is_s8(output) {
            let quants = [a, b, output].map(quant);
            let params = arith::add_params(quants[0], quants[1], quants[2]);
            let linear = arith::linear_sum(&params, quants.map(|quant| quant.zero_point));
            linear.map_or(Op::Add { params, clamp }, |sum| Op::AddLinear {
                sum,
                clamp,
            })
        } else {
            let params = nnz_format::AddParams::default();
            Op::Add { params, clamp }
        };
        let second = self.written(node.inputs[1]);
        self.plain(node, op)?;
        if let Some(step) = self.program.steps.last_mut() {
            step.input2 = Some(second);
        }
        Ok(())
    }

    fn bounds(&mut self, node: &Node, bounds: Clamp) -> Result<(), LowerError> {
        let op = if same_numbers(self.input(node), self.output(node)) {
            Op::Clamp {
                clamp: clamp(bounds, self.output(node)),
            }
        } else {
            self.requantize_op(node, bounds)
        };
        self.plain(node, op)
    }

    fn requantize_op(&self, node: &Node, bounds: Clamp) -> Op {
        let (from, to) = (self.input(node), self.output(node));
        let (multiplier, right) = arith::requantize_multiplier(quant(from), quant(to));
        Op::Requantize {
            multiplier,
            shift: shift(right),
            clamp: clamp(bounds, to),
            rounding: self.graph.arithmetic.rounding(),
        }
    }

    /// Refuses operators that copy integers if the output has another scale.
    pub(super) fn same_scale(&self, node: &Node) -> Result<(), LowerError> {
        if same_numbers(self.input(node), self.output(node)) {
            return Ok(());
        }
        Err(refuse(
            node,
            "input and output have different scales",
            "export the layer with one scale, as TensorFlow Lite's converter does, or import the float network and quantise it with `--calib`",
        ))
    }

    fn max_pool(&mut self, node: &Node, pool: &Pool) -> Result<(), LowerError> {
        self.same_scale(node)?;
        let clamp = clamp(pool.clamp, self.output(node));
        self.plain(
            node,
            Op::MaxPool2d {
                window: window(node, &pool.window)?,
                clamp,
            },
        )
    }

    fn average_pool(&mut self, node: &Node, pool: &Pool) -> Result<(), LowerError> {
        self.same_scale(node)?;
        let shape = self.input(node).shape;
        let global =
            pool.window.kernel == [shape.h, shape.w] && self.output(node).shape.pixels() == 1;
        let op = if global && shape.h.max(shape.w) > 255 && pool.clamp == Clamp::NONE {
            self.mean_op(node)
        } else {
            let clamp = clamp(pool.clamp, self.output(node));
            let is_s8 = is_s8(self.output(node));
            let ties = self.graph.arithmetic.ties();
            Op::AveragePool2d {
                window: window(node, &pool.window)?,
                clamp,
                ties: if is_s8 { ties } else { Ties::Away },
            }
        };
        self.plain(node, op)
    }

    fn mean_op(&self, node: &Node) -> Op {
        let (from, to) = (self.input(node), self.output(node));
        if !is_s8(from) {
            return Op::Mean {
                multiplier: 0,
                shift: 0,
                rounding: Rounding::Double,
            };
        }
        let rounding = self.graph.arithmetic.rounding();
        let params = arith::mean_params(rounding, quant(from), quant(to), from.shape.pixels());
        Op::Mean {
            multiplier: params.multiplier,
            shift: shift(params.shift),
            rounding,
        }
    }

    fn softmax(&mut self, node: &Node, beta: f32) -> Result<(), LowerError> {
        let from = self.input(node);
        if from.shape.pixels() != 1 {
            return Err(refuse(
                node,
                format!(
                    "softmax over the channels of a {}x{} image",
                    from.shape.h, from.shape.w
                ),
                "softmax works on vectors; leave it out of the export and apply it to the output",
            ));
        }
        if is_s8(from) && from.shape.c > SOFTMAX_S8_LEN {
            return Err(refuse(
                node,
                format!(
                    "int8 softmax over {} values: its sum has 12 integer bits, room for {SOFTMAX_S8_LEN}",
                    from.shape.c
                ),
                "leave it out of the export and apply it to the dequantised output",
            ));
        }
        let op = if is_s8(from) {
            let params = arith::softmax_params(beta, quant(from));
            Op::SoftmaxS8 {
                multiplier: params.multiplier,
                left_shift: i8::try_from(params.left_shift).unwrap_or(i8::MAX),
                diff_min: params.diff_min,
            }
        } else {
            Op::SoftmaxF32 { beta }
        };
        self.plain(node, op)
    }

    fn padding(&mut self, node: &Node, begin: [usize; 2], value: f32) -> Result<(), LowerError> {
        self.same_scale(node)?;
        let small = |n: usize| {
            u8::try_from(n).map_err(|_| {
                refuse(
                    node,
                    format!("{n} rows or columns of padding exceed 255"),
                    "pad in two steps",
                )
            })
        };
        let value = constant(value, self.output(node));
        self.plain(
            node,
            Op::Pad {
                top: small(begin[0])?,
                left: small(begin[1])?,
                front: 0,
                value,
            },
        )
    }

    /// A vector view of the same bytes, or a copy in the wanted order.
    fn flatten(&mut self, node: &Node, order: FlattenOrder) -> Result<(), LowerError> {
        self.same_scale(node)?;
        let source = self.source(node);
        let from = &self.program.tensors[source];
        let (in_order, repack) = match order {
            FlattenOrder::ChannelsFirst => {
                (from.is_contiguous_planar(), RepackOrder::ChannelsFirst)
            }
            FlattenOrder::ChannelsLast => {
                (from.is_contiguous_interleaved(), RepackOrder::ChannelsLast)
            }
        };
        if in_order && !self.options.keep_all_steps {
            return self.view(node, |_| ());
        }
        self.plain(node, Op::Repack { order: repack })
    }

    /// Another shape of the same bytes, once they follow each other in `[c][h][w]` order.
    fn reshape(&mut self, node: &Node) -> Result<(), LowerError> {
        self.same_scale(node)?;
        let mut source = self.source(node);
        if !self.program.tensors[source].is_contiguous_planar() {
            let vector = self.vector_like(self.input(node))?;
            let order = RepackOrder::ChannelsFirst;
            let name = format!("{}/flatten", node.name);
            self.step(name, Op::Repack { order }, source, vector);
            source = vector;
        }
        self.view_of(node, source, |_| ())
    }

    fn identity(&mut self, node: &Node) -> Result<(), LowerError> {
        if !same_numbers(self.input(node), self.output(node)) {
            let op = self.requantize_op(node, Clamp::NONE);
            return self.plain(node, op);
        }
        if self.options.keep_all_steps {
            return self.plain(
                node,
                Op::Repack {
                    order: RepackOrder::Same,
                },
            );
        }
        let from = &self.program.tensors[self.source(node)];
        let (layout, plane_stride) = (from.layout, from.plane_stride);
        self.view(node, |spec| {
            spec.layout = layout;
            spec.plane_stride = plane_stride;
        })
    }

    /// The node's output as another record of its input's bytes.
    fn view(
        &mut self,
        node: &Node,
        change: impl FnOnce(&mut TensorSpec),
    ) -> Result<(), LowerError> {
        self.view_of(node, self.source(node), change)
    }

    /// The node's output as another record of the bytes of `source`.
    fn view_of(
        &mut self,
        node: &Node,
        source: usize,
        change: impl FnOnce(&mut TensorSpec),
    ) -> Result<(), LowerError> {
        let mut spec = planar(self.output(node), true)?;
        change(&mut spec);
        spec.alias_of = Some(source);
        let tensor = self.add(spec);
        self.tensor_of[node.output.0] = Some(tensor);
        Ok(())
    }

    fn quantize(&mut self, node: &Node) -> Result<(), LowerError> {
        if is_s8(self.input(node)) {
            let op = self.requantize_op(node, Clamp::NONE);
            return self.plain(node, op);
        }
        self.plain(node, Op::Quantize)
    }
}
