//! TFLite's sparse encoding: rows, blocks, and encodings that contradict themselves.

use super::fixture::{Field, Table, file};
use super::flatbuffer;
use super::sparse::densify;

/// A level that holds every index.
fn dense(size: i32) -> Table {
    Table(vec![(0, Field::U8(0)), (1, Field::I32(size))])
}

/// A level of segments of indices.
fn csr(segments: &[i32], indices: &[i32]) -> Table {
    let list = |v: &[i32]| Field::Table(Table(vec![(0, Field::Ints(v.to_vec()))]));
    Table(vec![
        (0, Field::U8(1)),
        (2, Field::U8(1)),
        (3, list(segments)),
        (4, Field::U8(1)),
        (5, list(indices)),
    ])
}

fn run(
    order: &[i32],
    blocks: &[i32],
    levels: Vec<Table>,
    dims: &[usize],
    values: &[u8],
) -> Result<Vec<u8>, String> {
    let root = Table(vec![
        (0, Field::Ints(order.to_vec())),
        (1, Field::Ints(blocks.to_vec())),
        (2, Field::Tables(levels)),
    ]);
    let bytes = file(&root);
    let table = flatbuffer::Table::root(&bytes).unwrap();
    densify(&table, dims, values, 1).map_err(|p| format!("{p:?}"))
}

#[test]
fn rows_of_indices_become_a_dense_matrix() {
    let levels = vec![dense(3), csr(&[0, 2, 2, 3], &[0, 3, 1])];
    let found = run(&[0, 1], &[], levels, &[3, 4], &[7, 8, 9]).unwrap();
    assert_eq!(found, [7, 0, 0, 8, 0, 0, 0, 0, 0, 9, 0, 0]);
}

#[test]
fn columns_may_come_first() {
    let levels = vec![dense(2), csr(&[0, 1, 3], &[1, 0, 2])];
    let found = run(&[1, 0], &[], levels, &[3, 2], &[5, 6, 7]).unwrap();
    assert_eq!(found, [0, 6, 5, 0, 0, 7]);
}

#[test]
fn blocks_lie_where_their_block_index_says() {
    let levels = vec![dense(2), csr(&[0, 1, 2], &[1, 0]), dense(2), dense(2)];
    let values = [1, 2, 3, 4, 5, 6, 7, 8];
    let found = run(&[0, 1, 2, 3], &[0, 1], levels, &[4, 4], &values).unwrap();
    assert_eq!(found, [0, 0, 1, 2, 0, 0, 3, 4, 5, 6, 0, 0, 7, 8, 0, 0]);
}

#[test]
fn encodings_that_contradict_themselves_are_refused() {
    let rows = |segments: &[i32], indices: &[i32]| vec![dense(2), csr(segments, indices)];
    for (order, blocks, levels, expected) in [
        (vec![0, 1], vec![], rows(&[0, 1], &[0]), "too few segments"),
        (
            vec![0, 1],
            vec![],
            rows(&[0, 1, 9], &[0]),
            "past its indices",
        ),
        (
            vec![0, 1],
            vec![],
            rows(&[0, 1, 2], &[0, 3]),
            "outside its dimension",
        ),
        (
            vec![0, 1],
            vec![],
            rows(&[0, 1, 1], &[2]),
            "another number of values",
        ),
        (
            vec![0, 0],
            vec![],
            rows(&[0], &[]),
            "no order of its dimensions",
        ),
        (
            vec![0],
            vec![],
            vec![dense(2)],
            "no order of its dimensions",
        ),
        (vec![0, 1], vec![], vec![dense(9), dense(3)], "another size"),
        (
            vec![0, 1, 2],
            vec![7],
            vec![dense(2), dense(3), dense(2)],
            "do not divide",
        ),
        (
            vec![0, 1, 2],
            vec![1],
            vec![dense(2), dense(1), dense(2)],
            "do not divide",
        ),
        (
            vec![0, 1],
            vec![],
            rows(&[0, -1, 1], &[0]),
            "a negative index",
        ),
    ] {
        let found = run(&order, &blocks, levels, &[2, 3], &[1, 2]).unwrap_err();
        assert!(found.contains(expected), "{expected}: {found}");
    }
}

#[test]
fn segments_that_repeat_indices_cannot_outgrow_the_tensor() {
    let twice = vec![
        dense(2),
        csr(&[0, 3, 3], &[0, 1, 2]),
        csr(&[0, 4, 8, 12], &[0; 12]),
    ];
    let found = run(&[0, 1, 2], &[], twice, &[2, 3, 1], &[0; 12]).unwrap_err();
    assert!(found.contains("past its indices"), "{found}");
}
