//! Files of one step, and running them with every guard up.

use super::Random;
use core::num::NonZeroUsize;
use nnz::host::{self, Isa, Network};
use nnz::{Progress, Session};
use nnz_format::encode::Blob;
use nnz_format::write::{IoDesc, ModelDesc, StepDesc, write};
use nnz_format::{
    AxisOrder, Backend, DType, Model, Op, Rounding, Tensor, TensorLayout, WeightLayout, scratch_len,
};

/// Bytes around the arena that nobody may touch.
const CANARY: usize = 256;

/// A tensor of a shape; `gap` elements lie behind each plane of a planar one.
pub fn tensor(dtype: DType, layout: TensorLayout, (c, h, w): (u16, u16, u16), gap: u32) -> Tensor {
    let plane = u32::from(h) * u32::from(w);
    let planar = layout == TensorLayout::Planar;
    let mut tensor = Tensor {
        dtype,
        layout,
        region: 0,
        c,
        h,
        w,
        plane_stride: if planar { plane + gap } else { 0 },
        offset: 0,
        len: 0,
        scale: 1.0,
        zero_point: 0,
    };
    tensor.len = tensor.implied_len().unwrap();
    tensor
}

/// Where element `(c, y, x)` of a tensor lies.
pub fn index(tensor: &Tensor, (c, y, x): (usize, usize, usize)) -> usize {
    let strides = tensor.strides();
    let part = |at: usize, stride: u32| at * usize::try_from(stride).unwrap();
    part(c, strides.c) + part(y, strides.y) + part(x, strides.x)
}

/// The shape of a tensor.
pub fn shape(tensor: &Tensor) -> (usize, usize, usize) {
    (tensor.c.into(), tensor.h.into(), tensor.w.into())
}

/// Every `(c, y, x)` of a tensor.
pub fn positions(tensor: &Tensor) -> impl Iterator<Item = (usize, usize, usize)> + use<> {
    let (c, h, w) = shape(tensor);
    (0..c).flat_map(move |c| (0..h).flat_map(move |y| (0..w).map(move |x| (c, y, x))))
}

/// A step with its tensors, to be placed and run.
#[derive(Debug, Clone)]
pub struct Net {
    /// What to compute.
    pub op: Op,
    /// First input.
    pub input: Tensor,
    /// Second input.
    pub input2: Option<Tensor>,
    /// Output.
    pub output: Tensor,
    /// Encoded weights.
    pub weights: Option<Blob>,
    /// How accumulators round.
    pub rounding: Rounding,
    /// Whether the output lies over the first input.
    pub in_place: bool,
}

impl Net {
    /// The backend that has narrow steps, or the one for everything.
    fn backend(&self) -> Backend {
        match &self.weights {
            Some(blob) if blob.narrow => Backend::ArmDsp,
            Some(_) | None => Backend::Planar,
        }
    }

    /// Gives every tensor and the scratch a place in an arena, and its length.
    fn place(&mut self) -> (u32, u32, u32) {
        let mut end = 0_u32;
        let mut take = |len: u32| {
            let offset = end;
            end = (end + len).next_multiple_of(8);
            offset
        };
        self.input.offset = if self.in_place {
            take(self.input.len.max(self.output.len))
        } else {
            take(self.input.len)
        };
        if let Some(second) = &mut self.input2 {
            second.offset = take(second.len);
        }
        self.output.offset = if self.in_place {
            self.input.offset
        } else {
            take(self.output.len)
        };
        let layout = self
            .weights
            .as_ref()
            .map_or(WeightLayout::None, |blob| blob.layout);
        let scratch = scratch_len(self.backend(), &self.op, layout, &self.input, &self.output);
        let scratch_offset = if scratch == 0 { 0 } else { take(scratch) };
        (scratch_offset, scratch, end)
    }

