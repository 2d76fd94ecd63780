//! Small random networks for tests: every tensor and weight comes from one seed.

use super::{Interpreter, Value};
use crate::arith::{self, Rounding};
use crate::ir::{
    Bias, Clamp, Conv, DType, FullyConnected, Graph, Node, Op, Order, Quant, Shape, Source, Tensor,
    TensorId, Values, Weights, Window,
};

/// A linear congruential generator.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_F491_4F6C_DD1D).wrapping_add(77))
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % u64::try_from(n).unwrap()).unwrap()
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn s8(&mut self) -> i8 {
        i8::try_from(self.below(256).cast_signed() - 128).unwrap()
    }

    /// A number in `[-1, 1)`.
    pub(crate) fn unit(&mut self) -> f32 {
        f32::from(i16::try_from(self.below(65_536).cast_signed() - 32_768).unwrap()) / 32_768.0
    }
}

/// How many rows, columns and single weights of a layer are zero, in percent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Zeros {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) weights: usize,
}

impl Zeros {
    pub(crate) const NONE: Self = Self {
        rows: 0,
        columns: 0,
        weights: 0,
    };
}

/// A graph under construction.
#[derive(Debug)]
pub(crate) struct Build {
    pub(crate) graph: Graph,
    pub(crate) random: Random,
    pub(crate) zeros: Zeros,
    quantized: bool,
}

pub(crate) fn window(kernel: usize, stride: usize, pad: usize) -> Window {
    Window {
        kernel: [kernel; 2],
        stride: [stride; 2],
        pad_begin: [pad; 2],
        pad_end: [pad; 2],
    }
}

impl Build {
    /// A graph with one input, of integers or of floats.
    pub(crate) fn new(seed: u64, input: Shape, quantized: bool) -> (Self, TensorId) {
        let mut build = Self {
            graph: Graph::default(),
            random: Random::new(seed),
            zeros: Zeros::NONE,
            quantized,
        };
        let id = build.tensor(input);
        build.graph.inputs.push(id);
        (build, id)
    }

    /// An activation with a random scale and zero point.
    pub(crate) fn tensor(&mut self, shape: Shape) -> TensorId {
        let quant = Quant {
            scale: 0.05 + 0.01 * self.random.unit(),
            zero_point: [-128, -128, 0, -7, 30][self.random.below(5)],
        };
        let quant = self.quantized.then_some(quant);
        self.graph.add_tensor(Tensor {
            name: format!("t{}", self.graph.tensors.len()),
            shape,
            dtype: if self.quantized {
                DType::S8
            } else {
                DType::F32
            },
            quant,
            source: Source {
                dims: vec![1, shape.c, shape.h, shape.w],
                order: Order::Nchw,
            },
        })
    }

    /// Appends an operator; its output has a quantisation of its own.
    pub(crate) fn push(&mut self, op: Op, inputs: &[TensorId]) -> TensorId {
        let input = self.graph.tensor(inputs[0]).shape;
        let output = self.tensor(op.output_shape(input).unwrap());
        self.graph.nodes.push(Node {
            name: format!("{}{}", op.name(), self.graph.nodes.len()),
            op,
            inputs: inputs.to_vec(),
            output,
            source_index: None,
        });
        output
    }

    /// Appends an operator whose output has the quantisation of its first input.
    pub(crate) fn push_same(&mut self, op: Op, input: TensorId) -> TensorId {
        let output = self.push(op, &[input]);
        self.graph.tensor_mut(output).quant = self.graph.tensor(input).quant;
        output
    }

    pub(crate) fn conv(
        &mut self,
        input: TensorId,
        rows: usize,
        window: Window,
        clamp: Clamp,
    ) -> TensorId {
        let columns = self.graph.tensor(input).shape.c;
        let (weights, bias) = self.layer([rows, columns, window.kernel[0], window.kernel[1]]);
        let conv = Conv {
            window,
            weights,
            bias,
            clamp,
        };
        self.push(Op::Conv2d(conv), &[input])
    }

    pub(crate) fn depthwise(
        &mut self,
        input: TensorId,
        multiplier: usize,
        window: Window,
        clamp: Clamp,
    ) -> TensorId {
        let rows = self.graph.tensor(input).shape.c * multiplier;
        let (weights, bias) = self.layer([rows, 1, window.kernel[0], window.kernel[1]]);
        let conv = Conv {
            window,
            weights,
            bias,
            clamp,
        };
        self.push(Op::DepthwiseConv2d(conv), &[input])
    }

