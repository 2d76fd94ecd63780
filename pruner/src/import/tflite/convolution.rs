//! Convolutions, fully connected layers and pools: everything with a window or a weight matrix.
//!
//! | operator | filter in the file | in the graph |
//! |---|---|---|
//! | `CONV_2D` | `[o, kh, kw, i]` | `[o, i, kh, kw]` |
//! | `DEPTHWISE_CONV_2D` | `[1, kh, kw, c·m]` | `[c·m, 1, kh, kw]` |
//! | `FULLY_CONNECTED` | `[o, i]` | `[o, i, 1, 1]` |

use super::super::assemble::{convolution, float_weights, permuted};
use super::super::error::{Problem, printable};
use super::super::geometry::{orders_agree, same_padding, window_number};
use super::super::spread::Spread;
use super::constants::Constant;
use super::flatbuffer::Table;
use super::{Call, Importer};
use crate::ir::{
    Clamp, Conv, DType, FlattenOrder, FullyConnected, Op, Pool, Shape, TensorId, Values, Weights,
    Window,
};

/// Types of option tables.
const CONV_OPTIONS: u8 = 1;
const DEPTHWISE_OPTIONS: u8 = 2;
const POOL_OPTIONS: u8 = 5;
const FULLY_CONNECTED_OPTIONS: u8 = 8;

/// `CONV_2D`.
pub(in crate::import) fn conv_2d(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let options = call.options(CONV_OPTIONS)?;
    let clamp = Call::fused(&options, 3)?;
    let input = importer.input(call, 0)?;
    let filter = importer.required(call, 1)?;
    let [o, kh, kw, i] = four(&filter)?;
    let channels = importer.shape(input).c;
    let groups = channels.checked_div(i).unwrap_or(0);
    if groups * i != channels || o.checked_rem(groups).is_none_or(|rest| rest != 0) {
        return Err(Problem::malformed(format!(
            "filters {:?} do not fit {channels} channels",
            filter.dims
        )));
    }
    let is_depthwise = groups > 1 && i == 1;
    let spread = Spread {
        groups: if is_depthwise { 1 } else { groups },
        dilation: dilation(&options, 4, 5)?,
    };
    let window = window(importer.shape(input), spread.kernel([kh, kw]), &options, 0)?;
    let weights = importer.weights(&filter, input, [o, i, kh, kw], 0, [0, 3, 1, 2])?;
    let weights = importer.spread(call, weights, spread)?;
    let conv = importer.conv(call, input, weights, window, clamp)?;
    importer.emit(call, convolution(conv, is_depthwise), &[input])
}

/// `DEPTHWISE_CONV_2D`.
pub(in crate::import) fn depthwise_conv_2d(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let options = call.options(DEPTHWISE_OPTIONS)?;
    let clamp = Call::fused(&options, 4)?;
    let input = importer.input(call, 0)?;
    let filter = importer.required(call, 1)?;
    let [one, kh, kw, o] = four(&filter)?;
    let channels = importer.shape(input).c;
    let multiplier = options.number::<i32>(3, 0)?;
    let fits = usize::try_from(multiplier).is_ok_and(|m| m.checked_mul(channels) == Some(o));
    if one != 1 || !(fits || multiplier == 0 && o.is_multiple_of(channels)) {
        return Err(Problem::malformed(format!(
            "filters {:?} and multiplier {multiplier} do not fit {channels} channels",
            filter.dims
        )));
    }
    let spread = Spread {
        groups: 1,
        dilation: dilation(&options, 5, 6)?,
    };
    let window = window(importer.shape(input), spread.kernel([kh, kw]), &options, 0)?;
    let weights = importer.weights(&filter, input, [o, 1, kh, kw], 3, [3, 0, 1, 2])?;
    let weights = importer.spread(call, weights, spread)?;
    let conv = importer.conv(call, input, weights, window, clamp)?;
    importer.emit(call, convolution(conv, true), &[input])
}

