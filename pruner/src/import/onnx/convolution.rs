//! `Conv`: full, depthwise and grouped, over rows and columns or over one row.

use super::super::assemble::{convolution, finite, float_weights, unpadded};
use super::super::error::{Problem, printable};
use super::super::geometry::{orders_agree, same_padding, shape_of, window_number};
use super::super::spread::Spread;
use super::attributes::Attributes;
use super::{Call, Importer};
use crate::ir::{Bias, Clamp, Conv, Op, Order, Shape, TensorId, Window};

/// `Conv`.
pub(in crate::import) fn conv<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let attributes = call.attributes();
    let (filter, values, scales) = importer.weights(call, 1, 0)?;
    let (input, shape) = importer.image(call)?;
    let rank = importer.tensor(input).source.dims.len();
    let [o, i, kh, kw] = match filter.dims[..] {
        [o, i, k] if rank == 3 => [o, i, 1, k],
        [o, i, kh, kw] if rank == 4 => [o, i, kh, kw],
        _ => {
            return Err(Problem::refused(
                format!(
                    "filters '{}' of dimensions {:?} over an input of rank {rank}",
                    printable(&filter.name),
                    filter.dims
                ),
                "1-D and 2-D convolutions are supported; write a 3-D one as several 2-D ones",
            ));
        }
    };
    let group = attributes.int("group", 1);
    let groups = usize::try_from(group).unwrap_or(0);
    let fits = groups > 0 && groups.checked_mul(i) == Some(shape.c) && o.is_multiple_of(groups);
    if !fits || o == 0 {
        let (name, of) = (
            printable(&filter.name),
            printable(&importer.tensor(input).name),
        );
        return Err(Problem::contradiction(
            format!(
                "its filters '{name}' {:?} read {} channels in {group} groups, its input '{of}' has {}",
                filter.dims,
                i.saturating_mul(groups),
                shape.c
            ),
            "the model contradicts itself: export it again with an example input of the shape that the network was trained on",
        ));
    }
    let is_depthwise = groups > 1 && i == 1;
    let spread = Spread {
        groups: if is_depthwise { 1 } else { groups },
        dilation: attributes.pair("dilations", Some([1, 1]))?,
    };
    if attributes.pair("kernel_shape", Some([kh, kw]))? != [kh, kw] {
        return Err(Problem::malformed("kernel_shape differs from the filters"));
    }
    let window = window(attributes, shape, spread.kernel([kh, kw]))?;
    let (values, dims) = spread.apply(values, [o, i, kh, kw], &mut importer.assembler.budget)?;
    let mut weights = float_weights(&filter.name, dims, values)?;
    weights.scales = scales;
    importer.assembler.note_spread(&call.name, spread);
    let (input, window) = importer.padded(call, input, window)?;
    let bias = importer.bias(call, 2, o)?;
    let conv = Conv {
        window,
        weights,
        bias,
        clamp: Clamp::NONE,
    };
    importer.emit_image(call, convolution(conv, is_depthwise), input)
}

impl<'a> Importer<'a> {
    /// Input 0 as an image with channels first; one of rank 3 has a single row.
    pub(super) fn image(&mut self, call: &Call<'a>) -> Result<(TensorId, Shape), Problem> {
        let input = self.input(call, 0)?;
        let tensor = self.tensor(input);
        let (dims, found) = (tensor.source.dims.clone(), tensor.shape);
        if !matches!(dims.len(), 3 | 4) {
            return Err(Problem::refused(
                format!(
                    "an input of dimensions {dims:?}; only [1, c, n] and [1, c, h, w] are supported"
                ),
                "add the missing axes with Unsqueeze before it",
            ));
        }
        if tensor.source.order == Order::Nhwc && !orders_agree(found) {
            return Err(Problem::refused(
                format!("its input {dims:?} is channels last"),
                "a Transpose to channels first is missing before it",
            ));
        }
        call.attributes().over(dims.len() - 2)?;
        let shape = shape_of(&dims, Order::Nchw)?;
        if shape == found {
            return Ok((input, shape));
        }
        let viewed = self.viewed(call, input, shape)?;
        Ok((viewed, shape))
    }

    /// The values of `input`, in their sequence, as another shape of the same dimensions.
    pub(super) fn viewed(
        &mut self,
        call: &Call<'a>,
        input: TensorId,
        shape: Shape,
    ) -> Result<TensorId, Problem> {
        let dims = self.tensor(input).source.dims.clone();
        let name = format!("{}_view", call.name);
        let quant = self.tensor(input).quant;
        let output = self
            .assembler
            .shaped(&name, shape, &dims, Order::Nchw, quant)?;
        self.assembler
            .node(&name, Op::Reshape(shape), &[input], output, None)?;
        self.keep_element(&[input], output);
        Ok(output)
    }

