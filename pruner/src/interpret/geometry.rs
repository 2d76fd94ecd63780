//! Windows over images: which taps of which output lie inside the input, and im2col.

use crate::ir::{Shape, Window};
use core::ops::Range;

/// A windowed operator's shapes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Geometry {
    pub(super) input: Shape,
    pub(super) output: Shape,
    pub(super) window: Window,
}

impl Geometry {
    /// Taps of the window along axis `d` (0 rows, 1 columns) at output position `o` that lie inside the input,
    /// and the input position of the first of them.
    pub(super) fn taps(&self, d: usize, o: usize) -> (Range<usize>, usize) {
        let size = [self.input.h, self.input.w][d];
        let (start, pad) = (o * self.window.stride[d], self.window.pad_begin[d]);
        let first = pad.saturating_sub(start);
        let end = (size + pad)
            .saturating_sub(start)
            .min(self.window.kernel[d]);
        (first..end.max(first), start + first - pad)
    }

    /// Outputs along axis `d` whose tap `tap` lies inside the input, and the input position of the first of them.
    pub(super) fn outputs(&self, d: usize, tap: usize) -> (Range<usize>, usize) {
        let (size, out) = (
            [self.input.h, self.input.w][d],
            [self.output.h, self.output.w][d],
        );
        let (stride, pad) = (self.window.stride[d], self.window.pad_begin[d]);
        let first = pad.saturating_sub(tap).div_ceil(stride).min(out);
        let end = (size + pad).saturating_sub(tap).div_ceil(stride).min(out);
        (
            first..end.max(first),
            (first * stride + tap).saturating_sub(pad),
        )
    }

    /// Whether output pixels are input pixels: a 1x1 window, stride 1, no padding.
    pub(super) fn is_pointwise(&self) -> bool {
        let w = &self.window;
        w.kernel == [1, 1] && w.stride == [1, 1] && self.input.pixels() == self.output.pixels()
    }

    /// Calls `f(first output, first input, count)` for every row of outputs that tap
    /// `(ky, kx)` reaches, offsets within one channel plane.
    pub(super) fn for_tap(&self, ky: usize, kx: usize, mut f: impl FnMut(usize, usize, usize)) {
        let (rows, first_y) = self.outputs(0, ky);
        let (cols, first_x) = self.outputs(1, kx);
        if cols.is_empty() {
            return;
        }
        for (n, oy) in rows.enumerate() {
            let y = first_y + n * self.window.stride[0];
            f(
                oy * self.output.w + cols.start,
                y * self.input.w + first_x,
                cols.len(),
            );
        }
    }

    /// The geometry of a padding: every input pixel is one output pixel.
    pub(super) fn of_pad(input: Shape, output: Shape, begin: [usize; 2], end: [usize; 2]) -> Self {
        let window = Window {
            kernel: [1, 1],
            stride: [1, 1],
            pad_begin: begin,
            pad_end: end,
        };
        Self {
            input,
            output,
            window,
        }
    }

    /// An image within a frame of `value`.
    pub(super) fn pad<T: Copy>(&self, input: &[T], value: T) -> Vec<T> {
        let (plane, pixels) = (self.input.pixels(), self.output.pixels());
        let mut out = vec![value; self.output.len()];
        for (image, target) in input.chunks_exact(plane).zip(out.chunks_exact_mut(pixels)) {
            self.for_tap(0, 0, |to, from, n| {
                target[to..to + n].copy_from_slice(&image[from..from + n]);
            });
        }
        out
    }

    /// Calls `f` with the inputs that every output's window holds, outputs in `[c][h][w]` order.
    pub(super) fn for_windows<T: Copy>(
        &self,
        input: &[T],
        mut f: impl FnMut(&mut dyn Iterator<Item = T>),
    ) {
        for image in input.chunks_exact(self.input.pixels()) {
            for oy in 0..self.output.h {
                let (rows, y) = self.taps(0, oy);
                for ox in 0..self.output.w {
                    let (cols, x) = self.taps(1, ox);
                    let row = |n| {
                        let start = (y + n) * self.input.w + x;
                        image[start..start + cols.len()].iter().copied()
                    };
                    f(&mut (0..rows.len()).flat_map(row));
                }
            }
        }
    }

