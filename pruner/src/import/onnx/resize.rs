//! `Resize`, `Upsample` and `ConvTranspose`: images of another size.

use super::super::assemble::float_weights;
use super::super::error::{Problem, printable};
use super::super::phases::{Along, Phases};
use super::{Call, Importer};
use crate::ir::{Bias, Clamp, Conv, Op, Order, Resize, Tap};

/// `Resize` and `Upsample`, nearest and linear, of rows and columns.
pub(in crate::import) fn resize<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let attributes = call.attributes();
    let (input, shape) = importer.image(call)?;
    let upsample = call.node.op_type == "Upsample";
    let mode = attributes.text("mode").unwrap_or("nearest");
    let nearest = match mode {
        "nearest" => true,
        "linear" | "bilinear" => false,
        other => {
            return Err(Problem::refused(
                format!("mode '{}'", printable(other)),
                "nearest and linear are supported",
            ));
        }
    };
    if attributes.int("antialias", 0) != 0 {
        return Err(Problem::unsupported("antialiasing is not supported"));
    }
    let coordinates = match attributes.text("coordinate_transformation_mode") {
        _ if upsample || importer.opset < 11 => "asymmetric",
        mode => mode.unwrap_or("half_pixel"),
    };
    let rounding = match attributes.text("nearest_mode") {
        _ if upsample || importer.opset < 11 => "floor",
        mode => mode.unwrap_or("round_prefer_floor"),
    };
    let (scales, sizes) = importer.targets(call, upsample)?;
    let mut taps = [Vec::new(), Vec::new()];
    for (d, (slot, from)) in taps.iter_mut().zip([shape.h, shape.w]).enumerate() {
        let axis = d + 2;
        let (scale, to) = match (&scales, &sizes) {
            (Some(s), _) => (f64::from(s[axis]), target(from, s[axis])),
            (None, Some(n)) => (ratio(n[axis], from), n[axis]),
            (None, None) => return Err(Problem::malformed("it has neither scales nor sizes")),
        };
        if to == 0 || to > 65_535 || !(scale.is_finite() && scale > 0.0) {
            return Err(Problem::malformed(format!("{from} pixels times {scale}")));
        }
        importer.assembler.budget.take(to)?;
        for i in 0..to {
            let x = coordinate(coordinates, i, scale, (from, to))?;
            slot.push(tap(x, from, nearest.then_some(rounding))?);
        }
    }
    let [rows, columns] = taps;
    let op = Op::Resize(Resize {
        nearest,
        rows,
        columns,
    });
    importer.emit_image(call, op, input)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates; sizes are judged afterwards"
)]
fn target(from: usize, scale: f32) -> usize {
    (real(from) * f64::from(scale)).floor() as usize
}

#[expect(clippy::cast_precision_loss, reason = "pixels are few")]
const fn real(n: usize) -> f64 {
    n as f64
}

fn ratio(to: usize, from: usize) -> f64 {
    real(to) / real(from)
}

/// The pixels that a linear resize of `from` pixels to `to` reads; `None` for a mode that is not known.
pub(crate) fn linear_taps(mode: &str, from: usize, to: usize) -> Option<Vec<Tap>> {
    let scale = ratio(to, from);
    let at = |i: usize| tap(coordinate(mode, i, scale, (from, to)).ok()?, from, None).ok();
    (0..to).map(at).collect()
}

/// The place in the input that output pixel `i` shows.
fn coordinate(
    mode: &str,
    i: usize,
    scale: f64,
    (from, to): (usize, usize),
) -> Result<f64, Problem> {
    let x = real(i);
    Ok(match mode {
        "half_pixel" => (x + 0.5) / scale - 0.5,
        "pytorch_half_pixel" if to > 1 => (x + 0.5) / scale - 0.5,
        "pytorch_half_pixel" => 0.0,
        "align_corners" if to > 1 => x * (real(from) - 1.0) / (real(to) - 1.0),
        "align_corners" => 0.0,
        "asymmetric" => x / scale,
        "half_pixel_symmetric" => {
            let adjustment = real(to) / (scale * real(from));
            let centre = real(from) / 2.0;
            centre * (1.0 - adjustment) + (x + 0.5) / scale - 0.5
        }
        other => {
            return Err(Problem::refused(
                format!("coordinates '{}'", printable(other)),
                "half_pixel, pytorch_half_pixel, align_corners and asymmetric are supported",
            ));
        }
    })
}

