//! Rows and columns at other places: mirrored padding, repetition.
//!
//! Keras repeats each pixel (`UpSampling2D`) through an axis of its own, which never becomes an activation:
//!
//! ```text
//! [1, h, w, c] ─EXPAND_DIMS→ [1, h, 1, w, c] ─TILE→ [1, h, 2, w, c] ─RESHAPE→ [1, 2·h, w, c]
//! ```

use super::super::error::Problem;
use super::super::geometry::{axis_of, window_number};
use super::super::picks::{Beyond, picked, stretched, tiled};
use super::{Call, Importer, reshape};
use crate::ir::{Axis, Op, Rearrange, TensorId};

/// The type of the option table.
const MIRROR_PAD_OPTIONS: u8 = 77;

/// An activation of rank 4 with a fifth axis in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widened {
    input: TensorId,
    axis: usize,
    times: usize,
}

/// `MIRROR_PAD` of rows and columns.
pub(in crate::import) fn mirror_pad(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    importer.same_quantisation(call, input)?;
    let amounts = importer.required(call, 1)?.integers()?;
    let [0, 0, top, bottom, left, right, 0, 0] = amounts[..] else {
        return Err(Problem::refused(
            format!("mirrored padding {amounts:?}"),
            "pad the rows and columns of an image only",
        ));
    };
    let beyond = match call.options(MIRROR_PAD_OPTIONS)?.number::<i8>(0, 0)? {
        0 => Beyond::Reflect,
        _ => Beyond::Symmetric,
    };
    let shape = importer.shape(input);
    let side = |v| window_number("padding", v, 0);
    let budget = &mut importer.assembler.budget;
    let rows = beyond.places(shape.h, side(top)?, side(bottom)?, budget)?;
    let columns = beyond.places(shape.w, side(left)?, side(right)?, budget)?;
    importer.emit(call, picked(&rows, &columns), &[input])
}

/// `TILE`: rows, columns or channels several times over.
pub(in crate::import) fn tile(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    let times = importer.required(call, 1)?.integers()?;
    let times: Vec<usize> = times
        .iter()
        .map(|n| usize::try_from(*n).unwrap_or(0))
        .collect();
    if let Some(widened) = importer.widened_input(call) {
        return importer.widen(call, widened, &times);
    }
    let input = importer.input(call, 0)?;
    importer.same_quantisation(call, input)?;
    let (source, shape) = {
        let tensor = importer.assembler.graph.tensor(input);
        (tensor.source.clone(), tensor.shape)
    };
    let odd = || {
        Problem::refused(
            format!("{times:?} repetitions of {:?}", source.dims),
            "rows and columns, or channels alone, are repeated",
        )
    };
    let mut of = [1; 3];
    for (axis, n) in times.iter().enumerate().filter(|(_, n)| **n != 1) {
        of[axis_of(&source, axis).ok_or_else(odd)? as usize] = *n;
    }
    let budget = &mut importer.assembler.budget;
    match of {
        [1, rows, columns] => {
            let op = picked(
                &tiled(shape.h, rows, budget)?,
                &tiled(shape.w, columns, budget)?,
            );
            importer.emit(call, op, &[input])
        }
        [channels @ 2..=255, 1, 1] => {
            let axis = Axis::Channels;
            let op = Op::Rearrange(Rearrange::Concat { axis });
            importer.emit(call, op, &vec![input; channels])
        }
        _ => Err(odd()),
    }
}

/// `EXPAND_DIMS`.
pub(in crate::import) fn expand_dims(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let dims = importer.declared_dims(call)?;
    if dims.len() != 5 {
        return reshape::reshape(importer, call);
    }
    let input = importer.input(call, 0)?;
    let axis = importer.required(call, 1)?.integers()?;
    let axis = match axis[..] {
        [axis] if axis < 0 => usize::try_from(axis + 5).unwrap_or(usize::MAX),
        [axis] => usize::try_from(axis).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    importer.widen(
        call,
        Widened {
            input,
            axis,
            times: 1,
        },
        &[1; 5],
    )
}

impl Importer<'_> {
    /// What the operator's first input is, where it has five axes.
    pub(super) fn widened_input(&self, call: &Call<'_>) -> Option<Widened> {
        let index = call.info.inputs.get(0)?;
        self.widened.get(&index).copied()
    }

    /// Remembers the operator's output as an activation with a fifth axis.
    fn widen(&mut self, call: &Call<'_>, from: Widened, times: &[usize]) -> Result<(), Problem> {
        let only = |(axis, n): (usize, &usize)| axis == from.axis || *n == 1;
        let fits = times.len() == 5 && times.iter().enumerate().all(only);
        let Some(n) = times.get(from.axis).filter(|_| fits) else {
            return Err(Problem::refused(
                "activations of rank 5 are not supported (1 to 4 are)",
                "an axis that only repeats rows or columns is read; volumes and image sequences are not",
            ));
        };
        let times = from.times.saturating_mul(*n);
        let output = call.info.outputs.get(0).unwrap_or(-1);
        self.widened.insert(output, Widened { times, ..from });
        Ok(())
    }

    /// Adds the node that a reshape makes of an activation with a fifth axis.
    pub(super) fn narrow(&mut self, call: &Call<'_>, widened: Widened) -> Result<(), Problem> {
        self.same_quantisation(call, widened.input)?;
        let shape = self.shape(widened.input);
        let (rows, columns) = match widened.axis {
            2 => (widened.times, 1),
            3 => (1, widened.times),
            axis => {
                return Err(Problem::refused(
                    format!("a repetition along axis {axis} of five"),
                    "rows and columns are repeated",
                ));
            }
        };
        let budget = &mut self.assembler.budget;
        let op = picked(
            &stretched(shape.h, rows, budget)?,
            &stretched(shape.w, columns, budget)?,
        );
        self.emit(call, op, &[widened.input])
    }
}
