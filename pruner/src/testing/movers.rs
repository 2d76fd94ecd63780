//! Operators that meet, move or resize activations, in random networks.

use super::Maker;
use crate::ir::{
    Axis, Binary, BinaryKind, BlockOrder, Op, Rearrange, Resize, Shape, Tap, TensorId,
};

/// Largest activation that operators may still enlarge.
const MOST: usize = 4096;
/// Steps of TensorFlow Lite's integer weights.
const STEPS: f32 = 1024.0;

impl Maker {
    /// A layer of one of these operators.
    pub(super) fn mover(&mut self, at: TensorId) -> TensorId {
        let shape = self.shape(at);
        match self.random.below(8) {
            0 | 1 => self.pair(at),
            2 => self.concat(at),
            3 => {
                let slice = self.slice(shape);
                self.node(Op::Rearrange(slice), vec![at], None)
            }
            4 => {
                let blocks = self.blocks(shape);
                self.node(Op::Rearrange(blocks), vec![at], None)
            }
            5 | 6 if shape.len() < MOST => {
                let resize = self.resize(shape);
                self.node(Op::Resize(resize), vec![at], None)
            }
            _ => {
                let op = Op::PadChannels {
                    begin: self.random.below(4),
                    end: self.random.below(4),
                    value: 0.0,
                };
                self.node(op, vec![at], None)
            }
        }
    }

    /// Two activations, of which the second may have one pixel, or one channel, for all of the first.
    fn pair(&mut self, at: TensorId) -> TensorId {
        let shape = self.shape(at);
        let kinds = [
            BinaryKind::Add,
            BinaryKind::Sub,
            BinaryKind::Mul,
            BinaryKind::Minimum,
            BinaryKind::Maximum,
        ];
        let kind = self.random.pick(&kinds);
        let (mut clamp, mut quant) = (self.clamp(), Some(self.quant()));
        let keeps = matches!(kind, BinaryKind::Minimum | BinaryKind::Maximum);
        if keeps {
            (clamp, quant) = (crate::ir::Clamp::NONE, None);
        }
        let fits = |small: Shape| {
            (small.c == shape.c || small.c == 1)
                && ((small.h, small.w) == (shape.h, shape.w) || small.pixels() == 1)
        };
        let numbers = self.graph.tensor(at).quant;
        let others: Vec<TensorId> = (0..self.graph.tensors.len())
            .map(TensorId)
            .filter(|t| fits(self.shape(*t)) && (!keeps || self.graph.tensor(*t).quant == numbers))
            .collect();
        let mut other = self.random.pick(&others);
        if self.random.chance(30) && !keeps {
            let mean = Some(self.quant());
            other = self.node(Op::Mean, vec![at], mean);
        }
        let mut inputs = vec![at, other];
        if self.random.chance(30) {
            inputs.reverse();
        }
        self.node(Op::Binary(Binary { kind, clamp }), inputs, quant)
    }

    /// The activation and some that have its numbers and differ along one axis at most.
    fn concat(&mut self, at: TensorId) -> TensorId {
        let (shape, quant) = (self.shape(at), self.graph.tensor(at).quant);
        let axis = self
            .random
            .pick(&[Axis::Channels, Axis::Channels, Axis::Rows, Axis::Columns]);
        let same = |other: Shape| {
            let (a, b) = ([shape.c, shape.h, shape.w], [other.c, other.h, other.w]);
            (0..3).all(|d| d == axis as usize || a[d] == b[d])
        };
        let others: Vec<TensorId> = (0..self.graph.tensors.len())
            .map(TensorId)
            .filter(|t| self.graph.tensor(*t).quant == quant && same(self.shape(*t)))
            .collect();
        let mut inputs = vec![at];
        for _ in 0..self.random.below(3) {
            let other = self.random.pick(&others);
            if inputs.iter().map(|t| self.shape(*t).len()).sum::<usize>() < MOST {
                inputs.push(other);
            }
        }
        self.node(Op::Rearrange(Rearrange::Concat { axis }), inputs, None)
    }

    fn slice(&mut self, shape: Shape) -> Rearrange {
        let (mut begin, mut step, mut size) = ([0; 3], [1; 3], [shape.c, shape.h, shape.w]);
        for d in 0..3 {
            if self.random.chance(50) {
                begin[d] = self.random.below(size[d]);
                step[d] = 1 + self.random.below(3);
                let most = (size[d] - begin[d]).div_ceil(step[d]);
                size[d] = 1 + self.random.below(most);
            }
        }
        Rearrange::Slice { begin, step, size }
    }

    /// Channels as pixels, pixels as channels, or channels in another order.
    fn blocks(&mut self, shape: Shape) -> Rearrange {
        let order = self
            .random
            .pick(&[BlockOrder::DepthFirst, BlockOrder::ColumnFirst]);
        let divisor = |random: &mut crate::random::Random, n: usize| {
            let all: Vec<usize> = (1..=n.min(3)).filter(|d| n.is_multiple_of(*d)).collect();
            random.pick(&all)
        };
        let [c, h, w] = [shape.c, shape.h, shape.w].map(|n| divisor(&mut self.random, n));
        match self.random.below(3) {
            0 => Rearrange::ChannelShuffle { groups: c },
            1 => Rearrange::SpaceToDepth {
                block: [h, w],
                order,
            },
            _ => {
                let crop = [self.random.below(2), 0];
                let rows = shape.h * c;
                let crop = if rows > 1 { crop } else { [0, 0] };
                Rearrange::DepthToSpace {
                    block: [c, 1],
                    order,
                    crop,
                    size: [rows - crop[0], shape.w],
                }
            }
        }
    }

    fn resize(&mut self, shape: Shape) -> Resize {
        let nearest = self.random.chance(50);
        let mut taps = |from: usize| {
            let to = 1 + self.random.below(2 * from);
            let tap = |random: &mut crate::random::Random| {
                let before = random.below(from);
                let weight = f32::from(u16::try_from(random.below(1024)).unwrap()) / STEPS;
                Tap {
                    before,
                    after: if nearest {
                        before
                    } else {
                        (before + 1).min(from - 1)
                    },
                    weight: if nearest { 0.0 } else { weight },
                }
            };
            (0..to).map(|_| tap(&mut self.random)).collect()
        };
        let (rows, columns) = (taps(shape.h), taps(shape.w));
        Resize {
            nearest,
            rows,
            columns,
        }
    }
}
