//! Models, inputs, and where they run.

use core::time::Duration;
use nnz::{Model, Session};
use nnz_format::encode::{self, Matrix, RowQuant};
use nnz_format::write::{IoDesc, ModelDesc, StepDesc, write};
use nnz_format::{AxisOrder, Backend, Clamp, DType, Op, Rounding, Tensor, TensorLayout};
use nnz_pruner::pipeline::{self, Options};
use nnz_pruner::target::Target as Lowering;
use nnz_support::emulator::{self, EmulatorError, Outcome, Request};
use nnz_support::targets::Target;
use std::env;
use std::path::{Path, PathBuf};

/// Rows of each input.
pub(crate) const ROWS: usize = 2;
/// Integer networks of `../shared/models`.
pub(crate) const NETWORKS: [&str; 4] = ["kws_int8", "resnet8_int8", "vww96_int8", "ad01_int8"];

/// Why nothing can be tested, printed; a failure in CI.
pub(crate) fn skip(reason: &str) {
    let is_ci = env::var("CI").is_ok_and(|v| v == "true" || v == "1");
    assert!(
        !is_ci || env::var_os("NNZ_HOST_ONLY").is_some(),
        "in CI this must run: {reason}"
    );
    eprintln!("skipped: {reason}");
}

/// The targets that can run here.
pub(crate) fn targets() -> Vec<&'static Target> {
    if env::var_os("NNZ_HOST_ONLY").is_some() {
        skip("NNZ_HOST_ONLY is set");
        return Vec::new();
    }
    let emulated = Target::all().iter().filter(|t| t.emulator.is_some());
    emulated
        .filter(|target| {
            let image = emulator::find_image(target);
            if target.on_request {
                return image.is_ok();
            }
            image.map_err(|e| skip(&e.to_string())).is_ok()
        })
        .collect()
}

/// The cores that are simulated, where their simulators and images were built: one that runs what the emulator does, and
/// one with instructions of its own.
pub(crate) fn simulated() -> Vec<&'static Target> {
    let found = |target: &&Target| {
        let simulator = target.rtl.as_ref().map(emulator::find_simulator);
        let simulator = simulator.unwrap_or_else(|| panic!("{} is simulated", target.name));
        let missing = simulator.and_then(|_| emulator::find_image(target)).err();
        missing.inspect(|e| eprintln!("skipped: {e}")).is_none()
    };
    let all = ["ibex-max", "cv32e40p-xpulp"].map(|name| Target::find(name).unwrap());
    all.into_iter().filter(found).collect()
}

/// Runs on a target; `None` where its emulator is not installed.
pub(crate) fn run(target: &Target, model: &[u8], input: &[u8]) -> Option<Outcome> {
    let request = Request {
        target,
        model,
        input,
        timeout: Duration::from_secs(300),
        meter: None,
        slice: None,
    };
    match emulator::run(&request) {
        Ok(outcome) => Some(outcome),
        Err(error @ EmulatorError::NotInstalled { .. }) => {
            skip(&error.to_string());
            None
        }
        Err(error) => panic!("{}: {error}", target.name),
    }
}

/// A network of `../shared/models`, lowered without loss for any machine; `None` where the folder is missing.
pub(crate) fn network(name: &str) -> Option<Vec<u8>> {
    network_for(name, Lowering::portable())
}

/// A network of `../shared/models`, lowered without loss for a target; `None` where the folder is missing.
pub(crate) fn network_for(name: &str, target: &'static Lowering) -> Option<Vec<u8>> {
    let path = root()
        .join("../shared/models")
        .join(name)
        .with_extension("tflite");
    if !path.is_file() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    let options = Options {
        lossless: true,
        target,
        ..Options::default()
    };
    Some(
        pipeline::prune(&path, &options, &|_, _, _| ())
            .unwrap()
            .bytes,
    )
}

