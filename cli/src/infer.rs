//! Runs a parsed network on this machine, in the order of values that people see.
//!
//! ```text
//! .npy in the source's axis order → Samples → [c][h][w] → strides of the arena → run → [c][h][w] → .npy
//! ```

use crate::nnz_file::Aligned;
use nnz::{Model, RunError, Session};
use nnz_format::{DType, Io, Tensor};
use nnz_pruner::data::{DataError, Dataset, Elements, Preprocess, Samples};
use nnz_pruner::ir::{self, Order, Quant, Shape, Source};

/// A network input or output as the source model shows it.
#[derive(Debug, Clone)]
pub struct Port {
    /// Name, shape, type and quantisation.
    pub tensor: ir::Tensor,
    /// What the file folds into its input contract.
    pub preprocess: Preprocess,
    /// What the network's layers do to raw values: nobody else does it.
    pub folded: Preprocess,
    memory: Tensor,
}

impl Port {
    fn new(io: &Io<'_>) -> Self {
        let dims: Vec<usize> = io
            .dims
            .iter()
            .take(io.rank.into())
            .map(|&d| d as usize)
            .collect();
        Self {
            tensor: ir_tensor(io.name, &dims, io.order, &io.tensor),
            preprocess: Preprocess {
                mean: vec![io.mean],
                std: vec![io.std],
            },
            folded: Preprocess::NONE,
            memory: io.tensor,
        }
    }

    /// From data to the numbers that the source model takes.
    #[must_use]
    pub fn trained_on(&self) -> &Preprocess {
        if self.folded.is_identity() {
            &self.preprocess
        } else {
            &self.folded
        }
    }

    /// Dimensions in the source model.
    #[must_use]
    pub fn dims(&self) -> &[usize] {
        &self.tensor.source.dims
    }

    /// Bytes that the port takes in the arena.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.memory.len as usize
    }

    /// Whether the port takes no bytes (never in a checked file).
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sample `row` as the arena holds it.
    #[must_use]
    pub fn encode(&self, samples: &Samples<'_>, row: usize) -> Vec<u8> {
        match self.tensor.quant {
            Some(quant) => {
                let values = samples.get_s8(row, quant);
                let bytes: Vec<u8> = values.iter().map(|q| q.cast_unsigned()).collect();
                scatter(&bytes, 1, &self.memory)
            }
            None => {
                let values = samples.get(row);
                let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
                scatter(&bytes, 4, &self.memory)
            }
        }
    }

    /// The values of the port's bytes in the arena, in the order of the source model.
    #[must_use]
    pub fn decode(&self, bytes: &[u8]) -> Elements {
        let chw = values(&self.memory, bytes);
        to_source(chw, self.tensor.shape, self.tensor.source.order)
    }
}

/// Dimensions of data for a tensor whose axes are in `order`, `None` for the source model's.
#[must_use]
pub fn dims_in(tensor: &ir::Tensor, order: Option<Order>) -> Vec<usize> {
    let (dims, Shape { c, h, w }) = (&tensor.source.dims, tensor.shape);
    let batch = dims.len().checked_sub(3).and_then(|n| dims.get(..n));
    match (order, batch) {
        (Some(order), Some(batch)) if order != tensor.source.order => {
            let image = match order {
                Order::Nchw => [c, h, w],
                Order::Nhwc => [h, w, c],
            };
            [batch, &image].concat()
        }
        _ => dims.clone(),
    }
}

/// A tensor of the file as the pruner's data module knows tensors.
#[must_use]
pub fn ir_tensor(name: &str, dims: &[usize], order: Order, tensor: &Tensor) -> ir::Tensor {
    ir::Tensor {
        name: name.to_owned(),
        shape: shape_of(tensor),
        dtype: tensor.dtype,
        quant: quant_of(tensor),
        source: Source {
            dims: dims.to_vec(),
            order,
        },
    }
}

/// What the integers of a tensor mean, `None` for floats.
#[must_use]
pub fn quant_of(tensor: &Tensor) -> Option<Quant> {
    (tensor.dtype == DType::S8).then_some(Quant {
        scale: tensor.scale,
        zero_point: tensor.zero_point,
    })
}

