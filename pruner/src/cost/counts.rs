//! What a step does, counted: the terms of the linear cost model and the kernels that have constants for them.

use super::Stored;
use nnz_format::{Band, DType, Op, Rounding, TILE, Tensor, TensorLayout, WeightLayout, Window};

/// Something that a kernel does a number of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// The step itself.
    Step,
    /// Tiles of 8 output pixels; depthwise: of each channel.
    Tile,
    /// Rows of gathered elements: channel × kernel row × tile; depthwise: output rows of all channels.
    Strip,
    /// Rows of the weights, times tiles of a convolution; pools and means: channels.
    Row,
    /// Stored weights, times tiles of a convolution; depthwise: taps times tiles.
    Entry,
    /// Elements gathered into a band, times tiles; depthwise: elements of the padded planes.
    Gathered,
    /// Output values.
    Output,
    /// Input values.
    Input,
    /// Stored weights times output pixels.
    Mac,
    /// Elements of a pool's windows, or of those inside the input of a convolution that gathers each output's for itself;
    /// stored weights times tiles, where planes make no whole quads.
    Window,
    /// Elements of the windows that leave the input, of such a convolution.
    Edge,
    /// Those windows.
    Outside,
    /// Sixteen columns of a row, or what is left of them, times tiles: what some cores multiply at once.
    Vector,
    /// [`Term::Row`] (depthwise: [`Term::Tile`]) of integers where the file rounds twice.
    Twice,
}

impl Term {
    /// Every term.
    pub const ALL: [Self; 14] = [
        Self::Step,
        Self::Tile,
        Self::Strip,
        Self::Row,
        Self::Entry,
        Self::Gathered,
        Self::Output,
        Self::Input,
        Self::Mac,
        Self::Window,
        Self::Edge,
        Self::Outside,
        Self::Vector,
        Self::Twice,
    ];

    /// As `target.toml` writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Tile => "tile",
            Self::Strip => "strip",
            Self::Row => "row",
            Self::Entry => "entry",
            Self::Gathered => "gathered",
            Self::Output => "output",
            Self::Input => "input",
            Self::Mac => "mac",
            Self::Window => "window",
            Self::Edge => "edge",
            Self::Outside => "outside",
            Self::Vector => "vector",
            Self::Twice => "twice",
        }
    }
}

/// Columns of a [`Term::Vector`].
const VECTOR: u64 = 16;

/// How often a step does each [`Term`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts([u64; Term::ALL.len()]);

impl Counts {
    /// Counts a step.
    #[must_use]
    pub fn of(
        op: &Op,
        (input, output): (&Tensor, &Tensor),
        (layout, stored): (WeightLayout, Stored),
        rounding: Rounding,
    ) -> Self {
        let mut counts = Self([0; Term::ALL.len()]);
        counts.set(Term::Step, 1);
        counts.set(Term::Output, output.elements());
        counts.set(Term::Input, input.elements());
        counts.set(Term::Mac, stored.weights * output.plane());
        match op {
            Op::Conv2d { window, .. } => {
                counts.convolution(window, (input, output), layout, stored);
            }
            Op::DepthwiseConv2d { window, .. } => counts.depthwise(window, input, output),
            Op::FullyConnected { .. } => {
                counts.set(Term::Row, stored.rows);
                counts.set(Term::Entry, stored.weights);
            }
            Op::MaxPool2d { window, .. } | Op::AveragePool2d { window, .. } => {
                counts.set(Term::Row, output.c.into());
                counts.set(Term::Window, output.elements() * taps(window));
            }
            // A kernel is called for each channel.
            Op::Mean { .. } | Op::Add { .. } | Op::AddLinear { .. } => {
                counts.set(Term::Row, output.c.into());
            }
            Op::Copy { block } => {
                let count = block.extent.iter().map(|n| u64::from(*n)).product();
                counts.set(Term::Output, count);
            }
            Op::SoftmaxS8 { .. }
            | Op::SoftmaxF32 { .. }
            | Op::Pad { .. }
            | Op::Requantize { .. }
            | Op::Clamp { .. }
            | Op::Prelu { .. }
            | Op::UnaryS8
            | Op::UnaryF32 { .. }
            | Op::Binary { .. }
            | Op::ResizeNearest
            | Op::ResizeBilinear { .. }
            | Op::Repack { .. }
            | Op::Quantize
            | Op::Dequantize => {}
        }
        if rounding == Rounding::Double && input.dtype == DType::S8 {
            counts.set(Term::Twice, counts.rescaled(op));
        }
        counts
    }

