//! Nodes, constants and names of an ONNX file that is being built.

use crate::import::onnx::schema::{
    Attribute, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetId, TensorProto,
    TensorShape, TensorType, TypeProto, ValueInfo,
};
use crate::ir::{Order, Shape, Tensor, Window};
use std::collections::HashSet;

/// Element types.
const FLOAT: i32 = 1;
const INT64: i32 = 7;
/// Kinds of attributes.
const KIND_FLOAT: i32 = 1;
const KIND_INT: i32 = 2;
const KIND_TEXT: i32 = 3;
const KIND_INTS: i32 = 7;
/// The oldest version of the standard operators that is written, and the file format's.
const OPSET: i64 = 13;
const IR_VERSION: i64 = 8;
/// The same for files that need newer operators.
const NEW_OPSET: i64 = 19;
const NEW_IR_VERSION: i64 = 9;

/// An activation: `[1, c, h, w]`, or `[1, n]` where it is flat.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) flat: bool,
}

/// What has been built so far.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    graph: GraphProto,
    names: HashSet<String>,
    opset: i64,
}

impl Nodes {
    /// A name that is not yet taken, made from `wish`.
    fn fresh(&mut self, wish: &str) -> String {
        let mut name = wish.to_owned();
        let mut count = 1;
        while !self.names.insert(name.clone()) {
            count += 1;
            name = format!("{wish}_{count}");
        }
        name
    }

    /// An attribute of one number.
    pub(super) fn int(name: &str, value: i64) -> Attribute {
        Attribute {
            name: name.to_owned(),
            i: Some(value),
            r#type: KIND_INT,
            ..Attribute::default()
        }
    }

    /// An attribute of one real number.
    pub(super) fn float(name: &str, value: f32) -> Attribute {
        Attribute {
            name: name.to_owned(),
            f: Some(value),
            r#type: KIND_FLOAT,
            ..Attribute::default()
        }
    }

    /// An attribute of text.
    pub(super) fn text(name: &str, value: &str) -> Attribute {
        Attribute {
            name: name.to_owned(),
            s: Some(value.into()),
            r#type: KIND_TEXT,
            ..Attribute::default()
        }
    }

    /// An operator exists since this version.
    pub(super) fn needs_opset(&mut self, version: i64) {
        self.opset = self.opset.max(version);
    }

    /// An attribute of several numbers.
    fn ints(name: &str, values: &[usize]) -> Attribute {
        Attribute {
            name: name.to_owned(),
            ints: signed(values),
            r#type: KIND_INTS,
            ..Attribute::default()
        }
    }

    /// The attributes of a window.
    pub(super) fn window(window: &Window) -> Vec<Attribute> {
        let ([top, left], [bottom, right]) = (window.pad_begin, window.pad_end);
        vec![
            Self::ints("kernel_shape", &window.kernel),
            Self::ints("strides", &window.stride),
            Self::ints("pads", &[top, left, bottom, right]),
        ]
    }

    /// Adds a constant of floats and returns its name.
    pub(super) fn floats(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(name, FLOAT, dims, raw)
    }

    /// Adds a list of integers and returns its name.
    pub(super) fn integers(&mut self, name: &str, values: &[usize]) -> String {
        let numbers = signed(values);
        let raw = numbers.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(name, INT64, &[values.len()], raw)
    }

    fn constant(&mut self, name: &str, data_type: i32, dims: &[usize], raw: Vec<u8>) -> String {
        let name = self.fresh(name);
        self.graph.initializer.push(TensorProto {
            name: name.clone(),
            dims: signed(dims),
            data_type,
            raw_data: Some(raw),
            ..TensorProto::default()
        });
        name
    }

    /// Adds a node.
    pub(super) fn op(
        &mut self,
        name: &str,
        op: &str,
        inputs: &[&str],
        shape: Shape,
        flat: bool,
        attribute: Vec<Attribute>,
    ) -> Value {
        let name = self.fresh(name);
        self.push(&name, op, inputs, &name, attribute);
        Value { name, shape, flat }
    }

