//! Shape arithmetic as exporters write it, and results that would be too large.

use super::super::super::limits::Budget;
use super::super::fixture::{filter, graph, import, ints, model, node, refusal};
use super::super::schema::{NodeProto, TensorProto};
use super::arithmetic::{joined, select};
use super::array::{Array, Numbers};
use crate::ir::{Op, Shape};

fn list(values: &[i64]) -> Array {
    Array::new(vec![values.len()], Numbers::Ints(values.to_vec())).unwrap()
}

fn matrix(rows: usize, values: &[i64]) -> Array {
    let dims = vec![rows, values.len() / rows];
    Array::new(dims, Numbers::Ints(values.to_vec())).unwrap()
}

#[test]
fn arrays_are_turned_expanded_gathered_and_joined() {
    let mut budget = Budget::for_file(0);
    let a = matrix(2, &[1, 2, 3, 4, 5, 6]);
    assert_eq!(
        a.transposed(&[1, 0]).unwrap(),
        matrix(3, &[1, 4, 2, 5, 3, 6])
    );
    assert_eq!(
        list(&[7, 8]).expanded(&[2, 2], &mut budget).unwrap(),
        matrix(2, &[7, 8, 7, 8])
    );
    assert_eq!(
        a.gathered(1, &[-1, 0], &[2], &mut budget).unwrap(),
        matrix(2, &[3, 1, 6, 4])
    );
    assert!(a.gathered(1, &[3], &[1], &mut budget).is_err());
    let joined = joined(&[a.clone(), matrix(2, &[0, 9])], 1, &mut budget).unwrap();
    assert_eq!(joined, matrix(2, &[1, 2, 3, 0, 4, 5, 6, 9]));
    let chosen = select(&list(&[1, 0, 1]), &a, &list(&[0]), &mut budget).unwrap();
    assert_eq!(chosen, matrix(2, &[1, 0, 3, 4, 0, 6]));
}

/// What the `TorchScript` exporter writes for `pad(x, (1, 2))`: twelve nodes for one list.
fn torch_pad() -> (Vec<NodeProto>, Vec<TensorProto>) {
    let nodes = vec![
        node("ConstantOfShape", &["four"], "zeros").tensor("value", ints("v", &[0])),
        node("Concat", &["pad", "zeros"], "all").int("axis", 0),
        node("Reshape", &["all", "pairs"], "table"),
        node(
            "Slice",
            &["table", "last", "first", "axis0", "back"],
            "turned",
        ),
        node("Transpose", &["turned"], "columns").ints("perm", &[1, 0]),
        node("Reshape", &["columns", "flat"], "row"),
        node("Cast", &["row"], "pads").int("to", 7),
        node("Pad", &["x", "pads"], "padded"),
        node("Conv", &["padded", "w"], "y"),
    ];
    let lists = vec![
        ints("four", &[6]),
        ints("pad", &[1, 2]),
        ints("pairs", &[-1, 2]),
        ints("last", &[-1]),
        ints("first", &[i64::MIN]),
        ints("axis0", &[0]),
        ints("back", &[-1]),
        ints("flat", &[-1]),
        filter(),
    ];
    (nodes, lists)
}

#[test]
fn the_padding_that_torch_computes_is_a_constant() {
    let (nodes, lists) = torch_pad();
    let graph = graph(&[1, 1, 4, 4], nodes, lists);
    let pad = &graph.nodes[0].op;
    let expected = Op::Pad {
        begin: [0, 1],
        end: [0, 2],
        value: 0.0,
    };
    assert_eq!(*pad, expected);
    assert_eq!(graph.tensor(graph.outputs[0]).shape, Shape::new(1, 3, 6));
}

#[test]
fn lists_are_compared_and_counted() {
    let nodes = vec![
        node("Shape", &["x"], "shape"),
        node("Equal", &["shape", "open"], "is_open"),
        node("Where", &["is_open", "ones", "shape"], "fixed"),
        node("ReduceProd", &["fixed"], "all").int("keepdims", 1),
        node("Concat", &["one", "all"], "flat").int("axis", 0),
        node("Reshape", &["x", "flat"], "y"),
    ];
    let lists = vec![
        ints("open", &[9, 9, 4, 4]),
        ints("ones", &[1, 1, 1, 1]),
        ints("one", &[16]),
    ];
    // 1 · 1 · 1 · 1 after both fours were replaced.
    let graph = graph(&[1, 1, 4, 4], nodes, lists);
    assert_eq!(graph.tensor(graph.outputs[0]).source.dims, [16, 1]);
}

#[test]
fn constants_too_large_to_compute_are_refused() {
    for (operator, dims) in [
        ("ConstantOfShape", [1 << 20, 1 << 20]),
        ("Expand", [1 << 30, 64]),
    ] {
        let mut nodes = vec![
            node(operator, &["dims"], "big"),
            node("Add", &["x", "big"], "y"),
        ];
        if operator == "Expand" {
            nodes[0] = node("Expand", &["one", "dims"], "big");
        }
        let lists = vec![ints("dims", &dims), ints("one", &[1])];
        let text = refusal(&model(&[1, 4], nodes, lists));
        assert!(text.contains("of a computed constant"), "{text}");
    }
    let nodes = vec![
        node("Range", &["start", "limit", "step"], "big"),
        node("Reshape", &["x", "big"], "y"),
    ];
    let lists = vec![
        ints("start", &[0]),
        ints("limit", &[i64::MAX]),
        ints("step", &[1]),
    ];
    assert!(import(&model(&[1, 4], nodes, lists)).is_err());
}
