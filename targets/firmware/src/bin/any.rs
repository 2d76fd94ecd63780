//! Runs any model and reports what it cost.
//!
//! ```text
//! model.nnz (semihosting) or the embedded model ─parse→ Model ─open→ Session
//! input.bin, row by row → input tensors → run → output tensors → output.bin
//! ```
//!
//! Every row runs once without a hook, which gives the instructions of an inference; the first row
//! runs once more with a hook, which gives those of each step, and where `budget.bin` is there once more in
//! slices of so many multiply-accumulates, as beside other tasks. Before anything is measured the
//! clock must count a loop of known length exactly.

#![no_std]
#![no_main]

use core::fmt::{self, Display};
use core::hint::black_box;
use core::panic::PanicInfo;
use nnz::{Model, Progress, Session};
use nnz_firmware::memory::{Buffer, PaintedStack};
use nnz_firmware::semihosting::{self, Console, File, FileError, Mode};
use nnz_firmware::{Counter, clock, entry, spin};
use nnz_support::clock::Clock;
use nnz_support::report::{Record, VERSION};

/// Bytes of room for the model.
const MODEL_ROOM: usize = 2 << 20;
/// Bytes of room for its activations.
const ARENA_ROOM: usize = 3 << 19;

/// By a name that the driver knows: with wait states, what lies here waits as flash does.
#[unsafe(export_name = "nnz_model")]
static MODEL: Buffer<MODEL_ROOM> = Buffer::new();
static ARENA: Buffer<ARENA_ROOM> = Buffer::new();

/// Reports one run and ends.
#[entry]
fn main() -> ! {
    let Ok(mut console) = Console::open() else {
        semihosting::exit(2)
    };
    console.print(Record::Begin(VERSION));
    let mut clock = clock();
    match measure(&mut console, &mut clock) {
        Ok(()) => {
            console.print(Record::End);
            semihosting::exit(0)
        }
        Err(failure) => semihosting::fail(format_args!("{failure}")),
    }
}

/// Why there is nothing to report.
#[derive(Debug)]
enum Failure {
    Buffer,
    Clock(u64),
    File(&'static str),
    ModelTooLong(usize),
    Format(nnz::format::FormatError),
    Run(nnz::RunError),
    ArenaTooLong(usize),
    Row(usize),
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Buffer => f.write_str("a static buffer was taken twice"),
            Self::Clock(count) => {
                write!(f, "the clock counts {count} instructions where 20000 ran")
            }
            Self::File(name) => write!(f, "{name} cannot be read or written"),
            Self::ModelTooLong(len) => {
                write!(
                    f,
                    "the model has {len} bytes; this image has room for {MODEL_ROOM}"
                )
            }
            Self::Format(error) => write!(f, "the model is refused: {error}"),
            Self::Run(error) => write!(f, "the model cannot run: {error}"),
            Self::ArenaTooLong(len) => {
                write!(
                    f,
                    "the model needs an arena of {len} bytes; this image has {ARENA_ROOM}"
                )
            }
            Self::Row(len) => write!(f, "input.bin is no whole number of rows of {len} bytes"),
        }
    }
}

/// The model's bytes: the host's file, or else the embedded one.
#[inline(never)]
fn model_bytes() -> Result<&'static [u8], Failure> {
    let Ok(mut file) = File::open(c"model.nnz", Mode::Read) else {
        return embedded().ok_or(Failure::File("model.nnz"));
    };
    let buffer = MODEL.take().ok_or(Failure::Buffer)?;
    let unread = |_: FileError| Failure::File("model.nnz");
    let len = file.len().map_err(unread)?;
    let bytes = buffer.get_mut(..len).ok_or(Failure::ModelTooLong(len))?;
    file.read(bytes).map_err(unread)?;
    Ok(bytes)
}

/// The model that the build was given.
#[cfg(embedded)]
fn embedded() -> Option<&'static [u8]> {
    use nnz_firmware::memory::Aligned;
    const BYTES: &[u8] = include_bytes!(env!("NNZ_EMBEDDED"));
    static EMBEDDED: Aligned<[u8; BYTES.len()]> = Aligned(*include_bytes!(env!("NNZ_EMBEDDED")));
    Some(&EMBEDDED.0)
}

/// The build was given no model.
#[cfg(not(embedded))]
fn embedded() -> Option<&'static [u8]> {
    None
}

/// Loads, runs and reports.
#[inline(never)]
fn measure(console: &mut Console, clock: &mut Clock<Counter>) -> Result<(), Failure> {
    check(clock)?;
    let bytes = model_bytes()?;
    let arena = ARENA.take().ok_or(Failure::Buffer)?;
    let room = arena.len();
    let begin = clock.now();
    let model = Model::parse(bytes).map_err(Failure::Format)?;
    if model.arena_len() > room {
        return Err(Failure::ArenaTooLong(model.arena_len()));
    }
    let mut session = Session::<{ u128::MAX }>::new(&model, arena).map_err(Failure::Run)?;
    let opened = clock.now();
    let mut rows = Rows::open(&model, &mut session)?;
    rows.fill(&mut session)?;
    let (first, used) = timed(clock, &mut session);

    console.print(Record::Model(word(bytes.len())));
    console.print(Record::Arena(word(model.arena_len())));
    console.print(Record::Load(clock.between(begin, opened)));
    console.print(Record::Row {
        index: 0,
        instructions: first,
    });
    rows.store(&mut session)?;
    for index in 1..rows.count {
        rows.fill(&mut session)?;
        let (instructions, _) = timed(clock, &mut session);
        console.print(Record::Row {
            index: word(index),
            instructions,
        });
        rows.store(&mut session)?;
    }
    rows.rewind()?;
    rows.fill(&mut session)?;
    steps(console, clock, &mut session);
    if let Some(budget) = slice_budget()? {
        rows.rewind()?;
        rows.fill(&mut session)?;
        slices(console, clock, &mut session, budget);
    }
    console.print(Record::Stack(used));
    Ok(())
}

