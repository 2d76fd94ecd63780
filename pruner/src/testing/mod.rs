//! Seeded networks for tests: small, of every operator, integer or float.

mod movers;
mod run;

pub(crate) use run::{run, run_with};

use crate::interpret::Value;
use crate::ir::{
    Arithmetic, Bias, Clamp, Conv, DType, FlattenOrder, FullyConnected, Function, Graph, Node, Op,
    Order, Pool, Quant, Shape, Slopes, Source, Tensor, TensorId, Unary, Values, Weights, Window,
};
use crate::random::Random;

/// Functions that random networks use.
const FUNCTIONS: [Function; 5] = [
    Function::Sigmoid,
    Function::LeakyRelu,
    Function::HardSwish,
    Function::Abs,
    Function::Neg,
];

/// A network of random operators; integers if `quantized`.
pub(crate) fn network(seed: u64, quantized: bool) -> Graph {
    let mut maker = Maker {
        random: Random::new(seed),
        graph: Graph {
            name: format!("random{seed}"),
            arithmetic: if seed % 3 == 2 {
                Arithmetic::Onnx
            } else {
                Arithmetic::TensorFlowLite
            },
            ..Graph::default()
        },
        quantized,
        order: if seed.is_multiple_of(2) {
            Order::Nhwc
        } else {
            Order::Nchw
        },
    };
    let shape = Shape::new(
        1 + maker.random.below(5),
        1 + maker.random.below(14),
        1 + maker.random.below(14),
    );
    let quant = maker.quant();
    let mut at = maker.tensor(shape, quant);
    maker.graph.inputs.push(at);
    for _ in 0..2 + maker.random.below(7) {
        at = maker.layer(at);
    }
    if maker.random.chance(70) {
        at = maker.head(at);
    }
    maker.graph.outputs.push(at);
    maker.graph.check().unwrap();
    maker.graph
}

/// A random input of `graph`.
pub(crate) fn input(graph: &Graph, seed: u64) -> Value {
    let mut random = Random::new(seed ^ 0xABCD);
    let tensor = graph.tensor(graph.inputs[0]);
    let n = tensor.shape.len();
    if tensor.dtype == DType::S8 {
        Value::S8((0..n).map(|_| random.s8()).collect())
    } else {
        Value::F32((0..n).map(|_| 4.0 * random.real()).collect())
    }
}

struct Maker {
    random: Random,
    graph: Graph,
    quantized: bool,
    order: Order,
}

impl Maker {
    fn quant(&mut self) -> Quant {
        let scale = 0.02 + self.random.real().abs() * 0.1;
        Quant {
            scale,
            zero_point: self.random.s8().into(),
        }
    }

    fn tensor(&mut self, shape: Shape, quant: Quant) -> TensorId {
        let dims = match self.order {
            _ if shape.pixels() == 1 => vec![1, shape.c],
            Order::Nchw => vec![1, shape.c, shape.h, shape.w],
            Order::Nhwc => vec![1, shape.h, shape.w, shape.c],
        };
        self.graph.add_tensor(Tensor {
            name: format!("t{}", self.graph.tensors.len()),
            shape,
            dtype: if self.quantized {
                DType::S8
            } else {
                DType::F32
            },
            quant: self.quantized.then_some(quant),
            source: Source {
                dims,
                order: self.order,
            },
        })
    }

    fn shape(&self, id: TensorId) -> Shape {
        self.graph.tensor(id).shape
    }

    fn node(&mut self, op: Op, inputs: Vec<TensorId>, quant: Option<Quant>) -> TensorId {
        let shapes: Vec<Shape> = inputs.iter().map(|t| self.shape(*t)).collect();
        let shape = op.shape_of(&shapes).unwrap();
        let kept = self.graph.tensor(inputs[0]).quant;
        let fresh = self.quant();
        let output = self.tensor(shape, quant.or(kept).unwrap_or(fresh));
        let index = self.graph.nodes.len();
        let name = format!("{}{index}", op.name());
        self.graph.nodes.push(Node {
            name,
            op,
            inputs,
            output,
            source_index: Some(index),
        });
        output
    }

