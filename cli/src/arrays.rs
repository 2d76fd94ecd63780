//! `.npy` arrays of the command line: which part of a shape is the batch, and writing whole files.

use crate::atomic;
use crate::failure::{InFile, failure};
use nnz_pruner::data::{self, Array, Elements};
use std::path::Path;

/// Reads a `.npy` file as a batch of network inputs: the shape gets a leading batch axis where it has none.
///
/// The second value says whether the file itself had the batch axis.
///
/// # Errors
///
/// A file that is no `.npy` array, or whose shape is neither `dims` nor a batch of them.
pub fn read_batch(path: &Path, dims: &[usize]) -> anyhow::Result<Array> {
    if path.extension().is_some_and(|e| e == "npz") {
        return Err(failure(
            "is an .npz archive; `--input` takes one .npy array",
            "save the array alone: `numpy.save(\"x.npy\", numpy.load(\"data.npz\")[\"x\"])`",
        ))
        .in_file(path);
    }
    let array = data::read_npy(path)?;
    with_batch(array, dims).in_file(path)
}

/// The array with a leading batch axis, for a network input of `dims` (whose first axis is a batch of 1).
///
/// # Errors
///
/// Where the shape is neither that of one input nor that of a batch of inputs.
pub fn with_batch(mut array: Array, dims: &[usize]) -> anyhow::Result<Array> {
    let one = match dims.split_first() {
        Some((1, rest)) if !rest.is_empty() => rest,
        _ => dims,
    };
    let squeezed = |d: &[usize]| d.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
    let (single, shape) = (squeezed(one), &array.shape);
    let is_batch = match shape.split_first() {
        Some((&n, rest)) => n > 0 && squeezed(rest) == single && rest.len() <= one.len(),
        None => false,
    };
    // `[5]` for a network of one value is five inputs, `[1, 8]` for one of eight is one.
    if is_batch && (shape.len() > one.len() || squeezed(shape) != single || shape[0] == 1) {
        return Ok(array);
    }
    if squeezed(shape) == single {
        array.shape.insert(0, 1);
        return Ok(array);
    }
    let list = |d: &[usize]| {
        d.iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    Err(failure(
        format!(
            "has shape {}, the network takes [{}]",
            array.shape_text(),
            list(dims)
        ),
        format!("give one input, or a batch of shape [N, {}]", list(one)),
    ))
}

/// Writes a `.npy` file, whole or not at all.
///
/// # Errors
///
/// Where the file cannot be written.
pub fn write(path: &Path, shape: &[usize], elements: Elements) -> anyhow::Result<()> {
    let array = Array::new(shape.to_vec(), elements).ok_or_else(|| {
        anyhow::anyhow!(
            "{}: shape {shape:?} does not fit its values",
            path.display()
        )
    })?;
    atomic::write(path, &data::to_bytes(&array))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batched(shape: &[usize], dims: &[usize]) -> Option<Vec<usize>> {
        let n = shape.iter().product();
        let array = Array::new(shape.to_vec(), Elements::F32(vec![0.5; n]))?;
        with_batch(array, dims).ok().map(|a| a.shape)
    }

    #[test]
    fn an_array_is_one_input_or_a_batch_of_them() {
        let image = [1, 49, 10, 1];
        assert_eq!(batched(&[1, 49, 10, 1], &image), Some(vec![1, 49, 10, 1]));
        assert_eq!(batched(&[49, 10, 1], &image), Some(vec![1, 49, 10, 1]));
        assert_eq!(batched(&[49, 10], &image), Some(vec![1, 49, 10]));
        assert_eq!(batched(&[7, 49, 10, 1], &image), Some(vec![7, 49, 10, 1]));
        assert_eq!(batched(&[7, 49, 10], &image), Some(vec![7, 49, 10]));
        assert_eq!(batched(&[10, 49], &image), None);
        assert_eq!(batched(&[0, 49, 10, 1], &image), None);
        assert_eq!(batched(&[5, 1], &[1, 1]), Some(vec![5, 1]));
        assert_eq!(batched(&[5], &[1, 1]), Some(vec![5]));
        assert_eq!(batched(&[8], &[1, 8]), Some(vec![1, 8]));
        assert_eq!(batched(&[1, 8], &[1, 8]), Some(vec![1, 8]));
        assert_eq!(batched(&[3, 8], &[1, 8]), Some(vec![3, 8]));
    }
}
