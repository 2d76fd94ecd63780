//! A file's steps as nodes for the vectors of this CPU, and running them.
//!
//! Two memories: the file's arena, as the file planned it, and planes of bytes, planned here. A step that has a vector
//! kernel reads and writes planes; every other step runs as on any target, in the file's arena. Where a tensor is
//! needed in the memory that does not have it, a node copies it.

use super::Isa;
use super::conv::{Conv, Kernels};
use super::depthwise;
use super::form::{Form, Import, InFile, export};
use super::fully_connected::FullyConnected;
use super::memory::{GUARD, Memory};
use super::permuted;
use super::planes::{Arena, Place};
use super::pool::{Join, Pool};
use super::softmax::Softmax;
use super::sum::Sum;
use super::views::Writers;
use crate::arch::vector::plane::Permuted;
use crate::arch::vector::tiny::Tiny;
use crate::arch::vector::windows::Depthwise;
use crate::arch::vector::{Simd, Task};
use crate::arena::Arena as FileArena;
use crate::cursor::{Cursor, Progress};
use crate::ops::{Job, execute};
use nnz_format::{Backend, Clamp, DType, Model, Op, Rounding, Step, Window};

/// One thing to do.
#[derive(Debug)]
enum Work {
    /// From the file's arena to planes.
    Import(InFile),
    /// From planes to the file's arena.
    Export(InFile),
    /// A step in the file's arena.
    Portable(Box<Step<'static>>),
    /// A convolution.
    Conv(Box<Conv>),
    /// A depthwise convolution.
    Depthwise(Box<Depthwise>),
    /// A depthwise convolution of a few pixels.
    Tiny(Box<Tiny>),
    /// A depthwise convolution by permutations.
    Permuted(Box<Permuted>),
    /// A matrix times a vector.
    FullyConnected(Box<FullyConnected>),
    /// An addition.
    Sum(Box<Sum>),
    /// A pool or a mean.
    Pool(Pool),
    /// A softmax.
    Softmax(Softmax),
}

impl Work {
    /// Bytes of scratch for an input, and those of it that each thread wants for itself.
    fn scratch_lens(&self, input: &Form) -> (usize, usize) {
        match self {
            Self::Conv(conv) => (conv.scratch_len(), conv.own_len()),
            Self::Depthwise(layer) => (layer.scratch_len(), layer.scratch_len()),
            Self::FullyConnected(layer) => (layer.scratch_len(input), 0),
            Self::Import(_)
            | Self::Export(_)
            | Self::Portable(_)
            | Self::Tiny(_)
            | Self::Permuted(_)
            | Self::Sum(_)
            | Self::Pool(_)
            | Self::Softmax(_) => (0, 0),
        }
    }
}

#[derive(Debug)]
struct Node {
    work: Work,
    /// The step that it belongs to.
    step: usize,
    /// The tensors that it reads and writes in planes.
    input: usize,
    input2: usize,
    output: usize,
    scratch: usize,
}

/// Everything about a file that does not change from run to run.
#[derive(Debug)]
pub(super) struct Plan {
    nodes: Vec<Node>,
    places: Vec<Place>,
    rounding: Rounding,
    backend: Backend,
    /// Bytes of the planes.
    pub(super) planes_len: usize,
    /// Bytes of scratch that each further thread wants for itself.
    pub(super) own_len: usize,
}

/// What the packing of weights wants to know of an instruction set.
struct AskKernels;

impl Task for AskKernels {
    type Out = Kernels;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Kernels {
        Kernels {
            bytes: S::BYTES,
            rows: S::ROWS,
            split: S::split,
            costs: S::COSTS,
            plane: S::PLANE,
        }
    }
}

/// A plan in the making.
struct Builder {
    nodes: Vec<Node>,
    /// Whether a tensor's values are in the file's arena, and in planes.
    in_file: Vec<bool>,
    in_planes: Vec<bool>,
    writers: Writers,
}

impl Plan {
    /// The plan of `model` for `isa`.
    pub(super) fn new(model: &Model<'static>, isa: Isa) -> Self {
        let kernels = crate::arch::enter(isa, AskKernels);
        let mut builder = Builder::new(model);
        for step in model.steps() {
            let native = kernels.and_then(|kernels| native(&step, model.rounding(), kernels));
            builder.step(step, native);
        }
        for output in (0..model.outputs_len()).filter_map(|index| model.output(index)) {
            builder.need_in_file(output.tensor_index, model.steps_len().saturating_sub(1));
        }
        let forms = (0..model.tensors_len()).filter_map(|i| model.tensor(i));
        let forms: Vec<Form> = forms.map(|tensor| Form::of(&tensor)).collect();
        let own = |node: &Node| {
            forms
                .get(node.input)
                .map(|form| node.work.scratch_lens(form).1)
        };
        let own_len = builder.nodes.iter().filter_map(own).max();
        let (nodes, places, planes_len) = place(builder.nodes, &forms);
        Self {
            own_len: own_len.unwrap_or(0).next_multiple_of(64) + GUARD,
            nodes,
            places,
            rounding: model.rounding(),
            backend: model.backend(),
            planes_len,
        }
    }

