//! Real networks through the whole line; skipped, visibly, where `../shared` is absent.

use super::{Budget, Options, Passes, Pruned, prune};
use crate::data::{Elements, Preprocess, read_npy};
use crate::inspect::{Inspection, inspect};
use crate::interpret::Value;
use crate::lower::{Prefer, WeightChoice};
use crate::sparsify::{Alloc, Pattern};
use crate::target::Target;
use crate::testing::run;
use nnz_format::{AxisOrder, Model};
use std::path::{Path, PathBuf};

/// A file of the shared folder beside the repository.
fn shared(path: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let found = root.join(path);
    if !found.exists() {
        eprintln!("skipped: {} is not here", found.display());
        return None;
    }
    Some(found)
}

fn pruned(model: &Path, options: &Options) -> Pruned {
    prune(model, options, &|_, _, _| ()).unwrap_or_else(|e| panic!("{e}"))
}

fn lossless() -> Options {
    Options {
        lossless: true,
        ..Options::default()
    }
}

fn inspection(file: &Pruned) -> Inspection {
    inspect(&Model::parse(&file.bytes).unwrap())
}

/// Rows of an array as the network's input, from the source's axis order to `[c][h][w]`.
fn rows(file: &[u8], path: &Path) -> Vec<Value> {
    let model = Model::parse(file).unwrap();
    let io = model.input(0).unwrap();
    let (c, pixels) = (
        usize::from(io.tensor.c),
        usize::try_from(io.tensor.plane()).unwrap(),
    );
    let interleaved = io.order == AxisOrder::Nhwc;
    let at = |i: usize| {
        if interleaved {
            i % pixels * c + i / pixels
        } else {
            i
        }
    };
    match read_npy(path).unwrap().elements {
        Elements::S8(v) => v
            .chunks_exact(c * pixels)
            .map(|row| Value::S8((0..row.len()).map(|i| row[at(i)]).collect()))
            .collect(),
        Elements::F32(v) => v
            .chunks_exact(c * pixels)
            .map(|row| Value::F32((0..row.len()).map(|i| row[at(i)]).collect()))
            .collect(),
        Elements::U8(_) | Elements::S64(_) => panic!("{}: unexpected type", path.display()),
    }
}

const INTEGER_MODELS: [(&str, &str); 5] = [
    ("kws_int8", "out0"),
    ("resnet8_int8", "out0"),
    ("vww96_int8", "out0"),
    ("ad01_int8", "tflm_out0"),
    ("hello_world_int8", "tflm_out0"),
];

#[test]
fn integer_models_give_the_golden_bytes() {
    for (name, suffix) in INTEGER_MODELS {
        let (Some(model), Some(x), Some(y)) = (
            shared(&format!("models/{name}.tflite")),
            shared(&format!("golden/{name}.in.npy")),
            shared(&format!("golden/{name}.{suffix}.npy")),
        ) else {
            return;
        };
        let none = Options {
            passes: Passes::None,
            ..Options::default()
        };
        let dense = Options {
            weights: WeightChoice::Dense,
            ..lossless()
        };
        let flash = Options {
            prefer: Prefer::Flash,
            ..lossless()
        };
        for options in [lossless(), none, dense, flash] {
            let file = pruned(&model, &options).bytes;
            let Elements::S8(golden) = read_npy(&y).unwrap().elements else {
                panic!("{name}")
            };
            let mut golden = golden.into_iter();
            for (i, row) in rows(&file, &x).into_iter().enumerate() {
                let Value::S8(found) = run(&file, &[row]).remove(0) else {
                    panic!("{name}")
                };
                let expected: Vec<i8> = golden.by_ref().take(found.len()).collect();
                assert_eq!(found, expected, "{name}, row {i}");
            }
            assert_eq!(golden.next(), None, "{name}: every row was compared");
        }
    }
}

/// File, arena bound in bytes.
const ARENAS: [(&str, u64); 4] = [
    ("kws_int8", 11 * 1024),
    ("resnet8_int8", 54 * 1024),
    ("vww96_int8", 46 * 1024 + 512),
    ("ad01_int8", 1280),
];

#[test]
fn arenas_of_real_networks_are_small_and_close_to_their_bound() {
    for (name, limit) in ARENAS {
        let Some(model) = shared(&format!("models/{name}.tflite")) else {
            return;
        };
        let report = pruned(&model, &lossless()).report;
        assert!(
            report.arena.now <= limit,
            "{name}: {} bytes",
            report.arena.now
        );
        assert!(report.arena.now * 20 <= report.arena_bound * 21, "{name}");
    }
}

#[test]
fn the_visual_wake_words_network_loses_its_dead_weights() {
    let Some(model) = shared("models/vww96_int8.tflite") else {
        return;
    };
    let found = inspection(&pruned(&model, &lossless()));
    assert!(found.stored_weights <= 29_000, "{}", found.stored_weights);
    assert!(found.stored_macs <= 3_720_000, "{}", found.stored_macs);
    assert!(found.bytes <= 48 * 1024, "{}", found.bytes);
}

