//! Inputs and outputs: between arrays and the network's values.

use crate::array;
use numpy::{PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use runtime::RunError;
use runtime::format::{DType, Io};
use runtime::host::Session;

/// An input or an output.
#[pyclass(frozen, get_all, module = "nnz")]
pub(crate) struct Tensor {
    /// Its name in the network that the file was made from.
    pub(crate) name: String,
    /// Its shape there, a batch of 1 included.
    shape: Vec<usize>,
    /// `int8` or `float32`.
    dtype: &'static str,
    /// A real number is `scale * (q - zero_point)`; 1 for floats.
    scale: f32,
    /// What stands for 0; 0 for floats.
    zero_point: i32,
}

/// Values of some rows, one after another.
pub(crate) enum Values {
    S8(Vec<i8>),
    F32(Vec<f32>),
}

/// What an input takes.
pub(crate) struct Rows {
    values: Values,
    /// Elements of a row.
    len: usize,
    pub(crate) count: usize,
}

#[pymethods]
impl Tensor {
    fn __repr__(&self) -> String {
        self.shown()
    }
}

impl Tensor {
    pub(crate) fn new(io: &Io<'_>) -> Self {
        let dims = io.dims.iter().take(usize::from(io.rank));
        Self {
            name: io.name.to_owned(),
            shape: dims.map(|&dim| dim as usize).collect(),
            dtype: match io.tensor.dtype {
                DType::F32 => "float32",
                _ => "int8",
            },
            scale: io.tensor.scale,
            zero_point: io.tensor.zero_point,
        }
    }

    /// `name: dtype[shape]`.
    pub(crate) fn shown(&self) -> String {
        format!("{}: {}{:?}", self.name, self.dtype, self.shape)
    }

    fn is_float(&self) -> bool {
        self.dtype == "float32"
    }

    /// The shape of a row and how many rows `shape` has: the input's own shape, or many where that begins with 1.
    fn count(&self, shape: &[usize]) -> Option<usize> {
        if shape == self.shape {
            return Some(1);
        }
        match (self.shape.split_first(), shape.split_first()) {
            (Some((1, wanted)), Some((&count, found))) if wanted == found => Some(count),
            _ => None,
        }
    }

    /// Checks and converts an array.
    pub(crate) fn rows(&self, x: &Bound<'_, PyAny>) -> PyResult<Rows> {
        let given = x.cast::<PyArrayDyn<i8>>().ok().filter(|_| !self.is_float());
        let (values, shape) = if let Some(bytes) = given {
            let values = bytes.readonly().as_array().iter().copied().collect();
            (Values::S8(values), bytes.shape().to_vec())
        } else {
            let floats = floats(x)?;
            let reals = floats.readonly();
            let reals = reals.as_array().into_iter().copied();
            let values = if self.is_float() {
                Values::F32(reals.collect())
            } else {
                Values::S8(reals.map(|real| self.quantized(real)).collect())
            };
            (values, floats.shape().to_vec())
        };
        let count = self.count(&shape).ok_or_else(|| {
            PyValueError::new_err(format!(
                "input '{}' has shape {:?}, or many of them along the first axis; the array has {shape:?}",
                self.name, self.shape
            ))
        })?;
        let len = self.shape.iter().product();
        Ok(Rows { values, len, count })
    }

    /// The nearest value that the network can hold; not a number becomes what stands for 0.
    #[expect(clippy::cast_possible_truncation, reason = "clamped before")]
    fn quantized(&self, real: f32) -> i8 {
        let value = (real / self.scale).round() + self.zero_point as f32;
        let value = if value.is_nan() {
            self.zero_point as f32
        } else {
            value
        };
        value.clamp(-128.0, 127.0) as i8
    }

    /// The array of `count` rows of an output: as it is, or as real numbers.
    pub(crate) fn array<'py>(
        &self,
        py: Python<'py>,
        values: Values,
        count: usize,
        raw: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut shape = self.shape.clone();
        match shape.first_mut() {
            Some(first) if *first == 1 => *first = count,
            _ if count == 1 => {}
            _ => shape.insert(0, count),
        }
        match values {
            Values::F32(values) => array(py, &shape, values)?.into_bound_py_any(py),
            Values::S8(values) if raw => array(py, &shape, values)?.into_bound_py_any(py),
            Values::S8(values) => {
                let real = |q: i8| self.scale * (i32::from(q) - self.zero_point) as f32;
                let values = values.into_iter().map(real).collect();
                array(py, &shape, values)?.into_bound_py_any(py)
            }
        }
    }
}

/// Whatever NumPy makes floats of.
fn floats<'py>(x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
    let numpy = x.py().import("numpy")?;
    let floats = numpy.call_method1("asarray", (x, numpy.getattr("float32")?))?;
    Ok(floats.cast_into::<PyArrayDyn<f32>>()?)
}

impl Values {
    /// No values, floats or not.
    pub(crate) const fn none(is_float: bool) -> Self {
        if is_float {
            Self::F32(Vec::new())
        } else {
            Self::S8(Vec::new())
        }
    }

    /// Appends values of the same kind.
    pub(crate) fn extend(&mut self, more: Self) {
        match (self, more) {
            (Self::S8(values), Self::S8(more)) => values.extend(more),
            (Self::F32(values), Self::F32(more)) => values.extend(more),
            (Self::S8(_), Self::F32(_)) | (Self::F32(_), Self::S8(_)) => {}
        }
    }

    /// Appends output `index` of a session that ran.
    pub(crate) fn append(&mut self, session: &Session, index: usize) -> Result<(), RunError> {
        let elements = session
            .model()
            .output(index)
            .map_or(0, |io| io.tensor.elements());
        let len = usize::try_from(elements).unwrap_or(usize::MAX);
        match self {
            Self::S8(values) => {
                let begin = values.len();
                values.resize(begin + len, 0);
                session.read_output_s8(index, values.get_mut(begin..).unwrap_or_default())
            }
            Self::F32(values) => {
                let begin = values.len();
                values.resize(begin + len, 0.0);
                session.read_output_f32(index, values.get_mut(begin..).unwrap_or_default())
            }
        }
    }
}

impl Rows {
    /// Writes a row to input `index`.
    pub(crate) fn write(
        &self,
        session: &mut Session,
        index: usize,
        row: usize,
    ) -> Result<(), RunError> {
        let range = row * self.len..(row + 1) * self.len;
        match &self.values {
            Values::S8(values) => {
                session.write_input_s8(index, values.get(range).unwrap_or_default())
            }
            Values::F32(values) => {
                session.write_input_f32(index, values.get(range).unwrap_or_default())
            }
        }
    }
}
