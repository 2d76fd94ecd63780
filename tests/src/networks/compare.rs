//! One network on everything that this machine has: the interpreter, the portable kernels, every instruction set.

use core::fmt;
use core::num::NonZeroUsize;
use fastrand::Rng;
use nnz::host::{Isa, Network};
use nnz::{Model, Session};
use nnz_format::Rounding;
use nnz_hostile::model::Aligned;
use nnz_pruner::emit::{self, Provenance};
use nnz_pruner::interpret::{Interpreter, Value};
use nnz_pruner::ir::Graph;
use nnz_pruner::lower::{self, Prefer, WeightChoice};
use nnz_pruner::pass::{self, PassSet};
use nnz_pruner::plan;
use nnz_pruner::target::Target;
use std::path::Path;
use std::{fs, io};

/// How one network is lowered and what it is run with; everything comes from the seed.
#[derive(Debug, Clone)]
pub struct Case {
    /// Of options and inputs.
    pub seed: u64,
    /// Where the file is to run.
    pub target: &'static Target,
}

/// Two of them that do not agree, or a network that cannot be lowered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The network is refused, with a reason.
    Refused(String),
    /// These two differ.
    Between {
        /// What was taken for right.
        right: String,
        /// What gave something else.
        wrong: String,
        /// The output, and the first element that differs.
        at: (usize, usize),
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reason) => write!(f, "refused: {reason}"),
            Self::Between { right, wrong, at } => write!(
                f,
                "{wrong} is not {right} at element {} of output {}",
                at.1, at.0
            ),
        }
    }
}

/// A lowered network, with the inputs that it is compared on and the outputs that it must give.
#[derive(Debug, Clone)]
pub struct Lowered {
    /// The file.
    pub file: Vec<u8>,
    /// One value an input.
    pub inputs: Vec<Value>,
    /// What the interpreter gives.
    pub expected: Vec<Value>,
}

/// Lowers a network as the case says.
///
/// # Errors
///
/// It is refused.
pub fn lowered(graph: &Graph, case: &Case) -> Result<Lowered, Difference> {
    let refused = |reason: String| Difference::Refused(reason);
    let mut rng = Rng::with_seed(case.seed);
    let rounding = [Rounding::Single, Rounding::Double][rng.usize(0..2)];
    let options = lower::Options {
        weights: [WeightChoice::Auto, WeightChoice::Dense][usize::from(rng.u8(0..5) == 0)],
        prefer: [Prefer::Speed, Prefer::Flash][rng.usize(0..2)],
        rounding: Some(rounding),
        keep_all_steps: rng.u8(0..10) == 0,
        drop_zeros: rng.bool(),
        target: case.target,
    };
    let inputs = values(graph, &mut rng);
    let interpreter = Interpreter::with_rounding(graph, rounding);
    let expected = interpreter
        .and_then(|interpreter| interpreter.run(&inputs))
        .map_err(|e| refused(e.to_string()))?;
    let set = if graph.is_quantized() {
        [PassSet::Lossless, PassSet::Dense, PassSet::None][rng.usize(0..3)]
    } else {
        PassSet::All
    };
    let passed = pass::run_with_rounding(graph.clone(), set, rounding);
    let passed = passed.map_err(|e| refused(e.to_string()))?;
    let program = lower::lower(&passed, &options).map_err(|e| refused(e.to_string()))?;
    let plan = plan::plan(&program).map_err(|e| refused(e.to_string()))?;
    let file = emit::emit(&program, &plan, &Provenance::default());
    Ok(Lowered {
        file: file.map_err(|e| refused(e.to_string()))?,
        inputs,
        expected,
    })
}

/// Random values for every input.
fn values(graph: &Graph, rng: &mut Rng) -> Vec<Value> {
    let mut value = |len: usize, is_integer: bool| {
        if is_integer {
            Value::S8((0..len).map(|_| rng.i8(..)).collect())
        } else {
            Value::F32((0..len).map(|_| 6.0 * rng.f32() - 3.0).collect())
        }
    };
    let tensors = graph.inputs.iter().map(|id| graph.tensor(*id));
    tensors
        .map(|tensor| value(tensor.shape.len(), tensor.quant.is_some()))
        .collect()
}

/// Runs a network on everything here.
///
/// # Errors
///
/// What differs, or why it is refused.
pub fn compare(graph: &Graph, case: &Case) -> Result<Lowered, Difference> {
    let lowered = lowered(graph, case)?;
    let portable = portable(&lowered);
    same("the interpreter", &lowered.expected, "portable", &portable)?;
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
        let found = on_host(&lowered, isa);
        same("portable", &portable, &format!("{isa:?}"), &found)?;
    }
    Ok(lowered)
}