    /// Runs every node, or a thread's share of each; calls `after` with the step of each node that ends one.
    pub(super) fn run(&self, arena: &Arena<'_>, mut after: impl FnMut(usize)) {
        for (index, node) in self.nodes.iter().enumerate() {
            self.run_node(node, arena);
            arena.worker.meet();
            if self
                .nodes
                .get(index + 1)
                .is_none_or(|next| next.step != node.step)
            {
                after(node.step);
            }
        }
    }

    fn run_node(&self, node: &Node, arena: &Arena<'_>) {
        let place = |tensor: usize| self.places.get(tensor);
        let (Some(input), Some(output)) = (place(node.input), place(node.output)) else {
            return;
        };
        match &node.work {
            Work::Import(place) => import(place, arena, output),
            Work::Export(at) if arena.worker.is_first() => {
                let planes = arena.bytes(input.offset..input.offset + input.form.len());
                export(&input.form, at, planes, arena.file_mut());
            }
            Work::Portable(step) if arena.worker.is_first() => {
                self.portable(step, arena.file_mut());
            }
            Work::Export(_) | Work::Portable(_) => {}
            Work::Conv(conv) => conv.run(arena, input, output, node.scratch),
            Work::Depthwise(layer) => depthwise::run(layer, arena, (input, output), node.scratch),
            Work::Tiny(layer) => depthwise::run_tiny(layer, arena, (input, output)),
            Work::Permuted(layer) => permuted::run(layer, arena, (input, output)),
            Work::FullyConnected(layer) => layer.run(arena, (input, output), node.scratch),
            Work::Sum(sum) => {
                let second = place(node.input2).unwrap_or(input);
                sum.run(arena, (input, second), output);
            }
            Work::Pool(pool) => arena.enter_planes(pool, (input, output)),
            Work::Softmax(softmax) => softmax.run(arena, (input, output)),
        }
    }

    /// A step as on any target.
    fn portable(&self, step: &Step<'_>, file: &mut [u8]) {
        let job = Job {
            step,
            arena: FileArena::new(file),
            rounding: self.rounding,
            backend: self.backend,
        };
        let mut cursor = Cursor::default();
        loop {
            cursor.refill(u32::MAX);
            if matches!(execute::<{ u128::MAX }>(&job, &mut cursor), Progress::Done) {
                return;
            }
        }
    }
}

/// A tensor from the file's arena to planes.
fn import(place: &InFile, arena: &Arena<'_>, output: &Place) {
    let form = &output.form;
    // Three channels that follow each other are taken apart by one thread.
    let channels = match arena.worker.is_first() {
        true if form.channels <= 4 => 0..form.channels,
        false if form.channels <= 4 => 0..0,
        _ => arena.worker.range(form.channels, 1),
    };
    let planes =
        output.offset + channels.start * form.plane..output.offset + channels.end * form.plane;
    arena.enter(Import {
        form,
        place,
        channels,
        file: arena.file(),
        planes: arena.bytes_mut(planes),
    });
}

/// The vector kernel of a step, where there is one.
fn native(step: &Step<'_>, rounding: Rounding, kernels: Kernels) -> Option<Work> {
    if step.dtype != DType::S8 {
        return None;
    }
    let work = match &step.op {
        Op::Conv2d { window, clamp } if is_product(step, window) => {
            let layer = FullyConnected::new(step, clamp, rounding, kernels)?;
            Work::FullyConnected(Box::new(layer))
        }
        Op::Conv2d { window, clamp } => Work::Conv(Box::new(Conv::new(
            step,
            (window, clamp),
            rounding,
            kernels,
        )?)),
        Op::DepthwiseConv2d {
            window,
            multiplier,
            clamp,
        } => {
            let shape = (window, *multiplier, clamp);
            if let Some(layer) = depthwise::tiny(step, shape, rounding, kernels) {
                Work::Tiny(Box::new(layer))
            } else if let Some(layer) = permuted::new(step, shape, rounding, kernels) {
                Work::Permuted(Box::new(layer))
            } else {
                Work::Depthwise(Box::new(depthwise::new(step, shape, rounding, kernels)?))
            }
        }
        Op::FullyConnected { clamp } => {
            let layer = FullyConnected::new(step, clamp, rounding, kernels)?;
            Work::FullyConnected(Box::new(layer))
        }
        Op::Add { clamp, .. } | Op::AddLinear { clamp, .. } => {
            Work::Sum(Box::new(Sum::new(step, clamp)?))
        }
        Op::MaxPool2d { window, clamp } => {
            Work::Pool(Pool::new(step, Join::Max, Some(window), clamp)?)
        }
        Op::AveragePool2d {
            window,
            clamp,
            ties,
        } => Work::Pool(Pool::new(step, Join::Average(*ties), Some(window), clamp)?),
        Op::Mean {
            multiplier,
            shift,
            rounding,
        } => {
            let join = Join::Mean {
                multiplier: *multiplier,
                shift: i32::from(*shift),
                rounding: *rounding,
            };
            let clamp = Clamp::S8 {
                lo: i8::MIN,
                hi: i8::MAX,
            };
            Work::Pool(Pool::new(step, join, None, &clamp)?)
        }
        Op::SoftmaxS8 {
            multiplier,
            left_shift,
            diff_min,
        } => {
            let params = (*multiplier, *left_shift, *diff_min);
            Work::Softmax(Softmax::new(step, params)?)
        }
        Op::SoftmaxF32 { .. }
        | Op::Pad { .. }
        | Op::Requantize { .. }
        | Op::Clamp { .. }
        | Op::Prelu { .. }
        | Op::UnaryS8
        | Op::UnaryF32 { .. }
        | Op::Binary { .. }
        | Op::Copy { .. }
        | Op::ResizeNearest
        | Op::ResizeBilinear { .. }
        | Op::Repack { .. }
        | Op::Quantize
        | Op::Dequantize => return None,
    };
    Some(work)
}

/// Whether a convolution's window is the whole input, so that it is a matrix times a vector.
fn is_product(step: &Step<'_>, window: &Window) -> bool {
    let (input, output) = (&step.input, &step.output);
    let kernel = (u16::from(window.kernel_h), u16::from(window.kernel_w));
    (output.h, output.w) == (1, 1)
        && (input.h, input.w) == kernel
        && (window.pad_top, window.pad_left) == (0, 0)
}

impl Builder {
    fn new(model: &Model<'static>) -> Self {
        let mut in_file = vec![false; model.tensors_len()];
        for input in (0..model.inputs_len()).filter_map(|index| model.input(index)) {
            if let Some(slot) = in_file.get_mut(input.tensor_index) {
                *slot = true;
            }
        }
        Self {
            nodes: Vec::new(),
            in_planes: vec![false; in_file.len()],
            in_file,
            writers: Writers::of(model),
        }
    }

