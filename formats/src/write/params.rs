//! Operators as bytes: the inverse of `op/params.rs`.

use crate::op::params::PARAMS;
use crate::{Block, Clamp, Op, Rounding, Window};

/// The 36 parameter bytes of an operator.
pub(super) fn params(op: &Op) -> [u8; PARAMS] {
    let mut bytes = Params([0; PARAMS]);
    match op {
        Op::Conv2d { window, clamp } | Op::MaxPool2d { window, clamp } => {
            bytes.window(window);
            bytes.clamp(clamp);
        }
        Op::AveragePool2d {
            window,
            clamp,
            ties,
        } => {
            bytes.window(window);
            bytes.clamp(clamp);
            if matches!(clamp, Clamp::S8 { .. }) {
                bytes.put(18, &[*ties as u8]);
            }
        }
        Op::DepthwiseConv2d {
            window,
            multiplier,
            clamp,
        } => {
            bytes.window(window);
            bytes.put(12, &multiplier.to_le_bytes());
            bytes.clamp(clamp);
        }
        Op::FullyConnected { clamp } | Op::Clamp { clamp } => bytes.clamp(clamp),
        Op::Add { params, clamp } => {
            bytes.put(0, &params.m1.to_le_bytes());
            bytes.put(4, &params.m2.to_le_bytes());
            bytes.put(8, &params.mo.to_le_bytes());
            bytes.put(12, &params.s1.to_le_bytes());
            bytes.put(13, &params.s2.to_le_bytes());
            bytes.put(14, &params.so.to_le_bytes());
            bytes.clamp(clamp);
        }
        Op::AddLinear { sum, clamp } => {
            bytes.put(0, &sum.first.to_le_bytes());
            bytes.put(4, &sum.second.to_le_bytes());
            bytes.put(8, &sum.bias.to_le_bytes());
            bytes.put(15, &[1]);
            bytes.clamp(clamp);
        }
        Op::Mean {
            multiplier,
            shift,
            rounding,
        } => {
            bytes.scaling(*multiplier, *shift);
            bytes.rounding(*rounding);
        }
        Op::SoftmaxS8 {
            multiplier,
            left_shift,
            diff_min,
        } => {
            bytes.scaling(*multiplier, *left_shift);
            bytes.put(8, &diff_min.to_le_bytes());
        }
        Op::SoftmaxF32 { beta } => bytes.put(0, &beta.to_le_bytes()),
        Op::Pad {
            top,
            left,
            front,
            value,
        } => {
            bytes.put(0, &[*top, *left]);
            bytes.put(2, &front.to_le_bytes());
            match value {
                Clamp::S8 { lo, .. } => bytes.put(4, &lo.to_le_bytes()),
                Clamp::F32 { lo, .. } => bytes.put(4, &lo.to_le_bytes()),
            }
        }
        Op::Requantize {
            multiplier,
            shift,
            clamp,
            rounding,
        } => {
            bytes.scaling(*multiplier, *shift);
            bytes.rounding(*rounding);
            bytes.clamp(clamp);
        }
        Op::Repack { order } => bytes.put(0, &[*order as u8]),
        Op::Prelu { params } => {
            bytes.put(0, &params.m1.to_le_bytes());
            bytes.put(4, &params.m2.to_le_bytes());
            bytes.put(8, &params.s1.to_le_bytes());
            bytes.put(9, &params.s2.to_le_bytes());
        }
        Op::UnaryF32 {
            function,
            alpha,
            beta,
        } => {
            bytes.put(0, &[*function as u8]);
            bytes.put(4, &alpha.to_le_bytes());
            bytes.put(8, &beta.to_le_bytes());
        }
        Op::Binary {
            kind,
            swapped,
            params,
            clamp,
        } => {
            bytes.put(0, &[*kind as u8, u8::from(*swapped)]);
            bytes.put(4, &params.m1.to_le_bytes());
            bytes.put(8, &params.m2.to_le_bytes());
            bytes.put(12, &params.mo.to_le_bytes());
            bytes.clamp(clamp);
            bytes.put(24, &params.s1.to_le_bytes());
            bytes.put(25, &params.s2.to_le_bytes());
            bytes.put(26, &params.so.to_le_bytes());
        }
        Op::Copy { block } => bytes.block(block),
        Op::ResizeBilinear { ties } => bytes.put(0, &[*ties as u8]),
        Op::Quantize | Op::Dequantize | Op::UnaryS8 | Op::ResizeNearest => {}
    }
    bytes.0
}

struct Params([u8; PARAMS]);

impl Params {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        for (to, from) in self.0.iter_mut().skip(at).zip(bytes) {
            *to = *from;
        }
    }

    fn window(&mut self, window: &Window) {
        self.put(
            0,
            &[
                window.kernel_h,
                window.kernel_w,
                window.stride_h,
                window.stride_w,
                window.pad_top,
                window.pad_left,
                window.pad_bottom,
                window.pad_right,
            ],
        );
    }

    fn clamp(&mut self, clamp: &Clamp) {
        match clamp {
            Clamp::S8 { lo, hi } => {
                self.put(16, &lo.to_le_bytes());
                self.put(17, &hi.to_le_bytes());
            }
            Clamp::F32 { lo, hi } => {
                self.put(16, &lo.to_le_bytes());
                self.put(20, &hi.to_le_bytes());
            }
        }
    }

    fn block(&mut self, block: &Block) {
        let triples = [(0, block.from), (12, block.to), (18, block.extent)];
        for (at, [c, y, x]) in triples {
            self.put(at, &c.to_le_bytes());
            self.put(at.saturating_add(2), &y.to_le_bytes());
            self.put(at.saturating_add(4), &x.to_le_bytes());
        }
        self.put(6, &block.from_step);
        self.put(9, &block.to_step);
    }

    fn rounding(&mut self, rounding: Rounding) {
        self.put(5, &[u8::from(rounding == Rounding::Single)]);
    }

    fn scaling(&mut self, multiplier: i32, shift: i8) {
        self.put(0, &multiplier.to_le_bytes());
        self.put(4, &shift.to_le_bytes());
    }
}
