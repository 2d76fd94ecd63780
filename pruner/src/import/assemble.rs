//! The graph while it is being built: tensors and nodes are added with their limits checked.

use super::error::{ImportError, Problem, printable};
use super::geometry::{shape_of, shown};
use super::limits::{self, Budget};
use super::spread::Spread;
use crate::ir::{
    Conv, DType, Graph, Node, Op, Order, Quant, Shape, Source, Tensor, TensorId, Values, Weights,
    Window,
};

/// A graph under construction.
#[derive(Debug)]
pub(super) struct Assembler {
    /// The file's name, for errors.
    pub(super) file: String,
    /// What has been built so far.
    pub(super) graph: Graph,
    /// How many constants may still be copied.
    pub(super) budget: Budget,
}

impl Assembler {
    /// An empty graph for a file of `len` bytes.
    pub(super) fn new(file: &str, len: usize) -> Self {
        let stem = std::path::Path::new(file).file_stem();
        Self {
            file: file.to_owned(),
            graph: Graph {
                name: stem.map_or_else(|| file.to_owned(), |s| s.to_string_lossy().into_owned()),
                ..Graph::default()
            },
            budget: Budget::for_file(len as u64),
        }
    }

    /// Adds an activation; `quant` makes it an integer one.
    pub(super) fn activation(
        &mut self,
        name: &str,
        dims: &[usize],
        order: Order,
        quant: Option<Quant>,
    ) -> Result<TensorId, Problem> {
        let shape = shape_of(dims, order)?;
        self.shaped(name, shape, dims, order, quant)
    }

    /// Adds an activation whose dimensions show the values of `shape` in another way.
    pub(super) fn shaped(
        &mut self,
        name: &str,
        shape: Shape,
        dims: &[usize],
        order: Order,
        quant: Option<Quant>,
    ) -> Result<TensorId, Problem> {
        let values = dims.iter().try_fold(1_usize, |n, d| n.checked_mul(*d));
        if values != Some(shape.len()) || dims.len() > 4 {
            return Err(Problem::unsupported(format!(
                "{} values as dimensions {dims:?}",
                shape.len()
            )));
        }
        if self.graph.tensors.len() >= limits::TENSORS {
            return Err(Problem::Limit {
                what: "activations",
                found: limits::TENSORS as u64 + 1,
                limit: limits::TENSORS as u64,
            });
        }
        if let Some(q) = quant
            && !(q.scale.is_finite() && q.scale > 0.0 && (-128..=127).contains(&q.zero_point))
        {
            return Err(Problem::malformed(format!(
                "tensor '{}' has scale {} and zero point {}",
                printable(name),
                q.scale,
                q.zero_point
            )));
        }
        Ok(self.graph.add_tensor(Tensor {
            name: name.to_owned(),
            shape,
            dtype: if quant.is_some() {
                DType::S8
            } else {
                DType::F32
            },
            quant,
            source: Source {
                dims: dims.to_vec(),
                order,
            },
        }))
    }

    /// Adds a node that writes `output`, after checking that the operator gives the output's shape.
    pub(super) fn node(
        &mut self,
        name: &str,
        op: Op,
        inputs: &[TensorId],
        output: TensorId,
        source_index: Option<usize>,
    ) -> Result<(), Problem> {
        let given = self.shape_of(&op, inputs)?;
        let declared = self.graph.tensor(output).shape;
        if given != declared {
            return Err(Problem::malformed(format!(
                "the operator gives {}, the file says {}",
                shown(given),
                shown(declared)
            )));
        }
        self.types_fit(&op, inputs, output)?;
        self.graph.nodes.push(Node {
            name: name.to_owned(),
            op,
            inputs: inputs.to_vec(),
            output,
            source_index,
        });
        Ok(())
    }

    /// The shape that an operator gives.
    pub(super) fn shape_of(&self, op: &Op, inputs: &[TensorId]) -> Result<Shape, Problem> {
        let shapes: Vec<Shape> = inputs.iter().map(|i| self.graph.tensor(*i).shape).collect();
        op.shape_of(&shapes).map_err(Problem::Malformed)
    }