    /// Accumulators that become outputs, in rows or tiles of them.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only products have accumulators to rescale"
    )]
    const fn rescaled(&self, op: &Op) -> u64 {
        match op {
            Op::Conv2d { .. } | Op::FullyConnected { .. } => self.get(Term::Row),
            Op::DepthwiseConv2d { .. } => self.get(Term::Tile),
            _ => 0,
        }
    }

    fn set(&mut self, term: Term, count: u64) {
        self.0[term as usize] = count;
    }

    fn convolution(
        &mut self,
        window: &Window,
        (input, output): (&Tensor, &Tensor),
        layout: WeightLayout,
        stored: Stored,
    ) {
        let tile = u64::from(TILE);
        let across = u64::from(output.w).div_ceil(tile);
        let by_pairs = stored.pairs && layout == WeightLayout::Dense && input.dtype == DType::S8;
        let is_apart = (input.layout == TensorLayout::Interleaved && input.c > 1)
            || window.kernel_w < window.stride_w;
        let is_flat = by_pairs && (u64::from(output.w) < tile || is_apart);
        let tiles = if window.is_pointwise() || is_flat {
            output.plane().div_ceil(tile)
        } else {
            u64::from(output.h) * across
        };
        self.set(Term::Tile, tiles);
        self.set(Term::Row, stored.rows * tiles);
        self.set(Term::Entry, stored.weights * tiles);
        if by_pairs {
            let vectors = (u64::from(input.c) * taps(window)).div_ceil(VECTOR);
            self.set(Term::Vector, stored.rows * vectors * tiles);
        }
        if is_flat && !window.is_pointwise() {
            return self.flat(window, input, output);
        }
        // Tiles of words go down strips, and a band keeps the rows that the next tile shares.
        let kernel_h = u64::from(window.kernel_h);
        let rows = if stored.narrow && !window.is_pointwise() {
            let further = u64::from(output.h).saturating_sub(1);
            across * (kernel_h + further * kernel_h.min(window.stride_h.into()))
        } else {
            tiles * kernel_h
        };
        let strips = u64::from(input.c) * rows;
        self.set(Term::Strip, strips);
        let pitch = u64::from(Band::new(input.c, window).pitch);
        self.set(Term::Gathered, strips * pitch);
        if by_pairs && window.is_pointwise() && input.layout == TensorLayout::Planar {
            self.pointwise_pairs(input.c);
        }
    }

    /// Windows that are gathered one by one where they leave the input.
    fn flat(&mut self, window: &Window, input: &Tensor, output: &Tensor) {
        let columns = u64::from(input.c) * taps(window);
        let inside = inside(window, input, output);
        let outside = output.plane().saturating_sub(inside);
        self.set(Term::Window, columns * inside);
        self.set(Term::Edge, columns * outside);
        self.set(Term::Outside, outside);
    }

    /// Whole quads of planes are read where they lie; others are staged, and their rows of weights are not aligned.
    fn pointwise_pairs(&mut self, channels: u16) {
        if channels.is_multiple_of(4) {
            self.set(Term::Gathered, 0);
        } else {
            self.set(Term::Window, self.get(Term::Entry));
        }
    }

    fn depthwise(&mut self, window: &Window, input: &Tensor, output: &Tensor) {
        let channels = u64::from(output.c);
        let strips = channels * u64::from(output.h);
        let tiles = strips * u64::from(output.w).div_ceil(TILE as u64);
        let padded =
            |len: u16, before: u8, after: u8| u64::from(len) + u64::from(before) + u64::from(after);
        let plane = padded(input.h, window.pad_top, window.pad_bottom)
            * padded(input.w, window.pad_left, window.pad_right);
        self.set(Term::Row, channels);
        self.set(Term::Strip, strips);
        self.set(Term::Tile, tiles);
        self.set(Term::Entry, tiles * taps(window));
        self.set(Term::Gathered, channels * plane);
    }

    /// The count of a term.
    #[must_use]
    pub const fn get(&self, term: Term) -> u64 {
        self.0[term as usize]
    }

    /// What the counts cost.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "constants and counts are not negative, and a cost that exceeds 64 bits saturates"
    )]
    pub fn cost(&self, constants: &super::Constants) -> u64 {
        let terms = self.0.iter().zip(constants);
        terms
            .map(|(&count, constant)| count as f64 * constant)
            .sum::<f64>()
            .round() as u64
    }
}