/// `FULLY_CONNECTED`; an image before it is flattened channels last, as its weights expect.
pub(in crate::import) fn fully_connected(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let options = call.options(FULLY_CONNECTED_OPTIONS)?;
    let clamp = Call::fused(&options, 0)?;
    if options.number::<i8>(1, 0)? != 0 {
        return Err(Problem::unsupported("shuffled weights are not supported"));
    }
    let mut input = importer.input(call, 0)?;
    let filter = importer.required(call, 1)?;
    let [o, i] = filter.dims[..] else {
        return Err(Problem::malformed(format!(
            "weights of dimensions {:?}, not [outputs, inputs]",
            filter.dims
        )));
    };
    let found = importer.shape(input);
    if found.len() != i && found.c == i {
        return over_pixels(importer, call, (input, &filter, [o, i]), clamp);
    }
    if !orders_agree(found) {
        let name = format!("{}_flatten", call.name);
        let flatten = Op::Flatten(FlattenOrder::ChannelsLast);
        input = importer.assembler.inserted(&name, flatten, input)?;
    }
    let weights = importer.weights(&filter, input, [o, i, 1, 1], 0, [0, 1, 2, 3])?;
    let dtype = importer.assembler.graph.tensor(input).dtype;
    let bias = importer.bias(call, 2, o, dtype)?;
    let layer = FullyConnected {
        weights,
        bias,
        clamp,
    };
    importer.emit(call, Op::FullyConnected(layer), &[input])
}

/// `FULLY_CONNECTED` over the channels of each pixel: a convolution of 1x1.
fn over_pixels<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'_>,
    (input, filter, [o, i]): (TensorId, &Constant<'a>, [usize; 2]),
    clamp: Clamp,
) -> Result<(), Problem> {
    let weights = importer.weights(filter, input, [o, i, 1, 1], 0, [0, 1, 2, 3])?;
    let dtype = importer.assembler.graph.tensor(input).dtype;
    let bias = importer.bias(call, 2, o, dtype)?;
    let conv = Conv {
        window: Window {
            kernel: [1; 2],
            stride: [1; 2],
            pad_begin: [0; 2],
            pad_end: [0; 2],
        },
        weights,
        bias,
        clamp,
    };
    importer.emit(call, Op::Conv2d(conv), &[input])
}

/// `MAX_POOL_2D`.
pub(in crate::import) fn max_pool_2d(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let (pool, input) = importer.pool(call)?;
    importer.emit(call, Op::MaxPool2d(pool), &[input])
}

/// `AVERAGE_POOL_2D`.
pub(in crate::import) fn average_pool_2d(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let (pool, input) = importer.pool(call)?;
    importer.emit(call, Op::AveragePool2d(pool), &[input])
}

impl<'a> Importer<'a> {
    /// The shape of an activation.
    pub(super) fn shape(&self, id: TensorId) -> Shape {
        self.assembler.graph.tensor(id).shape
    }

    /// Weights of `filter` in the graph's order: axis `n` of `dims` is axis `to[n]` of the file.
    pub(super) fn weights(
        &mut self,
        filter: &Constant<'a>,
        input: TensorId,
        dims: [usize; 4],
        channel_axis: i32,
        to: [usize; 4],
    ) -> Result<Weights, Problem> {
        if dims.contains(&0) {
            return Err(Problem::malformed(format!(
                "filters {:?} are empty",
                filter.dims
            )));
        }
        let dtype = self.assembler.graph.tensor(input).dtype;
        let mut from = [1; 4];
        for (axis, dim) in to.into_iter().zip(dims) {
            from[axis] = dim;
        }
        let values = self.weight_values(filter, dtype)?;
        let scales = self.weight_scales(filter, dtype, dims[0], channel_axis)?;
        match values {
            Values::F32(v) => float_weights(&filter.name, dims, permuted(&v, from, to)),
            Values::S8(v) => Ok(Weights {
                name: filter.name.clone(),
                shape: dims,
                values: Values::S8(permuted(&v, from, to)),
                scales,
            }),
        }
    }