    /// Adds one channel plane through its taps `[ky][kx]` to a plane of outputs.
    pub(super) fn correlate<T>(&self, image: &[T], taps: &[T], sums: &mut [T])
    where
        T: Copy + core::ops::Mul<Output = T> + core::ops::AddAssign,
    {
        let (kw, step) = (self.window.kernel[1], self.window.stride[1]);
        for (tap, w) in taps.iter().enumerate() {
            self.for_tap(tap / kw, tap % kw, |to, from, n| {
                let line = &mut sums[to..to + n];
                if step == 1 {
                    for (y, x) in line.iter_mut().zip(&image[from..]) {
                        *y += *w * *x;
                    }
                } else {
                    for (y, x) in line.iter_mut().zip(image[from..].iter().step_by(step)) {
                        *y += *w * *x;
                    }
                }
            });
        }
    }

    /// Patches `[c][ky][kx][pixel]` of an image, every value through `map`; positions outside hold `outside`.
    pub(super) fn im2col<T: Copy, U: Copy>(
        &self,
        input: &[T],
        map: impl Fn(T) -> U,
        outside: U,
    ) -> Vec<U> {
        let [kh, kw] = self.window.kernel;
        let (plane, pixels) = (self.input.pixels(), self.output.pixels());
        let step = self.window.stride[1];
        let mut patches = vec![outside; self.input.c * kh * kw * pixels];
        for (row, patch) in patches.chunks_exact_mut(pixels).enumerate() {
            let (c, ky, kx) = (row / (kh * kw), row / kw % kh, row % kw);
            let image = &input[c * plane..(c + 1) * plane];
            self.for_tap(ky, kx, |to, from, n| {
                let target = &mut patch[to..to + n];
                if step == 1 {
                    for (p, x) in target.iter_mut().zip(&image[from..]) {
                        *p = map(*x);
                    }
                } else {
                    for (p, x) in target.iter_mut().zip(image[from..].iter().step_by(step)) {
                        *p = map(*x);
                    }
                }
            });
        }
        patches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(size: usize, kernel: usize, stride: usize, pad: [usize; 2]) -> Geometry {
        Geometry {
            input: Shape::new(1, size, size),
            output: Shape::new(1, 1, 1).with_side((size + pad[0] + pad[1] - kernel) / stride + 1),
            window: Window {
                kernel: [kernel; 2],
                stride: [stride; 2],
                pad_begin: [pad[0]; 2],
                pad_end: [pad[1]; 2],
            },
        }
    }

    impl Shape {
        fn with_side(self, side: usize) -> Self {
            Self::new(self.c, side, side)
        }
    }

    #[test]
    fn taps_and_outputs_agree_with_the_definition() {
        for (size, kernel, stride, pad) in [
            (5, 3, 1, [1, 1]),
            (6, 3, 2, [0, 1]),
            (7, 5, 3, [2, 1]),
            (4, 4, 1, [0, 0]),
            (3, 3, 2, [2, 2]),
        ] {
            let g = geometry(size, kernel, stride, pad);
            for o in 0..g.output.h {
                let (taps, first) = g.taps(0, o);
                let inside: Vec<usize> = (0..kernel)
                    .filter(|t| (pad[0]..size + pad[0]).contains(&(o * stride + t)))
                    .collect();
                assert_eq!(taps.clone().collect::<Vec<_>>(), inside);
                if let Some(t) = inside.first() {
                    assert_eq!(first, o * stride + t - pad[0]);
                }
                for tap in 0..kernel {
                    assert_eq!(
                        g.outputs(0, tap).0.contains(&o),
                        taps.contains(&tap),
                        "tap {tap} of {o}"
                    );
                }
            }
        }
    }

    #[test]
    fn patches_hold_what_every_tap_reads() {
        let g = geometry(5, 3, 2, [1, 1]);
        let image: Vec<i8> = (0..25).collect();
        let patches = g.im2col(&image, |x| i32::from(x) + 100, -1);
        for (tap, row) in patches.chunks(g.output.pixels()).enumerate() {
            for (pixel, value) in row.iter().enumerate() {
                let y = (pixel / 3 * 2 + tap / 3).checked_sub(1).filter(|y| *y < 5);
                let x = (pixel % 3 * 2 + tap % 3).checked_sub(1).filter(|x| *x < 5);
                let expected = y
                    .zip(x)
                    .map_or(-1, |(y, x)| i32::from(image[y * 5 + x]) + 100);
                assert_eq!(*value, expected, "tap {tap} of {pixel}");
            }
        }
    }
}
