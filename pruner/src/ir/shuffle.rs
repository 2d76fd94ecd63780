//! Operators that meet, move or spread elements: pairs of activations, blocks of one, resized images.

use super::{Clamp, Shape};
pub use nnz_format::{Binary as BinaryKind, Block};

/// Two activations, element by element; one may have a single pixel, or a single channel, for all of the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Binary {
    /// What is done with two elements.
    pub kind: BinaryKind,
    /// Fused activation.
    pub clamp: Clamp,
}

/// A dimension of an activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Channels.
    Channels = 0,
    /// Rows.
    Rows = 1,
    /// Columns.
    Columns = 2,
}

/// How the channels of one pixel become a block of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockOrder {
    /// Channel `(y·block_w + x)·c + i` is pixel `(y, x)` of channel `i` (ONNX's DCR, TFLite).
    DepthFirst,
    /// Channel `i·block_h·block_w + y·block_w + x` is that pixel (ONNX's CRD, pixel shuffle).
    ColumnFirst,
}

/// Elements in other places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rearrange {
    /// All inputs behind each other.
    Concat {
        /// Along which dimension.
        axis: Axis,
    },
    /// Every `step`th element from `begin` on, `[channels, rows, columns]`.
    Slice {
        /// The first.
        begin: [usize; 3],
        /// The distance, at least 1.
        step: [usize; 3],
        /// How many.
        size: [usize; 3],
    },
    /// Channels to blocks of pixels, of which a window is kept.
    DepthToSpace {
        /// Rows and columns of a block.
        block: [usize; 2],
        /// Which channel is which pixel.
        order: BlockOrder,
        /// Rows and columns that are cut off at the beginning.
        crop: [usize; 2],
        /// Rows and columns that remain.
        size: [usize; 2],
    },
    /// Blocks of pixels to channels.
    SpaceToDepth {
        /// Rows and columns of a block.
        block: [usize; 2],
        /// Which channel is which pixel.
        order: BlockOrder,
    },
    /// Channels dealt out: channel `i` of group `g` becomes channel `i·groups + g` (`ShuffleNet`, arXiv:1707.01083).
    ChannelShuffle {
        /// Runs of channels in the input.
        groups: usize,
    },
}

/// A block that moves from one of the inputs to the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Which input.
    pub input: usize,
    /// Which elements.
    pub block: Block,
}