    /// Integer and float activations meet only where the operator converts.
    fn types_fit(&self, op: &Op, inputs: &[TensorId], output: TensorId) -> Result<(), Problem> {
        let dtype = |id: TensorId| self.graph.tensor(id).dtype;
        let out = dtype(output);
        let all = |wanted: DType| inputs.iter().all(|i| dtype(*i) == wanted);
        let fits = if matches!(op, Op::Quantize) {
            out == DType::S8
        } else if matches!(op, Op::Dequantize) {
            out == DType::F32 && all(DType::S8)
        } else {
            all(out)
        };
        if fits {
            return Ok(());
        }
        let given: Vec<DType> = inputs.iter().map(|i| dtype(*i)).collect();
        Err(Problem::malformed(format!(
            "element types {given:?} in, {out:?} out"
        )))
    }

    /// Adds a node whose output has the shape, order and type of `input`, under a name made from it.
    pub(super) fn inserted(
        &mut self,
        name: &str,
        op: Op,
        input: TensorId,
    ) -> Result<TensorId, Problem> {
        let tensor = self.graph.tensor(input).clone();
        let shape = op.output_shape(tensor.shape).map_err(Problem::Malformed)?;
        let dims = if shape == tensor.shape {
            tensor.source.dims
        } else if shape.pixels() == 1 {
            vec![1, shape.c]
        } else {
            match tensor.source.order {
                Order::Nchw => vec![1, shape.c, shape.h, shape.w],
                Order::Nhwc => vec![1, shape.h, shape.w, shape.c],
            }
        };
        let output = self.activation(name, &dims, tensor.source.order, tensor.quant)?;
        self.node(name, op, &[input], output, None)?;
        Ok(output)
    }

    /// Notes that a convolution's filters were written with zeros.
    pub(super) fn note_spread(&mut self, node: &str, spread: Spread) {
        if spread != Spread::NONE {
            self.graph.notes.push(format!(
                "node '{}': {} groups, dilation {:?}: its filters were written out with zeros",
                printable(node),
                spread.groups,
                spread.dilation
            ));
        }
    }

    /// The finished graph, checked.
    pub(super) fn finish(self) -> Result<Graph, ImportError> {
        match self.graph.check() {
            Ok(()) => Ok(self.graph),
            Err(e) => Err(ImportError::Malformed {
                file: self.file,
                place: "graph".into(),
                reason: e.to_string(),
            }),
        }
    }
}

/// Weights of floats, refused when they hold a NaN or an infinity.
pub(super) fn float_weights(
    name: &str,
    shape: [usize; 4],
    values: Vec<f32>,
) -> Result<Weights, Problem> {
    finite(name, &values)?;
    Ok(Weights {
        name: name.to_owned(),
        shape,
        values: Values::F32(values),
        scales: Vec::new(),
    })
}

/// Refuses a NaN or an infinity.
pub(super) fn finite(name: &str, values: &[f32]) -> Result<(), Problem> {
    if values.iter().all(|v| v.is_finite()) {
        return Ok(());
    }
    Err(Problem::NotFinite {
        tensor: printable(name),
    })
}

/// `values` with the axes of a `[a, b, c, d]` array in another order: `to[i]` is the source axis of axis `i`.
pub(super) fn permuted<T: Copy>(values: &[T], dims: [usize; 4], to: [usize; 4]) -> Vec<T> {
    let stride = [dims[1] * dims[2] * dims[3], dims[2] * dims[3], dims[3], 1];
    let [n0, n1, n2, n3] = to.map(|axis| dims[axis]);
    let [s0, s1, s2, s3] = to.map(|axis| stride[axis]);
    let mut out = Vec::with_capacity(values.len());
    for a in 0..n0 {
        for b in 0..n1 {
            for c in 0..n2 {
                let row = a * s0 + b * s1 + c * s2;
                out.extend((0..n3).filter_map(|d| values.get(row + d * s3)));
            }
        }
    }
    out
}

/// A window without padding.
pub(super) const fn unpadded(kernel: [usize; 2], stride: [usize; 2]) -> Window {
    Window {
        kernel,
        stride,
        pad_begin: [0; 2],
        pad_end: [0; 2],
    }
}

/// The operator of a convolution: depthwise where there is one input channel per filter and several in all.
pub(super) const fn convolution(conv: Conv, depthwise: bool) -> Op {
    if depthwise {
        Op::DepthwiseConv2d(conv)
    } else {
        Op::Conv2d(conv)
    }
}