/// The keyword network that the repository ships, quantised with the samples beside it, lowered for a target.
pub(crate) fn shipped_network(target: &'static Lowering) -> Vec<u8> {
    let folder = root().join("examples/keywords");
    let options = Options {
        calib: Some(folder.join("calib.npz")),
        target,
        ..Options::default()
    };
    let path = folder.join("keywords_u75.onnx");
    pipeline::prune(&path, &options, &|_, _, _| ())
        .unwrap()
        .bytes
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The model's bytes where a model may lie.
fn aligned(bytes: &[u8]) -> Vec<u128> {
    let mut words = vec![0_u128; bytes.len().div_ceil(16)];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks(16)) {
        let mut full = [0; 16];
        full[..chunk.len()].copy_from_slice(chunk);
        *word = u128::from_ne_bytes(full);
    }
    words
}

/// Outputs of this machine for rows of input bytes.
pub(crate) fn on_host(model: &[u8], input: &[u8]) -> Vec<u8> {
    let words = aligned(model);
    let model = Model::parse(bytemuck::cast_slice(&words)).unwrap();
    let mut arena = vec![0_u128; model.arena_len().div_ceil(16)];
    let mut session =
        Session::<{ u128::MAX }>::new(&model, bytemuck::cast_slice_mut(&mut arena)).unwrap();
    let mut output = Vec::new();
    for row in input.chunks(row_len(&model)) {
        let mut rest = row;
        for index in 0..model.inputs_len() {
            let bytes = session.input_bytes(index).unwrap();
            let (now, later) = rest.split_at(bytes.len());
            bytes.copy_from_slice(now);
            rest = later;
        }
        session.run();
        for index in 0..model.outputs_len() {
            output.extend_from_slice(session.output_bytes(index).unwrap());
        }
    }
    output
}

fn row_len(model: &Model<'_>) -> usize {
    (0..model.inputs_len())
        .filter_map(|index| model.input(index))
        .map(|input| usize::try_from(input.tensor.len).unwrap())
        .sum()
}

/// [`ROWS`] rows of bytes from a seed.
pub(crate) fn rows(model: &[u8], seed: u64) -> Vec<u8> {
    rows_of(model, seed, ROWS)
}

/// `count` rows of bytes from a seed.
pub(crate) fn rows_of(model: &[u8], seed: u64, count: usize) -> Vec<u8> {
    let words = aligned(model);
    let model = Model::parse(bytemuck::cast_slice(&words)).unwrap();
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..count * row_len(&model)).map(|_| next()).collect()
}

/// A network of this suite's own: eight values, a fully connected layer of four rows.
pub(crate) fn own_network() -> Vec<u8> {
    let weights: Vec<i8> = (0..32_i32)
        .map(|i| i8::try_from(i * 37 % 19 - 9).unwrap())
        .collect();
    let matrix = Matrix {
        rows: 4,
        cin: 8,
        kernel_h: 1,
        kernel_w: 1,
        stride_w: 1,
        is_fully_connected: true,
        data: &weights,
    };
    let row = RowQuant {
        bias: 100,
        multiplier: 1_610_612_736,
        shift: 4,
    };
    let vector = |c: u16, offset| Tensor {
        dtype: DType::S8,
        layout: TensorLayout::Planar,
        region: 0,
        c,
        h: 1,
        w: 1,
        plane_stride: 1,
        offset,
        len: u32::from(c),
        scale: 1.0,
        zero_point: 0,
    };
    let io = |tensor, name: &str, dim| IoDesc {
        tensor,
        name: name.to_owned(),
        dims: vec![1, dim],
        order: AxisOrder::Nchw,
        source_dtype: DType::S8,
        mean: 0.0,
        std: 1.0,
    };
    let desc = ModelDesc {
        backend: Backend::Planar,
        rounding: Rounding::Single,
        arena_len: 16,
        macs: 32,
        stored_macs: 32,
        tensors: vec![vector(8, 0), vector(4, 8)],
        steps: vec![StepDesc {
            op: Op::FullyConnected {
                clamp: Clamp::S8 { lo: -128, hi: 127 },
            },
            input: 0,
            input2: None,
            output: 1,
            weights: Some(encode::dense_s8(&matrix, &[row; 4]).unwrap()),
            scratch_offset: 0,
            scratch_len: 0,
        }],
        inputs: vec![io(0, "input", 8)],
        outputs: vec![io(1, "output", 4)],
        meta: None,
    };
    write(&desc).unwrap()
}