    fn weights(&mut self, shape: [usize; 4]) -> (Weights, Bias) {
        let sparsity = self.random.pick(&[0, 30, 80, 95]);
        let count = shape.iter().product();
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            let keep = !self.random.chance(sparsity);
            values.push(if keep { self.random.s8() } else { 0 });
        }
        let name = format!("w{}", self.graph.nodes.len());
        if self.quantized {
            let scales = (0..shape[0])
                .map(|_| 0.001 + self.random.real().abs() * 0.01)
                .collect();
            let bias = (0..shape[0])
                .map(|_| i32::from(self.random.s8()) * 16)
                .collect();
            (
                Weights {
                    name,
                    shape,
                    values: Values::S8(values),
                    scales,
                },
                Bias::S32(bias),
            )
        } else {
            let values = values.into_iter().map(|v| f32::from(v) / 128.0).collect();
            let bias = (0..shape[0]).map(|_| self.random.real()).collect();
            let weights = Weights {
                name,
                shape,
                values: Values::F32(values),
                scales: Vec::new(),
            };
            (weights, Bias::F32(bias))
        }
    }

    fn clamp(&mut self) -> Clamp {
        self.random.pick(&[Clamp::NONE, Clamp::RELU, Clamp::RELU6])
    }

    fn window(&mut self, shape: Shape) -> Window {
        let side = |random: &mut Random, size: usize| {
            let kernel = 1 + random.below(4.min(size + 2));
            let pad = random.below(kernel);
            let begin = if size + pad < kernel { kernel - 1 } else { pad };
            let end = random.below(kernel);
            (kernel, 1 + random.below(3), begin, end)
        };
        if self.random.chance(30) {
            return Window {
                kernel: [1, 1],
                stride: [1, 1],
                pad_begin: [0, 0],
                pad_end: [0, 0],
            };
        }
        let (kh, sh, bh, eh) = side(&mut self.random, shape.h);
        let (kw, sw, bw, ew) = side(&mut self.random, shape.w);
        Window {
            kernel: [kh, kw],
            stride: [sh, sw],
            pad_begin: [bh, bw],
            pad_end: [eh, ew],
        }
    }

    fn layer(&mut self, at: TensorId) -> TensorId {
        let shape = self.shape(at);
        let (window, clamp, quant) = (self.window(shape), self.clamp(), Some(self.quant()));
        match self.random.below(14) {
            10..=13 => self.mover(at),
            0..=3 => {
                let out = 1 + self.random.below(12);
                let (weights, bias) =
                    self.weights([out, shape.c, window.kernel[0], window.kernel[1]]);
                self.node(
                    Op::Conv2d(Conv {
                        window,
                        weights,
                        bias,
                        clamp,
                    }),
                    vec![at],
                    quant,
                )
            }
            4 | 5 => {
                let out = shape.c * self.random.pick(&[1, 1, 2]);
                let (weights, bias) = self.weights([out, 1, window.kernel[0], window.kernel[1]]);
                self.node(
                    Op::DepthwiseConv2d(Conv {
                        window,
                        weights,
                        bias,
                        clamp,
                    }),
                    vec![at],
                    quant,
                )
            }
            6 | 7 => {
                let alike: Vec<TensorId> = (0..self.graph.tensors.len())
                    .map(TensorId)
                    .filter(|&t| self.shape(t) == shape)
                    .collect();
                let other = self.random.pick(&alike);
                self.node(Op::Add(clamp), vec![at, other], quant)
            }
            8 => {
                let pool = Pool {
                    window: pool_window(window, shape),
                    clamp,
                };
                let max = self.random.chance(50);
                let op = if max {
                    Op::MaxPool2d(pool)
                } else {
                    Op::AveragePool2d(pool)
                };
                self.node(op, vec![at], None)
            }
            _ => match self.random.below(5) {
                0 => self.node(Op::Clamp(clamp), vec![at], None),
                3 => {
                    let slopes = self.slopes(shape.c);
                    self.node(Op::Prelu(slopes), vec![at], quant)
                }
                4 => {
                    let function = self.random.pick(&FUNCTIONS);
                    let unary = Unary::with(function, 0.25, 1.0);
                    self.node(Op::Unary(unary), vec![at], quant)
                }
                1 => self.node(Op::Identity, vec![at], None),
                _ => {
                    let op = Op::Pad {
                        begin: [1, 0],
                        end: [0, 2],
                        value: 0.0,
                    };
                    self.node(op, vec![at], None)
                }
            },
        }
    }

    /// Slopes of the network's type.
    fn slopes(&mut self, channels: usize) -> Slopes {
        let values: Vec<i16> = (0..channels)
            .map(|_| i16::try_from(self.random.below(511)).unwrap() - 255)
            .collect();
        let scale = 1.0 / 300.0;
        if self.quantized {
            return Slopes::S8 { values, scale };
        }
        Slopes::F32(values.iter().map(|v| scale * f32::from(*v)).collect())
    }

    /// To a vector, a fully connected layer and maybe a softmax.
    fn head(&mut self, at: TensorId) -> TensorId {
        let flat = match self.random.below(3) {
            0 => {
                let quant = Some(self.quant());
                self.node(Op::Mean, vec![at], quant)
            }
            1 => self.node(Op::Flatten(FlattenOrder::ChannelsFirst), vec![at], None),
            _ => self.node(Op::Flatten(FlattenOrder::ChannelsLast), vec![at], None),
        };
        let (clamp, quant) = (self.clamp(), Some(self.quant()));
        let outputs = 1 + self.random.below(9);
        let (weights, bias) = self.weights([outputs, self.shape(flat).len(), 1, 1]);
        let layer = FullyConnected {
            weights,
            bias,
            clamp,
        };
        let logits = self.node(Op::FullyConnected(layer), vec![flat], quant);
        if self.random.chance(50) {
            let quant = Some(Quant {
                scale: 1.0 / 256.0,
                zero_point: -128,
            });
            return self.node(Op::Softmax { beta: 1.0 }, vec![logits], quant);
        }
        logits
    }
}

/// The same window where each position sees at least one element.
fn pool_window(window: Window, shape: Shape) -> Window {
    let mut pool = window;
    for (d, size) in [shape.h, shape.w].into_iter().enumerate() {
        pool.kernel[d] = pool.kernel[d].min(size);
        pool.pad_begin[d] = 0;
        pool.pad_end[d] = 0;
    }
    pool
}
