//! Every operator that can be imported, in one table: the importers dispatch through it, and `nnz ops` and the
//! documentation print it.

use super::error::Problem;
use super::onnx::{self, affine, dense, elementwise as float, pooling};
use super::tflite::{self, convolution, elementwise as int8};

/// One operator, as both formats name it.
#[derive(Debug, Clone, Copy)]
pub struct SupportRow {
    /// The operator's TFLite-style name in nnz.
    pub name: &'static str,
    /// TFLite's name of it.
    pub tflite: Option<&'static str>,
    /// ONNX's name of it.
    pub onnx: Option<&'static str>,
    /// What is and what is not supported.
    pub restrictions: &'static str,
    from_tflite: Option<(i32, tflite::Handler)>,
    from_onnx: Option<onnx::Handler>,
}

impl SupportRow {
    const fn new(name: &'static str, restrictions: &'static str) -> Self {
        Self {
            name,
            tflite: None,
            onnx: None,
            restrictions,
            from_tflite: None,
            from_onnx: None,
        }
    }

    const fn tflite(mut self, name: &'static str, code: i32, handler: tflite::Handler) -> Self {
        self.tflite = Some(name);
        self.from_tflite = Some((code, handler));
        self
    }

    const fn onnx(mut self, name: &'static str, handler: onnx::Handler) -> Self {
        self.onnx = Some(name);
        self.from_onnx = Some(handler);
        self
    }
}

/// Every operator that can be imported.
#[must_use]
pub const fn support() -> &'static [SupportRow] {
    ROWS
}

const ROWS: &[SupportRow] = &[
    SupportRow::new(
        "conv_2d",
        "2-D; groups and dilation are written out with zeros",
    )
    .tflite("CONV_2D", 3, convolution::conv_2d)
    .onnx("Conv", onnx::convolution::conv),
    SupportRow::new("depthwise_conv_2d", "2-D, group = channels, any multiplier")
        .tflite("DEPTHWISE_CONV_2D", 4, convolution::depthwise_conv_2d)
        .onnx("Conv", onnx::convolution::conv),
    SupportRow::new("fully_connected", "constant weights; Gemm with transA=0")
        .tflite("FULLY_CONNECTED", 9, convolution::fully_connected)
        .onnx("Gemm", dense::gemm),
    SupportRow::new(
        "fully_connected",
        "a vector times a constant matrix; a constant Add after it is its bias",
    )
    .onnx("MatMul", dense::mat_mul),
    SupportRow::new(
        "channel_affine",
        "at inference; folded into the convolution before it",
    )
    .onnx("BatchNormalization", affine::batch_normalization),
    SupportRow::new(
        "add",
        "two activations of one shape, or floats and a constant per channel",
    )
    .tflite("ADD", 0, int8::add)
    .onnx("Add", affine::add),
    SupportRow::new("channel_affine", "a float constant per channel")
        .tflite("SUB", 41, tflite::affine::sub)
        .onnx("Sub", affine::sub),
    SupportRow::new("channel_affine", "a float constant per channel")
        .tflite("MUL", 18, tflite::affine::mul)
        .onnx("Mul", affine::mul),
    SupportRow::new("channel_affine", "by a constant per channel").onnx("Div", affine::div),
    SupportRow::new("clamp", "")
        .tflite("RELU", 19, int8::relu)
        .onnx("Relu", float::relu),
    SupportRow::new("clamp", "constant bounds")
        .tflite("RELU6", 21, int8::relu6)
        .onnx("Clip", float::clip),
    SupportRow::new("clamp", "").tflite("RELU_N1_TO_1", 20, int8::relu_n1_to_1),
    SupportRow::new("clamp", "with one constant number").onnx("Min", float::min),
    SupportRow::new("clamp", "with one constant number").onnx("Max", float::max),
    SupportRow::new(
        "softmax",
        "of a vector; int8 output scale 1/256, zero point -128",
    )
    .tflite("SOFTMAX", 25, int8::softmax)
    .onnx("Softmax", float::softmax),
    SupportRow::new("max_pool_2d", "2-D, dilation 1")
        .tflite("MAX_POOL_2D", 17, convolution::max_pool_2d)
        .onnx("MaxPool", pooling::max_pool),
    SupportRow::new("average_pool_2d", "2-D; int8 with the scale of its input")
        .tflite("AVERAGE_POOL_2D", 1, convolution::average_pool_2d)
        .onnx("AveragePool", pooling::average_pool),
    SupportRow::new("average_pool_2d", "of an image")
        .onnx("GlobalAveragePool", pooling::global_average_pool),
    SupportRow::new("max_pool_2d", "of an image").onnx("GlobalMaxPool", pooling::global_max_pool),
    SupportRow::new("mean", "over rows and columns of an image")
        .tflite("MEAN", 40, tflite::reshape::mean)
        .onnx("ReduceMean", pooling::reduce_mean),
    SupportRow::new("pad", "rows and columns, with a constant")
        .tflite("PAD", 34, tflite::reshape::pad)
        .onnx("Pad", pooling::pad),
    SupportRow::new("pad", "rows and columns, with a constant").tflite(
        "PADV2",
        60,
        tflite::reshape::pad,
    ),
    SupportRow::new(
        "flatten",
        "to a vector, without moving values, or of a network input",
    )
    .tflite("RESHAPE", 22, tflite::reshape::reshape)
    .onnx("Reshape", onnx::reshape::reshape),
    SupportRow::new("flatten", "to [1, n]").onnx("Flatten", onnx::reshape::flatten),
    SupportRow::new("flatten", "as reshape")
        .tflite("SQUEEZE", 43, tflite::reshape::reshape)
        .onnx("Squeeze", onnx::reshape::squeeze),
    SupportRow::new("flatten", "as reshape")
        .tflite("EXPAND_DIMS", 70, tflite::reshape::reshape)
        .onnx("Unsqueeze", onnx::reshape::unsqueeze),
    SupportRow::new(
        "identity",
        "between channels first and last, or moving no value",
    )
    .onnx("Transpose", onnx::reshape::transpose),
    SupportRow::new("quantize", "float32 to int8, or int8 to another scale").tflite(
        "QUANTIZE",
        114,
        int8::quantize,
    ),
    SupportRow::new("dequantize", "int8 to float32; float16 constants").tflite(
        "DEQUANTIZE",
        6,
        int8::dequantize,
    ),
    SupportRow::new("identity", "").onnx("Identity", float::identity),
    SupportRow::new("identity", "at inference").onnx("Dropout", float::identity),
    SupportRow::new("identity", "float32 to float32").onnx("Cast", float::cast),
];

