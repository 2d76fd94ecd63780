//! Operators on integers mean what their real counterparts between conversions mean.

use super::fixture::{floats, graph, model, narrow, node, refusal};
use super::schema::{NodeProto, TensorProto};
use crate::import::from_bytes;
use crate::ir::{Bias, DType, Quant, Values};
use prost::Message as _;

fn constants() -> Vec<TensorProto> {
    vec![
        floats("s", &[], &[0.5]),
        narrow("z", 2, &[], &[100]),
        floats("ws", &[2], &[0.01, 0.02]),
        narrow("wz", 3, &[2], &[0, 0]),
        narrow("w", 3, &[2, 2, 1, 1], &[100, -50, 0, 127]),
        narrow("b", 6, &[2], &[1000, -2000]),
        floats("ys", &[], &[0.25]),
        narrow("yz", 2, &[], &[10]),
    ]
}

fn layer() -> NodeProto {
    let inputs = ["q", "s", "z", "w", "ws", "wz", "ys", "yz", "b"];
    node("QLinearConv", &inputs, "i")
}

fn ends() -> [NodeProto; 2] {
    [
        node("QuantizeLinear", &["x", "s", "z"], "q"),
        node("DequantizeLinear", &["i", "ys", "yz"], "y"),
    ]
}

#[test]
fn a_convolution_of_integers_keeps_its_weights_and_bias() {
    let [first, last] = ends();
    let graph = graph(&[1, 2, 1, 2], vec![first, layer(), last], constants());
    let layer = graph.nodes.iter().find_map(|n| n.op.layer());
    let (weights, bias, _) = layer.unwrap();
    assert_eq!(weights.values, Values::S8(vec![100, -50, 0, 127]));
    assert_eq!(weights.scales, [0.01, 0.02]);
    assert_eq!(*bias, Bias::S32(vec![1000, -2000]));
    let output = graph.tensor(graph.outputs[0]);
    let quant = Quant {
        scale: 0.25,
        zero_point: 10 - 128,
    };
    assert_eq!((output.dtype, output.quant), (DType::S8, Some(quant)));
}

#[test]
fn integers_with_channels_last_are_refused() {
    let [first, last] = ends();
    let inputs = ["q", "s", "z", "ys", "yz"];
    let pool = node("QLinearGlobalAveragePool", &inputs, "i").int("channels_last", 1);
    let text = refusal(&model(&[1, 2, 1, 2], vec![first, pool, last], constants()));
    assert!(text.contains("QLinearGlobalAveragePool"), "{text}");
}

/// A model whose input `q` holds unsigned bytes.
fn unsigned(nodes: Vec<NodeProto>) -> Vec<u8> {
    let mut model = model(&[1, 2, 1, 2], nodes, constants());
    let graph = model.graph.as_mut().unwrap();
    graph.input[0].name = "q".into();
    let kind = graph.input[0].r#type.as_mut().unwrap();
    kind.tensor_type.as_mut().unwrap().elem_type = 2;
    model.encode_to_vec()
}

#[test]
fn an_input_of_unsigned_bytes_gets_the_scale_of_its_conversion() {
    let [_, last] = ends();
    let bytes = unsigned(vec![layer(), last]);
    let graph = from_bytes("net.onnx", &bytes).unwrap();
    let input = graph.tensor(graph.inputs[0]);
    let quant = Quant {
        scale: 0.5,
        zero_point: 100 - 128,
    };
    assert_eq!((input.dtype, input.quant), (DType::S8, Some(quant)));
    assert!(graph.notes.iter().any(|n| n.contains("lower by 128")));
}

#[test]
fn an_input_of_bytes_that_is_not_converted_is_refused() {
    let bytes = unsigned(vec![node("Relu", &["q"], "y")]);
    let text = from_bytes("net.onnx", &bytes).unwrap_err().to_string();
    assert!(text.contains("input 'q' is uint8"), "{text}");
    assert!(text.contains("QDQ"), "{text}");
}

#[test]
fn a_cast_of_integers_to_their_own_type_is_nothing_and_to_another_is_refused() {
    let with = |to: i64| {
        let [first, _] = ends();
        let cast = node("Cast", &["q"], "c").int("to", to);
        let last = node("DequantizeLinear", &["c", "s", "z"], "y");
        vec![first, cast, last]
    };
    graph(&[1, 2, 1, 2], with(2), constants());
    let text = refusal(&model(&[1, 2, 1, 2], with(3), constants()));
    assert!(text.contains("a cast of an activation"), "{text}");
}