/// Channels, rows and columns of a tensor of the file.
#[must_use]
pub fn shape_of(tensor: &Tensor) -> Shape {
    Shape::new(tensor.c.into(), tensor.h.into(), tensor.w.into())
}

/// Preprocessing in the metadata: where channels differ and the io record cannot hold it, or where layers do it.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Known {
    mean: Vec<f32>,
    std: Vec<f32>,
    folded: Option<Box<Self>>,
}

/// The inputs of a network.
#[must_use]
pub fn inputs(model: &Model<'_>) -> Vec<Port> {
    let mut ports: Vec<Port> = (0..model.inputs_len())
        .filter_map(|i| model.input(i))
        .map(|io| Port::new(&io))
        .collect();
    let known: Option<Known> = model
        .meta()
        .and_then(|text| serde_json::from_str(text).ok());
    if let ([port], Some(known)) = (&mut ports[..], known) {
        if !(known.mean.is_empty() && known.std.is_empty()) {
            port.preprocess = Preprocess {
                mean: known.mean,
                std: known.std,
            };
        }
        if let Some(folded) = known.folded {
            port.folded = Preprocess {
                mean: folded.mean,
                std: folded.std,
            };
        }
    }
    ports
}

/// The outputs of a network.
#[must_use]
pub fn outputs(model: &Model<'_>) -> Vec<Port> {
    (0..model.outputs_len())
        .filter_map(|i| model.output(i))
        .map(|io| Port::new(&io))
        .collect()
}

/// A network ready to run, with its arena.
#[derive(Debug)]
pub struct Runner<'m, 'a> {
    session: Session<'m, 'a>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

impl<'m, 'a> Runner<'m, 'a> {
    /// Prepares a network in an arena made by [`arena_for`].
    ///
    /// # Errors
    ///
    /// Where the runtime does not have what the file needs.
    pub fn new(model: &'m Model<'m>, arena: &'a mut Aligned) -> Result<Self, RunError> {
        Ok(Self {
            session: Session::new(model, arena.bytes_mut())?,
            inputs: inputs(model),
            outputs: outputs(model),
        })
    }

    /// What the network takes.
    #[must_use]
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// What the network gives.
    #[must_use]
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// Puts sample `row` into input `i`.
    ///
    /// # Errors
    ///
    /// Where there is no such input.
    pub fn set_input(
        &mut self,
        i: usize,
        samples: &Samples<'_>,
        row: usize,
    ) -> Result<(), RunError> {
        let memory = self.session.input_bytes(i)?;
        if let Some(port) = self.inputs.get(i) {
            let bytes = port.encode(samples, row);
            for (slot, byte) in memory.iter_mut().zip(bytes) {
                *slot = byte;
            }
        }
        Ok(())
    }

