//! The Python module `nnz`: `nnz.Model("net.nnz").run(array)`.
//!
//! ```text
//! array ─ float: quantised as the network's input is; int8: as it is ─► session ─► {name: array}
//! ```
//!
//! The network runs without the interpreter's lock, in memory that later runs use again; threads may share a model.
//! Types, shapes and errors are documented in `nnz.pyi`.

use numpy::ndarray::ArrayD;
use numpy::{IntoPyArray, PyArrayDyn};
use pyo3::exceptions::{PyKeyError, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use runtime::format::{DType, Io};
use runtime::host::{LoadError, Network, Session};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

mod tensor;

use tensor::{Rows, Tensor, Values};

/// A network.
#[pyclass(frozen, module = "nnz")]
struct Model {
    network: Network,
    /// Sessions that no thread uses at present.
    idle: Mutex<Vec<Session>>,
}

/// Runs of rows: the values of every output, row after row.
type Outputs = Vec<Values>;

#[pymethods]
impl Model {
    /// Reads a file, or takes its bytes.
    #[new]
    fn new(model: &Bound<'_, PyAny>) -> PyResult<Self> {
        let loaded = match model.cast::<PyBytes>() {
            Ok(bytes) => Network::from_bytes(bytes.as_bytes()),
            Err(_) => {
                let path: PathBuf = model.extract()?;
                Network::open(&path)
                    .map_err(|error| match error {
                        LoadError::Io(error) => {
                            PyOSError::new_err(format!("{}: {error}", path.display()))
                        }
                        other => PyValueError::new_err(format!("{}: {other}", path.display())),
                    })
                    .map(Ok)?
            }
        };
        let network = loaded.map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self {
            network,
            idle: Mutex::default(),
        })
    }

    /// What the network takes.
    #[getter]
    fn inputs(&self) -> Vec<Tensor> {
        self.ios(|index| self.network.model().input(index))
    }

    /// What the network gives.
    #[getter]
    fn outputs(&self) -> Vec<Tensor> {
        self.ios(|index| self.network.model().output(index))
    }

    /// The instruction set that runs the network.
    #[getter]
    fn isa(&self) -> &'static str {
        self.network.isa().name()
    }

    /// Multiply-accumulates of one run, those with zeros that the file does not store left out.
    #[getter]
    fn macs(&self) -> u64 {
        self.network.model().stored_macs()
    }

    /// Runs the network; see `nnz.pyi`.
    #[pyo3(signature = (x, raw = false))]
    fn run<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        raw: bool,
    ) -> PyResult<Bound<'py, PyDict>> {
        let inputs = self.inputs();
        let rows = self.rows(x, &inputs)?;
        let count = rows.first().map_or(0, |rows| rows.count);
        if let Some(other) = rows.iter().find(|rows| rows.count != count) {
            return Err(PyValueError::new_err(format!(
                "inputs have {count} and {} rows",
                other.count
            )));
        }
        let outputs = py
            .detach(|| self.infer(&rows, count))
            .map_err(PyValueError::new_err)?;
        let found = PyDict::new(py);
        for (tensor, values) in self.outputs().iter().zip(outputs) {
            found.set_item(&tensor.name, tensor.array(py, values, count, raw)?)?;
        }
        Ok(found)
    }

    fn __repr__(&self) -> String {
        let list = |tensors: Vec<Tensor>| {
            let shown: Vec<String> = tensors.iter().map(Tensor::shown).collect();
            shown.join(", ")
        };
        format!(
            "nnz.Model(inputs=[{}], outputs=[{}])",
            list(self.inputs()),
            list(self.outputs())
        )
    }
}

impl Model {
    fn ios<'m>(&'m self, io: impl Fn(usize) -> Option<Io<'m>>) -> Vec<Tensor> {
        (0..)
            .map_while(|index| io(index))
            .map(|io| Tensor::new(&io))
            .collect()
    }

    /// The values of every input.
    fn rows(&self, x: &Bound<'_, PyAny>, inputs: &[Tensor]) -> PyResult<Vec<Rows>> {
        let Ok(named) = x.cast::<PyDict>() else {
            let [input] = inputs else {
                let names: Vec<&str> = inputs.iter().map(|i| i.name.as_str()).collect();
                return Err(PyValueError::new_err(format!(
                    "the network has {} inputs: give a dict with {}",
                    inputs.len(),
                    names.join(", ")
                )));
            };
            return Ok(vec![input.rows(x)?]);
        };
        let of = |input: &Tensor| {
            let array = named.get_item(&input.name)?;
            let array = array.ok_or_else(|| {
                PyKeyError::new_err(format!("the dict lacks input '{}'", input.name))
            })?;
            input.rows(&array)
        };
        inputs.iter().map(of).collect()
    }

    /// Runs every row.
    fn infer(&self, rows: &[Rows], count: usize) -> Result<Outputs, String> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut session = kept.unwrap_or_else(|| self.network.session());
        let mut outputs: Outputs = (0..)
            .map_while(|index| self.network.model().output(index))
            .map(|io| Values::none(io.tensor.dtype == DType::F32))
            .collect();
        let ran = (0..count).try_for_each(|row| {
            for (index, rows) in rows.iter().enumerate() {
                rows.write(&mut session, index, row)?;
            }
            session.run();
            let mut outputs = outputs.iter_mut().enumerate();
            outputs.try_for_each(|(index, values)| values.append(&session, index))
        });
        idle().push(session);
        ran.map(|()| outputs).map_err(|error| error.to_string())
    }
}

/// Runs pruned networks (`.nnz` files).
#[pymodule]
fn nnz(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<Model>()?;
    module.add_class::<Tensor>()
}

/// An array of Python's out of values in C order.
fn array<'py, T: numpy::Element>(
    py: Python<'py>,
    shape: &[usize],
    values: Vec<T>,
) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
    let array = ArrayD::from_shape_vec(shape, values);
    let array = array.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(array.into_pyarray(py))
}
