//! Seeded networks through lowering, planning and writing.

use super::{Options, Prefer, Program, WeightChoice, lower};
use crate::emit::{Provenance, emit};
use crate::inspect::inspect;
use crate::interpret::{Interpreter, Value};
use crate::ir::{
    DType, FlattenOrder, Graph, Node, Op as Meaning, Order, Quant, Shape, Source, Tensor, TensorId,
};
use crate::plan::plan;
use crate::testing::{input, network, run, run_with};
use nnz_format::{Model, Op, Rounding, TensorLayout, WeightLayout};

fn file(program: &Program) -> Vec<u8> {
    let plan = plan(program).unwrap();
    emit(program, &plan, &Provenance::default()).unwrap()
}

fn all_options() -> Vec<Options> {
    let mut all = Vec::new();
    for weights in [WeightChoice::Auto, WeightChoice::Dense] {
        for prefer in [Prefer::Speed, Prefer::Flash] {
            for keep_all_steps in [false, true] {
                all.push(Options {
                    weights,
                    prefer,
                    keep_all_steps,
                    ..Options::default()
                });
            }
        }
    }
    all
}

#[test]
fn files_of_random_networks_parse_and_count_what_the_program_counts() {
    for seed in 0..150 {
        let graph = network(seed, seed.is_multiple_of(3));
        for options in all_options() {
            let program = lower(&graph, &options).unwrap_or_else(|e| panic!("{e} at seed {seed}"));
            let bytes = file(&program);
            let model = Model::parse(&bytes).unwrap_or_else(|e| panic!("{e} at seed {seed}"));
            let (found, totals) = (inspect(&model), program.totals());
            assert_eq!(found.weights, totals.weights, "seed {seed}");
            assert_eq!(found.nonzeros, totals.nonzeros, "seed {seed}");
            assert_eq!(found.stored_macs, totals.stored_macs, "seed {seed}");
            assert_eq!(found.macs, graph.macs(), "seed {seed}");
            if options.weights == WeightChoice::Dense {
                let predicted: u64 = found.layers.iter().map(|l| l.predicted_instructions).sum();
                assert_eq!(predicted, totals.cost, "seed {seed}");
            }
        }
    }
}

#[test]
fn equal_networks_give_equal_bytes() {
    for seed in 0..20 {
        let make = || file(&lower(&network(seed, true), &Options::default()).unwrap());
        assert_eq!(make(), make(), "seed {seed}");
    }
}

#[test]
fn dense_means_dense_and_flash_is_never_larger() {
    for seed in 0..60 {
        let graph = network(seed, true);
        let len = |weights, prefer| {
            let options = Options {
                weights,
                prefer,
                ..Options::default()
            };
            let program = lower(&graph, &options).unwrap();
            if weights == WeightChoice::Dense {
                let plain = [WeightLayout::Dense, WeightLayout::Table, WeightLayout::None];
                assert!(
                    program.steps.iter().all(|s| plain.contains(&s.layout())),
                    "seed {seed}"
                );
            }
            program
                .steps
                .iter()
                .map(super::Step::weight_bytes)
                .sum::<u64>()
        };
        let flash = len(WeightChoice::Auto, Prefer::Flash);
        assert!(
            flash <= len(WeightChoice::Auto, Prefer::Speed),
            "seed {seed}"
        );
        assert!(
            flash <= len(WeightChoice::Dense, Prefer::Speed),
            "seed {seed}"
        );
    }
}

#[test]
fn speed_is_never_predicted_slower_than_dense() {
    for seed in 0..60 {
        let graph = network(seed, seed.is_multiple_of(2));
        let predicted = |weights| {
            let options = Options {
                weights,
                ..Options::default()
            };
            lower(&graph, &options).unwrap().totals().cost
        };
        assert!(
            predicted(WeightChoice::Auto) <= predicted(WeightChoice::Dense),
            "seed {seed}"
        );
    }
}

#[test]
fn every_node_has_a_step_of_its_own_if_all_are_kept() {
    for seed in 0..60 {
        let graph = network(seed, true);
        let options = Options {
            keep_all_steps: true,
            ..Options::default()
        };
        let program = lower(&graph, &options).unwrap();
        for node in &graph.nodes {
            let own = program
                .steps
                .iter()
                .filter(|s| s.source_index == node.source_index);
            assert_eq!(own.count(), 1, "{} at seed {seed}", node.name);
        }
        assert!(
            program.tensors.iter().all(|t| t.alias_of.is_none()),
            "seed {seed}"
        );
    }
}

#[test]
fn inputs_lie_as_the_caller_has_them() {
    for seed in 0..40 {
        let program = lower(&network(seed, true), &Options::default()).unwrap();
        let input = &program.tensors[program.inputs[0]];
        let interleaved = input.order == Order::Nhwc && input.c > 1 && input.pixels() > 1;
        assert_eq!(
            input.layout == TensorLayout::Interleaved,
            interleaved,
            "seed {seed}"
        );
        assert_eq!(input.len(), input.elements(), "seed {seed}: no gaps");
    }
}