    fn push(&mut self, name: &str, op: &str, inputs: &[&str], output: &str, a: Vec<Attribute>) {
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|i| (*i).to_owned()).collect(),
            output: vec![output.to_owned()],
            name: name.to_owned(),
            op_type: op.to_owned(),
            attribute: a,
            ..NodeProto::default()
        });
    }

    fn reshaped(&mut self, from: &str, wish: &str, dims: &[usize]) -> String {
        let shape = self.integers(&format!("{wish}_shape"), dims);
        let name = self.fresh(wish);
        self.push(&name, "Reshape", &[from, &shape], &name, vec![]);
        name
    }

    fn transposed(&mut self, from: &str, wish: &str, perm: &[usize]) -> String {
        let name = self.fresh(wish);
        let perm = Self::ints("perm", perm);
        self.push(&name, "Transpose", &[from], &name, vec![perm]);
        name
    }

    /// The elements of an image, seen as `dims`, in another order of axes, as an image of `shape`.
    pub(super) fn regrouped(
        &mut self,
        name: &str,
        x: &Value,
        dims: &[usize],
        perm: &[usize],
        shape: Shape,
    ) -> Value {
        let divided = self.reshaped(&x.name, &format!("{name}_axes"), dims);
        let turned = self.transposed(&divided, &format!("{name}_turned"), perm);
        let dims = [1, shape.c, shape.h, shape.w];
        Value {
            name: self.reshaped(&turned, name, &dims),
            shape,
            flat: false,
        }
    }

    /// The value as `[1, c, h, w]`.
    pub(super) fn image(&mut self, value: &Value) -> Value {
        if !value.flat {
            return value.clone();
        }
        let Shape { c, h, w } = value.shape;
        Value {
            name: self.reshaped(&value.name, &format!("{}_image", value.name), &[1, c, h, w]),
            shape: value.shape,
            flat: false,
        }
    }

    /// The value as `[1, n]`, in `[c][h][w]` order.
    pub(super) fn flat(&mut self, value: &Value) -> Value {
        let shape = Shape::vector(value.shape.len());
        if value.flat {
            return value.clone();
        }
        let wish = format!("{}_flat", value.name);
        self.op(&wish, "Flatten", &[&value.name], shape, true, vec![])
    }

    /// The value as `[1, h, w, c]`: its name.
    pub(super) fn channels_last(&mut self, value: &Value) -> String {
        let image = self.image(value);
        self.transposed(&image.name, &format!("{}_nhwc", value.name), &[0, 2, 3, 1])
    }

    /// Adds an input with the source's dimensions.
    pub(super) fn input(&mut self, tensor: &Tensor) -> Value {
        let (Shape { c, h, w }, dims) = (tensor.shape, &tensor.source.dims);
        let mut name = self.fresh(&tensor.name);
        self.graph.input.push(info(&name, dims));
        let given = match tensor.source.order {
            Order::Nchw => vec![1, c, h, w],
            Order::Nhwc => vec![1, h, w, c],
        };
        if *dims != given {
            name = self.reshaped(&name, &format!("{}_image", tensor.name), &given);
        }
        if tensor.source.order == Order::Nhwc && tensor.shape.pixels() > 1 {
            name = self.transposed(&name, &format!("{}_nchw", tensor.name), &[0, 3, 1, 2]);
        } else if given != [1, c, h, w] {
            name = self.reshaped(&name, &format!("{}_nchw", tensor.name), &[1, c, h, w]);
        }
        Value {
            name,
            shape: tensor.shape,
            flat: false,
        }
    }

    /// Adds an output with the source's dimensions.
    pub(super) fn output(&mut self, tensor: &Tensor, value: Value) {
        let moves = tensor.source.order == Order::Nhwc && tensor.shape.pixels() > 1;
        let from = if moves {
            self.channels_last(&value)
        } else {
            value.name
        };
        let name = self.fresh(&tensor.name);
        let shape = self.integers(&format!("{name}_shape"), &tensor.source.dims);
        self.push(&name, "Reshape", &[&from, &shape], &name, vec![]);
        self.graph.output.push(info(&name, &tensor.source.dims));
    }

    /// The finished model.
    pub(super) fn model(mut self, name: &str) -> ModelProto {
        name.clone_into(&mut self.graph.name);
        ModelProto {
            ir_version: if self.opset < NEW_OPSET {
                IR_VERSION
            } else {
                NEW_IR_VERSION
            },
            producer_name: "nnz".to_owned(),
            graph: Some(self.graph),
            opset_import: vec![OperatorSetId {
                domain: String::new(),
                version: self.opset.max(OPSET),
            }],
        }
    }
}

fn signed(values: &[usize]) -> Vec<i64> {
    let signed = |v: &usize| i64::try_from(*v).unwrap_or(i64::MAX);
    values.iter().map(signed).collect()
}

fn info(name: &str, dims: &[usize]) -> ValueInfo {
    let dim = signed(dims).into_iter().map(|d| Dimension {
        dim_value: Some(d),
        dim_param: None,
    });
    let tensor = TensorType {
        elem_type: FLOAT,
        shape: Some(TensorShape { dim: dim.collect() }),
    };
    ValueInfo {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor),
        }),
    }
}
