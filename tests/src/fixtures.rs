//! Networks that other people's exporters wrote, with inputs and the outputs of their own runtimes.
//!
//! `tests/fixtures/README.md` says how they were made; `fixtures.json` lists them.

use crate::shared::repository;
use nnz_pruner::data::{Array, Elements, npz_bytes, read_npy};
use nnz_pruner::import;
use nnz_pruner::interpret::{Value, from_source_order};
use nnz_pruner::ir::{Graph, Order, Tensor, TensorId};
use std::path::{Path, PathBuf};

/// One exported network.
#[derive(Debug)]
pub struct Fixture {
    /// File name of the model.
    pub model: String,
    /// Which exporter wrote it.
    pub exporter: String,
    /// One step of a quantised output in units of the stored values.
    pub step: Option<f64>,
    inputs: Vec<String>,
    input_names: Vec<String>,
    outputs: Vec<String>,
}

/// The folder of the exported networks.
#[must_use]
pub fn folder() -> PathBuf {
    repository("tests/fixtures/exported")
}

/// Every network of the folder, in the order of the list.
#[must_use]
pub fn all() -> Vec<Fixture> {
    let text = std::fs::read_to_string(folder().join("fixtures.json")).unwrap();
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    list.as_array()
        .unwrap()
        .iter()
        .map(|entry| Fixture {
            model: entry["model"].as_str().unwrap().to_owned(),
            exporter: entry["exporter"].as_str().unwrap().to_owned(),
            step: entry["step"].as_f64(),
            inputs: strings(&entry["inputs"]),
            input_names: strings(&entry["input_names"]),
            outputs: strings(&entry["outputs"]),
        })
        .collect()
}

fn strings(list: &serde_json::Value) -> Vec<String> {
    let items = list.as_array().unwrap().iter();
    items.map(|v| v.as_str().unwrap().to_owned()).collect()
}

impl Fixture {
    /// The model's file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        folder().join(&self.model)
    }

    /// The imported model; what the importer says where it refuses.
    ///
    /// # Errors
    ///
    /// The refusal, with its help.
    pub fn load(&self) -> Result<Graph, String> {
        import::load(&self.path()).map_err(|e| e.to_string())
    }

    /// Calibration data: the file of the only input, or an archive with one array an input, written into `scratch`.
    #[must_use]
    pub fn calibration(&self, scratch: &Path) -> PathBuf {
        if let [only] = &self.inputs[..] {
            return folder().join(format!("{only}.npy"));
        }
        let arrays: Vec<(&str, Array)> = self
            .input_names
            .iter()
            .zip(&self.inputs)
            .map(|(name, stem)| (name.as_str(), self.read(stem)))
            .collect();
        let members: Vec<(&str, &Array)> = arrays.iter().map(|(name, a)| (*name, a)).collect();
        let path = scratch.join(format!("{}.npz", self.model));
        let bytes = npz_bytes(&self.model, &members, &[]).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The rows of every input, in the graph's order.
    #[must_use]
    pub fn input_rows(&self, graph: &Graph) -> Vec<Vec<Value>> {
        let columns: Vec<Vec<Value>> = graph
            .inputs
            .iter()
            .map(|id| {
                let tensor = graph.tensor(*id);
                let named = self.input_names.iter().position(|n| *n == tensor.name);
                let index = named
                    .unwrap_or_else(|| panic!("{}: no input named '{}'", self.model, tensor.name));
                let rows = rows(&self.read(&self.inputs[index]), tensor).into_iter();
                rows.map(|row| in_type_of(row, tensor)).collect()
            })
            .collect();
        let count = columns[0].len();
        (0..count)
            .map(|row| columns.iter().map(|c| c[row].clone()).collect())
            .collect()
    }

    /// What the exporter's own runtime gave for each output of the graph, all rows, as real numbers in `[c][h][w]` order.
    #[must_use]
    pub fn expected(&self, graph: &Graph) -> Vec<Vec<f32>> {
        let real = |(name, id): (&String, &TensorId)| {
            let tensor = graph.tensor(*id);
            let rows = rows(&self.read(name), tensor);
            rows.iter().flat_map(|row| row.to_real(tensor)).collect()
        };
        assert_eq!(self.outputs.len(), graph.outputs.len(), "{}", self.model);
        self.outputs.iter().zip(&graph.outputs).map(real).collect()
    }

    fn read(&self, stem: &str) -> Array {
        read_npy(&folder().join(format!("{stem}.npy"))).unwrap()
    }
}

/// Rows of an array along its first axis, each in the graph's order for `tensor`.
fn rows(array: &Array, tensor: &Tensor) -> Vec<Value> {
    let (len, shape) = (tensor.shape.len(), tensor.shape);
    let same_axes = tensor.source.dims.get(1..) == array.shape.get(1..);
    let order = if same_axes {
        tensor.source.order
    } else {
        Order::Nhwc
    };
    match &array.elements {
        Elements::F32(v) => v
            .chunks(len)
            .map(|row| Value::F32(from_source_order(row, shape, order)))
            .collect(),
        Elements::S8(v) => v
            .chunks(len)
            .map(|row| Value::S8(from_source_order(row, shape, order)))
            .collect(),
        Elements::U8(_) | Elements::S64(_) => panic!("unexpected elements"),
    }
}

/// Float rows in the integers of a network whose interface was quantised.
fn in_type_of(row: Value, tensor: &Tensor) -> Value {
    match row {
        Value::F32(real) => Value::from_real(&real, tensor),
        integers @ Value::S8(_) => integers,
    }
}
