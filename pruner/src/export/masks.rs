//! Masks as a safetensors file: keyed by the constants' names in the source, `u8`, 1 for weights that stay.

use super::{ExportError, Mask};
use safetensors::tensor::{Dtype, TensorView, serialize};

/// The bytes of a safetensors file.
///
/// # Errors
///
/// Dimensions that do not fit the values (never, for masks that this crate made).
pub fn to_safetensors(masks: &[Mask]) -> Result<Vec<u8>, ExportError> {
    let broken = |e: safetensors::SafeTensorError| {
        ExportError::refused(
            format!("masks cannot be written: {e}"),
            "report this as a bug",
        )
    };
    let views = masks
        .iter()
        .map(|mask| {
            let view =
                TensorView::new(Dtype::U8, mask.dims.clone(), &mask.values).map_err(broken)?;
            Ok((mask.name.clone(), view))
        })
        .collect::<Result<Vec<_>, ExportError>>()?;
    serialize(views, None).map_err(broken)
}
