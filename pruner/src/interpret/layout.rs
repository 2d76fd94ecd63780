//! Orders of values: the graph's `[c][h][w]` and the source model's.

use crate::ir::{Order, Shape};

/// Values of the graph (`[c][h][w]`) as the source model lays them out.
#[must_use]
pub fn to_source_order<T: Copy>(values: &[T], shape: Shape, order: Order) -> Vec<T> {
    match order {
        Order::Nchw => values.to_vec(),
        Order::Nhwc => transpose(values, shape.c, shape.pixels()),
    }
}

/// Values as the source model lays them out, brought to the graph's `[c][h][w]`.
#[must_use]
pub fn from_source_order<T: Copy>(values: &[T], shape: Shape, order: Order) -> Vec<T> {
    match order {
        Order::Nchw => values.to_vec(),
        Order::Nhwc => transpose(values, shape.pixels(), shape.c),
    }
}

/// `[rows][cols]` to `[cols][rows]`.
pub(super) fn transpose<T: Copy>(values: &[T], rows: usize, cols: usize) -> Vec<T> {
    (0..cols)
        .flat_map(|c| (0..rows).map(move |r| values[r * cols + c]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_orders_are_inverse_to_each_other() {
        let shape = Shape::new(2, 1, 3);
        let chw = [1, 2, 3, 4, 5, 6];
        let hwc = to_source_order(&chw, shape, Order::Nhwc);
        assert_eq!(hwc, [1, 4, 2, 5, 3, 6]);
        assert_eq!(from_source_order(&hwc, shape, Order::Nhwc), chw);
        assert_eq!(to_source_order(&chw, shape, Order::Nchw), chw);
    }
}
