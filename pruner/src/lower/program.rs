//! The executable network before memory is planned: tensors with layouts, steps with integer parameters.
//!
//! A [`Program`] holds decisions and no meaning: which layout each tensor and each weight matrix has, which
//! multiplier each channel gets. The file mirrors it, together with the plan, one to one.

use nnz_format::encode::Blob;
use nnz_format::{AxisOrder, Backend, DType, Op, Rounding, Strides, TensorLayout, WeightLayout};

/// One tensor in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorSpec {
    /// The source model's name.
    pub name: String,
    /// `S8` or `F32`.
    pub dtype: DType,
    /// How the elements lie in memory.
    pub layout: TensorLayout,
    /// Channels.
    pub c: u16,
    /// Rows.
    pub h: u16,
    /// Columns.
    pub w: u16,
    /// Elements between planes; 0 when interleaved.
    pub plane_stride: u32,
    /// Real value of one step; 1 for floats.
    pub scale: f32,
    /// The integer that means 0; 0 for floats.
    pub zero_point: i32,
    /// Dimensions in the source model, batch first.
    pub dims: Vec<usize>,
    /// Axis order of `dims`.
    pub order: AxisOrder,
    /// The tensor whose memory this one is another view of.
    pub alias_of: Option<usize>,
    /// Where in that memory it begins, in bytes; 0 for tensors with memory of their own.
    pub alias_at: u32,
}

impl TensorSpec {
    /// Number of values.
    #[must_use]
    pub const fn elements(&self) -> u64 {
        self.c as u64 * self.pixels()
    }

    /// Values of one channel.
    #[must_use]
    pub const fn pixels(&self) -> u64 {
        self.h as u64 * self.w as u64
    }

    /// Bytes in memory, gaps between planes included.
    #[must_use]
    pub const fn len(&self) -> u64 {
        let size = self.dtype.size() as u64;
        match self.layout {
            TensorLayout::Planar => self.c as u64 * self.plane_stride as u64 * size,
            TensorLayout::Interleaved => self.elements() * size,
        }
    }

    /// Whether it takes no memory (never in a lowered program).
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the values lie in `[c][h][w]` order without gaps.
    #[must_use]
    pub const fn is_contiguous_planar(&self) -> bool {
        match self.layout {
            TensorLayout::Planar => self.c == 1 || self.plane_stride as u64 == self.pixels(),
            TensorLayout::Interleaved => self.c == 1 || self.pixels() == 1,
        }
    }

    /// Whether the values lie in `[h][w][c]` order without gaps.
    #[must_use]
    pub const fn is_contiguous_interleaved(&self) -> bool {
        match self.layout {
            TensorLayout::Planar => self.c == 1 || (self.pixels() == 1 && self.plane_stride == 1),
            TensorLayout::Interleaved => true,
        }
    }

    /// The tensor as the file records it, at `offset` of the arena.
    #[must_use]
    pub fn at(&self, offset: u32) -> nnz_format::Tensor {
        nnz_format::Tensor {
            dtype: self.dtype,
            layout: self.layout,
            region: 0,
            c: self.c,
            h: self.h,
            w: self.w,
            plane_stride: self.plane_stride,
            offset,
            len: u32::try_from(self.len()).unwrap_or(u32::MAX),
            scale: self.scale,
            zero_point: self.zero_point,
        }
    }

    /// Element distances between channels, rows and columns.
    #[must_use]
    pub fn strides(&self) -> Strides {
        self.at(0).strides()
    }
}

/// What is counted of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepStats {
    /// Weights of the layer, zeros included.
    pub weights: u64,
    /// Weights that are not zero.
    pub nonzeros: u64,
    /// Weights that the layout stores: non-zeros of sparse layouts, all weights of dense ones.
    pub stored_weights: u64,
    /// Multiply-accumulates with every weight stored.
    pub macs: u64,
    /// Stored weights × output pixels.
    pub stored_macs: u64,
    /// Instructions the cost model predicts for one inference.
    pub cost: u64,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The node's name.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// Tensor it reads.
    pub input: usize,
    /// Second tensor it reads (`add`).
    pub input2: Option<usize>,
    /// Tensor it writes.
    pub output: usize,
    /// The encoded weights; `None` where the operator has none.
    pub weights: Option<Blob>,
    /// Counts.
    pub stats: StepStats,
    /// Position of the operator in the source model.
    pub source_index: Option<usize>,
}

impl Step {
    /// Layout of the weights.
    #[must_use]
    pub fn layout(&self) -> WeightLayout {
        self.weights
            .as_ref()
            .map_or(WeightLayout::None, |blob| blob.layout)
    }

    /// Bytes of the encoded weights.
    #[must_use]
    pub fn weight_bytes(&self) -> u64 {
        self.weights
            .as_ref()
            .map_or(0, |blob| blob.bytes.len() as u64)
    }
}

/// A network ready to be planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// Name of the model.
    pub name: String,
    /// The kernels that it is for.
    pub backend: Backend,
    /// Whether convolutions get room for a tile behind their band.
    pub tiles: bool,
    /// How accumulators are rounded.
    pub rounding: Rounding,
    /// All tensors.
    pub tensors: Vec<TensorSpec>,
    /// Steps in execution order.
    pub steps: Vec<Step>,
    /// Network inputs.
    pub inputs: Vec<usize>,
    /// Network outputs.
    pub outputs: Vec<usize>,
    /// What lowering wants the user to know.
    pub notes: Vec<String>,
}

impl Program {
    /// The tensor that owns the memory of `tensor`.
    #[must_use]
    pub fn storage(&self, tensor: usize) -> usize {
        let mut root = tensor;
        while let Some(next) = self.tensors[root].alias_of {
            root = next;
        }
        root
    }

    /// Where `tensor` begins in the memory of its [`Program::storage`], in bytes.
    #[must_use]
    pub fn alias_at(&self, tensor: usize) -> u32 {
        let (mut at, mut bytes) = (tensor, 0_u32);
        while let Some(next) = self.tensors[at].alias_of {
            bytes = bytes.saturating_add(self.tensors[at].alias_at);
            at = next;
        }
        bytes
    }

    /// Scratch bytes of a step, whose output lies over its first input or not.
    #[must_use]
    pub fn scratch_len(&self, step: &Step, in_place: bool) -> u32 {
        let apart = if in_place { 0 } else { 8 };
        let input = self.tensors[step.input].at(0);
        let needed = nnz_format::scratch_len(
            self.backend,
            &step.op,
            step.layout(),
            &input,
            &self.tensors[step.output].at(apart),
        );
        let room = nnz_format::tile_room(&step.op, step.layout(), &input);
        needed.saturating_add(if self.tiles { room } else { 0 })
    }

    /// The sums over all steps.
    #[must_use]
    pub fn totals(&self) -> StepStats {
        self.steps
            .iter()
            .fold(StepStats::default(), |sum, step| StepStats {
                weights: sum.weights + step.stats.weights,
                nonzeros: sum.nonzeros + step.stats.nonzeros,
                stored_weights: sum.stored_weights + step.stats.stored_weights,
                macs: sum.macs + step.stats.macs,
                stored_macs: sum.stored_macs + step.stats.stored_macs,
                cost: sum.cost + step.stats.cost,
            })
    }
}
