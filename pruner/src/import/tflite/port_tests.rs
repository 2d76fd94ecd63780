//! Types and operators at the edge of what is read: unsigned bytes, narrow weights, slices that drop an axis, state.

use super::fixture::{Field, Net, Table};
use crate::import::from_bytes;
use crate::ir::{DType, Graph, Op, Quant, Shape};

const UINT8: u8 = 3;
const INT4: u8 = 17;
const FULLY_CONNECTED: i32 = 9;
const QUANTIZE: i32 = 114;
const MUL: i32 = 18;
const STRIDED_SLICE: i32 = 45;

fn import(net: &Net) -> Graph {
    from_bytes("net.tflite", &net.bytes()).unwrap()
}

fn refusal(net: &Net) -> String {
    from_bytes("net.tflite", &net.bytes())
        .unwrap_err()
        .to_string()
}

#[test]
fn unsigned_ports_are_signed_ones_lower_by_128() {
    let mut net = Net::default();
    let x = net.tensor(&[1, 4], UINT8, None, Some((&[0.5], 128, 0)));
    let q = net.int8(&[1, 4], 0.5, 0);
    let y = net.tensor(&[1, 4], UINT8, None, Some((&[0.25], 3, 0)));
    net.operator(QUANTIZE, &[x], &[q], None);
    net.operator(QUANTIZE, &[q], &[y], None);
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    let graph = import(&net);
    let port = |id| {
        let tensor = graph.tensor(id);
        (tensor.dtype, tensor.quant)
    };
    let quant = |scale, zero_point| (DType::S8, Some(Quant { scale, zero_point }));
    assert_eq!(port(graph.inputs[0]), quant(0.5, 0));
    assert_eq!(port(graph.outputs[0]), quant(0.25, -125));
    let notes = graph.notes.join("\n");
    assert!(notes.contains("input 't0' is uint8"), "{notes}");
    assert!(notes.contains("output 't2' is uint8"), "{notes}");
}

#[test]
fn weights_of_four_bits_are_refused_by_name() {
    let mut net = Net::default();
    let x = net.float(&[1, 2]);
    let w = net.tensor(&[1, 2], INT4, Some(vec![0x21]), Some((&[0.5], 0, 0)));
    let y = net.float(&[1, 1]);
    let options = Table(vec![(0, Field::U8(0))]);
    net.operator(FULLY_CONNECTED, &[x, w, -1], &[y], Some((8, options)));
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    let text = refusal(&net);
    assert!(text.contains("weights 't1' are int4"), "{text}");
    assert!(text.contains("convert the model to float32 or to full int8"));
}

#[test]
fn a_layer_over_pixels_is_a_convolution_of_one_pixel() {
    let mut net = Net::default();
    let x = net.float(&[1, 2, 2, 3]);
    let w = net.floats(&[2, 3], &[0.5; 6]);
    let y = net.float(&[1, 2, 2, 2]);
    let options = Table(vec![(0, Field::U8(0))]);
    net.operator(FULLY_CONNECTED, &[x, w, -1], &[y], Some((8, options)));
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    let graph = import(&net);
    assert_eq!(graph.nodes[0].op.name(), "conv_2d");
}

/// An int8 product with a constant of these dimensions.
fn product(activation: &[i32], constant: &[i32]) -> Net {
    let mut net = Net::default();
    let x = net.int8(activation, 0.5, 3);
    let count: i32 = constant.iter().product();
    let values = (0..count).map(|i| u8::try_from(i).unwrap()).collect();
    let c = net.tensor(constant, 9, Some(values), Some((&[0.25], -128, 0)));
    let y = net.int8(activation, 0.125, -5);
    net.operator(MUL, &[x, c], &[y], None);
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    net
}

#[test]
fn integers_and_a_constant_a_channel_are_a_pair() {
    for net in [product(&[1, 3], &[3]), product(&[1, 2, 2, 3], &[])] {
        let graph = import(&net);
        let last = graph.nodes.last().unwrap();
        assert_eq!(last.op.name(), "mul");
        let constant = graph.tensor(last.inputs[1]);
        assert_eq!(constant.shape, Shape::new(3, 1, 1));
        assert_eq!(constant.quant.unwrap().zero_point, -128);
    }
    let text = refusal(&product(&[1, 2, 2, 3], &[2, 1]));
    assert!(text.contains("does not act per channel"), "{text}");
}

/// A slice of `[1, 4, 4, 2]`: one index of axis 1 and all of the rest, as `[1, 4, 2]` or worse.
fn dropped(dims: &[i32], index: i32) -> Net {
    let mut net = Net::default();
    let x = net.float(&[1, 4, 4, 2]);
    let begin = net.ints(&[4], &[0, index, 0, 0]);
    let end = net.ints(&[4], &[1, 0, 4, 2]);
    let steps = net.ints(&[4], &[1, 1, 1, 1]);
    let y = net.float(dims);
    let options = Table(vec![(4, Field::I32(0b0010))]);
    net.operator(
        STRIDED_SLICE,
        &[x, begin, end, steps],
        &[y],
        Some((32, options)),
    );
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    net
}

#[test]
fn a_slice_may_drop_an_axis_where_the_rest_is_the_same_image() {
    for index in [1, -1] {
        let graph = import(&dropped(&[1, 4, 2], index));
        assert!(matches!(graph.nodes[0].op, Op::Rearrange(_)));
        assert_eq!(graph.tensor(graph.outputs[0]).shape, Shape::new(2, 1, 4));
        assert_eq!(graph.tensor(graph.outputs[0]).source.dims, [1, 4, 2]);
    }
    let text = refusal(&dropped(&[1, 2, 4], 1));
    assert!(text.contains("keep the rank"), "{text}");
}

#[test]
fn state_is_refused_with_a_way_out() {
    let cases = [
        (142, "VAR_HANDLE", "make the state an input and an output"),
        (
            143,
            "READ_VARIABLE",
            "make the state an input and an output",
        ),
    ];
    for (code, operator, help) in cases {
        let mut net = Net::default();
        let (x, y) = (net.float(&[1, 4]), net.float(&[1, 4]));
        net.operator(code, &[x], &[y], None);
        (net.inputs, net.outputs) = (vec![x], vec![y]);
        let text = refusal(&net);
        assert!(text.contains(operator) && text.contains(help), "{text}");
    }
}