    /// Weights with the zeros of groups and dilation written out.
    fn spread(
        &mut self,
        call: &Call<'_>,
        weights: Weights,
        spread: Spread,
    ) -> Result<Weights, Problem> {
        let budget = &mut self.assembler.budget;
        let (values, shape) = match weights.values {
            Values::F32(v) => {
                let (v, shape) = spread.apply(v, weights.shape, budget)?;
                (Values::F32(v), shape)
            }
            Values::S8(v) => {
                let (v, shape) = spread.apply(v, weights.shape, budget)?;
                (Values::S8(v), shape)
            }
        };
        self.assembler.note_spread(&call.name, spread);
        Ok(Weights {
            shape,
            values,
            ..weights
        })
    }

    fn conv(
        &mut self,
        call: &Call<'_>,
        input: TensorId,
        weights: Weights,
        window: Window,
        clamp: Clamp,
    ) -> Result<Conv, Problem> {
        let dtype = self.assembler.graph.tensor(input).dtype;
        let bias = self.bias(call, 2, weights.shape[0], dtype)?;
        Ok(Conv {
            window,
            weights,
            bias,
            clamp,
        })
    }

    fn pool(&mut self, call: &Call<'_>) -> Result<(Pool, TensorId), Problem> {
        let options = call.options(POOL_OPTIONS)?;
        let clamp = Call::fused(&options, 5)?;
        let input = self.input(call, 0)?;
        let side = |id, what| window_number(what, i64::from(options.number::<i32>(id, 0)?), 1);
        let kernel = [side(4, "filter height")?, side(3, "filter width")?];
        let window = window(self.shape(input), kernel, &options, 0)?;
        self.same_quantisation(call, input)?;
        Ok((Pool { window, clamp }, input))
    }

    /// Refuses operators whose integer output has another scale than their input, where TFLite forbids it.
    pub(super) fn same_quantisation(
        &self,
        call: &Call<'_>,
        input: TensorId,
    ) -> Result<(), Problem> {
        let source = self.assembler.graph.tensor(input);
        let quant = self.declared_quant(call)?;
        if source.dtype == DType::S8 && quant != source.quant {
            return Err(Problem::unsupported(format!(
                "its output is quantised differently from its input '{}'",
                printable(&source.name)
            )));
        }
        Ok(())
    }
}

fn four(filter: &Constant<'_>) -> Result<[usize; 4], Problem> {
    filter
        .dims
        .as_slice()
        .try_into()
        .map_err(|_| Problem::malformed(format!("filters of dimensions {:?}, not 4", filter.dims)))
}

fn dilation(options: &Table<'_>, w: usize, h: usize) -> Result<[usize; 2], Problem> {
    let side = |id| window_number("dilation", i64::from(options.number::<i32>(id, 1)?), 1);
    Ok([side(h)?, side(w)?])
}

/// The window of options whose fields start with padding (0 SAME, 1 VALID), `stride_w`, `stride_h`.
fn window(
    input: Shape,
    kernel: [usize; 2],
    options: &Table<'_>,
    padding: usize,
) -> Result<Window, Problem> {
    let side = |id, what| window_number(what, i64::from(options.number::<i32>(id, 0)?), 1);
    let stride = [
        side(padding + 2, "stride height")?,
        side(padding + 1, "stride width")?,
    ];
    for k in kernel {
        window_number("kernel", i64::try_from(k).unwrap_or(i64::MAX), 1)?;
    }
    let (top, bottom, left, right) = match options.number::<i8>(padding, 0)? {
        0 => {
            let (top, bottom) = same_padding(input.h, kernel[0], stride[0]);
            let (left, right) = same_padding(input.w, kernel[1], stride[1]);
            (top, bottom, left, right)
        }
        1 => (0, 0, 0, 0),
        other => return Err(Problem::malformed(format!("padding scheme {other}"))),
    };
    Ok(Window {
        kernel,
        stride,
        pad_begin: [top, left],
        pad_end: [bottom, right],
    })
}