/// A network whose last nodes are `flatten` and a fully connected layer.
fn flattened(order: FlattenOrder) -> Graph {
    (0..)
        .map(|seed| network(seed, true))
        .find(|graph| {
            graph.nodes.iter().any(|n| {
                let shape = graph.tensor(n.inputs[0]).shape;
                n.op == Meaning::Flatten(order)
                    && shape.c > 1
                    && shape.pixels() > 8
                    && !graph.inputs.contains(&n.inputs[0])
            })
        })
        .unwrap()
}

#[test]
fn a_flatten_in_memory_order_costs_no_step() {
    let program = lower(&flattened(FlattenOrder::ChannelsFirst), &Options::default()).unwrap();
    assert!(
        !program
            .steps
            .iter()
            .any(|s| matches!(s.op, Op::Repack { .. }))
    );
    let program = lower(&flattened(FlattenOrder::ChannelsLast), &Options::default()).unwrap();
    assert!(
        program
            .steps
            .iter()
            .any(|s| matches!(s.op, Op::Repack { .. }))
    );
}

#[test]
fn refusals_name_the_node_and_a_way_out() {
    let mut graph = flattened(FlattenOrder::ChannelsFirst);
    let at = graph
        .nodes
        .iter()
        .position(|n| matches!(n.op, Meaning::Flatten(_)))
        .unwrap();
    let TensorId(output) = graph.nodes[at].output;
    graph.tensors[output].quant.as_mut().unwrap().scale *= 2.0;
    let error = lower(&graph, &Options::default()).unwrap_err().to_string();
    assert!(
        error.contains(&graph.nodes[at].name) && error.contains("help:"),
        "{error}"
    );
}

#[test]
fn an_int8_softmax_whose_sum_could_overflow_is_refused() {
    let softmax = |n: usize| {
        let tensor = |name: &str| Tensor {
            name: name.into(),
            shape: Shape::vector(n),
            dtype: DType::S8,
            quant: Some(Quant {
                scale: 1.0 / 256.0,
                zero_point: -128,
            }),
            source: Source {
                dims: vec![1, n],
                order: Order::Nhwc,
            },
        };
        Graph {
            name: "scores".into(),
            tensors: vec![tensor("logits"), tensor("scores")],
            nodes: vec![Node {
                name: "softmax_0".into(),
                op: Meaning::Softmax { beta: 1.0 },
                inputs: vec![TensorId(0)],
                output: TensorId(1),
                source_index: Some(0),
            }],
            inputs: vec![TensorId(0)],
            outputs: vec![TensorId(1)],
            ..Graph::default()
        }
    };
    assert!(lower(&softmax(4095), &Options::default()).is_ok());
    let error = lower(&softmax(4096), &Options::default()).unwrap_err();
    assert!(error.to_string().contains("softmax_0"), "{error}");
}

/// The file's outputs against the interpreter's, integers byte for byte.
fn assert_same(found: &[Value], expected: &[Value], context: &str) {
    for (found, expected) in found.iter().zip(expected) {
        match (found, expected) {
            (Value::S8(f), Value::S8(e)) => assert_eq!(f, e, "{context}"),
            (Value::F32(f), Value::F32(e)) => {
                let norm = |v: &mut dyn Iterator<Item = f32>| v.map(|x| x * x).sum::<f32>().sqrt();
                let error = norm(&mut f.iter().zip(e).map(|(a, b)| a - b));
                assert!(
                    error <= 1e-5 * norm(&mut e.iter().copied()) + 1e-6,
                    "{context}: {error}"
                );
            }
            _ => panic!("{context}: types differ"),
        }
    }
}

#[test]
fn files_compute_what_the_interpreter_computes() {
    for seed in 0..300 {
        let graph = network(seed, !seed.is_multiple_of(4));
        let rounding = if seed % 3 == 0 {
            Rounding::Single
        } else {
            Rounding::Double
        };
        let x = input(&graph, seed);
        let interpreter = Interpreter::with_rounding(&graph, rounding).unwrap();
        let expected = interpreter.run(core::slice::from_ref(&x)).unwrap();
        for options in all_options() {
            let options = Options {
                rounding: Some(rounding),
                ..options
            };
            let found = run(
                &file(&lower(&graph, &options).unwrap()),
                core::slice::from_ref(&x),
            );
            assert_same(&found, &expected, &format!("seed {seed}, {options:?}"));
        }
    }
}

#[test]
fn kept_steps_show_every_tensor_of_the_graph() {
    for seed in 0..60 {
        let graph = network(seed, true);
        let x = [input(&graph, seed)];
        let expected = Interpreter::new(&graph).unwrap().run_all(&x).unwrap();
        let options = Options {
            keep_all_steps: true,
            ..Options::default()
        };
        let program = lower(&graph, &options).unwrap();
        run_with(&file(&program), &x, |index, value| {
            let Some(source) = program.steps[index].source_index else {
                return;
            };
            let output = graph.nodes[source].output;
            let expected = expected[output.0].clone().unwrap();
            assert_same(
                &[value],
                &[expected],
                &format!("{:?} at seed {seed}", program.steps[index]),
            );
        });
    }
}
