//! Every rule of the TFLite importer, each provoked by a small file that is right except for one thing.

use super::fixture::{FLOAT32, Field, INT8, Net, Table, file};
use crate::import::{ImportError, from_bytes};
use crate::ir::{Bias, Clamp, FlattenOrder, Graph, Op, Shape, Values};

const ADD: i32 = 0;
const AVERAGE_POOL_2D: i32 = 1;
const CONV_2D: i32 = 3;
const DEPTHWISE_CONV_2D: i32 = 4;
const FULLY_CONNECTED: i32 = 9;
const MAX_POOL_2D: i32 = 17;
const RELU: i32 = 19;
const RESHAPE: i32 = 22;
const SOFTMAX: i32 = 25;
const CUSTOM: i32 = 32;
const PAD: i32 = 34;
const MEAN: i32 = 40;
const PRELU: i32 = 54;
const LEAKY_RELU: i32 = 98;
const COS: i32 = 108;

fn import(net: &Net) -> Result<Graph, ImportError> {
    from_bytes("net.tflite", &net.bytes())
}

/// The text of the refusal.
fn refusal(net: &Net) -> String {
    let text = import(net).expect_err("it was imported").to_string();
    assert!(
        text.starts_with("net.tflite: ") && text.contains("\n  help: "),
        "{text}"
    );
    text
}

/// Options of a convolution: SAME, stride 1, a fused activation, dilation.
fn conv_options(activation: u8, dilation: i32) -> (u8, Table) {
    let fields = vec![
        (0, Field::U8(0)),
        (1, Field::I32(1)),
        (2, Field::I32(1)),
        (3, Field::U8(activation)),
        (4, Field::I32(dilation)),
        (5, Field::I32(dilation)),
    ];
    (1, Table(fields))
}

fn pool_options(kernel: i32) -> (u8, Table) {
    let fields = (1..=4).map(|id| (id, Field::I32(if id < 3 { 1 } else { kernel })));
    (5, Table(fields.chain([(0, Field::U8(1))]).collect()))
}

/// A convolution of a 1x3x3x2 input by one 2x1 filter per output channel.
fn conv(options: (u8, Table), weights: &[f32]) -> Net {
    let mut net = Net::default();
    let x = net.float(&[1, 3, 3, 2]);
    let w = net.floats(&[2, 2, 1, 2], weights);
    let b = net.floats(&[2], &[0.5, -0.5]);
    let y = net.float(&[1, 3, 3, 2]);
    net.operator(CONV_2D, &[x, w, b], &[y], Some(options));
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    net
}

const WEIGHTS: [f32; 8] = [1., 2., 3., 4., 5., 6., 7., 8.];

/// One operator from an input to an output.
fn single(code: i32, x: &[i32], y: &[i32], options: Option<(u8, Table)>) -> Net {
    let mut net = Net::default();
    let (x, y) = (net.float(x), net.float(y));
    net.operator(code, &[x], &[y], options);
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    net
}

#[test]
fn a_convolution_gets_explicit_padding_and_its_weights_in_oihw() {
    let graph = import(&conv(conv_options(3, 1), &WEIGHTS)).unwrap();
    assert_eq!(graph.tensor(graph.inputs[0]).shape, Shape::new(2, 3, 3));
    let Op::Conv2d(conv) = &graph.nodes[0].op else {
        panic!("{:?}", graph.nodes[0].op);
    };
    assert_eq!(conv.weights.shape, [2, 2, 2, 1]);
    // [o][kh][kw][i] = 1 2 | 3 4, 5 6 | 7 8 becomes [o][i][kh][kw].
    assert_eq!(
        conv.weights.values,
        Values::F32(vec![1., 3., 2., 4., 5., 7., 6., 8.])
    );
    assert_eq!(conv.bias, Bias::F32(vec![0.5, -0.5]));
    assert_eq!(conv.clamp, Clamp::RELU6);
    assert_eq!(
        (conv.window.pad_begin, conv.window.pad_end),
        ([0, 0], [1, 0])
    );
    assert_eq!(
        (graph.nodes[0].name.as_str(), graph.nodes[0].source_index),
        ("conv_2d_0", Some(0))
    );
}