/// Runs any kind of session on the inputs and gives its outputs.
macro_rules! outputs {
    ($session:ident, $lowered:ident) => {{
        for (index, value) in $lowered.inputs.iter().enumerate() {
            match value {
                Value::S8(values) => $session.write_input_s8(index, values).unwrap(),
                Value::F32(values) => $session.write_input_f32(index, values).unwrap(),
            }
        }
        $session.run();
        let mut outputs = $lowered.expected.clone();
        for (index, value) in outputs.iter_mut().enumerate() {
            match value {
                Value::S8(values) => $session.read_output_s8(index, values).unwrap(),
                Value::F32(values) => $session.read_output_f32(index, values).unwrap(),
            }
        }
        outputs
    }};
}

/// What an instruction set gives, on one thread; two give the same.
fn on_host(lowered: &Lowered, isa: Isa) -> Vec<Value> {
    let network = Network::with_isa(&lowered.file, isa).unwrap();
    let mut session = network.session();
    let alone: Vec<Value> = outputs!(session, lowered);
    let threads = NonZeroUsize::new(2).unwrap();
    let mut session = network.session_with_threads(threads).unwrap();
    let together: Vec<Value> = outputs!(session, lowered);
    assert!(alone == together, "{isa}: two threads change the result");
    alone
}

/// What the kernels of every target give, in an arena between guards.
fn portable(lowered: &Lowered) -> Vec<Value> {
    let mut file = Aligned::copy(&lowered.file);
    let model = Model::parse(file.get_mut()).unwrap();
    let mut arena = Aligned::new(model.arena_len(), 64, 0xA5);
    let mut session = Session::<{ u128::MAX }>::new(&model, arena.get_mut()).unwrap();
    let outputs = outputs!(session, lowered);
    assert!(arena.guards_hold(0xA5), "a run wrote outside its arena");
    outputs
}

/// Writes a network's file, and the bytes of its inputs and outputs as they lie in the arena, for other machines.
///
/// Only networks of integers, whose bytes are the same everywhere; returns whether this is one.
///
/// # Errors
///
/// The folder cannot be written.
pub fn save(lowered: &Lowered, folder: &Path, name: &str) -> io::Result<bool> {
    let is_integer = |value: &Value| matches!(value, Value::S8(_));
    if !lowered
        .inputs
        .iter()
        .chain(&lowered.expected)
        .all(is_integer)
    {
        return Ok(false);
    }
    let mut file = Aligned::copy(&lowered.file);
    let model = Model::parse(file.get_mut()).unwrap();
    let mut arena = Aligned::new(model.arena_len(), 0, 0);
    let mut session = Session::<{ u128::MAX }>::new(&model, arena.get_mut()).unwrap();
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for (index, value) in lowered.inputs.iter().enumerate() {
        if let Value::S8(values) = value {
            session.write_input_s8(index, values).unwrap();
        }
        inputs.extend_from_slice(session.input_bytes(index).unwrap());
    }
    session.run();
    for index in 0..model.outputs_len() {
        outputs.extend_from_slice(session.output_bytes(index).unwrap());
    }
    fs::create_dir_all(folder)?;
    let path = |extension: &str| folder.join(format!("{name}.{extension}"));
    fs::write(path("nnz"), &lowered.file)?;
    fs::write(path("in"), inputs)?;
    fs::write(path("out"), outputs)?;
    Ok(true)
}

/// Integers must be equal, floats within five digits of their norm.
fn same(right: &str, a: &[Value], wrong: &str, b: &[Value]) -> Result<(), Difference> {
    for (output, (a, b)) in a.iter().zip(b).enumerate() {
        if let Some(element) = differs(a, b) {
            return Err(Difference::Between {
                right: right.to_owned(),
                wrong: wrong.to_owned(),
                at: (output, element),
            });
        }
    }
    Ok(())
}

/// The first element that differs.
fn differs(a: &Value, b: &Value) -> Option<usize> {
    match (a, b) {
        (Value::S8(a), Value::S8(b)) => a.iter().zip(b).position(|(a, b)| a != b),
        (Value::F32(a), Value::F32(b)) => {
            let norm = |v: &mut dyn Iterator<Item = f32>| v.map(|x| x * x).sum::<f32>().sqrt();
            let size = norm(&mut a.iter().copied()).max(1.0e-3);
            if norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) <= 1.0e-5 * size {
                return None;
            }
            let far = |(a, b): (&f32, &f32)| (a - b).is_nan() || (a - b).abs() > 1.0e-6 * size;
            a.iter().zip(b).position(far).or(Some(0))
        }
        _ => Some(0),
    }
}
