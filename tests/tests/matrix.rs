//! Every pruning method with every pattern, on networks of floats and of integers: it works, or says the way out.

use nnz_format::Model;
use nnz_pruner::pipeline::{Dtype, Options, Pruned, prune};
use nnz_pruner::sparsify::{Alloc, Criterion, METHODS, Method, Pattern};
use nnz_tests::fixtures::{self, Fixture};
use std::path::Path;

const PATTERNS: [&str; 7] = ["unstructured", "2:4", "1:4", "1x4", "4x1", "2x4", "channel"];
/// Residual sums, depthwise layers and concatenations.
const NETWORKS: [&str; 6] = [
    "residual.torchscript.onnx",
    "depthwise.torchscript.onnx",
    "fire.torchscript.onnx",
    "keras_residual.int8.tflite",
    "keras_depthwise.int8.tflite",
    "keras_fire.int8.tflite",
];

fn network(name: &str) -> Fixture {
    let all = fixtures::all().into_iter();
    let mut found = all.filter(|f| f.model == name);
    found.next().expect("a fixture of that name")
}

/// A method with the options that it needs.
fn options(method: Method, pattern: Pattern, scratch: &Path, network: &Fixture) -> Options {
    let implied = matches!(pattern, Pattern::NofM { .. });
    let takes_share = !matches!(method, Method::Keep | Method::Threshold);
    let float = network.model.contains("onnx");
    Options {
        method: Some(method),
        pattern,
        sparsity: (takes_share && !implied).then_some(0.5),
        threshold: (method == Method::Threshold).then_some(0.05),
        calib: (float || method.is_calibrated()).then(|| network.calibration(scratch)),
        dtype: Dtype::Auto,
        ..Options::default()
    }
}

/// The way out where a method has nothing to do with a pattern.
fn refusal(method: Method, pattern: Pattern) -> Option<&'static str> {
    match (method, pattern) {
        (Method::Keep, Pattern::Unstructured) => None,
        (Method::Filter, Pattern::Unstructured | Pattern::Channel) => None,
        (Method::Filter, _) => Some("use --pattern channel"),
        (_, Pattern::Channel) => Some("use --method filter"),
        (Method::Keep, _) => Some("leave --pattern out"),
        (Method::Threshold, Pattern::NofM { .. }) => Some("use --method magnitude"),
        _ => None,
    }
}

fn pruned(network: &Fixture, options: &Options) -> Result<Pruned, String> {
    prune(&network.path(), options, &|_, _, _| ()).map_err(|e| e.to_string())
}

/// The share of zeros that was asked for, roughly: small layers end in whole blocks, and in groups that are not full.
fn reached(method: Method, pattern: Pattern, found: &Pruned) -> bool {
    let share = found.report.sparsity_of_prunable;
    match (method, pattern) {
        (Method::Keep | Method::Threshold, _) => share < 1.0,
        (_, Pattern::NofM { n: 1, .. }) => (0.6..0.85).contains(&share),
        (Method::Filter, _) => share >= 0.3,
        _ => (0.38..0.62).contains(&share),
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run with --release")]
fn every_method_works_with_every_pattern_or_says_the_way_out() {
    let scratch = tempfile::tempdir().expect("folder");
    for name in [NETWORKS[0], NETWORKS[3]] {
        let network = network(name);
        for (method, pattern) in METHODS
            .iter()
            .flat_map(|row| PATTERNS.map(|pattern| (row.method, pattern)))
        {
            let pattern = Pattern::parse(pattern).expect("a pattern");
            let options = options(method, pattern, scratch.path(), &network);
            let found = pruned(&network, &options);
            let what = format!("{name}: {method:?}, {pattern}");
            match (refusal(method, pattern), found) {
                (Some(way), Err(said)) => assert!(said.contains(way), "{what}: {said}"),
                (None, Ok(found)) => {
                    assert!(Model::parse(&found.bytes).is_ok(), "{what}");
                    let share = found.report.sparsity_of_prunable;
                    assert!(reached(method, pattern, &found), "{what}: {share}");
                }
                (Some(_), Ok(_)) => panic!("{what} is done, but how?"),
                (None, Err(said)) => panic!("{what}: {said}"),
            }
        }
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow: run with --release")]
fn allocations_and_criteria_work_on_floats_and_integers() {
    let scratch = tempfile::tempdir().expect("folder");
    for name in NETWORKS {
        let network = network(name);
        let of = |method| options(method, Pattern::Unstructured, scratch.path(), &network);
        for (word, alloc) in Alloc::ALL {
            for method in [Method::Magnitude, Method::Obs] {
                let options = Options {
                    alloc: Some(alloc),
                    ..of(method)
                };
                let found = pruned(&network, &options).expect(word);
                assert!(reached(method, options.pattern, &found), "{name}: {word}");
            }
        }
        for criterion in [Criterion::L1, Criterion::L2, Criterion::Reconstruction] {
            let options = Options {
                criterion: Some(criterion),
                ..of(Method::Filter)
            };
            let found = pruned(&network, &options).unwrap_or_else(|e| panic!("{name}: {e}"));
            shrank(name, &network, &found);
        }
    }
}

/// Tensors have fewer channels than in the network as it came, and nothing is left that only has zeros.
fn shrank(name: &str, network: &Fixture, found: &Pruned) {
    let keep = Options {
        method: Some(Method::Keep),
        ..Options::default()
    };
    let whole = pruned(network, &keep).expect("the network as it is");
    let channels = |bytes: &[u8]| -> usize {
        let model = Model::parse(bytes).expect("a file");
        (0..model.tensors_len())
            .filter_map(|i| model.tensor(i))
            .map(|t| usize::from(t.c))
            .sum()
    };
    let (before, after) = (channels(&whole.bytes), channels(&found.bytes));
    assert!(
        after * 10 < before * 9,
        "{name}: {after} of {before} channels"
    );
    assert!(found.report.macs < whole.report.macs * 8 / 10, "{name}");
    assert_eq!(found.report.empty_channels, 0, "{name}");
}
