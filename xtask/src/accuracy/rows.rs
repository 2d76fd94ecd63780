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

/// One measurement: the same options with two methods.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) network: &'static Network,
    /// Options of `nnz prune`, without the method.
    pub(crate) options: &'static str,
    /// Options that name the method to be judged, and the one beside it.
    pub(crate) methods: [&'static str; 2],
    /// Right answers that the first method must reach.
    pub(crate) target: Option<u64>,
}

/// The methods of most rows.
const BOTH: [&str; 2] = ["obs", "magnitude"];
/// Filters judged by what their readers can make up for, and by their size.
const FILTERS: [&str; 2] = ["filter --criterion reconstruction", "filter --criterion l1"];

const fn row(network: &'static Network, options: &'static str, target: u64) -> Row {
    Row {
        network,
        options,
        methods: BOTH,
        target: Some(target),
    }
}

/// The table.
pub(crate) const ROWS: &[Row] = &[
    row(&LENET, "--sparsity 0.75 --alloc lamp", 1954),
    row(&LENET, "--sparsity 0.9 --alloc lamp", 1936),
    row(&LENET, "--pattern 2:4", 1960),
    row(&LENET, "--pattern 1x4 --sparsity 0.75 --alloc lamp", 1940),
    row(&LENET, "--pattern 4x1 --sparsity 0.75 --alloc lamp", 1946),
    row(&MLP, "--sparsity 0.9 --alloc lamp", 1890),
    row(&MLP, "--pattern 2:4", 1914),
    row(&RESNET, "--sparsity 0.5 --alloc lamp", 2466),
    row(&RESNET, "--sparsity 0.65 --alloc lamp", 2430),
    row(&RESNET, "--sparsity 0.8 --alloc lamp", 2265),
    row(&RESNET, "--pattern 1x4 --sparsity 0.5 --alloc lamp", 2400),
    row(&RESNET, "--pattern 4x1 --sparsity 0.5 --alloc lamp", 2400),
    row(&MOBILE, "--sparsity 0.65 --alloc lamp", 2520),
    row(&MOBILE, "--sparsity 0.8 --alloc lamp", 2490),
    row(&MOBILE, "--pattern 1x4 --sparsity 0.65 --alloc lamp", 2460),
    row(&KEYWORDS, "--sparsity 0.4 --alloc lamp", 261),
    row(&KEYWORDS, "--sparsity 0.5 --alloc lamp", 257),
    row(&RNET, "--sparsity 0.9", 138),
    row(&RNET, "--pattern 1x4 --sparsity 0.9", 138),
    row(&RNET, "--pattern 4x1 --sparsity 0.9", 138),
    Row {
        network: &MOBILE,
        options: "--macs 0.5",
        methods: FILTERS,
        target: None,
    },
];