    /// Adds the node of `call`, whose output is an image of the shape that the operator gives.
    pub(super) fn emit_image(
        &mut self,
        call: &Call<'a>,
        op: Op,
        input: TensorId,
    ) -> Result<(), Problem> {
        let shape = op
            .output_shape(self.tensor(input).shape)
            .map_err(Problem::Malformed)?;
        let dims = match self.tensor(input).source.dims.len() {
            3 => vec![1, shape.c, shape.w],
            _ => vec![1, shape.c, shape.h, shape.w],
        };
        self.emit(call, op, &[input], &dims, Order::Nchw)?;
        Ok(())
    }

    /// Moves padding that reaches past the kernel into a node of its own.
    fn padded(
        &mut self,
        call: &Call<'a>,
        input: TensorId,
        window: Window,
    ) -> Result<(TensorId, Window), Problem> {
        let pads = window.pad_begin.iter().chain(&window.pad_end);
        let kernels = window.kernel.iter().chain(&window.kernel);
        if pads.zip(kernels).all(|(pad, kernel)| pad < kernel) {
            return Ok((input, window));
        }
        let input = self.inserted_pad(call, input, &window)?;
        Ok((input, unpadded(window.kernel, window.stride)))
    }

    /// Adds a node that pads with zeros as `window` says.
    pub(super) fn inserted_pad(
        &mut self,
        call: &Call<'a>,
        input: TensorId,
        window: &Window,
    ) -> Result<TensorId, Problem> {
        let pad = Op::Pad {
            begin: window.pad_begin,
            end: window.pad_end,
            value: 0.0,
        };
        self.assembler
            .inserted(&format!("{}_pad", call.name), pad, input)
    }

    /// The bias in constant input `i`.
    pub(super) fn bias(&mut self, call: &Call<'a>, i: usize, rows: usize) -> Result<Bias, Problem> {
        let Some(constant) = self.constant(call, i)? else {
            return Ok(Bias::None);
        };
        if let Some(bias) = self.integer_bias(call, &constant, rows)? {
            return Ok(bias);
        }
        self.real_bias(call, i, rows).map(Bias::F32)
    }

    /// The real numbers of the bias in constant input `i`, which is there.
    pub(super) fn real_bias(
        &mut self,
        call: &Call<'a>,
        i: usize,
        rows: usize,
    ) -> Result<Vec<f32>, Problem> {
        let (constant, values) = self.floats(call, i)?;
        finite(&constant.name, &values)?;
        if values.len() != rows {
            return Err(Problem::malformed(format!(
                "bias '{}' has {} values for {rows} output channels",
                printable(&constant.name),
                values.len()
            )));
        }
        Ok(values)
    }
}

/// The window that `strides`, `pads` and `auto_pad` describe.
pub(super) fn window(
    attributes: Attributes<'_>,
    input: Shape,
    kernel: [usize; 2],
) -> Result<Window, Problem> {
    for k in kernel {
        window_number("kernel", i64::try_from(k).unwrap_or(i64::MAX), 1)?;
    }
    let stride = attributes.pair("strides", Some([1, 1]))?;
    let mut window = unpadded(kernel, stride);
    match attributes.text("auto_pad").unwrap_or("NOTSET") {
        "NOTSET" | "" => match attributes.ints("pads")? {
            None | Some([]) => {}
            Some(pads @ (&[_, _] | &[_, _, _, _])) => {
                let pad = |v| window_number("padding", v, 0);
                let (top, left, bottom, right) = match *pads {
                    [top, left, bottom, right] => (top, left, bottom, right),
                    _ => (0, pads[0], 0, pads[1]),
                };
                window.pad_begin = [pad(top)?, pad(left)?];
                window.pad_end = [pad(bottom)?, pad(right)?];
            }
            Some(other) => {
                return Err(Problem::malformed(format!(
                    "pads {other:?}, not 2 or 4 numbers"
                )));
            }
        },
        "VALID" => {}
        scheme @ ("SAME_UPPER" | "SAME_LOWER") => {
            let sides = [input.h, input.w];
            for d in 0..2 {
                let (less, more) = same_padding(sides[d], kernel[d], stride[d]);
                (window.pad_begin[d], window.pad_end[d]) = if scheme == "SAME_UPPER" {
                    (less, more)
                } else {
                    (more, less)
                };
            }
        }
        other => {
            return Err(Problem::malformed(format!(
                "auto_pad '{}'",
                printable(other)
            )));
        }
    }
    Ok(window)
}
