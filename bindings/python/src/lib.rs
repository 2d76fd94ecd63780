//! The Python module `nnz`: `nnz.Model("net.nnz").run(array)`.
//!
//! ```text
//! array ─ float: quantised as the network's input is; int8: as it is ─► session ─► {name: array}
//! ```
//!
//! The network runs without the interpreter's lock, in memory that later runs use again; threads may share a model.
//! Types, shapes and errors are documented in `nnz.pyi`.

use core::num::NonZeroUsize;
use numpy::ndarray::ArrayD;
use numpy::{IntoPyArray, PyArrayDyn};
use pyo3::exceptions::{PyKeyError, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use runtime::RunError;
use runtime::format::{DType, Io};
use runtime::host::{Batch, LoadError, MAX_THREADS, Network, Session};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

mod tensor;

use tensor::{Rows, Tensor, Values};

/// A network.
#[pyclass(frozen, module = "nnz")]
struct Model {
    network: Network,
    threads: NonZeroUsize,
    /// What no thread of Python uses at present.
    idle: Mutex<Idle>,
}

/// Memory to run in.
#[derive(Default)]
struct Idle {
    /// For one row: its steps are shared between threads.
    sessions: Vec<Session>,
    /// For many rows: they are.
    batches: Vec<Batch>,
}

/// Runs of rows: the values of every output, row after row.
type Outputs = Vec<Values>;

#[pymethods]
impl Model {
    /// Reads a file, or takes its bytes.
    #[new]
    #[pyo3(signature = (model, threads = 1))]
    fn new(model: &Bound<'_, PyAny>, threads: usize) -> PyResult<Self> {
        let threads = NonZeroUsize::new(threads).filter(|threads| threads.get() <= MAX_THREADS);
        let threads = threads
            .ok_or_else(|| PyValueError::new_err(format!("threads must be 1 to {MAX_THREADS}")))?;
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
            threads,
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
        let outputs = if count > 1 && self.threads.get() > 1 {
            self.infer_side_by_side(rows, count)?
        } else {
            self.infer_one_by_one(rows, count)?
        };
        Ok(outputs)
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn no_outputs(&self) -> Outputs {
        (0..)
            .map_while(|index| self.network.model().output(index))
            .map(|io| Values::none(io.tensor.dtype == DType::F32))
            .collect()
    }

    /// Each row by all threads.
    fn infer_one_by_one(&self, rows: &[Rows], count: usize) -> Result<Outputs, String> {
        let kept = self.idle().sessions.pop();
        let mut session = match kept {
            Some(session) => session,
            None => self
                .network
                .session_with_threads(self.threads)
                .map_err(|error| error.to_string())?,
        };
        let mut outputs = self.no_outputs();
        let ran = (0..count).try_for_each(|row| infer(&mut session, rows, row, &mut outputs));
        self.idle().sessions.push(session);
        ran.map(|()| outputs).map_err(|error| error.to_string())
    }

    /// Some rows by each thread.
    fn infer_side_by_side(&self, rows: &[Rows], count: usize) -> Result<Outputs, String> {
        let kept = self.idle().batches.pop();
        let mut batch = match kept {
            Some(batch) => batch,
            None => self
                .network
                .batch(self.threads)
                .map_err(|error| error.to_string())?,
        };
        let found: Vec<OnceLock<Result<Outputs, RunError>>> =
            (0..count).map(|_| OnceLock::new()).collect();
        batch.for_each(count, |session, row| {
            let mut outputs = self.no_outputs();
            let ran = infer(session, rows, row, &mut outputs).map(|()| outputs);
            if let Some(slot) = found.get(row) {
                let _ = slot.set(ran);
            }
        });
        self.idle().batches.push(batch);
        let mut outputs = self.no_outputs();
        for row in found.into_iter().filter_map(OnceLock::into_inner) {
            let row = row.map_err(|error| error.to_string())?;
            let all = outputs.iter_mut().zip(row);
            all.for_each(|(all, row)| all.extend(row));
        }
        Ok(outputs)
    }
}

/// Runs one row and appends its outputs.
fn infer(
    session: &mut Session,
    rows: &[Rows],
    row: usize,
    outputs: &mut Outputs,
) -> Result<(), RunError> {
    for (index, rows) in rows.iter().enumerate() {
        rows.write(session, index, row)?;
    }
    session.run();
    let mut outputs = outputs.iter_mut().enumerate();
    outputs.try_for_each(|(index, values)| values.append(session, index))
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
