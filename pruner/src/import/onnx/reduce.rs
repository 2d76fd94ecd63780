//! `ReduceMean`, `ReduceMax` and `ReduceSum` over rows, columns, both, or channels.

use super::super::assemble::{float_weights, unpadded};
use super::super::error::Problem;
use super::super::geometry::{axis_of, shape_of, window_number};
use super::reshape::absolute;
use super::{Call, Importer};
use crate::ir::{Axis, Bias, Clamp, Conv, Op, Pool, Shape, Source, TensorId};

/// What becomes of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mean,
    Max,
    Sum,
}

/// `ReduceMean`.
pub(in crate::import) fn reduce_mean<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    reduce(importer, call, Kind::Mean)
}

/// `ReduceMax`.
pub(in crate::import) fn reduce_max<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    reduce(importer, call, Kind::Max)
}

/// `ReduceSum`.
pub(in crate::import) fn reduce_sum<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    reduce(importer, call, Kind::Sum)
}

fn reduce<'a>(importer: &mut Importer<'a>, call: &Call<'a>, kind: Kind) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let (source, shape) = (
        importer.tensor(input).source.clone(),
        importer.tensor(input).shape,
    );
    let axes = axes_of(importer, call, source.dims.len())?;
    let over = |wanted: Axis| axes.iter().any(|a| axis_of(&source, *a) == Some(wanted));
    let counted = axes
        .iter()
        .filter(|a| axis_of(&source, **a).is_some())
        .count();
    let (rows, columns, channels) = (
        over(Axis::Rows) || shape.h == 1,
        over(Axis::Columns) || shape.w == 1,
        over(Axis::Channels),
    );
    let keeps = call.attributes().int("keepdims", 1) != 0;
    let whole = channels && (counted > 1 || shape.pixels() != 1 && !keeps);
    if counted == 0 || counted != axes.len() || whole || (channels && kind == Kind::Max) {
        return Err(refusal(kind, &axes, &source));
    }
    let mut dims = source.dims.clone();
    axes.iter().for_each(|a| dims[*a] = 1);
    if !keeps {
        let kept = |(axis, _): &(usize, &usize)| !axes.contains(axis);
        dims = dims
            .iter()
            .enumerate()
            .filter(kept)
            .map(|(_, d)| *d)
            .collect();
    }
    let to = shape_of(&dims, source.order)?;
    let ops = if channels {
        vec![mixing(call, shape.c, kind)?]
    } else {
        let kernel = [
            if rows { shape.h } else { 1 },
            if columns { shape.w } else { 1 },
        ];
        pooling(kind, kernel, shape)?
    };
    importer.emit_chain(call, ops, input, to, &dims)
}

/// The reduced axes, sorted; none means all.
fn axes_of<'a>(
    importer: &Importer<'a>,
    call: &Call<'a>,
    rank: usize,
) -> Result<Vec<usize>, Problem> {
    let named = importer.axes(call, 1)?.unwrap_or_default();
    if named.is_empty() && call.attributes().int("noop_with_empty_axes", 0) == 0 {
        return Ok((0..rank).collect());
    }
    let mut axes = named
        .into_iter()
        .map(|a| absolute(a, rank, 1))
        .collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    axes.dedup();
    Ok(axes)
}

/// A window over all that is reduced.
fn pooling(kind: Kind, kernel: [usize; 2], shape: Shape) -> Result<Vec<Op>, Problem> {
    let whole = kernel == [shape.h, shape.w];
    if kind == Kind::Max || !whole {
        for side in kernel {
            window_number("the window", i64::try_from(side).unwrap_or(i64::MAX), 1)?;
        }
    }
    let pool = Pool {
        window: unpadded(kernel, [1, 1]),
        clamp: Clamp::NONE,
    };
    let mut ops = vec![match kind {
        Kind::Max => Op::MaxPool2d(pool),
        Kind::Mean | Kind::Sum if whole => Op::Mean,
        Kind::Mean | Kind::Sum => Op::AveragePool2d(pool),
    }];
    if kind == Kind::Sum {
        ops.push(Op::ChannelAffine {
            scale: vec![real(kernel[0] * kernel[1]); shape.c],
            shift: vec![0.0; shape.c],
        });
    }
    Ok(ops)
}

/// Mean or sum of the channels as a convolution with one constant filter.
fn mixing(call: &Call<'_>, channels: usize, kind: Kind) -> Result<Op, Problem> {
    let share = if kind == Kind::Mean {
        real(channels).recip()
    } else {
        1.0
    };
    let name = format!("{}/share", call.name);
    Ok(Op::Conv2d(Conv {
        window: unpadded([1, 1], [1, 1]),
        weights: float_weights(&name, [1, channels, 1, 1], vec![share; channels])?,
        bias: Bias::None,
        clamp: Clamp::NONE,
    }))
}

impl<'a> Importer<'a> {
    /// Adds nodes that follow each other, the last of them with dimensions `dims`, seen as `to`.
    pub(super) fn emit_chain(
        &mut self,
        call: &Call<'a>,
        mut ops: Vec<Op>,
        mut input: TensorId,
        to: Shape,
        dims: &[usize],
    ) -> Result<(), Problem> {
        let order = self.tensor(input).source.order;
        let mut shape = self.tensor(input).shape;
        for op in &ops {
            shape = op.output_shape(shape).map_err(Problem::Malformed)?;
        }
        if shape != to {
            ops.push(Op::Reshape(to));
        }
        let Some(last) = ops.pop() else {
            return Err(Problem::malformed("it has no effect"));
        };
        for (i, op) in ops.into_iter().enumerate() {
            let name = format!("{}/{i}", call.name);
            input = self.assembler.inserted(&name, op, input)?;
        }
        self.emit(call, last, &[input], dims, order)?;
        Ok(())
    }
}

fn refusal(kind: Kind, axes: &[usize], source: &Source) -> Problem {
    let what = match kind {
        Kind::Mean => "a mean",
        Kind::Max => "a maximum",
        Kind::Sum => "a sum",
    };
    Problem::refused(
        format!("{what} over axes {axes:?} of {:?}", source.dims),
        "means, maxima and sums over rows, columns or both are supported, means and sums over channels with keepdims=1",
    )
}

#[expect(clippy::cast_precision_loss, reason = "elements are fewer than 2^24")]
const fn real(n: usize) -> f32 {
    n as f32
}