#[test]
fn a_depthwise_convolution_keeps_the_order_of_its_multiplied_channels() {
    let mut net = Net::default();
    let x = net.int8(&[1, 2, 2, 2], 0.5, 3);
    let w = net.tensor(
        &[1, 1, 2, 4],
        INT8,
        Some(vec![1, 2, 3, 4, 5, 6, 7, 8]),
        Some((&[0.1, 0.2, 0.3, 0.4], 0, 3)),
    );
    let b = net.ints(&[4], &[10, 20, 30, 40]);
    let y = net.int8(&[1, 2, 2, 4], 0.25, -1);
    let options = [0, 1, 1, 2, 1].into_iter().enumerate();
    let options = options.map(|(id, v)| match id {
        0 | 4 => (id, Field::U8(v)),
        _ => (id, Field::I32(i32::from(v))),
    });
    net.operator(
        DEPTHWISE_CONV_2D,
        &[x, w, b],
        &[y],
        Some((2, Table(options.collect()))),
    );
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    let graph = import(&net).unwrap();
    let Op::DepthwiseConv2d(conv) = &graph.nodes[0].op else {
        panic!("{:?}", graph.nodes[0].op);
    };
    assert_eq!(conv.weights.shape, [4, 1, 1, 2]);
    assert_eq!(
        conv.weights.values,
        Values::S8(vec![1, 5, 2, 6, 3, 7, 4, 8])
    );
    assert_eq!(conv.weights.scales, [0.1, 0.2, 0.3, 0.4]);
    assert_eq!(conv.bias, Bias::S32(vec![10, 20, 30, 40]));
    assert_eq!(conv.clamp, Clamp::RELU);
}

#[test]
fn a_fully_connected_layer_flattens_an_image_channels_last_and_spreads_one_scale() {
    let mut net = Net::default();
    let x = net.int8(&[1, 2, 1, 2], 0.5, 3);
    let w = net.tensor(
        &[3, 4],
        INT8,
        Some((1..=12).collect()),
        Some((&[0.1], 0, 0)),
    );
    let y = net.int8(&[1, 3], 0.25, -1);
    net.operator(
        FULLY_CONNECTED,
        &[x, w, -1],
        &[y],
        Some((8, Table::default())),
    );
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    let graph = import(&net).unwrap();
    assert_eq!(graph.nodes[0].op, Op::Flatten(FlattenOrder::ChannelsLast));
    assert_eq!(graph.nodes[0].source_index, None);
    let Op::FullyConnected(layer) = &graph.nodes[1].op else {
        panic!("{:?}", graph.nodes[1].op);
    };
    assert_eq!(layer.weights.values, Values::S8((1..=12).collect()));
    assert_eq!(
        (layer.weights.scales.as_slice(), &layer.bias),
        (&[0.1; 3][..], &Bias::None)
    );
}

#[test]
fn a_reshape_of_a_network_input_is_a_view_and_one_inside_is_refused() {
    let mut net = single(RELU, &[1, 3, 3, 2], &[1, 3, 3, 2], None);
    let flat = net.float(&[1, 18]);
    net.operators.insert(0, net.operators[0].clone());
    net.operators[0] = Table(vec![
        (0, Field::U32(1)),
        (1, Field::Ints(vec![flat])),
        (2, Field::Ints(vec![0])),
    ]);
    net.codes.push(Table(vec![(0, Field::U8(22))]));
    net.inputs = vec![flat];
    let graph = import(&net).unwrap();
    let input = graph.tensor(graph.inputs[0]);
    assert_eq!(
        (input.shape, input.source.dims.as_slice()),
        (Shape::new(2, 3, 3), &[1, 18][..])
    );
    assert_eq!(graph.nodes[0].op, Op::Identity);

    let mut inside = single(RELU, &[1, 18], &[1, 18], None);
    let image = inside.float(&[1, 3, 3, 2]);
    inside.operator(RESHAPE, &[1], &[image], None);
    inside.outputs = vec![image];
    let shown = import(&inside).unwrap();
    assert_eq!(shown.tensor(shown.outputs[0]).source.dims, [1, 3, 3, 2]);
    assert_eq!(shown.tensor(shown.outputs[0]).shape, Shape::vector(18));
    let last = inside.float(&[1, 3, 3, 2]);
    inside.operator(RELU, &[image], &[last], None);
    assert!(refusal(&inside).contains("inside the network"));
}