    /// Adds a step, with what it needs before it and what others need of it.
    fn step(&mut self, step: Step<'static>, native: Option<Work>) {
        let (index, output) = (step.index, step.output_index);
        let inputs = [Some(step.input_index), step.input2_index];
        let is_native = native.is_some();
        for tensor in inputs.into_iter().flatten() {
            if is_native {
                self.need_in_planes(tensor, index);
            } else {
                self.need_in_file(tensor, index);
            }
        }
        let (input, input2) = (step.input_index, step.input2_index);
        let work = native.unwrap_or_else(|| Work::Portable(Box::new(step)));
        self.push(work, index, (input, output));
        if let (Some(node), Some(second)) = (self.nodes.last_mut(), input2) {
            node.input2 = second;
        }
        set(&mut self.in_file, output, !is_native);
        set(&mut self.in_planes, output, is_native);
        if is_native && self.writers.is_read_as_part(output) {
            self.export(output, index);
        }
    }

    fn push(&mut self, work: Work, step: usize, (input, output): (usize, usize)) {
        self.nodes.push(Node {
            work,
            step,
            input,
            input2: input,
            output,
            scratch: GUARD,
        });
    }

    fn need_in_planes(&mut self, tensor: usize, step: usize) {
        let is_whole = !self.writers.is_made_of_parts(tensor);
        if is_whole && self.in_planes.get(tensor).copied().unwrap_or(false) {
            return;
        }
        let work = Work::Import(self.writers.place(tensor));
        self.push(work, step, (tensor, tensor));
        set(&mut self.in_planes, tensor, true);
    }

    fn need_in_file(&mut self, tensor: usize, step: usize) {
        let is_part = self.writers.is_made_of_parts(tensor);
        if is_part || self.in_file.get(tensor).copied().unwrap_or(true) {
            return;
        }
        self.export(tensor, step);
    }

    fn export(&mut self, tensor: usize, step: usize) {
        let work = Work::Export(self.writers.place(tensor));
        self.push(work, step, (tensor, tensor));
        set(&mut self.in_file, tensor, true);
    }
}

fn set(flags: &mut [bool], index: usize, value: bool) {
    if let Some(flag) = flags.get_mut(index) {
        *flag = value;
    }
}

/// Gives tensors and scratch their places; an unused tensor shares the first.
fn place(mut nodes: Vec<Node>, forms: &[Form]) -> (Vec<Node>, Vec<Place>, usize) {
    let mut alive: Vec<Option<(usize, usize)>> = vec![None; forms.len()];
    for (index, node) in nodes.iter().enumerate() {
        if matches!(node.work, Work::Portable(_)) {
            continue;
        }
        for tensor in [node.input, node.input2, node.output] {
            if let Some(alive) = alive.get_mut(tensor) {
                *alive = Some((alive.map_or(index, |(first, _)| first), index));
            }
        }
    }
    let mut memory = Memory::default();
    let places = forms.iter().zip(alive).map(|(form, alive)| Place {
        form: *form,
        offset: alive.map_or(GUARD, |alive| memory.place(form.len(), alive)),
    });
    let places = places.collect();
    for (index, node) in nodes.iter_mut().enumerate() {
        let scratch = forms
            .get(node.input)
            .map_or(0, |form| node.work.scratch_lens(form).0);
        if scratch > 0 {
            node.scratch = memory.place(scratch, (index, index));
        }
    }
    (nodes, places, memory.len())
}