    pub(crate) fn fully_connected(&mut self, input: TensorId, rows: usize) -> TensorId {
        let columns = self.graph.tensor(input).shape.len();
        let (weights, bias) = self.layer([rows, columns, 1, 1]);
        let layer = FullyConnected {
            weights,
            bias,
            clamp: Clamp::NONE,
        };
        self.push(Op::FullyConnected(layer), &[input])
    }

    /// Random weights and biases, with scales that spread outputs over `s8`.
    fn layer(&mut self, shape: [usize; 4]) -> (Weights, Bias) {
        let (rows, row_len) = (shape[0], shape[1] * shape[2] * shape[3]);
        let taps = shape[2] * shape[3];
        let dead: Vec<bool> = (0..shape[1])
            .map(|_| self.random.chance(self.zeros.columns))
            .collect();
        let mut values = vec![0_i8; rows * row_len];
        for row in values.chunks_exact_mut(row_len) {
            let dead_row = self.random.chance(self.zeros.rows);
            for (i, w) in row.iter_mut().enumerate() {
                let zero = dead_row || dead[i / taps] || self.random.chance(self.zeros.weights);
                *w = if zero { 0 } else { self.random.s8() };
            }
        }
        let root = f32::from(u16::try_from(row_len).unwrap()).sqrt();
        let scale = 0.01 / root;
        let bias: Vec<f32> = (0..rows)
            .map(|_| 6000.0 * root * self.random.unit())
            .collect();
        let name = "weights".into();
        if self.quantized {
            let scales = (0..rows)
                .map(|_| scale * (1.0 + 0.3 * self.random.unit()))
                .collect();
            let bias = bias
                .iter()
                .map(|b| arith::round_half_even(f64::from(*b)))
                .collect();
            let values = Values::S8(values);
            (
                Weights {
                    name,
                    shape,
                    values,
                    scales,
                },
                Bias::S32(bias),
            )
        } else {
            let real = |w: &i8| f32::from(*w) * scale * 0.4;
            let values = Values::F32(values.iter().map(real).collect());
            let bias = bias.iter().map(|b| b * scale * 0.02).collect();
            (
                Weights {
                    name,
                    shape,
                    values,
                    scales: Vec::new(),
                },
                Bias::F32(bias),
            )
        }
    }

    /// The checked graph with these outputs.
    pub(crate) fn finish(mut self, outputs: &[TensorId]) -> Graph {
        self.graph.outputs = outputs.to_vec();
        self.graph.check().unwrap();
        self.graph
    }
}

/// Random values for every input of a graph.
pub(crate) fn inputs(graph: &Graph, seed: u64) -> Vec<Value> {
    let mut random = Random::new(seed);
    let value = |id: &TensorId| {
        let tensor = graph.tensor(*id);
        let n = tensor.shape.len();
        if tensor.quant.is_some() {
            Value::S8((0..n).map(|_| random.s8()).collect())
        } else {
            Value::F32((0..n).map(|_| 3.0 * random.unit()).collect())
        }
    };
    graph.inputs.iter().map(value).collect()
}

/// Both graphs give the same outputs on random inputs: integers to the bit, floats to five digits.
pub(crate) fn assert_equal(before: &Graph, after: &Graph, rounding: Rounding, seed: u64) {
    let a = Interpreter::with_rounding(before, rounding).unwrap();
    let b = Interpreter::with_rounding(after, rounding).unwrap();
    for sample in 0..4 {
        let inputs = inputs(before, seed.wrapping_mul(4) + sample);
        let (found, expected) = (b.run(&inputs).unwrap(), a.run(&inputs).unwrap());
        for (found, expected) in found.iter().zip(&expected) {
            if let (Value::F32(found), Value::F32(expected)) = (found, expected) {
                let norm = |v: &mut dyn Iterator<Item = f32>| v.map(|x| x * x).sum::<f32>().sqrt();
                let error = norm(&mut found.iter().zip(expected).map(|(a, b)| a - b));
                let size = norm(&mut expected.iter().copied());
                assert!(
                    error <= 1.0e-5 * size.max(1.0e-3),
                    "seed {seed}: {error} of {size}"
                );
            } else {
                assert_eq!(found, expected, "seed {seed}");
            }
        }
    }
}
