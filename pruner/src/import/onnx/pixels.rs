//! Rows and columns at other places: mirrored padding, `Tile`, `Expand`, reversed slices.

use super::super::error::{Problem, printable};
use super::super::geometry::{axis_of, window_number};
use super::super::picks::{Beyond, picked, tiled};
use super::reshape::absolute;
use super::{Call, Importer};
use crate::ir::{Axis, Op, Order, Rearrange, Shape, Source, TensorId};

/// Padding with pixels of the image: `[channels, rows, columns]` before and after.
pub(super) fn mirrored<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    input: TensorId,
    mode: &str,
    [begin, end]: [[i64; 3]; 2],
) -> Result<(), Problem> {
    let beyond = match mode {
        "reflect" => Beyond::Reflect,
        "edge" => Beyond::Edge,
        "wrap" => Beyond::Wrap,
        other => {
            return Err(Problem::unsupported(format!(
                "padding mode '{}'",
                printable(other)
            )));
        }
    };
    if begin[0] != 0 || end[0] != 0 {
        return Err(Problem::refused(
            format!("channels padded by {mode}"),
            "pad rows and columns only, or channels with a constant",
        ));
    }
    let shape = importer.tensor(input).shape;
    let mut places = [const { Vec::new() }; 2];
    for (d, (slot, n)) in places.iter_mut().zip([shape.h, shape.w]).enumerate() {
        let side = |v: i64| window_number("padding", v, 0);
        let (begin, end) = (side(begin[d + 1])?, side(end[d + 1])?);
        *slot = beyond.places(n, begin, end, &mut importer.assembler.budget)?;
    }
    let [rows, columns] = places;
    importer.emit_image(call, picked(&rows, &columns), input)
}

/// `Tile`.
pub(in crate::import) fn tile<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let times = importer
        .constant(call, 1)?
        .ok_or_else(|| Problem::malformed("its repeats are missing"))?
        .ints()?;
    let times: Vec<usize> = times
        .iter()
        .map(|n| usize::try_from(*n).unwrap_or(0))
        .collect();
    repeat(importer, call, &times)
}

/// `Expand`.
pub(in crate::import) fn expand<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let dims = importer.tensor(input).source.dims.clone();
    let wanted = importer
        .constant(call, 1)?
        .ok_or_else(|| Problem::malformed("its shape is missing"))?
        .ints()?;
    let Some(lead) = dims.len().checked_sub(wanted.len()) else {
        return Err(Problem::refused(
            format!("expanding {dims:?} to {wanted:?}, which has more axes"),
            "give the activation its axes with Unsqueeze before it",
        ));
    };
    let mut times = vec![1; dims.len()];
    for (i, want) in wanted.iter().enumerate() {
        let (have, want) = (dims[i + lead], usize::try_from(*want).unwrap_or(0));
        times[i + lead] = match (have, want) {
            (_, 1) => 1,
            (have, want) if have == want => 1,
            (1, want) => want,
            _ => {
                return Err(Problem::malformed(format!(
                    "expanding {dims:?} to {wanted:?}"
                )));
            }
        };
    }
    repeat(importer, call, &times)
}

/// How often channels, rows and columns are repeated.
fn counted(source: &Source, times: &[usize]) -> Result<[usize; 3], Problem> {
    let mut of = [1; 3];
    for (axis, n) in times.iter().enumerate().filter(|(_, n)| **n > 1) {
        let counted = axis_of(source, axis).ok_or_else(|| {
            Problem::refused("it repeats the batch", "export the model with batch 1")
        })?;
        of[counted as usize] = *n;
    }
    Ok(of)
}

/// Input 0, every axis so many times over.
fn repeat<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    times: &[usize],
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let (source, shape) = (
        importer.tensor(input).source.clone(),
        importer.tensor(input).shape,
    );
    if times.len() != source.dims.len() || times.contains(&0) {
        return Err(Problem::malformed(format!(
            "{times:?} repetitions of {:?}",
            source.dims
        )));
    }
    let [channels, rows, columns] = counted(&source, times)?;
    let dims: Vec<usize> = source.dims.iter().zip(times).map(|(d, n)| d * n).collect();
    if channels > 1 && shape.c.saturating_mul(channels) > usize::from(u16::MAX) {
        return Err(Problem::malformed(format!(
            "{channels} times {} channels",
            shape.c
        )));
    }
    let axis = Axis::Channels;
    let concat = Op::Rearrange(Rearrange::Concat { axis });
    if rows == 1 && columns == 1 {
        let op = if channels == 1 { Op::Identity } else { concat };
        importer.emit(call, op, &vec![input; channels], &dims, source.order)?;
        return Ok(());
    }
    let budget = &mut importer.assembler.budget;
    let pixels = picked(
        &tiled(shape.h, rows, budget)?,
        &tiled(shape.w, columns, budget)?,
    );
    if channels == 1 {
        importer.emit(call, pixels, &[input], &dims, source.order)?;
        return Ok(());
    }
    let name = format!("{}/pixels", call.name);
    let wide = importer.assembler.inserted(&name, pixels, input)?;
    importer.emit(call, concat, &vec![wide; channels], &dims, source.order)?;
    Ok(())
}

