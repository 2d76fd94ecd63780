//! Runs files in tests, values in `[c][h][w]` order.

use crate::interpret::Value;
use nnz::{Model, Session};
use nnz_format::{DType, Tensor};

/// Bytes whose first is at a multiple of 16.
struct Aligned(Vec<u8>);

impl Aligned {
    fn new(len: usize) -> Self {
        Self(vec![0xA5; len + 15])
    }

    fn bytes(&mut self, len: usize) -> &mut [u8] {
        let start = self.0.as_ptr().addr().wrapping_neg() % 16;
        &mut self.0[start..start + len]
    }
}

/// The outputs of one inference of `file`; `hook` sees each step's index and output.
pub(crate) fn run_with(
    file: &[u8],
    inputs: &[Value],
    mut hook: impl FnMut(usize, Value),
) -> Vec<Value> {
    let mut copy = Aligned::new(file.len());
    copy.bytes(file.len()).copy_from_slice(file);
    let model = Model::parse(copy.bytes(file.len())).unwrap();
    let mut arena = Aligned::new(model.arena_len());
    let mut session: Session<'_, '_> =
        Session::new(&model, arena.bytes(model.arena_len())).unwrap();
    for (i, value) in inputs.iter().enumerate() {
        let tensor = model.input(i).unwrap().tensor;
        store(&tensor, value, session.input_bytes(i).unwrap());
    }
    session.run_with(|event| hook(event.index, load(&event.step.output, event.output)));
    let output = |i| {
        let tensor = model.output(i).unwrap().tensor;
        load(&tensor, session.output_bytes(i).unwrap())
    };
    (0..model.outputs_len()).map(output).collect()
}

/// The outputs of one inference of `file`.
pub(crate) fn run(file: &[u8], inputs: &[Value]) -> Vec<Value> {
    run_with(file, inputs, |_, _| ())
}

fn positions(tensor: &Tensor) -> Vec<usize> {
    let s = tensor.strides();
    let mut all = Vec::new();
    for c in 0..u32::from(tensor.c) {
        for y in 0..u32::from(tensor.h) {
            all.extend((0..u32::from(tensor.w)).map(|x| (c * s.c + y * s.y + x * s.x) as usize));
        }
    }
    all
}

fn store(tensor: &Tensor, value: &Value, bytes: &mut [u8]) {
    for (i, at) in positions(tensor).into_iter().enumerate() {
        match value {
            Value::S8(v) => bytes[at] = v[i].cast_unsigned(),
            Value::F32(v) => bytes[4 * at..4 * at + 4].copy_from_slice(&v[i].to_le_bytes()),
        }
    }
}

fn load(tensor: &Tensor, bytes: &[u8]) -> Value {
    let at = positions(tensor).into_iter();
    if tensor.dtype == DType::S8 {
        return Value::S8(at.map(|i| bytes[i].cast_signed()).collect());
    }
    let word = |i: usize| bytes[4 * i..4 * i + 4].try_into().unwrap();
    Value::F32(at.map(|i| f32::from_le_bytes(word(i))).collect())
}
