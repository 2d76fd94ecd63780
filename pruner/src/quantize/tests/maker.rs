//! Seeded float networks with data.

use crate::arith;
use crate::data::{Array, Dataset, Elements, Preprocess};
use crate::interpret::{Interpreter, Value};
use crate::ir::{
    Bias, Clamp, Conv, DType, FlattenOrder, FullyConnected, Graph, Node, Op, Order, Pool, Shape,
    Source, Tensor, TensorId, Values, Weights, Window,
};
use crate::progress::SILENT;
use crate::quantize::{Options, Range, post_training};
use crate::random::Random;

pub(super) const SAMPLES: usize = 40;

/// A float network under construction; the last tensor is the next node's input.
pub(super) struct Maker {
    pub(super) random: Random,
    pub(super) graph: Graph,
    pub(super) at: TensorId,
}

impl Maker {
    pub(super) fn new(seed: u64, shape: Shape) -> Self {
        let mut graph = Graph::default();
        let at = graph.add_tensor(tensor("input", shape));
        graph.inputs.push(at);
        Self {
            random: Random::new(seed),
            graph,
            at,
        }
    }

    pub(super) fn node(&mut self, op: Op, inputs: &[TensorId]) -> TensorId {
        let shape = op.output_shape(self.graph.tensor(inputs[0]).shape).unwrap();
        let name = format!("{}{}", op.name(), self.graph.nodes.len());
        let output = self.graph.add_tensor(tensor(&name, shape));
        self.graph.nodes.push(Node {
            name,
            op,
            inputs: inputs.to_vec(),
            output,
            source_index: None,
        });
        self.at = output;
        output
    }

    pub(super) fn then(&mut self, op: Op) -> TensorId {
        self.node(op, &[self.at])
    }

    /// Weights with a fifth of zeros and rows of very different size.
    pub(super) fn weights(&mut self, shape: [usize; 4]) -> (Weights, Bias) {
        let row = shape[1] * shape[2] * shape[3];
        let mut values = Vec::new();
        for _ in 0..shape[0] {
            let size = 0.05 + self.random.real().abs();
            let zero = |r: &mut Random| r.chance(20);
            values.extend((0..row).map(|_| {
                if zero(&mut self.random) {
                    0.0
                } else {
                    self.random.bell() * size
                }
            }));
        }
        let bias = (0..shape[0]).map(|_| self.random.real() * 0.5).collect();
        let weights = Weights {
            name: "w".into(),
            shape,
            values: Values::F32(values),
            scales: vec![],
        };
        (weights, Bias::F32(bias))
    }

    pub(super) fn conv(
        &mut self,
        outputs: usize,
        side: usize,
        depthwise: bool,
        clamp: Clamp,
    ) -> TensorId {
        let c = self.graph.tensor(self.at).shape.c;
        let shape = if depthwise {
            [c, 1, side, side]
        } else {
            [outputs, c, side, side]
        };
        let (weights, bias) = self.weights(shape);
        let conv = Conv {
            window: window(side, 1, side / 2),
            weights,
            bias,
            clamp,
        };
        self.then(if depthwise {
            Op::DepthwiseConv2d(conv)
        } else {
            Op::Conv2d(conv)
        })
    }

    pub(super) fn fully_connected(&mut self, outputs: usize) -> TensorId {
        let (weights, bias) = self.weights([outputs, self.graph.tensor(self.at).shape.len(), 1, 1]);
        self.then(Op::FullyConnected(FullyConnected {
            weights,
            bias,
            clamp: Clamp::NONE,
        }))
    }

    pub(super) fn finish(mut self) -> Graph {
        self.graph.outputs.push(self.at);
        self.graph.check().unwrap();
        self.graph
    }
}

pub(super) fn tensor(name: &str, shape: Shape) -> Tensor {
    let source = Source {
        dims: vec![1, shape.c, shape.h, shape.w],
        order: Order::Nchw,
    };
    Tensor {
        name: name.into(),
        shape,
        dtype: DType::F32,
        quant: None,
        source,
    }
}

pub(super) fn window(side: usize, stride: usize, pad: usize) -> Window {
    Window {
        kernel: [side; 2],
        stride: [stride; 2],
        pad_begin: [pad; 2],
        pad_end: [pad; 2],
    }
}

pub(super) fn pool(side: usize) -> Pool {
    Pool {
        window: window(side, side, 0),
        clamp: Clamp::NONE,
    }
}

/// Convolutions, a residual sum, pools and a classifier.
pub(super) fn network(seed: u64) -> Graph {
    let mut m = Maker::new(seed, Shape::new(3, 12, 12));
    m.then(Op::ChannelAffine {
        scale: vec![0.5, 1.0, 2.0],
        shift: vec![0.1, 0.0, -0.2],
    });
    let trunk = m.conv(8, 3, false, Clamp::RELU);
    m.conv(8, 3, true, Clamp::RELU6);
    let branch = m.conv(8, 1, false, Clamp::NONE);
    m.node(Op::Add(Clamp::RELU), &[trunk, branch]);
    match seed % 4 {
        0 => m.then(Op::MaxPool2d(pool(2))),
        1 => m.then(Op::AveragePool2d(pool(3))),
        2 => m.then(Op::Pad {
            begin: [1, 0],
            end: [0, 1],
            value: 0.0,
        }),
        _ => m.then(Op::Identity),
    };
    m.conv(12, 3, false, Clamp::NONE);
    m.then(Op::Clamp(Clamp::RELU));
    if seed.is_multiple_of(2) {
        let shape = m.graph.tensor(m.at).shape;
        let window = Window {
            kernel: [shape.h, shape.w],
            ..window(1, 1, 0)
        };
        m.then(Op::AveragePool2d(Pool {
            window,
            clamp: Clamp::NONE,
        }));
    }
    m.then(Op::Flatten(FlattenOrder::ChannelsFirst));
    m.fully_connected(7);
    m.finish()
}

pub(super) fn data(seed: u64, shape: Shape) -> Dataset {
    let mut random = Random::new(seed ^ 0xDA7A);
    let values = (0..SAMPLES * shape.len())
        .map(|_| random.bell() * 2.0)
        .collect();
    let dims = vec![SAMPLES, shape.c, shape.h, shape.w];
    Dataset::new(
        "random",
        "x",
        Array::new(dims, Elements::F32(values)).unwrap(),
        None,
    )
    .unwrap()
}

pub(super) fn quantized(graph: &Graph, data: &Dataset, range: Range) -> Graph {
    let options = Options {
        range,
        ..Options::default()
    };
    post_training(graph.clone(), data, &options, SILENT).unwrap()
}

/// Signal to noise in dB of the integer network's outputs over all samples.
pub(super) fn snr(float: &Graph, integer: &Graph, data: &Dataset) -> f64 {
    let samples = data
        .samples(float.tensor(float.inputs[0]), None, &Preprocess::NONE)
        .unwrap();
    let outputs = |g: &Graph, i: usize| {
        let run = Interpreter::with_rounding(g, arith::Rounding::Single).unwrap();
        let x = Value::from_real(&samples.get(i), g.tensor(g.inputs[0]));
        run.run(&[x]).unwrap()[0].to_real(g.tensor(g.outputs[0]))
    };
    let (mut signal, mut noise) = (0.0, 0.0);
    for i in 0..samples.len() {
        for (a, b) in outputs(float, i).into_iter().zip(outputs(integer, i)) {
            signal += f64::from(a).powi(2);
            noise += f64::from(a - b).powi(2);
        }
    }
    10.0 * (signal / noise).log10()
}