impl Rearrange {
    /// The name of the operator.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Concat { .. } => "concatenation",
            Self::Slice { .. } => "slice",
            Self::DepthToSpace { .. } => "depth_to_space",
            Self::SpaceToDepth { .. } => "space_to_depth",
            Self::ChannelShuffle { .. } => "channel_shuffle",
        }
    }

    /// The output's shape.
    ///
    /// # Errors
    ///
    /// Says what does not fit.
    pub fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, String> {
        let Some(&first) = inputs.first() else {
            return Err("it has no input".into());
        };
        let dims = |s: Shape| [s.c, s.h, s.w];
        match self {
            Self::Concat { axis } => {
                let along = *axis as usize;
                let mut total = dims(first);
                for other in &inputs[1..] {
                    let other = dims(*other);
                    let fits = (0..3).all(|d| d == along || other[d] == total[d]);
                    if !fits {
                        return Err("its inputs differ in more than one dimension".into());
                    }
                    total[along] += other[along];
                }
                Ok(Shape::new(total[0], total[1], total[2]))
            }
            Self::Slice { begin, step, size } => {
                let from = dims(first);
                let fits = (0..3).all(|d| {
                    size[d] > 0 && step[d] > 0 && begin[d] + (size[d] - 1) * step[d] < from[d]
                });
                if !fits {
                    return Err(format!(
                        "{size:?} elements from {begin:?} on leave {from:?}"
                    ));
                }
                Ok(Shape::new(size[0], size[1], size[2]))
            }
            Self::DepthToSpace {
                block, crop, size, ..
            } => {
                let pixels = block[0] * block[1];
                let whole = [first.h * block[0], first.w * block[1]];
                let inside = (0..2).all(|d| size[d] > 0 && crop[d] + size[d] <= whole[d]);
                if pixels == 0 || !first.c.is_multiple_of(pixels) || !inside {
                    return Err(format!("{} channels as blocks of {block:?}", first.c));
                }
                Ok(Shape::new(first.c / pixels, size[0], size[1]))
            }
            Self::ChannelShuffle { groups } if first.c.is_multiple_of((*groups).max(1)) => {
                Ok(first)
            }
            Self::ChannelShuffle { groups } => {
                Err(format!("{} channels in {groups} groups", first.c))
            }
            Self::SpaceToDepth { block: [h, w], .. } => {
                if *h == 0 || *w == 0 || !first.h.is_multiple_of(*h) || !first.w.is_multiple_of(*w)
                {
                    return Err(format!(
                        "{}x{} pixels in blocks of {h}x{w}",
                        first.h, first.w
                    ));
                }
                Ok(Shape::new(first.c * h * w, first.h / h, first.w / w))
            }
        }
    }

    /// What moves where; `None` where a number does not fit the file.
    #[must_use]
    pub fn moves(&self, inputs: &[Shape]) -> Option<Vec<Move>> {
        let mut moves = Vec::new();
        let mut push = |input, from, from_step, to, to_step, extent: [usize; 3]| {
            if extent.contains(&0) {
                return Some(());
            }
            let block = Block {
                from: wide(from)?,
                from_step: narrow(from_step)?,
                to: wide(to)?,
                to_step: narrow(to_step)?,
                extent: wide(extent)?,
            };
            moves.push(Move { input, block });
            Some(())
        };
        let first = *inputs.first()?;
        match self {
            Self::Concat { axis } => {
                let mut to = [0; 3];
                for (i, shape) in inputs.iter().enumerate() {
                    let extent = [shape.c, shape.h, shape.w];
                    push(i, [0; 3], [1; 3], to, [1; 3], extent)?;
                    to[*axis as usize] += extent[*axis as usize];
                }
            }
            Self::Slice { begin, step, size } => {
                push(0, *begin, *step, [0; 3], [1; 3], *size)?;
            }
            Self::DepthToSpace {
                block: [bh, bw],
                order,
                crop,
                size,
            } => {
                let channels = first.c / (bh * bw).max(1);
                for (y, x) in (0..*bh).flat_map(|y| (0..*bw).map(move |x| (y, x))) {
                    let (channel, step) = match order {
                        BlockOrder::DepthFirst => ((y * bw + x) * channels, 1),
                        BlockOrder::ColumnFirst => (y * bw + x, bh * bw),
                    };
                    // The first pixel of this phase that is not cut off, and how many remain.
                    let axis = |phase: usize, block: usize, crop: usize, size: usize, n: usize| {
                        let skipped = crop.saturating_sub(phase).div_ceil(block);
                        let at = skipped * block + phase - crop;
                        let left = size.saturating_sub(at).div_ceil(block);
                        (skipped, at, left.min(n.saturating_sub(skipped)))
                    };
                    let (from_y, to_y, rows) = axis(y, *bh, crop[0], size[0], first.h);
                    let (from_x, to_x, columns) = axis(x, *bw, crop[1], size[1], first.w);
                    push(
                        0,
                        [channel, from_y, from_x],
                        [step, 1, 1],
                        [0, to_y, to_x],
                        [1, *bh, *bw],
                        [channels, rows, columns],
                    )?;
                }
            }
            Self::SpaceToDepth {
                block: [bh, bw],
                order,
            } => {
                for (y, x) in (0..*bh).flat_map(|y| (0..*bw).map(move |x| (y, x))) {
                    let (channel, step) = match order {
                        BlockOrder::DepthFirst => ((y * bw + x) * first.c, 1),
                        BlockOrder::ColumnFirst => (y * bw + x, bh * bw),
                    };
                    let extent = [first.c, first.h / bh, first.w / bw];
                    let (from_step, to_step) = ([1, *bh, *bw], [step, 1, 1]);
                    push(0, [0, y, x], from_step, [channel, 0, 0], to_step, extent)?;
                }
            }
            Self::ChannelShuffle { groups } => {
                let each = first.c / (*groups).max(1);
                for group in 0..*groups {
                    let extent = [each, first.h, first.w];
                    let (from, to) = ([group * each, 0, 0], [group, 0, 0]);
                    push(0, from, [1; 3], to, [*groups, 1, 1], extent)?;
                }
            }
        }
        Some(moves)
    }
}

fn wide([a, b, c]: [usize; 3]) -> Option<[u16; 3]> {
    let one = |n: usize| u16::try_from(n).ok();
    Some([one(a)?, one(b)?, one(c)?])
}

fn narrow([a, b, c]: [usize; 3]) -> Option<[u8; 3]> {
    let one = |n: usize| u8::try_from(n).ok();
    Some([one(a)?, one(b)?, one(c)?])
}

/// Where an output row or column of a resized image comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tap {
    /// The input row or column before it.
    pub before: usize,
    /// The one after it.
    pub after: usize,
    /// The weight of `after`; that of `before` is what is left of 1.
    pub weight: f32,
}

/// An image of another size.
#[derive(Debug, Clone, PartialEq)]
pub struct Resize {
    /// Whether each output pixel is the input pixel `before`, not between four.
    pub nearest: bool,
    /// One an output row.
    pub rows: Vec<Tap>,
    /// One an output column.
    pub columns: Vec<Tap>,
}

impl Resize {
    /// The output's shape.
    ///
    /// # Errors
    ///
    /// Says what does not fit.
    pub fn output_shape(&self, input: Shape) -> Result<Shape, String> {
        let inside = |taps: &[Tap], limit: usize| {
            !taps.is_empty()
                && taps
                    .iter()
                    .all(|t| t.before < limit && t.after < limit && t.weight.is_finite())
        };
        if !inside(&self.rows, input.h) || !inside(&self.columns, input.w) {
            return Err("it reads pixels outside its input".into());
        }
        Ok(Shape::new(input.c, self.rows.len(), self.columns.len()))
    }
}

impl Binary {
    /// The output's shape, and whether the second input is the one that has it.
    ///
    /// # Errors
    ///
    /// Says what does not fit.
    pub fn output_shape(a: Shape, b: Shape) -> Result<(Shape, bool), String> {
        let spreads = |small: Shape, large: Shape| {
            (small.c == large.c || small.c == 1)
                && ((small.h, small.w) == (large.h, large.w) || small.pixels() == 1)
        };
        if spreads(b, a) {
            Ok((a, false))
        } else if spreads(a, b) {
            Ok((b, true))
        } else {
            Err("neither input has one pixel or one channel for all of the other".into())
        }
    }
}