/// Proves the clock on loops of known length; the difference of two leaves out what surrounds them.
#[inline(never)]
fn check(clock: &mut Clock<Counter>) -> Result<(), Failure> {
    let difference = spent(clock, 11_000).saturating_sub(spent(clock, 1_000));
    if difference == 20_000 {
        Ok(())
    } else {
        Err(Failure::Clock(difference))
    }
}

/// Instructions of a loop. One function, so that the compiler surrounds both loops alike.
#[inline(never)]
fn spent(clock: &mut Clock<Counter>, rounds: u32) -> u64 {
    let rounds = black_box(rounds);
    let begin = clock.now();
    spin(rounds);
    let end = clock.now();
    clock.between(begin, end)
}

/// Instructions of one inference, and the stack below this function that it takes.
#[inline(never)]
fn timed(clock: &mut Clock<Counter>, session: &mut Session<'_, '_>) -> (u64, u32) {
    let stack = PaintedStack::paint();
    let begin = clock.now();
    session.run();
    let end = clock.now();
    let used = stack.high_water();
    (clock.between(begin, end), used)
}

/// Prints the instructions of each step of one inference.
#[inline(never)]
fn steps(console: &mut Console, clock: &mut Clock<Counter>, session: &mut Session<'_, '_>) {
    let mut index = 0;
    let mut begin = clock.now();
    session.run_with(|_| {
        let end = clock.now();
        console.print(Record::Step {
            index,
            instructions: clock.between(begin, end),
        });
        index += 1;
        begin = clock.now();
    });
}

/// The multiply-accumulates of a slice, where the host wants a run that pauses.
#[inline(never)]
fn slice_budget() -> Result<Option<u32>, Failure> {
    let Ok(mut file) = File::open(c"budget.bin", Mode::Read) else {
        return Ok(None);
    };
    let mut budget = [0; 4];
    file.read(&mut budget)
        .map_err(|_| Failure::File("budget.bin"))?;
    Ok(Some(u32::from_le_bytes(budget)))
}

/// Prints the instructions of each slice of one inference.
#[inline(never)]
fn slices(
    console: &mut Console,
    clock: &mut Clock<Counter>,
    session: &mut Session<'_, '_>,
    budget: u32,
) {
    session.begin();
    for index in 0.. {
        let begin = clock.now();
        let progress = session.step(budget);
        let end = clock.now();
        console.print(Record::Slice {
            index,
            instructions: clock.between(begin, end),
        });
        if matches!(progress, Progress::Done) {
            break;
        }
    }
}

/// The rows of input and output files.
struct Rows {
    /// Input; `None` gives one row of zeros.
    input: Option<File>,
    output: File,
    inputs: usize,
    outputs: usize,
    count: usize,
}

const INPUT: Failure = Failure::File("input.bin");
const OUTPUT: Failure = Failure::File("output.bin");

impl Rows {
    #[inline(never)]
    fn open(model: &Model<'_>, session: &mut Session<'_, '_>) -> Result<Self, Failure> {
        let inputs = model.inputs_len();
        let mut row = 0;
        for index in 0..inputs {
            row += session.input_bytes(index).map_err(Failure::Run)?.len();
        }
        let input = File::open(c"input.bin", Mode::Read).ok();
        let len = match &input {
            Some(file) => file.len().map_err(|_| INPUT)?,
            None => 0,
        };
        if row == 0 || len % row != 0 {
            return Err(Failure::Row(row));
        }
        let output = File::open(c"output.bin", Mode::Write).map_err(|_| OUTPUT)?;
        let input = if len == 0 { None } else { input };
        let count = (len / row).max(1);
        Ok(Self {
            input,
            output,
            inputs,
            outputs: model.outputs_len(),
            count,
        })
    }

    /// Fills the inputs with the next row.
    #[inline(never)]
    fn fill(&mut self, session: &mut Session<'_, '_>) -> Result<(), Failure> {
        for index in 0..self.inputs {
            let bytes = session.input_bytes(index).map_err(Failure::Run)?;
            match &mut self.input {
                Some(file) => file.read(bytes).map_err(|_| INPUT)?,
                None => bytes.fill(0),
            }
        }
        Ok(())
    }

    /// Goes back to the first row.
    fn rewind(&mut self) -> Result<(), Failure> {
        self.input
            .as_mut()
            .map_or(Ok(()), |file| file.rewind().map_err(|_| INPUT))
    }

    /// Appends the outputs.
    #[inline(never)]
    fn store(&mut self, session: &mut Session<'_, '_>) -> Result<(), Failure> {
        for index in 0..self.outputs {
            let bytes = session.output_bytes(index).map_err(Failure::Run)?;
            self.output.write(bytes).map_err(|_| OUTPUT)?;
        }
        Ok(())
    }
}

/// A length as the report has it.
fn word(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    semihosting::fail(format_args!("{info}"))
}
