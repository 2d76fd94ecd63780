//! What the firmware of every board does: run the network that it carries once, and say what it took.
//!
//! ```text
//! board's main.rs   start-up, clock tree, serial port → Console; counter of cycles → Ticks
//! this crate        network + arena → session → the lines of `nnz_support::report`, then the output's first bytes
//! ```
//!
//! The counts in the lines are cycles of the board's counter, where an emulated machine counts instructions.

#![cfg_attr(not(test), no_std)]

mod stack;

use core::fmt::{self, Write};
use nnz::{Model, RunError, Session};
use nnz_support::clock::{Clock, Ticks};
use nnz_support::report::{Record, VERSION};
use stack::Painted;

/// Bytes of the output that are printed.
const SHOWN: usize = 16;

/// Where a board's lines go.
pub trait Console {
    /// Sends all of `bytes`, and waits until there is room for them.
    fn send(&mut self, bytes: &[u8]);
}

/// What a board brings.
#[derive(Debug)]
pub struct Board<T, C> {
    /// Its counter of cycles.
    pub clock: Clock<T>,
    /// Its serial port.
    pub console: C,
    /// Lowest address of its stack.
    pub stack_end: usize,
}

impl<T: Ticks, C: Console> Board<T, C> {
    /// Runs `model` on zeros and prints what that took. `OPS` is the model's kernel mask.
    pub fn report<const OPS: u128>(&mut self, model: &Model<'_>, arena: &mut [u8]) {
        self.print(Record::Begin(VERSION));
        match self.measure::<OPS>(model, arena) {
            Ok(()) => self.print(Record::End),
            Err(error) => self.line(format_args!("fail the model cannot run: {error}")),
        }
    }

    #[inline(never)]
    fn measure<const OPS: u128>(
        &mut self,
        model: &Model<'_>,
        arena: &mut [u8],
    ) -> Result<(), RunError> {
        let begin = self.clock.now();
        let mut session = Session::<OPS>::new(model, arena)?;
        let opened = self.clock.now();
        self.print(Record::Model(word(model.bytes().len())));
        self.print(Record::Arena(word(model.arena_len())));
        self.print(Record::Load(self.clock.between(begin, opened)));
        fill(model, &mut session)?;
        let (instructions, used) = self.timed(&mut session);
        self.print(Record::Row {
            index: 0,
            instructions,
        });
        self.output(session.output_bytes(0)?);
        fill(model, &mut session)?;
        self.steps(&mut session);
        self.print(Record::Stack(used));
        Ok(())
    }

    /// Cycles of one inference, and the stack that it takes.
    #[inline(never)]
    fn timed<const OPS: u128>(&mut self, session: &mut Session<'_, '_, OPS>) -> (u64, u32) {
        let stack = Painted::below(self.stack_end);
        let begin = self.clock.now();
        session.run();
        let end = self.clock.now();
        (self.clock.between(begin, end), word(stack.used()))
    }

    /// Prints the cycles of each step of one inference.
    fn steps<const OPS: u128>(&mut self, session: &mut Session<'_, '_, OPS>) {
        let mut index = 0;
        let mut begin = self.clock.now();
        session.run_with(|_| {
            let end = self.clock.now();
            let instructions = self.clock.between(begin, end);
            self.print(Record::Step {
                index,
                instructions,
            });
            index += 1;
            begin = self.clock.now();
        });
    }

    /// Prints the first bytes of an output: what `nnz run` gives for zeros.
    fn output(&mut self, bytes: &[u8]) {
        let mut lines = Lines(&mut self.console);
        // Writing to a console cannot fail.
        let _ = lines.write_str("output");
        for byte in bytes.iter().take(SHOWN) {
            let _ = write!(lines, " {byte:02x}");
        }
        let _ = lines.write_str("\r\n");
    }

    fn print(&mut self, record: Record<'_>) {
        self.line(format_args!("{record}"));
    }

    fn line(&mut self, text: fmt::Arguments<'_>) {
        let mut lines = Lines(&mut self.console);
        // Writing to a console cannot fail.
        let _ = lines.write_fmt(text);
        let _ = lines.write_str("\r\n");
    }
}

/// Zeros in every input.
fn fill<const OPS: u128>(
    model: &Model<'_>,
    session: &mut Session<'_, '_, OPS>,
) -> Result<(), RunError> {
    (0..model.inputs_len()).try_for_each(|index| {
        session.input_bytes(index)?.fill(0);
        Ok(())
    })
}

/// A console as formatting writes to it.
struct Lines<'c, C>(&'c mut C);

impl<C: Console> Write for Lines<'_, C> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.send(text.as_bytes());
        Ok(())
    }
}

/// A length as the report has it.
fn word(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
