//! What is measured: networks with their data, and rows of options with what they must reach.
//!
//! A new measurement is one line of [`ROWS`].

/// A network with its data and preprocessing; the command line's options are spelled out.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) model: &'static str,
    pub(crate) calib: &'static str,
    pub(crate) eval: &'static str,
    pub(crate) data: &'static [&'static str],
}

const MNIST: &[&str] = &["--mean", "0", "--std", "255"];
const CIFAR: &[&str] = &["--mean", "128", "--std", "64", "--layout", "nhwc"];
const FACES: &[&str] = &["--mean", "127.5", "--std", "127.5"];

const fn network(
    model: &'static str,
    calib: &'static str,
    eval: &'static str,
    data: &'static [&'static str],
) -> Network {
    Network {
        model,
        calib,
        eval,
        data,
    }
}

const LENET: Network = network(
    "lenet5_mnist_dense.onnx",
    "mnist_calib",
    "mnist_eval",
    MNIST,
);
const MLP: Network = network(
    "mlp300_mnist_dense.onnx",
    "mnist_calib",
    "mnist_eval",
    MNIST,
);
const RESNET: Network = network(
    "cifar_resnet8_dense.onnx",
    "cifar10_calib",
    "cifar10_eval",
    CIFAR,
);
const MOBILE: Network = network(
    "cifar_mbv1_dense.onnx",
    "cifar10_calib",
    "cifar10_eval",
    CIFAR,
);
const KEYWORDS: Network = network("kws_int8.tflite", "kws_calib", "kws_eval", &[]);
const RNET: Network = network("mtcnn_rnet_fp32.onnx", "lfw_calib", "lfw_eval", FACES);

/// Windows of a recording that every run cuts anew.
pub(crate) const CAR_CALIB: &str = "ad01_calib";
pub(crate) const CAR_EVAL: &str = "ad01_eval";
const CAR: Network = network("ad01_int8.tflite", CAR_CALIB, CAR_EVAL, &[]);

/// One measurement: the same options with two methods.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) network: &'static Network,
    /// Options of `nnz prune`, without the method.
    pub(crate) options: &'static str,
    /// The method to be judged and the one beside it, with options of their own; none where the pruner is to choose.
    pub(crate) methods: [&'static str; 2],
    /// What the first method must reach.
    pub(crate) bound: Bound,
}

/// What a row must reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// So many right answers.
    Correct(u64),
    /// An error of at most so many times the dense network's.
    Error(f64),
    /// Half of the MACs, 65 % of the bytes and an arena no larger than those of the dense network; no channel without weights.
    Small,
    /// A smaller error of the outputs than without refitting after quantisation, on samples kept aside.
    Refitted,
    /// A budget: at most this share of what the dense file needs, 97 % of that used, more right than the method beside.
    Budget(Limit, f64),
    /// So many right answers, after fine-tuning with the zeros held.
    Tuned(u64),
    /// So many seconds of processor time.
    Seconds(u64),
}

/// What a budget limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Bytes of the file.
    Flash,
    /// Predicted cycles.
    Cycles,
}

/// The methods of most rows.
const BOTH: [&str; 2] = ["obs", "magnitude"];
/// Filters judged by what their readers can make up for, and by their size.
const FILTERS: [&str; 2] = ["filter --criterion reconstruction", "filter --criterion l1"];
/// Whatever the pruner finds, and the same sparsity in all layers.
const SHARES: [&str; 2] = ["", "obs --alloc layer"];

const fn row(network: &'static Network, options: &'static str, correct: u64) -> Row {
    Row {
        network,
        options,
        methods: BOTH,
        bound: Bound::Correct(correct),
    }
}

/// What refitting after quantisation changes, beside rounding to nearest.
const fn refit(network: &'static Network, options: &'static str) -> Row {
    Row {
        network,
        options,
        methods: ["obs", "obs --refit off"],
        bound: Bound::Refitted,
    }
}

/// What ten epochs with the zeros held bring back, beside one shot.
const fn tuned(options: &'static str, correct: u64) -> Row {
    Row {
        network: &LENET,
        options,
        methods: ["obs + 10 epochs", "obs"],
        bound: Bound::Tuned(correct),
    }
}

const fn budget(network: &'static Network, limit: Limit, share: f64) -> Row {
    Row {
        network,
        options: "--target cortex-m4",
        methods: SHARES,
        bound: Bound::Budget(limit, share),
    }
}

/// The table.
pub(crate) const ROWS: &[Row] = &[
    row(&LENET, "--sparsity 0.75", 1954),
    row(&LENET, "--sparsity 0.9", 1936),
    row(&LENET, "--pattern 2:4", 1960),
    row(&LENET, "--pattern 1x4 --sparsity 0.75", 1940),
    row(&LENET, "--pattern 4x1 --sparsity 0.75", 1946),
    row(&MLP, "--sparsity 0.9", 1890),
    row(&MLP, "--pattern 2:4", 1914),
    row(&RESNET, "--sparsity 0.5", 2466),
    row(&RESNET, "--sparsity 0.65", 2430),
    row(&RESNET, "--sparsity 0.8", 2265),
    row(&RESNET, "--pattern 1x4 --sparsity 0.5", 2400),
    row(&RESNET, "--pattern 4x1 --sparsity 0.5", 2400),
    row(&MOBILE, "--sparsity 0.65", 2520),
    row(&MOBILE, "--sparsity 0.8", 2490),
    row(&MOBILE, "--pattern 1x4 --sparsity 0.65", 2460),
    row(&KEYWORDS, "--sparsity 0.4", 261),
    row(&KEYWORDS, "--sparsity 0.5", 257),
    row(&RNET, "--sparsity 0.9", 138),
    row(&RNET, "--pattern 1x4 --sparsity 0.9", 138),
    row(&RNET, "--pattern 4x1 --sparsity 0.9", 138),
    Row {
        network: &CAR,
        options: "--pattern 4x1 --sparsity 0.75",
        methods: BOTH,
        bound: Bound::Error(1.05),
    },
    refit(&LENET, "--sparsity 0.9"),
    refit(&RESNET, "--sparsity 0.8"),
    refit(&MOBILE, "--sparsity 0.8"),
    Row {
        network: &MOBILE,
        options: "--macs 0.5",
        methods: FILTERS,
        bound: Bound::Small,
    },
    budget(&KEYWORDS, Limit::Flash, 0.6),
    budget(&KEYWORDS, Limit::Cycles, 0.5),
    budget(&RESNET, Limit::Flash, 0.6),
    budget(&RESNET, Limit::Cycles, 0.5),
    budget(&MOBILE, Limit::Flash, 0.6),
    budget(&MOBILE, Limit::Cycles, 0.5),
    tuned("--sparsity 0.9 --alloc lamp", 1956),
    tuned("--pattern 1:4", 1958),
    Row {
        network: &MOBILE,
        options: "--sparsity 0.65 --seed 0",
        methods: BOTH,
        bound: Bound::Seconds(60),
    },
];
