//! Operators as bytes: the inverse of `op/params.rs`.

use crate::op::params::PARAMS;
use crate::{Clamp, Op, Window};

/// The 36 parameter bytes of an operator.
pub(super) fn params(op: &Op) -> [u8; PARAMS] {
    let mut bytes = Params([0; PARAMS]);
    match op {
        Op::Conv2d { window, clamp }
        | Op::MaxPool2d { window, clamp }
        | Op::AveragePool2d { window, clamp } => {
            bytes.window(window);
            bytes.clamp(clamp);
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
        Op::Mean { multiplier, shift } => bytes.scaling(*multiplier, *shift),
        Op::SoftmaxS8 {
            multiplier,
            left_shift,
            diff_min,
        } => {
            bytes.scaling(*multiplier, *left_shift);
            bytes.put(8, &diff_min.to_le_bytes());
        }
        Op::SoftmaxF32 { beta } => bytes.put(0, &beta.to_le_bytes()),
        Op::Pad { top, left, value } => {
            bytes.put(0, &[*top, *left]);
            match value {
                Clamp::S8 { lo, .. } => bytes.put(4, &lo.to_le_bytes()),
                Clamp::F32 { lo, .. } => bytes.put(4, &lo.to_le_bytes()),
            }
        }
        Op::Requantize {
            multiplier,
            shift,
            clamp,
        } => {
            bytes.scaling(*multiplier, *shift);
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
        Op::Quantize | Op::Dequantize | Op::UnaryS8 => {}
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

    fn scaling(&mut self, multiplier: i32, shift: i8) {
        self.put(0, &multiplier.to_le_bytes());
        self.put(4, &shift.to_le_bytes());
    }
}
