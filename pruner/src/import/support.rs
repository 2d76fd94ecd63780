//! Every operator that can be imported, in one table: the importers dispatch through it, and `nnz ops` and the
//! documentation print it.

use super::error::Problem;
use super::onnx::{self, activation as f, affine, dense, elementwise as float, pooling, qdq};
use super::tflite::{
    self, activation as t, axes, convolution, elementwise as int8, resize, shuffle,
};

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
        "1-D and 2-D; groups and dilation are written out with zeros",
    )
    .tflite("CONV_2D", 3, convolution::conv_2d)
    .onnx("Conv", onnx::convolution::conv),
    SupportRow::new("depthwise_conv_2d", "1-D and 2-D, group = channels, any multiplier")
        .tflite("DEPTHWISE_CONV_2D", 4, convolution::depthwise_conv_2d)
        .onnx("Conv", onnx::convolution::conv),
    SupportRow::new("fully_connected", "constant weights; Gemm with transA=0")
        .tflite("FULLY_CONNECTED", 9, convolution::fully_connected)
        .onnx("Gemm", dense::gemm),
    SupportRow::new(
        "fully_connected",
        "a vector, or the pixels of channels-last images, times a constant matrix; a constant Add after it is its bias",
    )
    .onnx("MatMul", dense::mat_mul),
    SupportRow::new(
        "channel_affine",
        "at inference; folded into the convolution before it",
    )
    .onnx("BatchNormalization", affine::batch_normalization),
    SupportRow::new(
        "add",
        "two activations of one shape, or one and a constant per channel",
    )
    .tflite("ADD", 0, int8::add)
    .onnx("Add", affine::add),
    SupportRow::new("channel_affine", "two activations, or one and a constant per channel")
        .tflite("SUB", 41, tflite::affine::sub)
        .onnx("Sub", affine::sub),
    SupportRow::new("channel_affine", "two activations, or one and a constant per channel")
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
    SupportRow::new("softmax", "of a vector, then log; TFLite: float")
        .tflite("LOG_SOFTMAX", 50, int8::log_softmax)
        .onnx("LogSoftmax", float::log_softmax),
    SupportRow::new("max_pool_2d", "2-D, dilation 1")
        .tflite("MAX_POOL_2D", 17, convolution::max_pool_2d)
        .onnx("MaxPool", pooling::max_pool),
    SupportRow::new("div", "two float activations").tflite("DIV", 42, shuffle::div),
    SupportRow::new("maximum", "two activations of one scale, or one and a number").tflite(
        "MAXIMUM",
        55,
        shuffle::maximum,
    ),
    SupportRow::new("minimum", "two activations of one scale, or one and a number").tflite(
        "MINIMUM",
        57,
        shuffle::minimum,
    ),
    SupportRow::new("concatenation", "channels, rows or columns; int8 with one scale")
        .tflite("CONCATENATION", 2, shuffle::concatenation)
        .onnx("Concat", onnx::shuffle::concat),
    SupportRow::new("slice", "channels, rows or columns")
        .tflite("SPLIT", 49, shuffle::split)
        .onnx("Split", onnx::shuffle::split),
    SupportRow::new("slice", "channels, rows or columns").tflite("SPLIT_V", 102, shuffle::split),
    SupportRow::new("slice", "constant bounds; ONNX: rows and columns also backwards")
        .tflite("STRIDED_SLICE", 45, shuffle::strided_slice)
        .onnx("Slice", onnx::shuffle::slice),
    SupportRow::new("slice", "constant bounds").tflite("SLICE", 65, shuffle::slice),
    SupportRow::new("slice", "constant indices: one, or a list of rows or columns")
        .onnx("Gather", onnx::pixels::gather),
    SupportRow::new("depth_to_space", "DCR and CRD")
        .tflite("DEPTH_TO_SPACE", 5, shuffle::depth_to_space)
        .onnx("DepthToSpace", onnx::shuffle::depth_to_space),
    SupportRow::new("space_to_depth", "")
        .tflite("SPACE_TO_DEPTH", 26, shuffle::space_to_depth)
        .onnx("SpaceToDepth", onnx::shuffle::space_to_depth),
    SupportRow::new("resize_nearest_neighbor", "rows and columns")
        .tflite("RESIZE_NEAREST_NEIGHBOR", 97, resize::resize_nearest)
        .onnx("Resize", onnx::resize::resize),
    SupportRow::new("resize_bilinear", "rows and columns")
        .tflite("RESIZE_BILINEAR", 23, resize::resize_bilinear)
        .onnx("Resize", onnx::resize::resize),
    SupportRow::new("resize_bilinear", "as resize").onnx("Upsample", onnx::resize::resize),
    SupportRow::new("conv_2d", "as one convolution of all phases and depth_to_space; groups are written out with zeros")
        .tflite("TRANSPOSE_CONV", 67, shuffle::transpose_conv)
        .onnx("ConvTranspose", onnx::resize::conv_transpose),
    SupportRow::new("prelu", "one constant slope, or one a channel")
        .tflite("PRELU", 54, t::prelu)
        .onnx("PRelu", f::prelu),
    SupportRow::new("logistic", "int8 in TFLite with output scale 1/256")
        .tflite("LOGISTIC", 14, t::logistic)
        .onnx("Sigmoid", f::sigmoid),
    SupportRow::new("tanh", "int8 in TFLite with output scale 1/128")
        .tflite("TANH", 28, t::tanh)
        .onnx("Tanh", f::tanh),
    SupportRow::new("leaky_relu", "")
        .tflite("LEAKY_RELU", 98, t::leaky_relu)
        .onnx("LeakyRelu", f::leaky_relu),
    SupportRow::new("elu", "")
        .tflite("ELU", 111, t::elu)
        .onnx("Elu", f::elu),
    SupportRow::new("elu", "with its factor").onnx("Selu", f::selu),
    SupportRow::new("hard_sigmoid", "").onnx("HardSigmoid", f::hard_sigmoid),
    SupportRow::new("hard_swish", "")
        .tflite("HARD_SWISH", 117, t::hard_swish)
        .onnx("HardSwish", f::hard_swish),
    SupportRow::new("gelu", "exact and by tanh")
        .tflite("GELU", 150, t::gelu)
        .onnx("Gelu", f::gelu),
    SupportRow::new("mish", "").onnx("Mish", f::mish),
    SupportRow::new("softplus", "").onnx("Softplus", f::softplus),
    SupportRow::new("exp", "")
        .tflite("EXP", 47, t::exp)
        .onnx("Exp", f::exp),
    SupportRow::new("log", "")
        .tflite("LOG", 73, t::log)
        .onnx("Log", f::log),
    SupportRow::new("sqrt", "")
        .tflite("SQRT", 75, t::sqrt)
        .onnx("Sqrt", f::sqrt),
    SupportRow::new("rsqrt", "").tflite("RSQRT", 76, t::rsqrt),
    SupportRow::new("abs", "")
        .tflite("ABS", 101, t::abs)
        .onnx("Abs", f::abs),
    SupportRow::new("neg", "")
        .tflite("NEG", 59, t::neg)
        .onnx("Neg", f::neg),
    SupportRow::new("square", "").tflite("SQUARE", 92, t::square),
    SupportRow::new("square", "constant exponents 2, 3, 1/2, -1/2, -1 and 1").onnx("Pow", f::pow),
    SupportRow::new("reciprocal", "").onnx("Reciprocal", f::reciprocal),
    SupportRow::new("erf", "").onnx("Erf", f::erf),
    SupportRow::new("average_pool_2d", "2-D; int8 with the scale of its input")
        .tflite("AVERAGE_POOL_2D", 1, convolution::average_pool_2d)
        .onnx("AveragePool", pooling::average_pool),
    SupportRow::new("average_pool_2d", "of an image")
        .onnx("GlobalAveragePool", pooling::global_average_pool),
    SupportRow::new("max_pool_2d", "of an image").onnx("GlobalMaxPool", pooling::global_max_pool),
    SupportRow::new("mean", "over rows and columns of an image")
        .tflite("MEAN", 40, tflite::reshape::mean)
        .onnx("ReduceMean", onnx::reduce::reduce_mean),
    SupportRow::new("max_pool_2d", "over rows, columns or both")
        .onnx("ReduceMax", onnx::reduce::reduce_max),
    SupportRow::new("mean", "over rows, columns or both, or channels with keepdims=1; as a mean times a factor")
        .onnx("ReduceSum", onnx::reduce::reduce_sum),
    SupportRow::new("resize_nearest_neighbor", "rows, columns and channels, constant repeats")
        .tflite("TILE", 69, tflite::pixels::tile)
        .onnx("Tile", onnx::pixels::tile),
    SupportRow::new("resize_nearest_neighbor", "of axes of length 1, constant shape")
        .onnx("Expand", onnx::pixels::expand),
    SupportRow::new("resize_nearest_neighbor", "reflect and symmetric, rows and columns")
        .tflite("MIRROR_PAD", 100, tflite::pixels::mirror_pad),
    SupportRow::new("pad", "rows, columns and channels, with a constant")
        .tflite("PAD", 34, tflite::reshape::pad)
        .onnx("Pad", pooling::pad),
    SupportRow::new("pad", "rows, columns and channels, with a constant").tflite(
        "PADV2",
        60,
        tflite::reshape::pad,
    ),
    SupportRow::new(
        "flatten",
        "without mixing channels and pixels, or of a network input",
    )
    .tflite("RESHAPE", 22, tflite::reshape::reshape)
    .onnx("Reshape", onnx::reshape::reshape),
    SupportRow::new("flatten", "to [1, n]").onnx("Flatten", onnx::reshape::flatten),
    SupportRow::new("flatten", "as reshape")
        .tflite("SQUEEZE", 43, tflite::reshape::reshape)
        .onnx("Squeeze", onnx::reshape::squeeze),
    SupportRow::new("flatten", "as reshape")
        .tflite("EXPAND_DIMS", 70, tflite::pixels::expand_dims)
        .onnx("Unsqueeze", onnx::reshape::unsqueeze),
    SupportRow::new(
        "identity",
        "between channels first and last, moving no value, or two neighbouring groups of axes swapped",
    )
    .onnx("Transpose", onnx::reshape::transpose),
    SupportRow::new("identity", "between channels first and last, moving no value")
        .tflite("TRANSPOSE", 39, axes::transpose),
    SupportRow::new("concatenation", "rows, columns or channels along a new axis")
        .tflite("PACK", 83, axes::pack),
    SupportRow::new("slice", "rows, columns or channels, each on its own")
        .tflite("UNPACK", 88, axes::unpack),
    SupportRow::new(
        "quantize",
        "float32 to int8 or uint8, or to another scale; one scale; QLinearConv, QGemm and their like are read as conversions around the real operator",
    )
    .tflite("QUANTIZE", 114, int8::quantize)
    .onnx("QuantizeLinear", qdq::quantize_linear),
    SupportRow::new(
        "dequantize",
        "int8 to float32; float16 and quantised constants",
    )
    .tflite("DEQUANTIZE", 6, int8::dequantize)
    .onnx("DequantizeLinear", qdq::dequantize_linear),
    SupportRow::new("identity", "of a constant in TFLite's sparse encoding").tflite(
        "DENSIFY",
        124,
        int8::densify,
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
            "ArgMax",
            "ARG_MAX",
            "TopK",
            "TOPK_V2",
            "NonMaxSuppression",
            "TFLite_Detection_PostProcess",
        ],
        "where it is the last operator, export the network without it (let it return the scores) and let the application compute it",
    ),
    (
        &["DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"],
        "scales that are computed while the network runs are not supported: give the float model with `--calib`, or quantise with `quantize_static`",
    ),
    (
        &[
            "QLinearConv",
            "QLinearMatMul",
            "QLinearAdd",
            "QGemm",
            "QLinearWhere",
            "QAttention",
        ],
        "quantise in the QDQ format: `quantize_static(…, quant_format=QuantFormat.QDQ)`",
    ),
    (
        &["LSTM", "GRU", "RNN", "UNIDIRECTIONAL_SEQUENCE_LSTM", "SVDF"],
        "recurrent layers are not supported; use convolutions",
    ),
    (
        &["SHAPE"],
        "the batch is open: convert a Keras model whose input is `keras.Input(batch_shape=(1, ...))`",
    ),
    (
        &[
            "VAR_HANDLE",
            "READ_VARIABLE",
            "ASSIGN_VARIABLE",
            "CALL_ONCE",
        ],
        "variables that live between runs are not supported; make the state an input and an output of the model",
    ),
    (
        &[
            "LayerNormalization",
            "InstanceNormalization",
            "GroupNormalization",
            "RMSNormalization",
            "ReduceL2",
            "LpNormalization",
            "L2_NORMALIZATION",
        ],
        "normalisation by the statistics of each input is not supported: train with batch norm, which becomes part of the layer before it; \
         where it is the last operator, let the network return what is before it and normalise in the application",
    ),
    (
        &["Attention", "MultiHeadAttention", "Einsum", "BATCH_MATMUL"],
        "products of two computed values, as in attention, are not supported; use convolutions",
    ),
    (&["If", "IF"], "export the model without control flow"),
    (
        &["Loop", "Scan", "WHILE"],
        "loops are not supported; a recurrent layer (LSTM, GRU) becomes one: use convolutions",
    ),
    (
        &[
            "Greater",
            "GreaterOrEqual",
            "Less",
            "LessOrEqual",
            "Equal",
            "Where",
            "GREATER",
            "LESS",
            "SELECT_V2",
        ],
        "choices by comparison are not supported; Clip, Min, Max and the activations in `nnz ops` are",
    ),
];

/// Whether there is nothing better to say of an operator than that a network may end before it.
pub(super) fn is_cut_off(name: &str) -> bool {
    let known = WAYS_OUT.iter().find(|(names, _)| names.contains(&name));
    known.is_none_or(|(_, help)| help.contains("last operator"))
}

/// The refusal of an operator without a row.
pub(super) fn refusal(name: &str) -> Problem {
    let reason = "this operator is not supported";
    let known = WAYS_OUT.iter().find(|(names, _)| names.contains(&name));
    let help = known.map_or(
        "`nnz explain MODEL` lists every operator that stops the import",
        |(_, help)| help,
    );
    Problem::refused(reason, help)
}
