//! `.npy` arrays of the command line: inputs, outputs and tensor dumps.

use crate::atomic;
use crate::failure::{InFile, failure};
use npyz::WriterBuilder;
use std::path::Path;

/// Values of an array, in C order.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Signed bytes: numbers of an integer network.
    S8(Vec<i8>),
    /// Anything else, as real numbers (pixels, features).
    F32(Vec<f32>),
}

impl Values {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::S8(v) => v.len(),
            Self::F32(v) => v.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Values `from..to`, empty where the range does not fit.
    #[must_use]
    pub fn slice(&self, from: usize, to: usize) -> Self {
        match self {
            Self::S8(v) => Self::S8(v.get(from..to).unwrap_or_default().to_vec()),
            Self::F32(v) => Self::F32(v.get(from..to).unwrap_or_default().to_vec()),
        }
    }

    /// Adds the values of another array; bytes become real numbers where the two differ.
    pub fn append(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::S8(a), Self::S8(b)) => a.extend(b),
            (Self::F32(a), b) => a.extend(b.to_f32()),
            (Self::S8(_), Self::F32(b)) => {
                let mut all = self.to_f32();
                all.extend(b);
                *self = Self::F32(all);
            }
        }
    }

    /// The values as real numbers, without any scale.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        match self {
            Self::S8(v) => v.iter().map(|&q| f32::from(q)).collect(),
            Self::F32(v) => v.clone(),
        }
    }
}

/// An array with its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// `shape` product many values.
    pub values: Values,
}

impl Array {
    /// Reads a `.npy` file.
    ///
    /// # Errors
    ///
    /// Names the file: missing, no `.npy`, complex or structured values, column order, or shorter than its header says.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        if path.extension().is_some_and(|e| e == "npz") {
            return Err(failure(
                "is an .npz archive; one array is wanted",
                "save the array alone: `numpy.save(\"x.npy\", numpy.load(\"data.npz\")[\"x\"])`",
            ))
            .in_file(path);
        }
        let bytes = std::fs::read(path)
            .map_err(anyhow::Error::from)
            .in_file(path)?;
        Self::from_bytes(&bytes).in_file(path)
    }

    /// Reads the bytes of a `.npy` file.
    ///
    /// # Errors
    ///
    /// As [`Array::read`], without the name.
    pub fn from_bytes(bytes: &[u8]) -> anyhow::Result<Self> {
        let file = npyz::NpyFile::new(bytes).map_err(|_| {
            failure(
                "is not a .npy array",
                "`numpy.save(\"x.npy\", x)` writes one",
            )
        })?;
        if file.order() != npyz::Order::C {
            return Err(failure(
                "is in column (Fortran) order",
                "save it with `numpy.ascontiguousarray(x)`",
            ));
        }
        let shape = file
            .shape()
            .iter()
            .map(|&d| usize::try_from(d))
            .collect::<Result<Vec<_>, _>>()?;
        let len = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        if len.is_none_or(|n| n > bytes.len()) {
            return Err(failure(
                "is shorter than its header says",
                "copy the file again",
            ));
        }
        let values = read_values(file)?;
        if Some(values.len()) != len {
            return Err(failure(
                "is shorter than its header says",
                "copy the file again",
            ));
        }
        Ok(Self { shape, values })
    }

    /// The bytes of a `.npy` file.
    ///
    /// # Errors
    ///
    /// None in practice: the bytes go to memory.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        let shape: Vec<u64> = self.shape.iter().map(|&d| d as u64).collect();
        match &self.values {
            Values::S8(v) => encode(&shape, v),
            Values::F32(v) => encode(&shape, v),
        }
    }

    /// Writes a `.npy` file, whole or not at all.
    ///
    /// # Errors
    ///
    /// Where the file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        atomic::write(path, &self.to_bytes()?)
    }

    /// The array as rows of one inference each, for a network input of `dims` (batch of 1 first or absent).
    ///
    /// # Errors
    ///
    /// Where the shape is neither that of one input nor that of a batch of inputs.
    pub fn rows(&self, dims: &[usize]) -> anyhow::Result<Rows> {
        let len: usize = dims.iter().product();
        let unbatched = match dims.split_first() {
            Some((1, rest)) if dims.len() > 1 => rest,
            _ => dims,
        };
        let squeezed = |d: &[usize]| d.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
        let batch = match self.shape.split_first() {
            Some((&n, rest)) if squeezed(rest) == squeezed(unbatched) && n > 0 => Some(n),
            _ => None,
        };
        let single = squeezed(&self.shape) == squeezed(dims);
        match batch {
            Some(n) if !single || n == 1 || self.shape.len() > unbatched.len() => {
                Ok(Rows { count: n, len })
            }
            _ if single => Ok(Rows { count: 1, len }),
            _ => Err(failure(
                format!("has shape {:?}, the network takes {dims:?}", self.shape),
                format!("a batch has shape [N, {}]", join(unbatched)),
            )),
        }
    }

    /// Row `i` of `rows`.
    #[must_use]
    pub fn row(&self, rows: Rows, i: usize) -> Values {
        self.values.slice(i * rows.len, (i + 1) * rows.len)
    }
}