#[test]
fn what_an_operator_does_not_support_is_refused_with_its_name_and_reason() {
    let cases: [(Net, &str); 14] = [
        (
            conv(conv_options(0, 0), &WEIGHTS),
            "node 'conv_2d_0' (CONV_2D): dilation 0",
        ),
        (conv(conv_options(4, 1), &WEIGHTS), "TANH"),
        (conv(conv_options(9, 1), &WEIGHTS), "fused activation 9"),
        (
            conv((7, Table::default()), &WEIGHTS),
            "options of type 1 are missing",
        ),
        (
            single(PRELU, &[1, 4], &[1, 4], None),
            "its constant input 1 is missing",
        ),
        (
            single(COS, &[1, 4], &[1, 4], None),
            "(COS): this operator is not supported",
        ),
        (
            single(LEAKY_RELU, &[1, 4], &[1, 4], None),
            "options of type 75 are missing",
        ),
        (single(200, &[1, 4], &[1, 4], None), "builtin operator 200"),
        (single(RELU, &[2, 4], &[2, 4], None), "a batch of 2"),
        (single(RELU, &[1, 1, 2, 2, 2], &[1, 4], None), "rank 5"),
        (
            single(
                MAX_POOL_2D,
                &[1, 3, 3, 2],
                &[1, 2, 2, 2],
                Some(pool_options(0)),
            ),
            "filter height 0",
        ),
        (
            single(
                MAX_POOL_2D,
                &[1, 3, 3, 2],
                &[1, 3, 3, 2],
                Some(pool_options(2)),
            ),
            "the file says",
        ),
        (
            single(
                SOFTMAX,
                &[1, 2, 2, 3],
                &[1, 2, 2, 3],
                Some((9, Table(vec![(0, Field::F32(1.))]))),
            ),
            "only vectors",
        ),
        (
            single(SOFTMAX, &[1, 3], &[1, 3], Some((9, Table::default()))),
            "beta 0",
        ),
    ];
    for (net, reason) in cases {
        let text = refusal(&net);
        assert!(text.contains(reason), "expected '{reason}' in '{text}'");
    }
}

#[test]
fn weights_that_are_not_numbers_are_refused_with_their_name() {
    for bad in [f32::NAN, f32::INFINITY] {
        let mut weights = WEIGHTS;
        weights[3] = bad;
        let error = import(&conv(conv_options(0, 1), &weights)).unwrap_err();
        assert!(matches!(error, ImportError::NotFinite { ref tensor, .. } if tensor == "t1"));
        assert!(
            error
                .to_string()
                .contains("tensor 't1' holds a NaN or an infinity")
        );
    }
}

#[test]
fn constants_of_the_wrong_size_or_type_are_refused() {
    let short = conv(conv_options(0, 1), &WEIGHTS[..7]);
    assert!(refusal(&short).contains("has 28 bytes, not 32"));

    let mut hybrid = conv(conv_options(0, 1), &WEIGHTS);
    hybrid.tensors[1].0[1] = (1, Field::U8(INT8));
    assert!(refusal(&hybrid).contains("has 32 bytes, not 8"));

    let mut wide = conv(conv_options(0, 1), &WEIGHTS);
    wide.tensors[1].0[1] = (1, Field::U8(7));
    assert!(refusal(&wide).contains("weights 't1' are int16"));

    let mut sparse = conv(conv_options(0, 1), &WEIGHTS);
    sparse.tensors[1]
        .0
        .push((6, Field::Table(Table::default())));
    assert!(refusal(&sparse).contains("no order of its dimensions"));

    let mut bias = conv(conv_options(0, 1), &WEIGHTS);
    bias.tensors[2].0[0] = (0, Field::Ints(vec![3]));
    assert!(refusal(&bias).contains("3 values for 2 output channels"));

    let mut grouped = conv(conv_options(0, 1), &WEIGHTS);
    grouped.tensors[1].0[0] = (0, Field::Ints(vec![1, 2, 1, 4]));
    assert!(refusal(&grouped).contains("do not fit 2 channels"));
}