/// Output pixels whose windows lie inside the input.
fn inside(window: &Window, input: &Tensor, output: &Tensor) -> u64 {
    let along = |len: u16, outputs: u16, kernel: u8, stride: u8, before: u8| {
        let (stride, before) = (u64::from(stride.max(1)), u64::from(before));
        let room = (u64::from(len) + before).checked_sub(u64::from(kernel));
        let end = room.map_or(0, |room| room / stride + 1).min(outputs.into());
        end.saturating_sub(before.div_ceil(stride))
    };
    let Window {
        kernel_h,
        kernel_w,
        stride_h,
        stride_w,
        pad_top,
        pad_left,
        ..
    } = *window;
    along(input.h, output.h, kernel_h, stride_h, pad_top)
        * along(input.w, output.w, kernel_w, stride_w, pad_left)
}

fn taps(window: &Window) -> u64 {
    u64::from(window.kernel_h) * u64::from(window.kernel_w)
}

/// Names of the kernel that runs a step, most particular first, as tables are searched: with its variant, then
/// without; for `narrow` steps first of all the kernel of words.
#[must_use]
pub fn kernels(op: &Op, input: &Tensor, (layout, narrow): (WeightLayout, bool)) -> Vec<String> {
    let base = match layout {
        _ if matches!(op, Op::UnaryF32 { .. }) => "unary".to_owned(),
        // Two values to one, as a sum.
        _ if matches!(op, Op::Binary { .. }) => "add".to_owned(),
        _ if matches!(op, Op::Copy { .. } | Op::ResizeNearest) => "repack".to_owned(),
        WeightLayout::None | WeightLayout::Table => op.name().to_owned(),
        WeightLayout::Dense
        | WeightLayout::CsrP
        | WeightLayout::CsrN
        | WeightLayout::CsrQ
        | WeightLayout::Blk1x4
        | WeightLayout::Blk4x1
        | WeightLayout::CsrF => format!("{}.{}", op.name(), layout.name()),
    };
    let variants = [columns(op, input), variant(op, input)];
    let mut names = Vec::new();
    let mut add = |suffix: &str| {
        let own = variants.into_iter().flatten();
        names.extend(own.map(|variant| format!("{base}.{variant}{suffix}")));
        names.push(format!("{base}{suffix}"));
    };
    if narrow {
        add(".narrow");
    }
    if input.dtype == DType::F32 {
        add(".f32");
    }
    add("");
    names
}

/// Windows of so many columns that some cores have code for them alone.
fn columns(op: &Op, input: &Tensor) -> Option<&'static str> {
    let Op::Conv2d { window, .. } = op else {
        return None;
    };
    let interleaved = input.layout == TensorLayout::Interleaved && input.c > 1;
    match (window.kernel_w, window.stride_w) {
        (3, 1) if interleaved => Some("interleaved_3"),
        (3, 2) if interleaved => Some("interleaved_strided_3"),
        _ if interleaved => None,
        (3, 1) => Some("window_3"),
        (3, 2) => Some("strided_3"),
        (4, 2) => Some("strided_4"),
        _ => None,
    }
}

/// The geometry for which a kernel has code of its own.
fn variant(op: &Op, input: &Tensor) -> Option<&'static str> {
    let interleaved = input.layout == TensorLayout::Interleaved && input.c > 1;
    match op {
        Op::Conv2d { window, .. } => Some(match (window.is_pointwise(), window.stride_w) {
            _ if interleaved => "interleaved",
            (true, _) => "pointwise",
            _ if (window.kernel_h, window.kernel_w) == (1, 1) => "1x1",
            (false, 1) => "window",
            (false, _) => "strided",
        }),
        Op::DepthwiseConv2d { window, .. } => {
            let is_3x3 = (window.kernel_h, window.kernel_w) == (3, 3);
            Some(match (is_3x3, window.stride_w) {
                (true, 1) => "3x3",
                (true, 2) => "3x3_strided",
                (_, 1) => "window",
                (..) => "strided",
            })
        }
        // Windows as wide as the input are whole runs of memory.
        Op::MaxPool2d { window, .. } | Op::AveragePool2d { window, .. } => {
            (u16::from(window.kernel_w) >= input.w).then_some("wide")
        }
        Op::AddLinear { .. } => Some("linear"),
        Op::FullyConnected { .. }
        | Op::Add { .. }
        | Op::Mean { .. }
        | Op::SoftmaxS8 { .. }
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
        | Op::Dequantize => None,
    }
}
