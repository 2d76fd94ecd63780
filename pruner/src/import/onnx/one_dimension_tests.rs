//! Activations of rank 3: 1-D convolutions and pools, and what exporters write around them.

use super::fixture::{floats, graph, ints, model, node, refusal};
use crate::interpret::{Interpreter, Value};
use crate::ir::{Graph, Op, Shape};

fn run(graph: &Graph, input: &[f32]) -> Vec<f32> {
    let interpreter = Interpreter::new(graph).unwrap();
    match interpreter
        .run(&[Value::F32(input.to_vec())])
        .unwrap()
        .remove(0)
    {
        Value::F32(v) => v,
        Value::S8(_) => panic!("integers"),
    }
}

#[test]
fn a_convolution_over_one_axis_has_one_row() {
    let conv = node("Conv", &["x", "w"], "c")
        .ints("kernel_shape", &[3])
        .ints("strides", &[2])
        .ints("dilations", &[1])
        .ints("pads", &[1, 0]);
    let pool = node("MaxPool", &["c"], "y").ints("kernel_shape", &[2]);
    let weights = floats("w", &[1, 2, 3], &[1., 0., 0., 0., 10., 0.]);
    let graph = graph(&[1, 2, 6], vec![conv, pool], vec![weights]);
    assert_eq!(graph.tensor(graph.inputs[0]).shape, Shape::new(2, 1, 6));
    let out = graph.tensor(graph.outputs[0]);
    assert_eq!(
        (out.shape, &out.source.dims[..]),
        (Shape::new(1, 1, 2), &[1, 1, 2][..])
    );
    let x: Vec<f32> = (0..12_u8).map(f32::from).collect();
    // Tap 0 of channel 0 reads 2n − 1, tap 1 of channel 1 reads 2n.
    assert_eq!(run(&graph, &x), [81.0, 103.0]);
}

#[test]
fn a_waveform_becomes_an_image_of_one_row() {
    let nodes = vec![
        node("Unsqueeze", &["x", "one"], "u"),
        node("Conv", &["u", "w"], "c"),
        node("ReduceMean", &["c"], "m")
            .ints("axes", &[-1])
            .int("keepdims", 0),
        node("Softmax", &["m"], "y"),
    ];
    let weights = floats("w", &[2, 1, 2], &[1., 1., 2., 2.]);
    let graph = graph(&[1, 5], nodes, vec![ints("one", &[1]), weights]);
    assert_eq!(graph.tensor(graph.inputs[0]).shape, Shape::new(1, 1, 5));
    let y = run(&graph, &[0.0; 5]);
    assert_eq!(y, [0.5, 0.5]);
}

#[test]
fn a_matrix_over_the_features_of_a_sequence_is_a_pointwise_convolution() {
    let nodes = vec![
        node("MatMul", &["x", "w"], "m"),
        node("Add", &["m", "b"], "a"),
        node("Transpose", &["a"], "t").ints("perm", &[0, 2, 1]),
        node("Conv", &["t", "f"], "y"),
    ];
    let constants = vec![
        floats("w", &[2, 3], &[1., 0., 1., 0., 1., 1.]),
        floats("b", &[3], &[0., 0., 0.5]),
        floats("f", &[1, 3, 2], &[0., 0., 0., 0., 1., -1.]),
    ];
    let graph = graph(&[1, 4, 2], nodes, constants);
    assert!(matches!(graph.nodes[0].op, Op::Conv2d(_)));
    // Rows (0, 10), (1, 12), (2, 14), (3, 16), feature after feature: x0 + x1 + 0.5, then differences.
    assert_eq!(
        run(&graph, &[0., 1., 2., 3., 10., 12., 14., 16.]),
        [-3.0; 3]
    );
}

#[test]
fn a_softmax_over_the_last_axis_of_one_step_is_that_of_a_vector() {
    let nodes = vec![
        node("Transpose", &["x"], "t").ints("perm", &[0, 2, 1]),
        node("MatMul", &["t", "w"], "m"),
        node("Softmax", &["m"], "y").int("axis", 2),
    ];
    let graph = graph(
        &[1, 2, 1],
        nodes,
        vec![floats("w", &[2, 2], &[1., 0., 0., 1.])],
    );
    assert_eq!(run(&graph, &[3.0, 3.0]), [0.5, 0.5]);
}

#[test]
fn windows_of_another_rank_are_refused() {
    let conv = node("Conv", &["x", "w"], "y");
    let volume = floats("w", &[1, 1, 1, 1, 1], &[1.0]);
    let text = refusal(&model(&[1, 1, 4], vec![conv], vec![volume]));
    assert!(
        text.contains("over an input of rank 3") && text.contains("3-D"),
        "{text}"
    );
    let conv = node("Conv", &["x", "w"], "y").ints("strides", &[2, 2]);
    let row = floats("w", &[1, 1, 1], &[1.0]);
    let text = refusal(&model(&[1, 1, 4], vec![conv], vec![row]));
    assert!(text.contains("a window over 1 axes"), "{text}");
}

#[test]
fn a_length_that_is_not_fixed_is_refused_with_the_command_that_fixes_it() {
    let conv = node("Conv", &["x", "w"], "y");
    let row = floats("w", &[1, 1, 1], &[1.0]);
    let text = refusal(&model(&[1, 1, 0], vec![conv], vec![row]));
    assert!(
        text.contains("dimension 2 of input 'x' is not fixed (it is called 'N')"),
        "{text}"
    );
    assert!(text.contains("--dim_param N --dim_value N"), "{text}");
}