#[test]
fn integer_tensors_need_one_sound_scale() {
    let with = |scale: f32, zero_point: i64| {
        let mut net = Net::default();
        let x = net.int8(&[1, 4], scale, zero_point);
        let y = net.int8(&[1, 4], 0.5, 0);
        net.operator(RELU, &[x], &[y], None);
        (net.inputs, net.outputs) = (vec![x], vec![y]);
        net
    };
    assert!(import(&with(0.5, 0)).is_ok());
    for (scale, zero_point) in [
        (0.0, 0),
        (-1.0, 0),
        (f32::NAN, 0),
        (0.5, 128),
        (0.5, i64::MAX),
    ] {
        assert!(
            refusal(&with(scale, zero_point)).contains("scale"),
            "{scale} {zero_point}"
        );
    }
    let mut two = with(0.5, 0);
    let mut scaled = Net::default();
    scaled.tensor(&[1, 4], INT8, None, Some((&[0.5, 0.5], 0, 0)));
    two.tensors[0] = scaled.tensors.remove(0);
    assert!(refusal(&two).contains("2 scales, not 1"));
    let mut wide = with(0.5, 0);
    wide.tensors[0].0[1] = (1, Field::U8(4));
    assert!(refusal(&wide).contains("int64"));
}

#[test]
fn integer_pools_and_types_must_agree_from_input_to_output() {
    let mut net = Net::default();
    let x = net.int8(&[1, 3, 3, 2], 0.5, 0);
    let y = net.int8(&[1, 2, 2, 2], 0.25, 0);
    net.operator(AVERAGE_POOL_2D, &[x], &[y], Some(pool_options(2)));
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    assert!(refusal(&net).contains("quantised differently"));

    let mut mixed = Net::default();
    let (a, b) = (mixed.int8(&[1, 4], 0.5, 0), mixed.float(&[1, 4]));
    let y = mixed.int8(&[1, 4], 0.5, 0);
    mixed.operator(ADD, &[a, b], &[y], None);
    (mixed.inputs, mixed.outputs) = (vec![a, b], vec![y]);
    assert!(refusal(&mixed).contains("element types [S8, F32] in, S8 out"));
}

#[test]
fn pads_and_means_work_on_rows_and_columns_only() {
    let pad = |amounts: [i32; 8]| {
        let mut net = Net::default();
        let x = net.float(&[1, 2, 2, 3]);
        let p = net.ints(&[4, 2], &amounts);
        let y = net.float(&[1, 3, 4, 3]);
        net.operator(PAD, &[x, p], &[y], None);
        (net.inputs, net.outputs) = (vec![x], vec![y]);
        net
    };
    let graph = import(&pad([0, 0, 1, 0, 0, 2, 0, 0])).unwrap();
    let expected = Op::Pad {
        begin: [1, 0],
        end: [0, 2],
        value: 0.0,
    };
    assert_eq!(graph.nodes[0].op, expected);
    assert!(refusal(&pad([1, 0, 1, 0, 0, 2, 0, 0])).contains("of the batch"));
    assert!(refusal(&pad([0, 0, -1, 0, 0, 2, 0, 0])).contains("padding -1"));

    let mean = |axes: [i32; 2]| {
        let mut net = Net::default();
        let x = net.float(&[1, 2, 2, 3]);
        let a = net.ints(&[2], &axes);
        let y = net.float(&[1, 3]);
        net.operator(MEAN, &[x, a], &[y], None);
        (net.inputs, net.outputs) = (vec![x], vec![y]);
        net
    };
    assert_eq!(import(&mean([-2, 1])).unwrap().nodes[0].op, Op::Mean);
    assert!(refusal(&mean([1, 3])).contains("a mean over axes [1, 3]"));
}

