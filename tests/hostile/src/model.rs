//! `.nnz` files: refused, or run within bounds.

use nnz::Session;
use nnz::host::{Isa, Network};
use nnz_format::{Model, crc32, decode, scratch_len};

/// Callers refuse larger arenas than they have.
const MAX_ARENA: usize = 1 << 20;
/// Bytes on both sides of the arena that nothing may touch.
const GUARD: usize = 4096;
/// What the guards hold.
const FILL: u8 = 0xA5;

/// How far a file is used once it is proved to be a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Parsed and walked.
    Parse,
    /// Run as well, by the kernels that every target has.
    Run,
    /// Run as well on every instruction set of this CPU, whose weights take long to pack.
    Hosts,
}

/// Bytes at a multiple of 16 within a longer buffer.
#[derive(Debug)]
pub struct Aligned {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// Room for `len` bytes between two guards of `guard` bytes, all filled with `fill`.
    #[must_use]
    pub fn new(len: usize, guard: usize, fill: u8) -> Self {
        let bytes = vec![fill; len + 2 * guard + 16];
        let start = guard + (16 - (bytes.as_ptr().addr() + guard) % 16) % 16;
        Self { bytes, start, len }
    }

    /// A copy of `file`.
    #[must_use]
    pub fn copy(file: &[u8]) -> Self {
        let mut aligned = Self::new(file.len(), 0, 0);
        aligned.get_mut().copy_from_slice(file);
        aligned
    }

    /// The bytes between the guards.
    pub fn get_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.len]
    }

    /// Whether nothing wrote beside them.
    #[must_use]
    pub fn guards_hold(&self, fill: u8) -> bool {
        let (before, rest) = self.bytes.split_at(self.start);
        let mut guards = before.iter().chain(&rest[self.len..]);
        guards.all(|byte| *byte == fill)
    }
}

/// Elements that a fuzzer's model may read, multiply and write: more would only take long.
const MOST_WORK: u64 = 1 << 18;

/// Parses `file` as it is, then with its length and checksum made right.
pub fn parse(file: &[u8]) -> bool {
    Model::parse(Aligned::copy(file).get_mut()).is_ok() || survive(&sealed(file), 0, Use::Parse, 0)
}

/// Runs `file`, its length and checksum made right, on everything that this CPU has.
pub fn run(file: &[u8]) -> bool {
    survive(&sealed(file), file.len(), Use::Hosts, MOST_WORK)
}

/// Makes the checksum right, so that the parser looks at everything else.
pub fn seal(file: &mut [u8]) {
    let Some(len) = file.get(8..12) else { return };
    let len = u32::from_le_bytes(len.try_into().unwrap());
    let Some(summed) = file.get(8..len as usize) else {
        return;
    };
    let crc = crc32(summed);
    file[4..8].copy_from_slice(&crc.to_le_bytes());
}

/// A copy with the right length and checksum.
fn sealed(file: &[u8]) -> Vec<u8> {
    let mut sealed = file.to_vec();
    let len = u32::try_from(file.len()).unwrap_or(0);
    if let Some(place) = sealed.get_mut(8..12) {
        place.copy_from_slice(&len.to_le_bytes());
    }
    seal(&mut sealed);
    sealed
}

/// Everything that the model says lies where it may lie.
fn check_bounds(model: &Model<'_>) {
    let arena = model.arena_len() as u64;
    for index in 0..model.tensors_len() {
        let t = model.tensor(index).unwrap();
        assert!(u64::from(t.offset) + u64::from(t.len) <= arena);
        let strides = t.strides();
        let last = u64::from(t.c - 1) * u64::from(strides.c)
            + u64::from(t.h - 1) * u64::from(strides.y)
            + u64::from(t.w - 1) * u64::from(strides.x);
        assert!((last + 1) * u64::from(t.dtype.size()) <= u64::from(t.len));
    }
    assert_eq!(model.steps().count(), model.steps_len());
    for step in model.steps() {
        let (input, output) = (&step.input, &step.output);
        let needed = scratch_len(model.backend(), &step.op, step.layout, input, output);
        assert!(step.scratch_len >= needed);
        assert!(u64::from(step.scratch_offset) + u64::from(step.scratch_len) <= arena);
    }
    for io in (0..model.inputs_len()).map(|index| model.input(index)) {
        assert!(io.unwrap().tensor_index < model.tensors_len());
    }
    for io in (0..model.outputs_len()).map(|index| model.output(index)) {
        assert!(io.unwrap().tensor_index < model.tensors_len());
    }
}

/// Uses `file` as far as it can be; models of more than `most_work` are not run, it would only take long.
///
/// Returns whether it was a model. `seed` chooses what the inputs hold.
pub fn survive(file: &[u8], seed: usize, usage: Use, most_work: u64) -> bool {
    let mut bytes = Aligned::copy(file);
    let bytes = &*bytes.get_mut();
    let Ok(model) = Model::parse(bytes) else {
        return false;
    };
    check_bounds(&model);
    let is_small = model.arena_len() <= MAX_ARENA && model.work() <= most_work;
    if usage != Use::Parse && is_small {
        for step in model.steps() {
            // Weights that belong to no tap are an error of the decoder, not a panic.
            let _ = decode::weights(&step);
        }
        run_portable(&model, seed);
        if usage == Use::Hosts {
            run_on_hosts(bytes, seed);
        }
    }
    true
}

/// Byte `index` of an input.
fn input_byte(index: usize, seed: usize) -> u8 {
    (index * 37 + seed).to_le_bytes()[0]
}

/// Runs in an arena between guards.
fn run_portable(model: &Model<'_>, seed: usize) {
    let mut arena = Aligned::new(model.arena_len(), GUARD, FILL);
    let mut session: Session<'_, '_> = Session::new(model, arena.get_mut()).unwrap();
    for input in 0..model.inputs_len() {
        let bytes = session.input_bytes(input).unwrap();
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = input_byte(index, seed);
        }
    }
    session.run();
    assert!(
        arena.guards_hold(FILL),
        "a run wrote outside its arena, seed {seed}"
    );
}

/// Packs the weights for every instruction set that this CPU has, and runs.
fn run_on_hosts(file: &[u8], seed: usize) {
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
        let network = Network::with_isa(file, isa).unwrap();
        let mut session = network.session();
        for input in 0..network.model().inputs_len() {
            let bytes = session.input_bytes(input).unwrap();
            for (index, byte) in bytes.iter_mut().enumerate() {
                *byte = input_byte(index, seed);
            }
        }
        session.run();
        for output in 0..network.model().outputs_len() {
            session.output_bytes(output).unwrap();
        }
    }
}
