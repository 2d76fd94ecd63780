//! Operators that meet or move activations: pairs, concatenation, split, slice, blocks of pixels.

use super::super::error::Problem;
use super::super::geometry::axis_of;
use super::reshape::absolute;
use super::{Call, Importer};
use crate::ir::{Axis, Binary, BinaryKind, BlockOrder, Clamp, Op, Rearrange, Source, TensorId};

/// Two activations, element by element.
pub(super) fn pair<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    kind: BinaryKind,
    (a, b): (TensorId, TensorId),
) -> Result<(), Problem> {
    let (x, y) = (importer.tensor(a), importer.tensor(b));
    let (_, swapped) = Binary::output_shape(x.shape, y.shape).map_err(|_| {
        Problem::refused(
            format!(
                "{:?} and {:?} do not broadcast",
                x.source.dims, y.source.dims
            ),
            "one of them may have a single pixel, or a single channel, for all of the other",
        )
    })?;
    let source = if swapped { &y.source } else { &x.source }.clone();
    let agrees = x.source.dims.len() == y.source.dims.len();
    if !agrees && x.shape.pixels() * y.shape.pixels() != 1 {
        return Err(Problem::refused(
            format!("{:?} and {:?} differ in rank", x.source.dims, y.source.dims),
            "give both activations one rank",
        ));
    }
    let clamp = Clamp::NONE;
    let op = Op::Binary(Binary { kind, clamp });
    importer.emit(call, op, &[a, b], &source.dims, source.order)?;
    Ok(())
}

/// `Concat`.
pub(in crate::import) fn concat<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let mut inputs = Vec::new();
    for i in 0..call.node.input.len() {
        inputs.push(importer.input(call, i)?);
    }
    let Some(first) = inputs.first() else {
        return Err(Problem::malformed("it has no input"));
    };
    let source = importer.tensor(*first).source.clone();
    let at = absolute(call.attributes().int("axis", 1), source.dims.len(), 1)?;
    let axis = counted(&source, at)?;
    let mut dims = source.dims.clone();
    for input in &inputs[1..] {
        let other = &importer.tensor(*input).source;
        // Vectors have no order of axes.
        let one_order = other.order == source.order || dims.len() <= 2;
        if !one_order || other.dims.len() != dims.len() {
            return Err(Problem::refused(
                format!(
                    "activations {:?} and {:?} behind each other",
                    source.dims, other.dims
                ),
                "give both one rank and one order of axes",
            ));
        }
        dims[at] += other.dims[at];
    }
    let op = Op::Rearrange(Rearrange::Concat { axis });
    importer.emit(call, op, &inputs, &dims, source.order)?;
    Ok(())
}

/// What an axis counts, or a refusal.
fn counted(source: &Source, axis: usize) -> Result<Axis, Problem> {
    axis_of(source, axis).ok_or_else(|| {
        Problem::refused(
            format!("axis {axis} of {:?}", source.dims),
            "channels, rows and columns are supported",
        )
    })
}

/// `Split` into one activation an output.
pub(in crate::import) fn split<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let source = importer.tensor(input).source.clone();
    let at = absolute(call.attributes().int("axis", 0), source.dims.len(), 1)?;
    let count = call.node.output.len();
    let sizes = match (
        call.attributes().ints("split")?,
        importer.constant(call, 1)?,
    ) {
        (Some(sizes), _) => sizes.to_vec(),
        (None, Some(constant)) => constant.ints()?,
        (None, None) => {
            let each = source.dims[at].div_ceil(count.max(1));
            let sizes = (0..count).map(|i| each.min(source.dims[at].saturating_sub(i * each)));
            sizes.map(|n| i64::try_from(n).unwrap_or(0)).collect()
        }
    };
    let sizes: Vec<usize> = sizes
        .iter()
        .filter_map(|n| usize::try_from(*n).ok())
        .collect();
    if sizes.len() != count || sizes.iter().sum::<usize>() != source.dims[at] {
        return Err(Problem::malformed(format!(
            "{count} outputs of sizes {sizes:?} from {:?}",
            source.dims
        )));
    }
    let mut begin = 0;
    for (i, size) in sizes.into_iter().enumerate() {
        let part = Part {
            axis: at,
            begin,
            step: 1,
            size,
        };
        importer.emit_part(call, i, input, &[part])?;
        begin += size;
    }
    Ok(())
}

/// `Slice` with constant bounds and positive steps.
pub(in crate::import) fn slice<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let dims = importer.tensor(input).source.dims.clone();
    let attributes = call.attributes();
    let (starts, ends, axes, steps) = if let Some(starts) = attributes.ints("starts")? {
        let ends = attributes.ints("ends")?.unwrap_or_default().to_vec();
        let axes = attributes.ints("axes")?.map(<[i64]>::to_vec);
        (starts.to_vec(), ends, axes, None)
    } else {
        let list = |i| -> Result<Option<Vec<i64>>, Problem> {
            importer.constant(call, i)?.map(|c| c.ints()).transpose()
        };
        let missing = || Problem::malformed("its bounds are missing");
        (
            list(1)?.ok_or_else(missing)?,
            list(2)?.ok_or_else(missing)?,
            list(3)?,
            list(4)?,
        )
    };
    let count = starts.len();
    let axes = axes.unwrap_or_else(|| (0..).take(count).collect());
    let steps = steps.unwrap_or_else(|| vec![1; count]);
    if ends.len() != count || axes.len() != count || steps.len() != count {
        return Err(Problem::malformed("its bounds differ in number"));
    }
    let bounds: Vec<[i64; 4]> = (0..count)
        .map(|i| [axes[i], starts[i], ends[i], steps[i]])
        .collect();
    if steps.iter().any(|step| *step < 0) {
        return super::pixels::reversed(importer, call, &bounds);
    }
    let mut parts = Vec::new();
    for [axis, start, end, step] in &bounds {
        let axis = absolute(*axis, dims.len(), 1)?;
        parts.push(Part::between(axis, dims[axis], [*start, *end, *step])?);
    }
    importer.emit_part(call, 0, input, &parts)
}