    /// Puts sample `row` of each input's samples into the inputs.
    ///
    /// # Errors
    ///
    /// Where there are more samples than inputs.
    pub fn set_inputs(&mut self, samples: &[Samples<'_>], row: usize) -> Result<(), RunError> {
        let mut each = samples.iter().enumerate();
        each.try_for_each(|(i, samples)| self.set_input(i, samples, row))
    }

    /// One inference.
    pub fn run(&mut self) {
        self.session.run();
    }

    /// One inference; `hook` sees the values of each step's output in `[c][h][w]` order.
    pub fn run_with(&mut self, mut hook: impl FnMut(usize, &Tensor, Elements)) {
        self.session.run_with(|event| {
            let tensor = event.step.output;
            hook(event.index, &tensor, values(&tensor, event.output));
        });
    }

    /// The values of output `i` in the order of the source model.
    ///
    /// # Errors
    ///
    /// Where there is no such output.
    pub fn output(&self, i: usize) -> Result<Elements, RunError> {
        let bytes = self.session.output_bytes(i)?;
        Ok(self
            .outputs
            .get(i)
            .map_or(Elements::S8(Vec::new()), |port| port.decode(bytes)))
    }
}

/// Zeroed memory for a network's arena.
#[must_use]
pub fn arena_for(model: &Model<'_>) -> Aligned {
    Aligned::zeroed(model.arena_len())
}

/// The values of a tensor's bytes in `[c][h][w]` order.
fn values(tensor: &Tensor, bytes: &[u8]) -> Elements {
    if tensor.dtype == DType::F32 {
        let floats: Vec<f32> = bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        Elements::F32(gather(&floats, tensor))
    } else {
        let all: Vec<i8> = bytes.iter().map(|b| b.cast_signed()).collect();
        Elements::S8(gather(&all, tensor))
    }
}

/// Positions of a tensor's elements in its memory, in `[c][h][w]` order.
fn positions(tensor: &Tensor) -> impl Iterator<Item = usize> + use<> {
    let (shape, s) = (shape_of(tensor), tensor.strides());
    let (sc, sy, sx) = (s.c as usize, s.y as usize, s.x as usize);
    (0..shape.len()).map(move |i| {
        let (c, pixel) = (i / shape.pixels(), i % shape.pixels());
        c * sc + pixel / shape.w * sy + pixel % shape.w * sx
    })
}

/// Values of `size` bytes each, in `[c][h][w]` order, placed in a tensor's memory.
fn scatter(values: &[u8], size: usize, tensor: &Tensor) -> Vec<u8> {
    let mut memory = vec![0; tensor.len as usize];
    for (at, value) in positions(tensor).zip(values.chunks_exact(size)) {
        if let Some(slot) = memory.get_mut(at * size..(at + 1) * size) {
            slot.copy_from_slice(value);
        }
    }
    memory
}

fn gather<T: Copy + Default>(memory: &[T], tensor: &Tensor) -> Vec<T> {
    positions(tensor)
        .map(|at| memory.get(at).copied().unwrap_or_default())
        .collect()
}

/// Values in `[c][h][w]` order as the source model lays them out.
#[must_use]
pub fn to_source(values: Elements, shape: Shape, order: Order) -> Elements {
    fn permute<T: Copy>(values: &[T], shape: Shape) -> Vec<T> {
        let pixels = shape.pixels();
        (0..values.len())
            .map(|i| values[i % shape.c * pixels + i / shape.c])
            .collect()
    }
    if order == Order::Nchw {
        return values;
    }
    match values {
        Elements::F32(v) => Elements::F32(permute(&v, shape)),
        Elements::U8(v) => Elements::U8(permute(&v, shape)),
        Elements::S8(v) => Elements::S8(permute(&v, shape)),
        Elements::S64(v) => Elements::S64(permute(&v, shape)),
    }
}

/// Adds the elements of `more` to `all`, which has the same type or is empty.
pub fn append(all: &mut Elements, more: Elements) {
    match (all, more) {
        (Elements::F32(a), Elements::F32(b)) => a.extend(b),
        (Elements::U8(a), Elements::U8(b)) => a.extend(b),
        (Elements::S8(a), Elements::S8(b)) => a.extend(b),
        (Elements::S64(a), Elements::S64(b)) => a.extend(b),
        (all, more) => *all = more,
    }
}

/// Real numbers of a tensor's values.
#[must_use]
pub fn to_real(values: &Elements, quant: Option<Quant>) -> Vec<f32> {
    let real = |q: f32| match quant {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a zero point is within -128..127"
        )]
        Some(quant) => (q - quant.zero_point as f32) * quant.scale,
        None => q,
    };
    (0..values.len()).map(|i| real(values.real(i))).collect()
}

/// Matches a data set with a network input; integers in `set` are an integer network's own numbers.
///
/// # Errors
///
/// A shape that does not fit.
pub fn samples<'d>(
    set: &'d Dataset,
    port: &Port,
    order: Option<Order>,
) -> Result<Samples<'d>, DataError> {
    let array = set.array_for(&port.tensor.name).1;
    let raw = matches!(array.elements, Elements::S8(_)) && port.tensor.quant.is_some();
    let preprocess = if raw {
        &Preprocess::NONE
    } else {
        &port.preprocess
    };
    set.samples(&port.tensor, order, preprocess)
}
