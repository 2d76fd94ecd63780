//! Runs the model that arrives over the serial port, and the next one when that arrives (`nnz-wire` has the commands).
//!
//! The port's time is that of the emulator, in which an instruction has a length of its own: `m-lap-us` orders runs,
//! `m-count` says how many instructions the last one took.

#![no_std]
#![no_main]

use core::cell::RefCell;
use core::panic::PanicInfo;
use nnz::{Model, Session};
use nnz_firmware::memory::Buffer;
use nnz_firmware::slots::Slot;
use nnz_firmware::uart::Uart;
use nnz_firmware::{Counter, NAME, clock, entry, semihosting};
use nnz_support::clock::Clock;
use nnz_wire::device::{Board, Device, End, Network};
use nnz_wire::store::{Store, Update};

/// Bytes of a slot.
const SLOT: usize = 1 << 20;
/// Bytes of room for activations.
const ARENA: usize = 1 << 20;
/// Bytes of room for the inputs of one run.
const INPUTS: usize = 1 << 18;

static SLOTS: [Buffer<SLOT>; 2] = [Buffer::new(), Buffer::new()];
static ACTIVATIONS: Buffer<ARENA> = Buffer::new();
static SAMPLE: Buffer<INPUTS> = Buffer::new();

/// A clock that the board and the network read.
type Time = RefCell<Clock<Counter>>;

struct Machine<'t>(&'t Time);

impl Board for Machine<'_> {
    fn name(&self) -> &str {
        NAME
    }

    fn micros(&mut self) -> u64 {
        let mut clock = self.0.borrow_mut();
        let now = clock.now();
        clock.picoseconds(now) / 1_000_000
    }

    fn accepts(&self, model: &[u8]) -> bool {
        Model::parse(model).is_ok_and(|model| model.arena_len() <= ARENA)
    }
}

/// A model that runs.
struct Running<'m, 'a, 't> {
    model: &'m Model<'m>,
    session: Session<'m, 'a>,
    /// Bytes of the inputs together.
    inputs: usize,
    time: &'t Time,
}

impl<'m, 'a, 't> Running<'m, 'a, 't> {
    fn new(model: &'m Model<'m>, arena: &'a mut [u8], time: &'t Time) -> Option<Self> {
        let mut session = Session::new(model, arena).ok()?;
        let lens = (0..model.inputs_len()).map(|i| session.input_bytes(i).map_or(0, |b| b.len()));
        let inputs = lens.sum();
        Some(Self {
            model,
            session,
            inputs,
            time,
        })
    }
}

impl Network for Running<'_, '_, '_> {
    fn input_len(&self) -> usize {
        self.inputs
    }

    fn run(&mut self, mut inputs: &[u8]) -> u64 {
        for index in 0..self.model.inputs_len() {
            if let Ok(place) = self.session.input_bytes(index)
                && let Some((now, rest)) = inputs.split_at_checked(place.len())
            {
                place.copy_from_slice(now);
                inputs = rest;
            }
        }
        let mut clock = self.time.borrow_mut();
        let begin = clock.now();
        self.session.run();
        let end = clock.now();
        clock.between(begin, end)
    }

    fn results(&self, show: &mut dyn FnMut(f32)) {
        for index in 0..self.model.outputs_len() {
            let Some(io) = self.model.output(index) else {
                continue;
            };
            if let Ok(values) = self.session.output_s8(index) {
                let real = |q: &i8| (i32::from(*q) - io.tensor.zero_point) as f32 * io.tensor.scale;
                values.iter().map(real).for_each(&mut *show);
            } else if let Ok(values) = self.session.output_f32(index) {
                values.iter().copied().for_each(&mut *show);
            }
        }
    }
}

/// Serves one model after another.
#[entry]
fn main() -> ! {
    let [first, second] = SLOTS.each_ref().map(Buffer::take);
    let (Some(first), Some(second)) = (first, second) else {
        semihosting::exit(2)
    };
    let (Some(arena), Some(inputs)) = (ACTIVATIONS.take(), SAMPLE.take()) else {
        semihosting::exit(2)
    };
    let mut store = Store::new([Slot(first), Slot(second)]);
    let time = RefCell::new(clock());
    let mut port = Uart::start();
    loop {
        let mut board = Machine(&time);
        let (model, update) = store.open(|model| board.accepts(model));
        let parsed = model.and_then(|bytes| Some((bytes, Model::parse(bytes).ok()?)));
        let network = parsed
            .as_ref()
            .and_then(|(bytes, model)| Some((*bytes, Running::new(model, arena, &time)?)));
        if let End::Closed = serve(&mut board, network, update, inputs, &mut port) {
            semihosting::exit(0)
        }
    }
}

fn serve(
    board: &mut Machine<'_>,
    network: Option<(&[u8], Running<'_, '_, '_>)>,
    update: Update<'_, Slot>,
    inputs: &mut [u8],
    port: &mut Uart,
) -> End {
    let mut device = Device {
        board,
        network,
        update,
        inputs,
    };
    device.serve(port)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    semihosting::fail(format_args!("{info}"))
}