/// Elements along one axis of the source.
#[derive(Debug, Clone, Copy)]
pub(in crate::import) struct Part {
    pub(in crate::import) axis: usize,
    pub(in crate::import) begin: usize,
    pub(in crate::import) step: usize,
    pub(in crate::import) size: usize,
}

impl Part {
    /// From bounds that may be negative or beyond the end.
    pub(in crate::import) fn between(
        axis: usize,
        len: usize,
        [start, end, step]: [i64; 3],
    ) -> Result<Self, Problem> {
        let signed = i64::try_from(len).unwrap_or(i64::MAX);
        let bound = |v: i64| {
            let v = if v < 0 { v.saturating_add(signed) } else { v };
            usize::try_from(v.clamp(0, signed)).unwrap_or(0)
        };
        let Some(step) = usize::try_from(step).ok().filter(|s| *s > 0) else {
            return Err(Problem::refused(
                format!("step {step}"),
                "only positive steps are supported",
            ));
        };
        let (begin, end) = (bound(start), bound(end));
        let size = end.saturating_sub(begin).div_ceil(step);
        if size == 0 {
            return Err(Problem::malformed(format!(
                "nothing from {start} to {end} of {len}"
            )));
        }
        Ok(Self {
            axis,
            begin,
            step,
            size,
        })
    }

    /// Several parts as a slice, and the dimensions that it leaves.
    pub(in crate::import) fn slice(
        source: &Source,
        parts: &[Self],
    ) -> Result<(Rearrange, Vec<usize>), Problem> {
        let shape = super::super::geometry::shape_of(&source.dims, source.order)?;
        let (mut begin, mut steps) = ([0; 3], [1; 3]);
        let mut size = [shape.c, shape.h, shape.w];
        let mut dims = source.dims.clone();
        for part in parts {
            if part.begin == 0 && part.step == 1 && part.size == dims[part.axis] {
                continue;
            }
            let axis = counted(source, part.axis)? as usize;
            (begin[axis], steps[axis], size[axis]) = (part.begin, part.step, part.size);
            dims[part.axis] = part.size;
        }
        let step = steps;
        Ok((Rearrange::Slice { begin, step, size }, dims))
    }
}

impl<'a> Importer<'a> {
    /// Adds the node that makes output `i` of `call` from parts of `input`.
    fn emit_part(
        &mut self,
        call: &Call<'a>,
        i: usize,
        input: TensorId,
        parts: &[Part],
    ) -> Result<(), Problem> {
        let name = match call.node.output.get(i) {
            Some(name) if !name.is_empty() => name.as_str(),
            _ => return Ok(()),
        };
        let source = self.tensor(input).source.clone();
        let (slice, dims) = Part::slice(&source, parts)?;
        let op = Op::Rearrange(slice);
        let shape = self.assembler.shape_of(&op, &[input])?;
        let quant = self.moved_quant(&op, &[input]);
        let output = self
            .assembler
            .shaped(name, shape, &dims, source.order, quant)?;
        self.keep_element(&[input], output);
        let node = if i == 0 {
            call.name.clone()
        } else {
            format!("{}/{i}", call.name)
        };
        let index = Some(call.index);
        self.assembler.node(&node, op, &[input], output, index)?;
        self.bind(name, super::Value::Activation(output))
    }
}

/// `DepthToSpace`.
pub(in crate::import) fn depth_to_space<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let (input, shape) = importer.image(call)?;
    let block = block_of(call)?;
    let order = match call.attributes().text("mode").unwrap_or("DCR") {
        "CRD" => BlockOrder::ColumnFirst,
        _ => BlockOrder::DepthFirst,
    };
    let op = Rearrange::DepthToSpace {
        block: [block; 2],
        order,
        crop: [0, 0],
        size: [shape.h * block, shape.w * block],
    };
    importer.emit_image(call, Op::Rearrange(op), input)
}

/// `SpaceToDepth`.
pub(in crate::import) fn space_to_depth<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let (input, _) = importer.image(call)?;
    let block = [block_of(call)?; 2];
    importer.emit_image(
        call,
        Op::Rearrange(Rearrange::SpaceToDepth {
            block,
            order: BlockOrder::DepthFirst,
        }),
        input,
    )
}

fn block_of(call: &Call<'_>) -> Result<usize, Problem> {
    let size = call.attributes().int("blocksize", 0);
    let block = usize::try_from(size).ok().filter(|b| (1..=255).contains(b));
    block.ok_or_else(|| Problem::malformed(format!("blocks of {size}")))
}