/// The pixels around a place; the nearest one where a rounding is given.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the input's pixels"
)]
fn tap(x: f64, from: usize, rounding: Option<&str>) -> Result<Tap, Problem> {
    let last = real(from - 1);
    let index = |x: f64| x.clamp(0.0, last) as usize;
    let Some(rounding) = rounding else {
        let x = x.clamp(0.0, last);
        let before = x.floor();
        return Ok(Tap {
            before: index(before),
            after: index(before + 1.0),
            weight: (x - before) as f32,
        });
    };
    let nearest = match rounding {
        "floor" => x.floor(),
        "ceil" => x.ceil(),
        "round_prefer_floor" => (x - 0.5).ceil(),
        "round_prefer_ceil" => (x + 0.5).floor(),
        other => {
            return Err(Problem::unsupported(format!(
                "rounding '{}'",
                printable(other)
            )));
        }
    };
    let before = index(nearest);
    Ok(Tap {
        before,
        after: before,
        weight: 0.0,
    })
}

/// `ConvTranspose`: one convolution for all phases, then depth to space.
pub(in crate::import) fn conv_transpose<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let attributes = call.attributes();
    attributes.undilated()?;
    let (filter, values, scales) = importer.weights(call, 1, 1)?;
    let (input, shape) = importer.image(call)?;
    let [i, o, kh, kw] = filter.dims[..] else {
        return Err(Problem::unsupported(format!(
            "filters of dimensions {:?}",
            filter.dims
        )));
    };
    let groups = usize::try_from(attributes.int("group", 1)).unwrap_or(0);
    if groups == 0 || !i.is_multiple_of(groups) || i != shape.c || o == 0 {
        return Err(Problem::malformed(format!(
            "{groups} groups of filters {:?} for {} channels",
            filter.dims, shape.c
        )));
    }
    let (each, inputs) = (o, i / groups);
    let o = each * groups;
    let along = importer.transposed(call, [kh, kw], [shape.h, shape.w])?;
    let phases = Phases::new(along, shape, o);
    let budget = &mut importer.assembler.budget;
    let filters = phases.filters(along, o, budget, |f, c, y, x| {
        if f / each == c / inputs {
            values[((c * each + f % each) * kh + y) * kw + x]
        } else {
            0.0
        }
    })?;
    if groups > 1 {
        importer.assembler.graph.notes.push(format!(
            "node '{}': {groups} groups, its filters were written out with zeros",
            printable(&call.name)
        ));
    }
    let bias = match importer.constant(call, 2)? {
        None => Bias::None,
        Some(_) => Bias::F32(phases.repeated(&importer.real_bias(call, 2, o)?)),
    };
    let mut weights = float_weights(&filter.name, phases.dims, filters)?;
    weights.scales = phases.repeated(&scales.repeat(groups));
    let conv = Conv {
        window: phases.window,
        weights,
        bias,
        clamp: Clamp::NONE,
    };
    let name = format!("{}/phases", call.name);
    let wide = importer
        .assembler
        .inserted(&name, Op::Conv2d(conv), input)?;
    let op = Op::Rearrange(phases.spread);
    let out = importer.assembler.shape_of(&op, &[wide])?;
    let dims = [1, out.c, out.h, out.w];
    importer.emit(call, op, &[wide], &dims, Order::Nchw)?;
    Ok(())
}

/// Scales by axis, or sizes by axis.
type Targets = (Option<Vec<f32>>, Option<Vec<usize>>);