#[test]
fn pruned_networks_are_small_beside_their_dense_twins() {
    let bounds = [
        ("cifar_resnet8_u_80", None, [46, 38]),
        ("cifar_mbv1_u_80", None, [51, 43]),
        ("cifar_resnet8_dense", Some(0.5), [101, 85]),
    ];
    for (name, sparsity, [speed, flash]) in bounds {
        let (Some(model), Some(calib)) = (
            shared(&format!("models/{name}.onnx")),
            shared("data/cifar10_calib.npz"),
        ) else {
            return;
        };
        for (prefer, percent) in [(Prefer::Speed, speed), (Prefer::Flash, flash)] {
            let options = Options {
                sparsity,
                prefer,
                calib: Some(calib.clone()),
                preprocess: Preprocess {
                    mean: vec![128.0],
                    std: vec![64.0],
                },
                layout: Some(AxisOrder::Nhwc),
                ..Options::default()
            };
            let bytes = pruned(&model, &options).report.bytes;
            assert!(
                bytes.now * 100 <= bytes.dense * percent,
                "{name}, {prefer:?}: {bytes:?}"
            );
        }
    }
}

#[test]
fn options_that_contradict_each_other_are_refused_with_a_way_out() {
    let cases = [
        Options {
            sparsity: Some(0.5),
            ..lossless()
        },
        Options {
            dtype: super::Dtype::F32,
            ..Options::default()
        },
        Options {
            calib: Some("x.npz".into()),
            ..lossless()
        },
    ];
    let Some(model) = shared("models/kws_int8.tflite") else {
        return;
    };
    for options in cases {
        let error = prune(&model, &options, &|_, _, _| ()).unwrap_err();
        assert!(error.to_string().contains("help:"), "{error}");
    }
}

#[test]
fn float_networks_need_calibration_on_microcontrollers() {
    let Some(model) = shared("models/lenet5_mnist_u90.onnx") else {
        return;
    };
    let options = Options {
        target: Target::named("cortex-m4").unwrap(),
        ..Options::default()
    };
    let error = prune(&model, &options, &|_, _, _| ())
        .unwrap_err()
        .to_string();
    assert!(error.contains("--calib"), "{error}");
    let file = pruned(&model, &Options::default());
    assert_eq!(file.report.target, "portable");
    assert!(inspection(&file).layers.iter().any(|l| l.layout == "csr_f"));
}

#[test]
fn sparsity_without_a_method_is_solved_on_calibration_data_where_there_are_any() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/keywords");
    let model = folder.join("keywords_dense.onnx");
    let mut options = Options {
        sparsity: Some(0.5),
        alloc: Some(Alloc::Layer),
        ..Options::default()
    };
    assert_eq!(pruned(&model, &options).report.method, "magnitude");
    options.calib = Some(folder.join("calib.npz"));
    let solved = pruned(&model, &options).report;
    assert_eq!(solved.method, "obs");
    let prunable = solved
        .sparsity
        .layers
        .iter()
        .filter(|l| l.nonzeros < l.weights);
    let halves: Vec<bool> = prunable.map(|l| l.nonzeros * 2 == l.weights).collect();
    assert_eq!(halves, [true; 4]);
}

#[test]
fn budgets_are_met_and_nearly_used_up_or_said_to_be_out_of_reach() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/keywords");
    let model = folder.join("keywords_dense.onnx");
    let dense = Options {
        calib: Some(folder.join("calib.npz")),
        calib_limit: Some(16),
        solve_limit: Some(16),
        ..Options::default()
    };
    let whole = pruned(&model, &dense).report;
    let limited = |flash: Option<u64>, cycles: Option<u64>| Options {
        budget: Budget {
            flash,
            cycles,
            ..Budget::default()
        },
        ..dense.clone()
    };
    let flash = whole.bytes.now * 6 / 10;
    let found = pruned(&model, &limited(Some(flash), None)).report;
    assert!(found.bytes.now <= flash && found.bytes.now * 100 >= flash * 97);
    let limits: Vec<_> = found
        .budget
        .iter()
        .map(|u| (u.limit, u.used, u.binds))
        .collect();
    assert_eq!(limits, [("--flash", found.bytes.now, true)]);
    let error = prune(&model, &limited(Some(2000), None), &|_, _, _| ())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("--flash cannot be met: 2000 bytes"),
        "{error}"
    );
}

#[test]
fn whole_channels_and_reordered_blocks_do_not_depend_on_the_number_of_threads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/keywords");
    let model = folder.join("keywords_dense.onnx");
    let filter = Options {
        calib: Some(folder.join("calib.npz")),
        calib_limit: Some(40),
        solve_limit: Some(40),
        macs: Some(0.6),
        ..Options::default()
    };
    let blocks = Options {
        macs: None,
        sparsity: Some(0.5),
        pattern: Pattern::Block { rows: 1, cols: 4 },
        permute: true,
        ..filter.clone()
    };
    for options in [filter, blocks] {
        let [one, three] = [1, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| pruned(&model, &options))
        });
        assert!(one.bytes == three.bytes, "{options:?}");
    }
}
