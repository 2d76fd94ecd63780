//! Between the source model's order of elements and the strides in the arena.

use crate::error::RunError;
use nnz_format::{AxisOrder, Io};

/// Calls `element` with the storage position of each element, in the source model's order.
fn each(io: &Io<'_>, mut element: impl FnMut(usize)) {
    let tensor = &io.tensor;
    let strides = tensor.strides();
    let channel = (usize::from(tensor.c), strides.c as usize);
    let row = (usize::from(tensor.h), strides.y as usize);
    let column = (usize::from(tensor.w), strides.x as usize);
    let [outer, middle, inner] = match io.order {
        AxisOrder::Nchw => [channel, row, column],
        AxisOrder::Nhwc => [row, column, channel],
    };
    for a in 0..outer.0 {
        for b in 0..middle.0 {
            let start = a
                .wrapping_mul(outer.1)
                .wrapping_add(b.wrapping_mul(middle.1));
            for c in 0..inner.0 {
                element(start.wrapping_add(c.wrapping_mul(inner.1)));
            }
        }
    }
}

/// Whether `found` is the number of elements of tensor `index`.
fn fits(io: &Io<'_>, found: usize, index: usize) -> Result<(), RunError> {
    let needed = usize::try_from(io.tensor.elements()).unwrap_or(usize::MAX);
    if needed == found {
        Ok(())
    } else {
        Err(RunError::Elements {
            index,
            needed,
            found,
        })
    }
}

/// Puts `values` where they belong in `storage`.
pub(crate) fn scatter<T: Copy>(
    io: &Io<'_>,
    values: &[T],
    storage: &mut [T],
    index: usize,
) -> Result<(), RunError> {
    fits(io, values.len(), index)?;
    let mut values = values.iter();
    each(io, |at| {
        if let (Some(to), Some(value)) = (storage.get_mut(at), values.next()) {
            *to = *value;
        }
    });
    Ok(())
}

/// Takes `values` from where they lie in `storage`.
pub(crate) fn gather<T: Copy>(
    io: &Io<'_>,
    storage: &[T],
    values: &mut [T],
    index: usize,
) -> Result<(), RunError> {
    fits(io, values.len(), index)?;
    let mut values = values.iter_mut();
    each(io, |at| {
        if let (Some(value), Some(from)) = (values.next(), storage.get(at)) {
            *value = *from;
        }
    });
    Ok(())
}
