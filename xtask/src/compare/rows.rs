//! What is compared: a network, the options that prune it, what it is compared with, and the most it may take.
//!
//! A new comparison is one line of [`ROWS`].

/// What a row's figures are divided by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rival {
    /// TensorFlow Lite Micro with CMSIS-NN: a file of `../shared/baselines` without its `tflm_`.
    Tflm(&'static str),
    /// The same network with dense weights, by the same runtime.
    Dense,
}

/// How good the pruned network must still be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Quality {
    /// So many right answers on labelled data.
    Right(&'static str, u64),
    /// A mean squared error of at most so many times that of the network as published.
    Error(&'static str, f64),
}

/// One comparison.
#[derive(Debug)]
pub(crate) struct Row {
    /// A file of `../shared/models`.
    pub(crate) model: &'static str,
    /// Options of `nnz prune`, without files and target; data of `../shared/data`, or made of them, by their names.
    pub(crate) options: &'static str,
    /// The target that lowers and runs it.
    pub(crate) target: &'static str,
    /// What it is compared with.
    pub(crate) rival: Rival,
    /// The most instructions, as a share of the rival's.
    pub(crate) instructions: Option<f64>,
    /// The most modelled cycles, likewise.
    pub(crate) cycles: Option<f64>,
    /// The most bytes of arena.
    pub(crate) arena: Option<u64>,
    /// The most bytes of code.
    pub(crate) code: Option<u64>,
    /// What it must still answer, in rows of equal accuracy.
    pub(crate) quality: Option<Quality>,
}

impl Row {
    const fn answering(self, quality: Quality) -> Self {
        Self {
            quality: Some(quality),
            ..self
        }
    }
}

/// Bytes of stack that no run may exceed.
pub(crate) const STACK: u64 = 1024;
const KB: u64 = 1024;

const fn m4(
    model: &'static str,
    rival: &'static str,
    options: &'static str,
    most: (f64, f64),
    bytes: (u64, u64),
) -> Row {
    Row {
        model,
        options,
        target: "cortex-m4",
        rival: Rival::Tflm(rival),
        instructions: Some(most.0),
        cycles: Some(most.1),
        arena: Some(bytes.0),
        code: Some(bytes.1),
        quality: None,
    }
}

const fn m55(
    model: &'static str,
    rival: &'static str,
    options: &'static str,
    instructions: f64,
) -> Row {
    Row {
        model,
        options,
        target: "cortex-m55",
        rival: Rival::Tflm(rival),
        instructions: Some(instructions),
        cycles: None,
        arena: None,
        code: None,
        quality: None,
    }
}

const fn own(model: &'static str, target: &'static str) -> Row {
    Row {
        model,
        options: S80,
        target,
        rival: Rival::Dense,
        instructions: None,
        cycles: Some(0.30),
        arena: None,
        code: None,
        quality: None,
    }
}

const KWS: &str = "kws_int8.tflite";
const RESNET: &str = "resnet8_int8.tflite";
const VWW: &str = "vww96_int8.tflite";
const AD: &str = "ad01_int8.tflite";
const KEEP: &str = "--method keep";
const S80: &str = "--method magnitude --alloc layer --sparsity 0.8";
const S90: &str = "--method magnitude --alloc layer --sparsity 0.9";
const OBS: &str = "--method obs --sparsity 0.5 --calib kws_calib.npz";
const TRAINED: &str = "--calib cifar10_calib.npz --mean 128 --std 64 --layout nhwc";
const BLOCKS_75: &str = "--method obs --sparsity 0.75 --pattern 4x1 --calib ad01_calib.npy";
const BLOCKS_80: &str = "--method magnitude --alloc layer --sparsity 0.8 --pattern 4x1";
const BLOCKS_90: &str = "--method magnitude --alloc layer --sparsity 0.9 --pattern 4x1";
const WIDE_75: &str = "--method magnitude --alloc layer --sparsity 0.75 --pattern 1x4";

/// Of the 300 words the network as published has 265 right.
const WORDS: Quality = Quality::Right("kws_eval.npz", 257);
/// Of the 3,000 pictures the dense network of the same geometry has 2,490 right, in floats.
const PICTURES: Quality = Quality::Right("cifar10_eval.npz", 2_460);
const SOUNDS: Quality = Quality::Error("ad01_eval.npy", 1.05);

/// Arena and code of each network.
const KWS_ROOM: (u64, u64) = (11 * KB, 20 * KB);
const RESNET_ROOM: (u64, u64) = (38 * KB, 20 * KB);
const VWW_ROOM: (u64, u64) = (93 * KB / 2, 20 * KB);
const AD_ROOM: (u64, u64) = (5 * KB / 4, 10 * KB);

/// The table.
pub(crate) const ROWS: &[Row] = &[
    m4(KWS, "kws", KEEP, (0.55, 0.65), KWS_ROOM),
    m4(KWS, "kws", OBS, (0.42, 0.50), KWS_ROOM).answering(WORDS),
    m4(KWS, "kws", S80, (0.30, 0.37), KWS_ROOM),
    m4(KWS, "kws", S90, (0.27, 0.33), KWS_ROOM),
    m4(RESNET, "resnet8", KEEP, (0.75, 0.85), RESNET_ROOM),
    m4(
        "cifar_resnet8_u_80.onnx",
        "resnet8",
        TRAINED,
        (0.20, 0.26),
        RESNET_ROOM,
    )
    .answering(PICTURES),
    m4(RESNET, "resnet8", S80, (0.20, 0.26), RESNET_ROOM),
    m4(RESNET, "resnet8", S90, (0.13, 0.18), RESNET_ROOM),
    m4(VWW, "vww", KEEP, (0.28, 0.35), VWW_ROOM),
    m4(VWW, "vww", S80, (0.22, 0.30), VWW_ROOM),
    m4(VWW, "vww", S90, (0.19, 0.27), VWW_ROOM),
    m4(AD, "ad01", KEEP, (0.85, 0.92), AD_ROOM),
    m4(AD, "ad01", BLOCKS_75, (0.42, 0.48), AD_ROOM).answering(SOUNDS),
    m4(AD, "ad01", BLOCKS_80, (0.35, 0.40), AD_ROOM),
    m4(AD, "ad01", BLOCKS_90, (0.20, 0.25), AD_ROOM),
    own(KWS, "cortex-m3"),
    own(RESNET, "cortex-m3"),
    own(KWS, "cortex-m0"),
    own(RESNET, "cortex-m0"),
    m55(KWS, "kws", KEEP, 1.3),
    m55(RESNET, "resnet8", KEEP, 1.3),
    m55(VWW, "vww", KEEP, 1.3),
    m55(AD, "ad01", KEEP, 1.3),
    m55(RESNET, "resnet8", WIDE_75, 0.7),
];
