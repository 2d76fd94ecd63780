//! Arrays in files, for tests.

use nnz_pruner::data::{self, Array, Elements};
use std::path::Path;

/// The signed bytes of a `.npy` file and their shape.
#[must_use]
pub fn read_s8(path: &Path) -> (Vec<usize>, Vec<i8>) {
    match data::read_npy(path) {
        Ok(Array {
            shape,
            elements: Elements::S8(values),
        }) => (shape, values),
        other => panic!("{}: not an int8 array: {other:?}", path.display()),
    }
}

/// Writes an array.
pub fn write(path: &Path, shape: &[usize], elements: Elements) {
    let array = Array::new(shape.to_vec(), elements).unwrap();
    data::write_npy(path, &array).unwrap();
}

/// The bytes of numbers.
#[must_use]
pub fn bytes(values: &[i8]) -> Vec<u8> {
    values.iter().map(|v| v.cast_unsigned()).collect()
}