#[test]
fn custom_operators_and_strange_wiring_are_refused() {
    let mut custom = single(CUSTOM, &[1, 4], &[1, 4], None);
    custom.codes[0].0.push((1, Field::Text("MyOp\n".into())));
    assert!(refusal(&custom).contains("(MyOp\u{fffd}): custom operators are not supported"));

    let mut unwritten = single(RELU, &[1, 4], &[1, 4], None);
    unwritten.inputs.clear();
    assert!(refusal(&unwritten).contains("nothing before it writes"));

    let mut twice = single(RELU, &[1, 4], &[1, 4], None);
    twice.operators.push(twice.operators[0].clone());
    assert!(refusal(&twice).contains("written twice"));

    let mut beyond = single(RELU, &[1, 4], &[1, 4], None);
    beyond.outputs = vec![7];
    assert!(refusal(&beyond).contains("tensor 7 of 2"));

    let mut negative = single(RELU, &[1, 4], &[1, 4], None);
    negative.inputs = vec![-3];
    assert!(refusal(&negative).contains("tensor index -3"));

    let mut no_output = single(RELU, &[1, 4], &[1, 4], None);
    no_output.operators[0].0[2] = (2, Field::Ints(vec![]));
    assert!(refusal(&no_output).contains("0 outputs"));

    let mut constant = single(RELU, &[1, 4], &[1, 4], None);
    let c = constant.floats(&[1, 4], &[0.; 4]);
    constant.operators[0].0[1] = (1, Field::Ints(vec![c]));
    assert!(refusal(&constant).contains("constant 't2' (float32) where an activation"));
}

#[test]
fn sizes_are_compared_with_limits_before_anything_is_allocated() {
    let wide = single(RELU, &[1, i32::MAX], &[1, i32::MAX], None);
    assert!(refusal(&wide).contains("is not between 1 and"));
    let large = single(RELU, &[1, 1 << 14, 1 << 14, 1 << 14], &[1, 4], None);
    assert!(refusal(&large).contains("values of one activation"));
    let negative = single(RELU, &[1, -4], &[1, -4], None);
    assert!(refusal(&negative).contains("dimension -4"));
    let mut deep = single(RELU, &[1, 4], &[1, 4], None);
    deep.tensors[0].0[0] = (0, Field::Ints(vec![1; 9]));
    assert!(refusal(&deep).contains("rank 9"));
    let mut named = single(RELU, &[1, 4], &[1, 4], None);
    named.tensors[0].0[3] = (3, Field::Text("n".repeat(2000)));
    assert!(refusal(&named).contains("bytes of a tensor's name: 2000"));
    let mut many = single(RELU, &[1, 4], &[1, 4], None);
    many.operators = vec![many.operators[0].clone(); 20_000];
    assert!(refusal(&many).contains("operators: 20000, at most 16384"));
}

#[test]
fn a_file_that_shares_weights_without_end_runs_out_of_budget() {
    let mut net = Net::default();
    let x = net.float(&[1, 500]);
    let w = net.floats(&[500, 500], &vec![0.5; 250_000]);
    net.inputs = vec![x];
    let mut last = x;
    for _ in 0..60 {
        let y = net.float(&[1, 500]);
        net.operator(
            FULLY_CONNECTED,
            &[last, w, -1],
            &[y],
            Some((8, Table::default())),
        );
        last = y;
    }
    net.outputs = vec![last];
    assert!(refusal(&net).contains("values of all weights"));
}

#[test]
fn broken_offsets_are_errors_wherever_they_are() {
    let sound = single(RELU, &[1, 4], &[1, 4], None).bytes();
    assert!(from_bytes("net.tflite", &sound).is_ok());
    for at in (0..sound.len()).filter(|at| !(4..8).contains(at)) {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut broken = sound.clone();
            broken[at] = value;
            if let Ok(graph) = from_bytes("net.tflite", &broken) {
                graph.check().unwrap();
            }
        }
    }
    let mut root = sound;
    root[..4].copy_from_slice(&u32::MAX.to_le_bytes());
    let text = from_bytes("net.tflite", &root).unwrap_err().to_string();
    assert!(
        text.contains("an offset at byte 0 leads out of the file"),
        "{text}"
    );
    let empty = file(&Table(vec![(5, Field::U8(FLOAT32))]));
    let text = from_bytes("net.tflite", &empty).unwrap_err().to_string();
    assert!(text.contains("it has no subgraph"), "{text}");
}