/// The handler of a builtin TFLite operator.
pub(super) fn tflite(code: i32) -> Option<tflite::Handler> {
    let row = ROWS.iter().filter_map(|r| r.from_tflite);
    row.into_iter().find(|(c, _)| *c == code).map(|(_, h)| h)
}

/// The handler of an ONNX operator.
pub(super) fn onnx(name: &str) -> Option<onnx::Handler> {
    ROWS.iter()
        .find(|r| r.onnx == Some(name))
        .and_then(|r| r.from_onnx)
}

/// Ways out for operators that people often meet and that are not supported.
const WAYS_OUT: &[(&[&str], &str)] = &[
    (
        &[
            "PRelu",
            "PRELU",
            "LeakyRelu",
            "LEAKY_RELU",
            "Elu",
            "ELU",
            "HardSwish",
            "HARD_SWISH",
            "Gelu",
            "GELU",
        ],
        "train with Relu or Relu6 instead of this activation",
    ),
    (
        &[
            "Sigmoid",
            "LOGISTIC",
            "Tanh",
            "TANH",
            "LogSoftmax",
            "LOG_SOFTMAX",
            "ArgMax",
            "ARG_MAX",
        ],
        "where it is the last operator, cut it off and let the application compute it",
    ),
    (
        &[
            "QuantizeLinear",
            "DequantizeLinear",
            "QLinearConv",
            "ConvInteger",
            "DynamicQuantizeLinear",
        ],
        "give the float ONNX model with `--calib`, or the int8 TFLite model",
    ),
    (
        &["DENSIFY"],
        "export the model with dense tensors; zeros are found again",
    ),
    (
        &["LSTM", "GRU", "RNN", "UNIDIRECTIONAL_SEQUENCE_LSTM", "SVDF"],
        "recurrent layers are not supported; use convolutions",
    ),
    (
        &["If", "Loop", "Scan", "IF", "WHILE", "CALL_ONCE"],
        "export the model without control flow",
    ),
];

/// The refusal of an operator without a row.
pub(super) fn refusal(name: &str) -> Problem {
    let reason = "this operator is not supported";
    match WAYS_OUT.iter().find(|(names, _)| names.contains(&name)) {
        Some((_, help)) => Problem::refused(reason, help),
        None => Problem::unsupported(reason),
    }
}
