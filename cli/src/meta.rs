//! The optional JSON section of a `.nnz` file: names, positions and provenance.
//!
//! Devices skip it, and so does everything here: what is missing or odd is simply not known.

use nnz::Model;
use nnz_format::{AxisOrder, Tensor};
use serde::Deserialize;

/// What a file says about itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// What wrote the file.
    pub producer: Option<String>,
    /// File name of the source model.
    pub source: Option<String>,
    /// Its hash.
    pub source_sha256: Option<String>,
    /// The options that made the file.
    pub recipe: Option<String>,
    /// Axis order of the tensors that do not say theirs: `nchw`, or `nhwc` where missing.
    pub order: String,
    /// Class names.
    pub labels: Vec<String>,
    /// One entry a step.
    pub layers: Vec<LayerMeta>,
    /// One entry a tensor.
    pub tensors: Vec<TensorMeta>,
}

/// Where a step comes from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct LayerMeta {
    /// The source node's name.
    pub name: String,
    /// Its position in the source model.
    #[serde(rename = "op")]
    pub source_op: Option<usize>,
}

/// How the source model shows a tensor.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct TensorMeta {
    /// Its name.
    pub name: String,
    /// Its dimensions, batch first.
    pub dims: Vec<usize>,
    /// `nchw` or `nhwc`.
    pub order: String,
}

impl Meta {
    /// The metadata of a file, empty where it has none.
    #[must_use]
    pub fn of(model: &Model<'_>) -> Self {
        model
            .meta()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }

    /// The name of a step's layer, or `step N`.
    #[must_use]
    pub fn layer_name(&self, step: usize) -> String {
        match self.layers.get(step) {
            Some(layer) if !layer.name.is_empty() => layer.name.clone(),
            _ => format!("step {step}"),
        }
    }

    /// The position of a step's operator in the source model.
    #[must_use]
    pub fn source_op(&self, step: usize) -> Option<usize> {
        self.layers.get(step)?.source_op
    }

    /// Dimensions and axis order of a tensor in the source model; one image with batch 1 where nothing is said.
    #[must_use]
    pub fn tensor_dims(&self, index: usize, tensor: &Tensor) -> (Vec<usize>, AxisOrder) {
        let [c, h, w] = [tensor.c, tensor.h, tensor.w].map(usize::from);
        match self.tensors.get(index) {
            Some(known) if known.dims.iter().product::<usize>() == c * h * w => {
                (known.dims.clone(), axis_order(&known.order))
            }
            _ => match axis_order(&self.order) {
                AxisOrder::Nchw => (vec![1, c, h, w], AxisOrder::Nchw),
                AxisOrder::Nhwc => (vec![1, h, w, c], AxisOrder::Nhwc),
            },
        }
    }
}

fn axis_order(name: &str) -> AxisOrder {
    if name.eq_ignore_ascii_case("nchw") {
        AxisOrder::Nchw
    } else {
        AxisOrder::Nhwc
    }
}
