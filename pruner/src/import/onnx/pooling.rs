//! Pools and padding.

use super::super::assemble::unpadded;
use super::super::error::Problem;
use super::super::geometry::window_number;
use super::convolution::window;
use super::reshape::absolute;
use super::{Call, Importer};
use crate::ir::{Clamp, Op, Pool, Shape, Window};

/// Rows and columns up to which a global pool is a pool; beyond, it is a mean.
const WIDEST_POOL: usize = 255;

/// `MaxPool`.
pub(in crate::import) fn max_pool<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let indices = call.node.output.get(1).map(String::as_str);
    if indices.is_some_and(|n| importer.readers.contains_key(n) || importer.outputs.contains(n)) {
        return Err(Problem::unsupported("its indices are used"));
    }
    let (input, shape) = importer.image(call)?;
    let (window, _) = pool_window(call, shape)?;
    importer.emit_image(call, Op::MaxPool2d(pool(window)), input)
}

/// `AveragePool`; counted padding becomes a node of its own.
pub(in crate::import) fn average_pool<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let (mut input, shape) = importer.image(call)?;
    let (mut window, is_rounded_up) = pool_window(call, shape)?;
    let is_padded = window.pad_begin != [0; 2] || window.pad_end != [0; 2];
    if is_padded && call.attributes().int("count_include_pad", 0) != 0 {
        if is_rounded_up {
            return Err(Problem::unsupported(
                "ceil_mode together with count_include_pad is not supported",
            ));
        }
        input = importer.inserted_pad(call, input, &window)?;
        window = unpadded(window.kernel, window.stride);
    }
    importer.emit_image(call, Op::AveragePool2d(pool(window)), input)
}

/// `GlobalAveragePool`.
pub(in crate::import) fn global_average_pool<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let (input, shape) = importer.image(call)?;
    let op = if shape.h.max(shape.w) > WIDEST_POOL {
        Op::Mean
    } else {
        Op::AveragePool2d(pool(unpadded([shape.h, shape.w], [1, 1])))
    };
    importer.emit_image(call, op, input)
}

/// `GlobalMaxPool`.
pub(in crate::import) fn global_max_pool<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let (input, shape) = importer.image(call)?;
    let window = unpadded([shape.h, shape.w], [1, 1]);
    importer.emit_image(call, Op::MaxPool2d(pool(window)), input)
}

/// `Pad` of channels, rows and columns with a constant, of rows and columns with pixels of the image.
pub(in crate::import) fn pad<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let attributes = call.attributes();
    let mode = attributes.text("mode").unwrap_or("constant");
    let (input, _) = importer.image(call)?;
    let rank = importer.tensor(input).source.dims.len();
    let amounts = match attributes.ints("pads")? {
        Some(pads) => pads.to_vec(),
        None => match importer.constant(call, 1)? {
            Some(constant) => constant.ints()?,
            None => return Err(Problem::malformed("its pads are missing")),
        },
    };
    let value = match importer.constant(call, 2)? {
        Some(constant) => constant.scalar(&mut importer.assembler.budget)?,
        None => attributes.float("value").unwrap_or(0.0),
    };
    let axes = match importer.constant(call, 3)? {
        Some(constant) => constant.ints()?,
        None => (0..rank).filter_map(|a| i64::try_from(a).ok()).collect(),
    };
    if amounts.len() != 2 * axes.len() || !value.is_finite() {
        return Err(Problem::malformed(format!(
            "pads {amounts:?} for axes {axes:?}, value {value}"
        )));
    }
    let (mut begin, mut end) = ([0_i64; 4], [0_i64; 4]);
    let (first, last) = amounts.split_at(axes.len());
    for ((axis, b), e) in axes.iter().zip(first).zip(last) {
        let axis = absolute(*axis, rank, 1)?;
        // The only axis of pixels of a 1-D activation is that of the columns.
        let place = if rank == 3 && axis == 2 { 3 } else { axis };
        (begin[place], end[place]) = (*b, *e);
    }
    if [begin[0], end[0]] != [0; 2] {
        return Err(Problem::refused(
            "padding the batch is not supported",
            "channels, rows and columns can be padded",
        ));
    }
    if mode != "constant" {
        let amounts = [begin, end].map(|[_, c, h, w]| [c, h, w]);
        return super::pixels::mirrored(importer, call, input, mode, amounts);
    }
    let side = |v| window_number("padding", v, 0);
    let op = Op::Pad {
        begin: [side(begin[2])?, side(begin[3])?],
        end: [side(end[2])?, side(end[3])?],
        value,
    };
    if [begin[1], end[1]] == [0; 2] {
        return importer.emit_image(call, op, input);
    }
    let pixels = [begin[2], begin[3], end[2], end[3]];
    let input = if pixels == [0; 4] {
        input
    } else {
        let name = format!("{}/pixels", call.name);
        importer.assembler.inserted(&name, op, input)?
    };
    let channels = Op::PadChannels {
        begin: side(begin[1])?,
        end: side(end[1])?,
        value,
    };
    importer.emit_image(call, channels, input)
}

const fn pool(window: Window) -> Pool {
    Pool {
        window,
        clamp: Clamp::NONE,
    }
}

/// The window of a pool, and whether `ceil_mode` widened its end padding.
fn pool_window(call: &Call<'_>, input: Shape) -> Result<(Window, bool), Problem> {
    let attributes = call.attributes();
    attributes.undilated()?;
    let kernel = attributes.pair("kernel_shape", None)?;
    let mut window = window(attributes, input, kernel)?;
    let mut is_rounded_up = false;
    if attributes.int("ceil_mode", 0) != 0 {
        for (d, side) in [input.h, input.w].into_iter().enumerate() {
            let padded = side + window.pad_begin[d] + window.pad_end[d];
            let Some(span) = padded.checked_sub(kernel[d]) else {
                continue;
            };
            let last = span.next_multiple_of(window.stride[d]);
            // A window that would start in the end padding does not exist.
            if last > span && last < side + window.pad_begin[d] {
                window.pad_end[d] += last - span;
                is_rounded_up = true;
            }
        }
    }
    Ok((window, is_rounded_up))
}
