//! Operators that move elements as ONNX writes them: with a name where ONNX has one, else reshaped and transposed.

use super::ExportError;
use super::build::refused;
use super::nodes::{Nodes, Value};
use crate::import::onnx::linear_taps;
use crate::ir::{BlockOrder, Node, Rearrange, Resize, Shape, Tap};

/// Elements in other places.
pub(super) fn rearranged(
    n: &mut Nodes,
    node: &Node,
    rearrange: &Rearrange,
    inputs: &[Value],
    shape: Shape,
) -> Value {
    let images: Vec<Value> = inputs.iter().map(|x| n.image(x)).collect();
    let Some(x) = images.first() else {
        return Value {
            name: String::new(),
            shape,
            flat: false,
        };
    };
    let Shape { c, h, w } = x.shape;
    match rearrange {
        Rearrange::Concat { axis } => {
            let names: Vec<&str> = images.iter().map(|x| x.name.as_str()).collect();
            let axis = Nodes::int("axis", *axis as i64 + 1);
            n.op(&node.name, "Concat", &names, shape, false, vec![axis])
        }
        Rearrange::Slice { begin, step, size } => sliced(n, &node.name, x, [*begin, *step, *size]),
        Rearrange::DepthToSpace {
            block: [r, s],
            order,
            crop,
            size,
        } => {
            let channels = c / (r * s);
            let whole = Shape::new(channels, h * r, w * s);
            let (dims, perm) = match order {
                BlockOrder::DepthFirst => ([1, *r, *s, channels, h, w], [0, 3, 4, 1, 5, 2]),
                BlockOrder::ColumnFirst => ([1, channels, *r, *s, h, w], [0, 1, 4, 2, 5, 3]),
            };
            let spread = n.regrouped(&node.name, x, &dims, &perm, whole);
            if whole == shape {
                return spread;
            }
            let name = format!("{}_crop", node.name);
            let window = [[0, crop[0], crop[1]], [1; 3], [channels, size[0], size[1]]];
            sliced(n, &name, &spread, window)
        }
        Rearrange::SpaceToDepth {
            block: [r, s],
            order,
        } => {
            let dims = [1, c, h / r, *r, w / s, *s];
            let perm = match order {
                BlockOrder::DepthFirst => [0, 3, 5, 1, 2, 4],
                BlockOrder::ColumnFirst => [0, 1, 3, 5, 2, 4],
            };
            n.regrouped(&node.name, x, &dims, &perm, shape)
        }
        Rearrange::ChannelShuffle { groups } => {
            let dims = [1, *groups, c / groups, h, w];
            n.regrouped(&node.name, x, &dims, &[0, 2, 1, 3, 4], shape)
        }
    }
}

/// `[begin, step, size]` of channels, rows and columns.
fn sliced(n: &mut Nodes, name: &str, x: &Value, [begin, step, size]: [[usize; 3]; 3]) -> Value {
    let end: Vec<usize> = (0..3)
        .map(|d| begin[d] + (size[d] - 1) * step[d] + 1)
        .collect();
    let starts = n.integers(&format!("{name}_starts"), &begin);
    let ends = n.integers(&format!("{name}_ends"), &end);
    let axes = n.integers(&format!("{name}_axes"), &[1, 2, 3]);
    let steps = n.integers(&format!("{name}_steps"), &step);
    let inputs = [x.name.as_str(), &starts, &ends, &axes, &steps];
    let shape = Shape::new(size[0], size[1], size[2]);
    n.op(name, "Slice", &inputs, shape, false, vec![])
}

/// Constant channels around those of `x`.
pub(super) fn padded_channels(
    n: &mut Nodes,
    node: &Node,
    x: &Value,
    (begin, end, value): (usize, usize, f32),
    shape: Shape,
) -> Value {
    let x = n.image(x);
    let pads = n.integers(
        &format!("{}_pads", node.name),
        &[0, begin, 0, 0, 0, end, 0, 0],
    );
    let value = n.floats(&format!("{}_value", node.name), &[], &[value]);
    let inputs = [x.name.as_str(), &pads, &value];
    n.op(&node.name, "Pad", &inputs, shape, false, vec![])
}

/// The image in another size: picked rows and columns, or a linear `Resize`.
pub(super) fn resized(
    n: &mut Nodes,
    node: &Node,
    resize: &Resize,
    x: &Value,
    shape: Shape,
) -> Result<Value, ExportError> {
    let x = n.image(x);
    if resize.nearest {
        let places = |taps: &[Tap]| taps.iter().map(|t| t.before).collect::<Vec<_>>();
        let rows = n.integers(&format!("{}_rows", node.name), &places(&resize.rows));
        let columns = n.integers(&format!("{}_columns", node.name), &places(&resize.columns));
        let between = Shape {
            h: shape.h,
            ..x.shape
        };
        let name = format!("{}_of_rows", node.name);
        let axis = |a| vec![Nodes::int("axis", a)];
        let tall = n.op(&name, "Gather", &[&x.name, &rows], between, false, axis(2));
        let inputs = [tall.name.as_str(), &columns];
        return Ok(n.op(&node.name, "Gather", &inputs, shape, false, axis(3)));
    }
    let Some(mode) = linear_mode(resize, x.shape) else {
        return Err(refused(
            &node.name,
            "resizes by places that no ONNX operator has",
        ));
    };
    let sizes = n.integers(
        &format!("{}_sizes", node.name),
        &[1, shape.c, shape.h, shape.w],
    );
    let attributes = vec![
        Nodes::text("mode", "linear"),
        Nodes::text("coordinate_transformation_mode", mode),
    ];
    let inputs = [x.name.as_str(), "", "", &sizes];
    Ok(n.op(&node.name, "Resize", &inputs, shape, false, attributes))
}

/// The coordinates of ONNX that a resize between pixels has.
fn linear_mode(resize: &Resize, from: Shape) -> Option<&'static str> {
    let place = |t: &Tap| {
        let weight = f64::from(t.weight);
        (1.0 - weight) * real(t.before) + weight * real(t.after)
    };
    let close = |(a, b): (&Tap, &Tap)| (place(a) - place(b)).abs() < 1e-4;
    let agrees = |mode: &str, taps: &[Tap], from: usize| {
        let linear = linear_taps(mode, from, taps.len());
        linear.is_some_and(|linear| taps.iter().zip(&linear).all(close))
    };
    ["half_pixel", "align_corners", "asymmetric"]
        .into_iter()
        .find(|mode| agrees(mode, &resize.rows, from.h) && agrees(mode, &resize.columns, from.w))
}

#[expect(clippy::cast_precision_loss, reason = "pixels are few")]
const fn real(n: usize) -> f64 {
    n as f64
}
