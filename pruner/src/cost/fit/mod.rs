//! Fitting a cost table: networks of single steps to measure, and the constants that explain the measurements.
//!
//! ```text
//! experiments(backend) ─ .nnz files, one a kernel and rounding ─ run on the target → cost of each step
//!                      ─ counts of each step ────────────────────────── solve → constants, largest error
//! ```

mod network;
mod shapes;
mod solve;

pub use solve::{Fitted, solve};

use super::Stored;
use super::counts::{self, Counts, Term};
use nnz_format::{Backend, Model, Op, Rounding, WeightLayout};

/// A kernel, the networks that exercise it and the terms that its cost consists of.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// The kernel, as tables name it.
    pub kernel: String,
    /// Terms of its cost.
    pub terms: &'static [Term],
    /// Networks of independent steps.
    pub trials: Vec<Trial>,
}

/// A network whose steps run one kernel on several shapes.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The `.nnz` file.
    pub bytes: Vec<u8>,
    /// One row of input.
    pub input: Vec<u8>,
    /// What each step does.
    pub counts: Vec<Counts>,
}

const CONVOLUTION: &[Term] = &[
    Term::Tile,
    Term::Row,
    Term::Entry,
    Term::Gathered,
    Term::Strip,
    Term::Output,
    Term::Mac,
    Term::Window,
    Term::Edge,
    Term::Outside,
    Term::Vector,
    Term::Twice,
];
const DEPTHWISE: &[Term] = &[
    Term::Row,
    Term::Strip,
    Term::Tile,
    Term::Entry,
    Term::Gathered,
    Term::Output,
    Term::Mac,
    Term::Twice,
];
const MATRIX: &[Term] = &[Term::Step, Term::Row, Term::Entry, Term::Twice];
const POOL: &[Term] = &[Term::Row, Term::Output, Term::Window];
const MEAN: &[Term] = &[Term::Step, Term::Row, Term::Input];
const SUM: &[Term] = &[Term::Step, Term::Row, Term::Output];
const VALUES: &[Term] = &[Term::Step, Term::Output];

/// Terms of an operator's cost.
const fn terms(op: &Op) -> &'static [Term] {
    match op {
        Op::Conv2d { .. } => CONVOLUTION,
        Op::DepthwiseConv2d { .. } => DEPTHWISE,
        Op::FullyConnected { .. } => MATRIX,
        Op::MaxPool2d { .. } | Op::AveragePool2d { .. } => POOL,
        Op::Mean { .. } => MEAN,
        Op::Add { .. } | Op::AddLinear { .. } => SUM,
        Op::SoftmaxS8 { .. }
        | Op::SoftmaxF32 { .. }
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
        | Op::Dequantize => VALUES,
    }
}

/// Steps that are measured with double rounding, too.
const DOUBLE: usize = 7;

/// Layouts of integer weights.
const LAYOUTS: [WeightLayout; 6] = [
    WeightLayout::Dense,
    WeightLayout::CsrP,
    WeightLayout::CsrN,
    WeightLayout::CsrQ,
    WeightLayout::Blk1x4,
    WeightLayout::Blk4x1,
];

/// What the files of experiments are lowered for.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The backend.
    pub backend: Backend,
    /// Whether convolutions get room for a tile behind their band.
    pub tiles: bool,
}

impl From<Backend> for Kind {
    fn from(backend: Backend) -> Self {
        let tiles = false;
        Self { backend, tiles }
    }
}

/// Every integer kernel of a backend, with what to run to learn its cost: steps of at most `most` products, as simulated
/// cores are slow.
#[must_use]
pub fn experiments(kind: impl Into<Kind>, most: usize) -> Vec<Experiment> {
    let kind = kind.into();
    let mut found = Vec::new();
    for family in shapes::families() {
        let cut = family.into_iter().filter_map(|shape| shape.within(most));
        let family: Vec<shapes::Shape> = cut.collect();
        let has_layouts = matches!(
            family.first().map(|s| s.op),
            Some(Op::Conv2d { .. } | Op::FullyConnected { .. })
        );
        let layouts = if has_layouts {
            &LAYOUTS[..]
        } else {
            &LAYOUTS[..1]
        };
        let wide = layouts.iter().map(|&layout| (layout, false));
        let narrow = layouts.iter().map(|&layout| (layout, true));
        let narrow = narrow.filter(|_| kind.backend == Backend::ArmDsp && has_layouts);
        let made = wide
            .chain(narrow)
            .filter_map(|stored| experiment(kind, &family, stored));
        found.extend(made);
    }
    found
}

/// The experiment of one layout; `None` where the operator does not take it.
fn experiment(
    kind: Kind,
    shapes: &[shapes::Shape],
    (layout, narrow): (WeightLayout, bool),
) -> Option<Experiment> {
    let steps: Vec<network::Micro> = shapes
        .iter()
        .enumerate()
        .filter_map(|(index, shape)| network::micro(shape, (layout, narrow), index as u64))
        .collect();
    let first = steps.first()?;
    let kernel = counts::kernels(&first.op, &first.input, (first.layout(), narrow))
        .into_iter()
        .next()?;
    let roundings = [Rounding::Single, Rounding::Double];
    let has_weights = first.blob.is_some();
    let trials = roundings
        .iter()
        .take(if has_weights { 2 } else { 1 })
        .filter_map(|&rounding| {
            // What rounding twice adds is one constant: some of the steps tell.
            let steps = match rounding {
                Rounding::Single => &steps[..],
                Rounding::Double => &steps[..steps.len().min(DOUBLE)],
            };
            let bytes = network::file(kind, rounding, steps)?;
            let counts = counted(&bytes)?;
            let input = network::input(steps);
            Some(Trial {
                bytes,
                input,
                counts,
            })
        });
    Some(Experiment {
        kernel,
        terms: terms(&first.op),
        trials: trials.collect(),
    })
}

/// What each step of a file does.
fn counted(bytes: &[u8]) -> Option<Vec<Counts>> {
    let model = Model::parse(bytes).ok()?;
    let counts = model.steps().map(|step| {
        let stored = Stored::of_step(&step).on(model.backend());
        Counts::of(
            &step.op,
            (&step.input, &step.output),
            (step.layout, stored),
            model.rounding(),
        )
    });
    Some(counts.collect())
}

#[cfg(test)]
mod tests;