/// How an array divides into inferences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    /// Number of inferences.
    pub count: usize,
    /// Values of each.
    pub len: usize,
}

fn join(dims: &[usize]) -> String {
    dims.iter()
        .map(usize::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn encode<T: npyz::AutoSerialize + Copy>(shape: &[u64], values: &[T]) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(shape)
        .writer(&mut bytes)
        .begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()?;
    Ok(bytes)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "data values become f32, the precision that networks take"
)]
fn read_values(file: npyz::NpyFile<&[u8]>) -> anyhow::Result<Values> {
    let dtype = file.dtype();
    let file = match file.try_data::<i8>() {
        Ok(data) => return Ok(Values::S8(data.collect::<Result<_, _>>()?)),
        Err(file) => file,
    };
    macro_rules! numbers {
        ($file:ident: $($t:ty => $f:expr),*) => {{
            $(let $file = match $file.try_data::<$t>() {
                Ok(data) => {
                    return Ok(Values::F32(data.map(|v| v.map($f)).collect::<Result<_, _>>()?));
                }
                Err(file) => file,
            };)*
            drop($file);
        }};
    }
    numbers!(file: f32 => |v| v, u8 => f32::from, f64 => |v| v as f32, i16 => f32::from, u16 => f32::from,
             i32 => |v| v as f32, i64 => |v| v as f32, bool => |v| f32::from(u8::from(v)));
    Err(failure(
        format!("has values of type {}", dtype.descr()),
        "convert them: `x.astype(\"float32\")`, or int8 for the numbers of an integer network",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(shape: &[usize]) -> Array {
        let n = shape.iter().product();
        Array {
            shape: shape.to_vec(),
            values: Values::F32(vec![0.5; n]),
        }
    }

    #[test]
    fn arrays_survive_a_round_trip() {
        let floats = array(&[2, 3]);
        let bytes = floats.to_bytes().expect("encodes");
        assert_eq!(Array::from_bytes(&bytes).expect("decodes"), floats);
        let ints = Array {
            shape: vec![3],
            values: Values::S8(vec![-128, 0, 127]),
        };
        let bytes = ints.to_bytes().expect("encodes");
        assert_eq!(Array::from_bytes(&bytes).expect("decodes"), ints);
    }

    #[test]
    fn rows_are_one_input_or_a_batch_of_them() {
        let dims = [1, 49, 10, 1];
        let count = |shape: &[usize]| array(shape).rows(&dims).map(|r| r.count);
        assert_eq!(count(&[1, 49, 10, 1]).expect("one"), 1);
        assert_eq!(count(&[49, 10, 1]).expect("one"), 1);
        assert_eq!(count(&[49, 10]).expect("one"), 1);
        assert_eq!(count(&[7, 49, 10, 1]).expect("batch"), 7);
        assert_eq!(count(&[7, 49, 10]).expect("batch"), 7);
        assert!(count(&[10, 49]).is_err());
        assert!(count(&[0, 49, 10, 1]).is_err());
        assert_eq!(array(&[5, 1]).rows(&[1, 1]).expect("batch").count, 5);
        assert_eq!(array(&[8]).rows(&[1, 8]).expect("one").count, 1);
        assert_eq!(array(&[5]).rows(&[1, 1]).expect("batch").count, 5);
    }

    #[test]
    fn a_header_that_promises_more_than_the_file_holds_is_refused() {
        let mut bytes = array(&[4, 4]).to_bytes().expect("encodes");
        bytes.truncate(bytes.len() - 1);
        assert!(Array::from_bytes(&bytes).is_err());
        assert!(Array::from_bytes(b"").is_err());
        assert!(Array::from_bytes(b"\x93NUMPY\x01\x00").is_err());
    }
}