/// A slice that runs backwards along rows or columns: `[axis, start, end, step]`, all of them whole otherwise.
pub(super) fn reversed<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    bounds: &[[i64; 4]],
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let (source, shape) = (
        importer.tensor(input).source.clone(),
        importer.tensor(input).shape,
    );
    let mut dims = source.dims.clone();
    let mut places = [(0..shape.h).collect::<Vec<_>>(), (0..shape.w).collect()];
    for [axis, start, end, step] in bounds {
        let axis = absolute(*axis, dims.len(), 1)?;
        let slot = match axis_of(&source, axis) {
            Some(Axis::Rows) => &mut places[0],
            Some(Axis::Columns) => &mut places[1],
            Some(Axis::Channels) | None => {
                return Err(Problem::refused(
                    format!("step {step} along axis {axis} of {:?}", source.dims),
                    "only rows and columns are read backwards; give the channels' order to the layers around",
                ));
            }
        };
        *slot = backwards(dims[axis], *start, *end, *step);
        dims[axis] = slot.len();
        if slot.is_empty() {
            return Err(Problem::malformed(format!("nothing from {start} to {end}")));
        }
    }
    let op = picked(&places[0], &places[1]);
    importer.emit(call, op, &[input], &dims, source.order)?;
    Ok(())
}

/// The places that a slice of `n` names, whatever the sign of its step.
fn backwards(n: usize, start: i64, end: i64, step: i64) -> Vec<usize> {
    let len = i64::try_from(n).unwrap_or(i64::MAX);
    let from_front = |v: i64| if v < 0 { v.saturating_add(len) } else { v };
    let (low, high) = if step < 0 { (-1, len - 1) } else { (0, len) };
    let (mut at, end) = (
        from_front(start).clamp(low, high),
        from_front(end).clamp(low, high),
    );
    let mut places = Vec::new();
    while (step > 0 && at < end) || (step < 0 && at > end) {
        places.extend(usize::try_from(at));
        at = at.saturating_add(step);
    }
    places
}

/// `Transpose` of two neighbouring groups of axes as a shuffle of what they count: `[before]` × `[after]` swapped.
pub(super) fn swapped<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    input: TensorId,
    (before, after, rest): (usize, usize, usize),
    dims: &[usize],
) -> Result<(), Problem> {
    let to = super::super::geometry::shape_of(dims, Order::Nchw)?;
    let view = Op::Reshape(Shape::new(before * after, 1, rest));
    let flat = importer
        .assembler
        .inserted(&format!("{}/axes", call.name), view, input)?;
    let shuffle = Op::Rearrange(Rearrange::ChannelShuffle { groups: before });
    let name = format!("{}/swap", call.name);
    let mixed = importer.assembler.inserted(&name, shuffle, flat)?;
    importer.emit(call, Op::Reshape(to), &[mixed], dims, Order::Nchw)?;
    Ok(())
}

/// The rank of constant indices of `len` elements, and the indices from the front.
fn indices_of<'a>(
    importer: &Importer<'a>,
    call: &Call<'a>,
    len: usize,
) -> Result<(usize, Vec<usize>), Problem> {
    let indices = importer
        .constant(call, 1)?
        .ok_or_else(|| Problem::malformed("its indices are missing"))?;
    let list = indices.many_ints()?;
    let signed = i64::try_from(len).unwrap_or(i64::MAX);
    let place = |v: &i64| usize::try_from(if *v < 0 { v.saturating_add(signed) } else { *v }).ok();
    let places: Option<Vec<usize>> = list.iter().map(place).collect();
    match places {
        Some(places) if !places.is_empty() && places.iter().all(|p| *p < len) => {
            Ok((indices.dims.len(), places))
        }
        _ => Err(Problem::malformed(format!("indices {list:?} of {len}"))),
    }
}

/// `Gather` with constant indices: one, which drops the axis, or a list of rows or columns.
pub(in crate::import) fn gather<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let (source, shape) = (
        importer.tensor(input).source.clone(),
        importer.tensor(input).shape,
    );
    let at = absolute(call.attributes().int("axis", 0), source.dims.len(), 1)?;
    let (rank, places) = indices_of(importer, call, source.dims[at])?;
    let axis = axis_of(&source, at);
    let mut dims = source.dims;
    if let ([only], true, Some(axis)) = (&places[..], rank == 0, axis) {
        let (mut begin, mut size) = ([0; 3], [shape.c, shape.h, shape.w]);
        (begin[axis as usize], size[axis as usize]) = (*only, 1);
        dims.remove(at);
        let step = [1; 3];
        let slice = Op::Rearrange(Rearrange::Slice { begin, step, size });
        let order = importer.tensor(input).source.order;
        let to = super::super::geometry::shape_of(&dims, order)?;
        if axis != Axis::Channels || order == Order::Nchw {
            return importer.emit_chain(call, vec![slice], input, to, &dims);
        }
    }
    let all = |n: usize| (0..n).collect::<Vec<_>>();
    let op = match (axis, rank) {
        (Some(Axis::Rows), 1) => picked(&places, &all(shape.w)),
        (Some(Axis::Columns), 1) => picked(&all(shape.h), &places),
        _ => {
            return Err(Problem::refused(
                format!("indices of rank {rank} along axis {at}"),
                "one index, or a list of rows or columns, is read; channels are taken by Slice and Split",
            ));
        }
    };
    dims[at] = places.len();
    let order = importer.tensor(input).source.order;
    importer.emit(call, op, &[input], &dims, order)?;
    Ok(())
}
