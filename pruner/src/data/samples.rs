//! The samples of a data set in the order and numbers that one graph input takes.

use super::{Array, DataError, Dataset, Elements, Preprocess};
use crate::arith;
use crate::ir::{Order, Quant, Shape, Tensor};

/// A data set seen through one graph input: axes matched and preprocessing checked once, then infallible.
#[derive(Debug, Clone)]
pub struct Samples<'a> {
    x: &'a Array,
    shape: Shape,
    order: Order,
    channels: Vec<(f32, f32)>,
    identity: bool,
    len: usize,
}

impl Dataset {
    /// Matches the samples with a graph input.
    ///
    /// Where the data have one array an input, the one with the input's name is taken.
    ///
    /// A sample may have the model's dimensions in `layout` order (the source model's own where `layout` is
    /// `None`), lack axes of length 1, or be flattened; a vector input takes any sample of its length.
    ///
    /// # Errors
    ///
    /// A shape that does not fit, with both shapes; unusable `preprocess`.
    pub fn samples(
        &self,
        input: &Tensor,
        layout: Option<Order>,
        preprocess: &Preprocess,
    ) -> Result<Samples<'_>, DataError> {
        let order = layout.unwrap_or(input.source.order);
        let shape = input.shape;
        let (name_of, x) = self.array_for(&input.name);
        let dims = x.shape.get(1..).unwrap_or_default();
        if !fits(dims, shape, order) {
            let other = match order {
                Order::Nchw => Order::Nhwc,
                Order::Nhwc => Order::Nchw,
            };
            let hint = if fits(dims, shape, other) {
                format!("the samples look like --layout {}", name(other))
            } else {
                String::new()
            };
            return Err(DataError::Shape {
                file: self.file().to_string(),
                array: name_of.to_string(),
                found: x.shape.clone(),
                expected: format!("[N, {}] ({})", list(&axes(shape, order)), name(order)),
                hint,
            });
        }
        Ok(Samples {
            x,
            shape,
            order,
            channels: preprocess.per_channel(shape.c)?,
            identity: preprocess.is_identity(),
            len: self.len(),
        })
    }
}

impl Samples<'_> {
    /// Number of samples.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the data are unsigned bytes, so that an exact integer input is possible.
    #[must_use]
    pub const fn is_u8(&self) -> bool {
        matches!(self.x.elements, Elements::U8(_))
    }

    /// Real values of sample `i` in `[c][h][w]` order; zeros before preprocessing past the end.
    #[must_use]
    pub fn get(&self, i: usize) -> Vec<f32> {
        let base = i * self.shape.len();
        let pixels = self.shape.pixels();
        let mut out = Vec::with_capacity(self.shape.len());
        for (c, (mean, std)) in self.channels.iter().enumerate() {
            for p in 0..pixels {
                let from = self.position(c, p, pixels);
                out.push((self.x.elements.real(base + from) - mean) / std);
            }
        }
        out
    }

    /// Integers of sample `i` for an `s8` input in `[c][h][w]` order: `s8` data without preprocessing as
    /// they are, everything else through [`arith::quantize`].
    #[must_use]
    pub fn get_s8(&self, i: usize, quant: Quant) -> Vec<i8> {
        if let (Elements::S8(values), true) = (&self.x.elements, self.identity) {
            let (base, pixels) = (i * self.shape.len(), self.shape.pixels());
            return (0..self.shape.len())
                .map(|k| self.position(k / pixels, k % pixels, pixels))
                .map(|from| values.get(base + from).copied().unwrap_or_default())
                .collect();
        }
        self.get(i)
            .into_iter()
            .map(|x| arith::quantize(x, quant))
            .collect()
    }

    const fn position(&self, c: usize, p: usize, pixels: usize) -> usize {
        match self.order {
            Order::Nchw => c * pixels + p,
            Order::Nhwc => p * self.shape.c + c,
        }
    }
}

fn axes(shape: Shape, order: Order) -> [usize; 3] {
    match order {
        Order::Nchw => [shape.c, shape.h, shape.w],
        Order::Nhwc => [shape.h, shape.w, shape.c],
    }
}

fn fits(dims: &[usize], shape: Shape, order: Order) -> bool {
    let longer = |d: &&usize| **d != 1;
    if dims.iter().product::<usize>() != shape.len() {
        return false;
    }
    dims.iter().filter(longer).count() <= 1
        || shape.pixels() == 1
        || dims
            .iter()
            .filter(longer)
            .eq(axes(shape, order).iter().filter(longer))
}

fn list(axes: &[usize]) -> String {
    axes.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

const fn name(order: Order) -> &'static str {
    match order {
        Order::Nchw => "nchw",
        Order::Nhwc => "nhwc",
    }
}
