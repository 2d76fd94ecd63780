//! Small ONNX models, encoded for tests.

use super::schema::{
    Attribute, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetId, TensorProto,
    TensorShape, TensorType, TypeProto, ValueInfo,
};
use crate::import::{ImportError, from_bytes};
use crate::ir::Graph;
use prost::Message as _;

pub(crate) fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        input: inputs.iter().map(|s| (*s).into()).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

impl NodeProto {
    pub(crate) fn ints(mut self, name: &str, ints: &[i64]) -> Self {
        self.attribute.push(Attribute {
            name: name.into(),
            ints: ints.to_vec(),
            ..Attribute::default()
        });
        self
    }

    pub(crate) fn int(mut self, name: &str, i: i64) -> Self {
        self.attribute.push(Attribute {
            name: name.into(),
            i: Some(i),
            ..Attribute::default()
        });
        self
    }

    pub(crate) fn float(mut self, name: &str, f: f32) -> Self {
        self.attribute.push(Attribute {
            name: name.into(),
            f: Some(f),
            ..Attribute::default()
        });
        self
    }

    pub(crate) fn tensor(mut self, name: &str, tensor: TensorProto) -> Self {
        self.attribute.push(Attribute {
            name: name.into(),
            t: Some(tensor),
            ..Attribute::default()
        });
        self
    }

    pub(crate) fn text(mut self, name: &str, text: &str) -> Self {
        self.attribute.push(Attribute {
            name: name.into(),
            s: Some(text.into()),
            ..Attribute::default()
        });
        self
    }
}

/// Integers of an element type: 2 = uint8, 3 = int8, 6 = int32.
pub(crate) fn narrow(name: &str, element: i32, dims: &[i64], values: &[i32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: element,
        int32_data: values.to_vec(),
        ..TensorProto::default()
    }
}

pub(crate) fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: 1,
        float_data: values.to_vec(),
        ..TensorProto::default()
    }
}

pub(crate) fn ints(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![i64::try_from(values.len()).unwrap()],
        data_type: 7,
        int64_data: values.to_vec(),
        ..TensorProto::default()
    }
}

pub(crate) fn value(name: &str, dims: &[i64]) -> ValueInfo {
    let dim = dims.iter().map(|d| Dimension {
        dim_value: (*d > 0).then_some(*d),
        dim_param: (*d <= 0).then(|| "N".to_owned()),
    });
    let tensor = TensorType {
        elem_type: 1,
        shape: Some(TensorShape { dim: dim.collect() }),
    };
    ValueInfo {
        name: name.into(),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor),
        }),
    }
}

/// A model from input `x` to output `y`.
pub(crate) fn model(x: &[i64], nodes: Vec<NodeProto>, initializer: Vec<TensorProto>) -> ModelProto {
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetId {
            domain: String::new(),
            version: 13,
        }],
        graph: Some(GraphProto {
            node: nodes,
            initializer,
            input: vec![value("x", x)],
            output: vec![value("y", &[1])],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

pub(crate) fn import(model: &ModelProto) -> Result<Graph, ImportError> {
    from_bytes("net.onnx", &model.encode_to_vec())
}

pub(crate) fn graph(x: &[i64], nodes: Vec<NodeProto>, initializer: Vec<TensorProto>) -> Graph {
    import(&model(x, nodes, initializer)).unwrap_or_else(|e| panic!("{e}"))
}

pub(crate) fn refusal(model: &ModelProto) -> String {
    let text = import(model).expect_err("it was imported").to_string();
    assert!(
        text.starts_with("net.onnx: ") && text.contains("\n  help: "),
        "{text}"
    );
    text
}

/// Weights of a 2x2 convolution from one to one channel.
pub(crate) fn filter() -> TensorProto {
    floats("w", &[1, 1, 2, 2], &[1., 2., 3., 4.])
}
