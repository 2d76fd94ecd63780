//! Tests of what may change after quantisation.

use super::*;
use crate::quantize;
use crate::sparsify::{Refit, Refitted, refit};

/// A float network, pruned by half, with a depthwise layer behind its first; and samples.
fn network_with_depthwise(seed: u64) -> (Graph, Dataset) {
    let data = data(seed);
    let mut random = Random::new(seed);
    let mut graph = Graph::default();
    let input = add_tensor(&mut graph, INPUT);
    graph.inputs.push(input);
    let mut at = layer(&mut graph, &mut random, input, [16, 6, 3, 3]);
    at = layer(&mut graph, &mut random, at, [16, 1, 3, 3]);
    let len = graph.tensor(at).shape.len();
    at = layer(&mut graph, &mut random, at, [20, len, 1, 1]);
    graph.outputs.push(at);
    graph.check().unwrap();
    (
        pruned(&graph, &data, &options(Method::Obs, "unstructured", 0.5)).0,
        data,
    )
}

/// The integer network, as rounded and as refitted.
fn refitted(
    float: &Graph,
    data: &Dataset,
    what: Refit,
    limit: Option<usize>,
) -> (Graph, Graph, Option<Refitted>) {
    let options = quantize::Options::default();
    let rounded = quantize::post_training(float.clone(), data, &options, SILENT).unwrap();
    let calibration = Calibration {
        data,
        layout: None,
        preprocess: &Preprocess::NONE,
        skip: 0,
        limit,
        rounding: Rounding::Single,
    };
    let mut graph = rounded.clone();
    let found = refit(float, &mut graph, what, &calibration, SILENT).unwrap();
    graph.check().unwrap();
    (rounded, graph, found)
}

fn integers(node: &Node) -> Option<(&[i8], &[f32], &[i32])> {
    match node.op.layer()? {
        (
            Weights {
                values: Values::S8(v),
                scales,
                ..
            },
            Bias::S32(b),
            _,
        ) => Some((v, scales, b)),
        _ => None,
    }
}

#[test]
fn no_layer_gets_worse_on_samples_kept_aside_and_some_get_better() {
    for seed in 1..4 {
        let (float, data) = network_with_depthwise(seed);
        let (.., found) = refitted(&float, &data, Refit::Weights, None);
        let found = found.expect("there are enough samples");
        assert_eq!(found.layers.len(), 3);
        assert!(
            found.layers.iter().all(|l| l.after <= l.before),
            "{found:?}"
        );
        assert!(
            found
                .layers
                .iter()
                .any(|l| l.after < l.before && l.changed == "weights")
        );
        assert!(
            found
                .layers
                .iter()
                .all(|l| (l.changed == "nothing") == (l.after >= l.before))
        );
    }
}

#[test]
fn zeros_of_pruning_and_scales_stay() {
    let (float, data) = network_with_depthwise(4);
    let (rounded, graph, _) = refitted(&float, &data, Refit::Weights, None);
    for ((float, before), after) in float.nodes.iter().zip(&rounded.nodes).zip(&graph.nodes) {
        let (Some(before), Some(after)) = (integers(before), integers(after)) else {
            panic!("all layers have integer weights")
        };
        assert_eq!(before.1, after.1, "scales");
        let Some(Values::F32(wanted)) = float.op.weights().map(|w| &w.values) else {
            panic!("float layers")
        };
        let zeros = wanted.iter().zip(after.0).filter(|(w, _)| **w == 0.0);
        assert!(zeros.clone().count() > 0 || wanted.len() < 200);
        assert!(zeros.clone().all(|(_, q)| *q == 0));
    }
}

#[test]
fn biases_alone_leave_every_weight() {
    let (float, data) = network_with_depthwise(5);
    let (rounded, graph, found) = refitted(&float, &data, Refit::Bias, None);
    for (before, after) in rounded.nodes.iter().zip(&graph.nodes) {
        assert_eq!(integers(before).map(|i| i.0), integers(after).map(|i| i.0));
    }
    let found = found.expect("there are enough samples");
    assert!(found.layers.iter().all(|l| l.changed != "weights"));
}

#[test]
fn a_shifted_bias_is_put_right() {
    let (float, data) = network_with_depthwise(6);
    let options = quantize::Options::default();
    let mut graph = quantize::post_training(float.clone(), &data, &options, SILENT).unwrap();
    let wanted = graph.clone();
    if let Some((_, Bias::S32(bias), _)) = graph.nodes[2].op.layer_mut() {
        bias.iter_mut().for_each(|b| *b += 5000);
    }
    let calibration = Calibration {
        data: &data,
        layout: None,
        preprocess: &Preprocess::NONE,
        skip: 0,
        limit: None,
        rounding: Rounding::Single,
    };
    let found = refit(&float, &mut graph, Refit::Bias, &calibration, SILENT)
        .unwrap()
        .unwrap();
    assert!(found.kept && found.after < 0.1 * found.before, "{found:?}");
    let (Some(found), Some(wanted)) = (integers(&graph.nodes[2]), integers(&wanted.nodes[2]))
    else {
        panic!("integer layers")
    };
    assert!(
        found
            .2
            .iter()
            .zip(wanted.2)
            .all(|(a, b)| (a - b).abs() < 1000)
    );
}

#[test]
fn few_samples_or_the_option_leave_everything() {
    let (float, data) = network_with_depthwise(7);
    for (what, limit) in [(Refit::Weights, Some(8)), (Refit::Off, None)] {
        let (rounded, graph, found) = refitted(&float, &data, what, limit);
        assert_eq!(found, None);
        assert!(rounded.nodes == graph.nodes);
    }
}