    /// The bytes of the file.
    pub fn file(&mut self) -> Vec<u8> {
        let (scratch_offset, scratch_len, arena_len) = self.place();
        let mut tensors = vec![self.input];
        let input2 = self.input2.map(|second| {
            tensors.push(second);
            1
        });
        tensors.push(self.output);
        let output = u16::try_from(tensors.len() - 1).unwrap();
        let io = |tensor: u16| IoDesc {
            tensor,
            name: String::from("t"),
            dims: vec![u32::try_from(tensors[usize::from(tensor)].elements()).unwrap()],
            order: AxisOrder::Nchw,
            source_dtype: tensors[usize::from(tensor)].dtype,
            mean: 0.0,
            std: 1.0,
        };
        let desc = ModelDesc {
            backend: self.backend(),
            rounding: self.rounding,
            arena_len,
            macs: 0,
            stored_macs: 0,
            inputs: (0..output).map(io).collect(),
            outputs: vec![io(output)],
            steps: vec![StepDesc {
                op: self.op,
                input: 0,
                input2,
                output,
                weights: self.weights.clone(),
                scratch_offset,
                scratch_len,
            }],
            tensors,
            meta: None,
        };
        write(&desc).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Runs the step on inputs in storage order and gives the output's storage. Checks that nothing outside the
    /// arena is written, that pausing changes nothing, and that garbage in the arena does not matter.
    pub fn run(&mut self, inputs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
        let file = self.file();
        let mut bytes = vec![0; file.len() + 16];
        let start = bytes.as_ptr().align_offset(16);
        bytes[start..start + file.len()].copy_from_slice(&file);
        let model = Model::parse(&bytes[start..start + file.len()]).unwrap();
        let whole = run_once(&model, inputs, None, random);
        let paused = run_once(&model, inputs, Some(u32::from(random.size(1, 200))), random);
        let visible = |bytes: &[u8]| self.visible(bytes);
        assert_eq!(
            visible(&whole),
            visible(&paused),
            "pausing changes the result: {self:?}"
        );
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            let on_host = run_on_host(&file, inputs, isa);
            assert_eq!(
                visible(&whole),
                visible(&on_host),
                "{isa} differs: {self:?}"
            );
        }
        whole
    }

    /// The elements of the output without padding, as bytes in `[c][y][x]` order.
    pub fn visible(&self, storage: &[u8]) -> Vec<u8> {
        let size = usize::try_from(self.output.dtype.size()).unwrap();
        let at = |p| index(&self.output, p) * size;
        positions(&self.output)
            .flat_map(|p| storage[at(p)..at(p) + size].to_vec())
            .collect()
    }

    /// Runs on `s8` inputs and gives the output in `[c][y][x]` order.
    pub fn run_s8(&mut self, inputs: &[&[i8]], random: &mut Random) -> Vec<i8> {
        let inputs: Vec<Vec<u8>> = inputs
            .iter()
            .map(|input| input.iter().map(|v| v.cast_unsigned()).collect())
            .collect();
        let storage = self.run(&inputs, random);
        self.visible(&storage)
            .iter()
            .map(|b| b.cast_signed())
            .collect()
    }

    /// Runs on `f32` inputs and gives the output in `[c][y][x]` order.
    pub fn run_f32(&mut self, inputs: &[&[f32]], random: &mut Random) -> Vec<f32> {
        let inputs: Vec<Vec<u8>> = inputs
            .iter()
            .map(|input| input.iter().flat_map(|v| v.to_le_bytes()).collect())
            .collect();
        let storage = self.run(&inputs, random);
        let visible = self.visible(&storage);
        visible
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect()
    }
}

/// What the runtime of hosts gives; threads of the best instruction set give the same.
fn run_on_host(file: &[u8], inputs: &[Vec<u8>], isa: Isa) -> Vec<u8> {
    let network = Network::with_isa(file, isa).unwrap();
    let output = run_twice(network.session(), inputs);
    if isa == Isa::best() {
        let threads = NonZeroUsize::new(3).unwrap();
        let together = run_twice(network.session_with_threads(threads).unwrap(), inputs);
        assert!(together == output, "{isa}: threads change the result");
    }
    output
}

/// Two runs, the second in memory that the first has left.
fn run_twice(mut session: host::Session, inputs: &[Vec<u8>]) -> Vec<u8> {
    for _ in 0..2 {
        for (i, input) in inputs.iter().enumerate() {
            session.input_bytes(i).unwrap().copy_from_slice(input);
        }
        session.run();
    }
    session.output_bytes(0).unwrap().to_vec()
}

/// One run in an arena full of garbage between canaries.
fn run_once(
    model: &Model<'_>,
    inputs: &[Vec<u8>],
    budget: Option<u32>,
    random: &mut Random,
) -> Vec<u8> {
    let mut memory = vec![0xA5_u8; model.arena_len() + 2 * CANARY + 16];
    let start = memory.as_ptr().align_offset(16) + CANARY;
    let arena = &mut memory[start..start + model.arena_len()];
    arena.fill(random.size(0, 255));
    let mut session: Session<'_, '_> = Session::new(model, arena).unwrap();
    for (i, input) in inputs.iter().enumerate() {
        session.input_bytes(i).unwrap().copy_from_slice(input);
    }
    match budget {
        None => session.run(),
        Some(budget) => {
            session.begin();
            while session.step(budget) == Progress::Yielded {}
        }
    }
    let output = session.output_bytes(0).unwrap().to_vec();
    let end = start + model.arena_len();
    let untouched = memory[..start]
        .iter()
        .chain(&memory[end..])
        .all(|byte| *byte == 0xA5);
    assert!(untouched, "bytes outside the arena were written");
    output
}