impl<'a> Importer<'a> {
    /// What `Resize` or `Upsample` asks for, one number an axis.
    fn targets(&mut self, call: &Call<'a>, upsample: bool) -> Result<Targets, Problem> {
        let attributes = call.attributes();
        let axes = match attributes.ints("axes")? {
            Some(axes) => axes
                .iter()
                .map(|a| super::reshape::absolute(*a, 4, 1))
                .collect::<Result<Vec<_>, _>>()?,
            None => vec![0, 1, 2, 3],
        };
        let at = if upsample || self.opset < 11 { 1 } else { 2 };
        let scales = match attributes.floats("scales") {
            Some(scales) if !scales.is_empty() => Some(scales.to_vec()),
            _ => match self.constant(call, at)? {
                Some(c) if c.dims.iter().product::<usize>() > 0 => {
                    Some(c.floats(&mut self.assembler.budget)?)
                }
                _ => None,
            },
        };
        let input = self.input(call, 0)?;
        let dims = self.tensor(input).source.dims.clone();
        let odd = || {
            Problem::refused(
                "the batch or channels are resized",
                "only rows and columns can be",
            )
        };
        if let Some(scales) = scales {
            let mut all = vec![1.0; 4];
            if scales.len() != axes.len() {
                return Err(Problem::malformed(format!("scales {scales:?}")));
            }
            axes.iter().zip(scales).for_each(|(a, s)| all[*a] = s);
            return match all[..2] {
                [1.0, 1.0] => Ok((Some(all), None)),
                _ => Err(odd()),
            };
        }
        let Some(sizes) = self.constant(call, 3)?.map(|c| c.ints()).transpose()? else {
            return Ok((None, None));
        };
        let mut all = dims.clone();
        if sizes.len() != axes.len() {
            return Err(Problem::malformed(format!("sizes {sizes:?}")));
        }
        for (axis, size) in axes.iter().zip(sizes) {
            all[*axis] = usize::try_from(size).unwrap_or(0);
        }
        if all[..2] != dims[..2] {
            return Err(odd());
        }
        Ok((None, Some(all)))
    }

    /// Strides, padding and output size of a transposed convolution.
    fn transposed(
        &self,
        call: &Call<'a>,
        kernel: [usize; 2],
        from: [usize; 2],
    ) -> Result<[Along; 2], Problem> {
        let attributes = call.attributes();
        let stride = attributes.pair("strides", Some([1, 1]))?;
        let extra = match attributes.ints("output_padding")? {
            Some([h, w]) => [*h, *w],
            Some(_) => return Err(Problem::malformed("output_padding is no pair")),
            None => [0, 0],
        };
        let pads = match attributes.ints("pads")? {
            Some([a, b, c, d]) => [[*a, *c], [*b, *d]],
            Some(_) => return Err(Problem::malformed("pads are not four")),
            None => [[0, 0]; 2],
        };
        let auto = attributes.text("auto_pad").unwrap_or("NOTSET");
        let wanted = attributes.ints("output_shape")?;
        let mut along = [Along {
            kernel: 1,
            stride: 1,
            pad: 0,
            size: 1,
        }; 2];
        for d in 0..2 {
            let whole = (from[d] - 1) * stride[d] + kernel[d];
            let unsigned =
                |v: i64| usize::try_from(v).map_err(|_| Problem::malformed(format!("padding {v}")));
            let (pad, size) = match (wanted, auto) {
                (Some(sizes), _) => {
                    let size = sizes.get(sizes.len().saturating_sub(2) + d);
                    let size = unsigned(size.copied().unwrap_or(0))?;
                    let total = (whole + unsigned(extra[d])?).saturating_sub(size);
                    let begin = if auto == "SAME_UPPER" {
                        total / 2
                    } else {
                        total - total / 2
                    };
                    (begin, size)
                }
                (None, "SAME_UPPER" | "SAME_LOWER") => {
                    let size = from[d] * stride[d];
                    let total = (whole + unsigned(extra[d])?).saturating_sub(size);
                    let half = total / 2;
                    let begin = if auto == "SAME_UPPER" {
                        half
                    } else {
                        total - half
                    };
                    (begin, size)
                }
                _ => {
                    let [begin, end] = [unsigned(pads[d][0])?, unsigned(pads[d][1])?];
                    let size = (whole + unsigned(extra[d])?).saturating_sub(begin + end);
                    (begin, size)
                }
            };
            if size == 0 || stride[d] == 0 || stride[d] > 255 {
                return Err(Problem::malformed("its output is empty"));
            }
            along[d] = Along {
                kernel: kernel[d],
                stride: stride[d],
                pad,
                size,
            };
        }
        Ok(along)
    }
}
