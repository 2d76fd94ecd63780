//! Kernels that meet, move or resize elements, of both types.

use super::Value;
use crate::ir::{Binary, Move, Rearrange, Resize, Shape, Tap};

/// A rearrangement, prepared.
#[derive(Debug)]
pub(crate) struct Moves {
    moves: Vec<Move>,
    inputs: Vec<Shape>,
    output: Shape,
}

impl Moves {
    pub(super) fn new(
        rearrange: &Rearrange,
        inputs: Vec<Shape>,
        output: Shape,
    ) -> Result<Self, String> {
        let moves = rearrange.moves(&inputs);
        let moves = moves.ok_or("a dimension exceeds 65535 or a block 255")?;
        Ok(Self {
            moves,
            inputs,
            output,
        })
    }

    /// The output for inputs of one type.
    pub(super) fn run(&self, operands: &[&Value]) -> Value {
        match operands.first() {
            Some(Value::S8(_)) => Value::S8(self.moved(operands, |v| match v {
                Value::S8(v) => v,
                Value::F32(_) => &[],
            })),
            _ => Value::F32(self.moved(operands, |v| match v {
                Value::F32(v) => v,
                Value::S8(_) => &[],
            })),
        }
    }

    fn moved<'v, T: Copy + Default + 'v>(
        &self,
        operands: &[&'v Value],
        values: impl Fn(&'v Value) -> &'v [T],
    ) -> Vec<T> {
        let mut out = vec![T::default(); self.output.len()];
        for Move { input, block } in &self.moves {
            let from = self.inputs[*input];
            let source = values(operands[*input]);
            let [channels, rows, columns] = block.extent.map(usize::from);
            let place = |shape: Shape, first: [u16; 3], step: [u8; 3], at: [usize; 3]| {
                let on = |d: usize| usize::from(first[d]) + at[d] * usize::from(step[d]);
                (on(0) * shape.h + on(1)) * shape.w + on(2)
            };
            for c in 0..channels {
                for y in 0..rows {
                    for x in 0..columns {
                        let at = [c, y, x];
                        let value = source[place(from, block.from, block.from_step, at)];
                        out[place(self.output, block.to, block.to_step, at)] = value;
                    }
                }
            }
        }
        out
    }
}

/// Where the elements of two activations meet.
#[derive(Debug)]
pub(crate) struct Meeting {
    a: Shape,
    b: Shape,
    output: Shape,
}

impl Meeting {
    pub(super) fn new(a: Shape, b: Shape) -> Result<Self, String> {
        let (output, _) = Binary::output_shape(a, b)?;
        Ok(Self { a, b, output })
    }

    /// `of` for each pair of elements.
    pub(super) fn each<T: Copy>(&self, a: &[T], b: &[T], of: impl Fn(T, T) -> T) -> Vec<T> {
        let place = |shape: Shape, i: usize| {
            let (c, p) = (i / self.output.pixels(), i % self.output.pixels());
            let c = if shape.c == 1 { 0 } else { c };
            let p = if shape.pixels() == 1 { 0 } else { p };
            c * shape.pixels() + p
        };
        (0..self.output.len())
            .map(|i| of(a[place(self.a, i)], b[place(self.b, i)]))
            .collect()
    }
}

/// Channels with constant ones around them.
#[derive(Debug)]
pub(crate) struct Channels<T> {
    before: usize,
    after: usize,
    value: T,
}

impl<T: Copy> Channels<T> {
    pub(super) const fn new(plane: usize, begin: usize, end: usize, value: T) -> Self {
        Self {
            before: begin * plane,
            after: end * plane,
            value,
        }
    }

    pub(super) fn run(&self, a: &[T]) -> Vec<T> {
        let mut out = vec![self.value; self.before];
        out.extend_from_slice(a);
        out.resize(out.len() + self.after, self.value);
        out
    }
}

/// The image of `input` in another size; `mix` is given four pixels and the weights of the second row and column.
pub(super) fn resized<T: Copy>(
    resize: &Resize,
    input: Shape,
    a: &[T],
    mix: impl Fn([T; 4], f32, f32) -> T,
) -> Vec<T> {
    let mut out = Vec::with_capacity(input.c * resize.rows.len() * resize.columns.len());
    for image in a.chunks_exact(input.pixels()) {
        let at = |y: usize, x: usize| image[y * input.w + x];
        let pixel = |y: &Tap, x: &Tap| {
            if resize.nearest {
                return at(y.before, x.before);
            }
            let pixels = [
                at(y.before, x.before),
                at(y.before, x.after),
                at(y.after, x.before),
                at(y.after, x.after),
            ];
            mix(pixels, y.weight, x.weight)
        };
        for y in &resize.rows {
            out.extend(resize.columns.iter().map(|x| pixel(y, x)));
        }
    }
    out
}
