//! The network's inputs and outputs.

use super::super::error::{Problem, printable};
use super::super::limits;
use super::constants::{element, element_name};
use super::schema::{Dimension, ValueInfo};
use super::{Importer, Value};
use crate::ir::Quant;

/// The quantisation of an integer input until its reader tells it.
const UNSCALED: Quant = Quant {
    scale: 1.0,
    zero_point: 0,
};

impl<'a> Importer<'a> {
    /// Whether `DequantizeLinear` is all that reads a network input, directly.
    fn is_only_dequantized(&self, name: &str) -> bool {
        let readers = self.readers.get(name).map_or(&[][..], Vec::as_slice);
        let dequantizes = |at: &usize| {
            let node = self.graph.node.get(*at);
            node.is_some_and(|n| n.op_type == "DequantizeLinear")
        };
        !readers.is_empty() && readers.iter().all(dequantizes) && !self.outputs.contains(name)
    }

    /// Adds a network input; an open batch is fixed to 1.
    pub(super) fn bind_input(&mut self, info: &'a ValueInfo) -> Result<(), Problem> {
        const FLOAT: i32 = 1;
        let shown = printable(&info.name);
        let tensor = info.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
        let Some((tensor, shape)) = tensor.and_then(|t| Some((t, t.shape.as_ref()?))) else {
            return Err(Problem::refused(
                format!("input '{shown}' has no shape"),
                "export the model with a fixed input shape",
            ));
        };
        if let Some((node, operator)) = self.weights_reader(&info.name) {
            return Err(Problem::contradiction(
                format!(
                    "node '{node}' ({operator}) takes its weights from the network input '{shown}'"
                ),
                "weights must be stored in the model: export with `export_params=True`, and make initializers of what is given as inputs",
            ));
        }
        let is_integer = matches!(tensor.elem_type, element::INT8 | element::UINT8);
        if tensor.elem_type != FLOAT && !(is_integer && self.is_only_dequantized(&info.name)) {
            return Err(Problem::refused(
                format!(
                    "input '{shown}' is {}; float32 is supported, and int8 or uint8 where `DequantizeLinear` reads it",
                    element_name(tensor.elem_type)
                ),
                "export the float32 model and let nnz quantise it with `--calib`, or quantise it in the QDQ format",
            ));
        }
        if shape.dim.len() > limits::RANK {
            return Err(Problem::malformed(format!(
                "input '{shown}' has rank {}",
                shape.dim.len()
            )));
        }
        let mut dims = Vec::new();
        for (axis, dim) in shape.dim.iter().enumerate() {
            dims.push(match dim.dim_value.unwrap_or(0) {
                0 if axis == 0 => {
                    let note = format!("input '{shown}': the open batch was fixed to 1");
                    self.assembler.graph.notes.push(note);
                    1
                }
                0 => return Err(open_dimension(&shown, axis, dim)),
                d => usize::try_from(d).unwrap_or(usize::MAX),
            });
        }
        let order = self.order_for(&info.name, dims.len());
        let id = self
            .assembler
            .activation(&info.name, &dims, order, is_integer.then_some(UNSCALED))
            .map_err(|p| p.about(&format!("input '{shown}'")))?;
        if is_integer {
            self.elements.insert(id, tensor.elem_type);
            self.unscaled.insert(id);
        }
        if tensor.elem_type == element::UINT8 {
            self.assembler.graph.notes.push(format!(
                "input '{shown}' is uint8: it takes int8 values, lower by 128, or floats"
            ));
        }
        self.assembler.graph.inputs.push(id);
        self.bind(&info.name, Value::Activation(id))
    }

    /// Name and operator of a layer that reads `name` as its weights.
    fn weights_reader(&self, name: &str) -> Option<(String, String)> {
        const LAYERS: [&str; 5] = [
            "Conv",
            "ConvTranspose",
            "Gemm",
            "BatchNormalization",
            "PRelu",
        ];
        let readers = self.readers.get(name)?.iter();
        let mut nodes = readers.filter_map(|index| self.graph.node.get(*index));
        let node = nodes.find(|node| {
            let inputs = node.input.get(1..).unwrap_or_default();
            LAYERS.contains(&node.op_type.as_str()) && inputs.iter().any(|i| i == name)
        })?;
        Some((printable(&node.name), printable(&node.op_type)))
    }

    /// Finds the network's outputs among what the nodes wrote.
    pub(super) fn bind_outputs(&mut self) -> Result<(), Problem> {
        for output in &self.graph.output {
            let id = match self.values.get(output.name.as_str()) {
                Some(Value::Activation(id)) => *id,
                Some(Value::Constant(_)) => {
                    return Err(Problem::unsupported(format!(
                        "output '{}' is a constant",
                        printable(&output.name)
                    )));
                }
                Some(Value::Divided(divided)) => {
                    return Err(divided
                        .refusal()
                        .about(&format!("output '{}'", printable(&output.name))));
                }
                None => {
                    return Err(Problem::malformed(format!(
                        "nothing writes output '{}'",
                        printable(&output.name)
                    )));
                }
            };
            self.assembler.graph.outputs.push(id);
        }
        Ok(())
    }
}

/// The refusal of a dimension that is known only when the network runs.
fn open_dimension(input: &str, axis: usize, dim: &Dimension) -> Problem {
    let name = dim.dim_param.as_deref().filter(|n| !n.is_empty());
    let (called, fix) = match name {
        Some(name) => {
            let name = printable(name);
            (
                format!(" (it is called '{name}')"),
                format!("--dim_param {name} --dim_value N"),
            )
        }
        None => (
            String::new(),
            format!("--input_name {input} --input_shape 1,…"),
        ),
    };
    Problem::refused(
        format!("dimension {axis} of input '{input}' is not fixed{called}"),
        &format!(
            "export the model with a fixed input shape, or fix it: `python -m onnxruntime.tools.make_dynamic_shape_fixed {fix} IN.onnx OUT.onnx`"
        ),
    )
}
