//! Functions of one value as ONNX operators.

use super::nodes::{Nodes, Value};
use crate::import::onnx::schema::Attribute;
use crate::ir::{Function, Unary};

/// Adds the nodes of a function; newer operators raise the file's opset.
pub(super) fn unary(n: &mut Nodes, name: &str, unary: &Unary, x: &Value) -> Value {
    let one = |n: &mut Nodes, name: &str, op: &str, x: &Value, attributes: Vec<Attribute>| {
        n.op(name, op, &[&x.name], x.shape, x.flat, attributes)
    };
    let times = |n: &mut Nodes, name: &str, a: &Value, b: &Value| {
        n.op(name, "Mul", &[&a.name, &b.name], a.shape, a.flat, vec![])
    };
    let alpha = || Nodes::float("alpha", unary.alpha);
    let inner = format!("{name}_inner");
    let plain = |n: &mut Nodes, op: &str| one(n, name, op, x, vec![]);
    match unary.function {
        Function::Sigmoid => plain(n, "Sigmoid"),
        Function::Tanh => plain(n, "Tanh"),
        Function::LeakyRelu => one(n, name, "LeakyRelu", x, vec![alpha()]),
        Function::Elu if (unary.beta - 1.0).abs() > 0.0 => {
            let gamma = Nodes::float("gamma", unary.beta);
            one(n, name, "Selu", x, vec![alpha(), gamma])
        }
        Function::Elu => one(n, name, "Elu", x, vec![alpha()]),
        Function::HardSigmoid => {
            let beta = Nodes::float("beta", unary.beta);
            one(n, name, "HardSigmoid", x, vec![alpha(), beta])
        }
        Function::HardSwish => {
            n.needs_opset(14);
            plain(n, "HardSwish")
        }
        Function::Silu => {
            let sigmoid = one(n, &inner, "Sigmoid", x, vec![]);
            times(n, name, x, &sigmoid)
        }
        Function::Gelu => {
            n.needs_opset(20);
            plain(n, "Gelu")
        }
        Function::GeluTanh => {
            n.needs_opset(20);
            let tanh = Nodes::text("approximate", "tanh");
            one(n, name, "Gelu", x, vec![tanh])
        }
        Function::Mish => {
            n.needs_opset(18);
            plain(n, "Mish")
        }
        Function::Softplus => plain(n, "Softplus"),
        Function::Exp => plain(n, "Exp"),
        Function::Log => plain(n, "Log"),
        Function::Sqrt => plain(n, "Sqrt"),
        Function::Rsqrt => {
            let root = one(n, &inner, "Sqrt", x, vec![]);
            one(n, name, "Reciprocal", &root, vec![])
        }
        Function::Abs => plain(n, "Abs"),
        Function::Neg => plain(n, "Neg"),
        Function::Square => times(n, name, x, x),
        Function::Cube => {
            let square = times(n, &inner, x, x);
            times(n, name, &square, x)
        }
        Function::Reciprocal => plain(n, "Reciprocal"),
        Function::Erf => plain(n, "Erf"),
    }
}
