//! Accuracy of real networks before and after quantisation, on the labelled data beside the repository.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a failure is the test's failure"
)]

use nnz_pruner::arith::Rounding;
use nnz_pruner::data::{Dataset, Preprocess};
use nnz_pruner::eval::{Accuracy, accuracy};
use nnz_pruner::interpret::{Interpreter, Value};
use nnz_pruner::ir::{Graph, Order};
use nnz_pruner::pass::{self, PassSet};
use nnz_pruner::progress::SILENT;
use nnz_pruner::{import, quantize};
use std::path::{Path, PathBuf};

/// A network, its data, and what to expect of it.
struct Case {
    model: &'static str,
    data: &'static str,
    layout: Option<Order>,
    mean: f32,
    std: f32,
    /// Right answers of the float network.
    float: usize,
    /// Right answers that int8 may lose.
    loss: usize,
}

const CASES: [Case; 4] = [
    Case {
        model: "cifar_resnet8_u_80",
        data: "cifar10",
        layout: Some(Order::Nhwc),
        mean: 128.0,
        std: 64.0,
        float: 2468,
        loss: 9,
    },
    Case {
        model: "cifar_mbv1_u_80",
        data: "cifar10",
        layout: Some(Order::Nhwc),
        mean: 128.0,
        std: 64.0,
        float: 2549,
        loss: 9,
    },
    Case {
        model: "lenet5_mnist_dense",
        data: "mnist",
        layout: None,
        mean: 0.0,
        std: 255.0,
        float: 1975,
        loss: 4,
    },
    Case {
        model: "mlp300_mnist_dense",
        data: "mnist",
        layout: None,
        mean: 0.0,
        std: 255.0,
        float: 1924,
        loss: 4,
    },
];

fn shared() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    if path.is_dir() {
        Some(path)
    } else {
        eprintln!("skipped: {} is not here", path.display());
        None
    }
}

fn judge(graph: &Graph, data: &Dataset, case: &Case, preprocess: &Preprocess) -> Accuracy {
    let interpreter = Interpreter::with_rounding(graph, Rounding::Single).unwrap();
    let (input, output) = (
        graph.tensor(graph.inputs[0]),
        graph.tensor(graph.outputs[0]),
    );
    let samples = data.samples(input, case.layout, preprocess).unwrap();
    let scores = |(): &mut (), i: usize| {
        let x = Value::from_real(&samples.get(i), input);
        interpreter.run(&[x]).map(|y| y[0].to_real(output))
    };
    accuracy(data, || Ok(()), scores, SILENT).unwrap()
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run with --release")]
fn eight_bits_lose_next_to_nothing() {
    let Some(shared) = shared() else { return };
    for case in CASES {
        let open = |kind: &str| {
            Dataset::open(&shared.join(format!("data/{}_{kind}.npz", case.data))).unwrap()
        };
        let model = shared.join(format!("models/{}.onnx", case.model));
        let graph = pass::run(import::load(&model).unwrap(), PassSet::All).unwrap();
        let preprocess = Preprocess {
            mean: vec![case.mean],
            std: vec![case.std],
        };
        let eval = open("eval");
        assert_eq!(
            judge(&graph, &eval, &case, &preprocess).correct,
            case.float,
            "{}",
            case.model
        );
        let options = quantize::Options {
            preprocess: preprocess.clone(),
            layout: case.layout,
            ..quantize::Options::default()
        };
        let integer = quantize::post_training(graph, &open("calib"), &options, SILENT).unwrap();
        let found = judge(&integer, &eval, &case, &preprocess);
        eprintln!(
            "{}: {} of {}, float {}",
            case.model, found.correct, found.n, case.float
        );
        assert!(
            found.correct + case.loss >= case.float,
            "{}: {}",
            case.model,
            found.correct
        );
    }
}
