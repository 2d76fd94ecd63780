//! The lines a firmware prints about a run, written on the device and read on the host.
//!
//! ```text
//! nnz 1                 protocol version; first line
//! model 53936           bytes of the model
//! arena 22816           bytes of the arena that the model needs
//! load 61234            instructions of parsing the model and opening a session
//! row 0 7697347         instructions of one inference, one line a row of input
//! step 0 812345         instructions of one step of the first row
//! slice 0 41234         instructions of one slice of the first row, where the host asked for pauses
//! stack 512             high-water mark of parsing, opening and running, bytes
//! end                   last line of a run that succeeded
//! fail text             instead of `end`: what went wrong
//! ```
//!
//! Lines that begin otherwise are not part of the protocol and are skipped, so a board may print
//! a banner of its own.

use core::fmt;

/// Version of the protocol.
pub const VERSION: u32 = 1;

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// First line, with the protocol's version.
    Begin(u32),
    /// Bytes of the model file.
    Model(u32),
    /// Bytes of the arena.
    Arena(u32),
    /// Instructions of parsing and opening.
    Load(u64),
    /// Instructions of one inference.
    Row {
        /// Row of the input.
        index: u32,
        /// Instructions.
        instructions: u64,
    },
    /// Instructions of one step.
    Step {
        /// Index of the step in the file.
        index: u32,
        /// Instructions.
        instructions: u64,
    },
    /// Instructions of one slice of a run that pauses.
    Slice {
        /// Index of the slice in the run.
        index: u32,
        /// Instructions.
        instructions: u64,
    },
    /// Bytes of stack.
    Stack(u32),
    /// Last line of a run that failed.
    Fail(&'a str),
    /// Last line of a run that succeeded.
    End,
}

impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Begin(version) => write!(f, "nnz {version}"),
            Self::Model(bytes) => write!(f, "model {bytes}"),
            Self::Arena(bytes) => write!(f, "arena {bytes}"),
            Self::Load(instructions) => write!(f, "load {instructions}"),
            Self::Row {
                index,
                instructions,
            } => write!(f, "row {index} {instructions}"),
            Self::Step {
                index,
                instructions,
            } => write!(f, "step {index} {instructions}"),
            Self::Slice {
                index,
                instructions,
            } => write!(f, "slice {index} {instructions}"),
            Self::Stack(bytes) => write!(f, "stack {bytes}"),
            Self::Fail(text) => write!(f, "fail {text}"),
            Self::End => f.write_str("end"),
        }
    }
}

impl<'a> Record<'a> {
    /// Reads one line; `None` where it is not a line of the protocol.
    pub fn parse(line: &'a str) -> Option<Self> {
        let line = line.trim_end();
        let (key, rest) = line.split_once(' ').unwrap_or((line, ""));
        let record = match key {
            "nnz" => Self::Begin(rest.parse().ok()?),
            "model" => Self::Model(rest.parse().ok()?),
            "arena" => Self::Arena(rest.parse().ok()?),
            "load" => Self::Load(rest.parse().ok()?),
            "row" => {
                let (index, instructions) = pair(rest)?;
                Self::Row {
                    index,
                    instructions,
                }
            }
            "step" => {
                let (index, instructions) = pair(rest)?;
                Self::Step {
                    index,
                    instructions,
                }
            }
            "slice" => {
                let (index, instructions) = pair(rest)?;
                Self::Slice {
                    index,
                    instructions,
                }
            }
            "stack" => Self::Stack(rest.parse().ok()?),
            "fail" => Self::Fail(rest),
            "end" if rest.is_empty() => Self::End,
            _ => return None,
        };
        Some(record)
    }
}

fn pair(text: &str) -> Option<(u32, u64)> {
    let (index, count) = text.split_once(' ')?;
    Some((index.parse().ok()?, count.parse().ok()?))
}

#[cfg(feature = "std")]
pub use collected::{Run, RunFailure};

#[cfg(feature = "std")]
mod collected {
    use super::{Record, VERSION};
    use core::fmt;

    /// Everything a firmware told about a run.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Run {
        /// Bytes of the model.
        pub model_bytes: u32,
        /// Bytes of the arena.
        pub arena_bytes: u32,
        /// Bytes of stack.
        pub stack_bytes: u32,
        /// Instructions of parsing the model and opening a session.
        pub load_instructions: u64,
        /// Instructions of each row's inference.
        pub rows: Vec<u64>,
        /// Instructions of each step of the first row.
        pub steps: Vec<u64>,
        /// Instructions of each slice of the first row; empty where the run was not to pause.
        pub slices: Vec<u64>,
    }

    /// Why a firmware's lines are not a finished run.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum RunFailure {
        /// The firmware said why.
        Reported(String),
        /// It speaks another version of the protocol.
        Version(u32),
        /// It stopped without a last line.
        Unfinished,
        /// A row, step or slice is missing or out of order.
        Order(String),
    }

    impl fmt::Display for RunFailure {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Self::Reported(text) => write!(f, "the firmware reports: {text}"),
                Self::Version(version) => write!(
                    f,
                    "the firmware image speaks report version {version}, this program {VERSION}: \
                     build the image again with `cargo xtask firmware`"
                ),
                Self::Unfinished => {
                    f.write_str("the firmware stopped without finishing its report")
                }
                Self::Order(line) => write!(f, "the firmware's line '{line}' is out of order"),
            }
        }
    }

    impl core::error::Error for RunFailure {}

    impl Run {
        /// Reads everything a firmware printed.
        pub fn parse(text: &str) -> Result<Self, RunFailure> {
            let mut run = Self::default();
            for line in text.lines() {
                let Some(record) = Record::parse(line) else {
                    continue;
                };
                match record {
                    Record::Begin(VERSION) => run = Self::default(),
                    Record::Begin(version) => return Err(RunFailure::Version(version)),
                    Record::Model(bytes) => run.model_bytes = bytes,
                    Record::Arena(bytes) => run.arena_bytes = bytes,
                    Record::Load(instructions) => run.load_instructions = instructions,
                    Record::Row {
                        index,
                        instructions,
                    } => {
                        push(&mut run.rows, index, instructions, line)?;
                    }
                    Record::Step {
                        index,
                        instructions,
                    } => {
                        push(&mut run.steps, index, instructions, line)?;
                    }
                    Record::Slice {
                        index,
                        instructions,
                    } => {
                        push(&mut run.slices, index, instructions, line)?;
                    }
                    Record::Stack(bytes) => run.stack_bytes = bytes,
                    Record::Fail(text) => return Err(RunFailure::Reported(text.to_owned())),
                    Record::End => return Ok(run),
                }
            }
            Err(RunFailure::Unfinished)
        }
    }

    fn push(to: &mut Vec<u64>, index: u32, value: u64, line: &str) -> Result<(), RunFailure> {
        if usize::try_from(index) != Ok(to.len()) {
            return Err(RunFailure::Order(line.to_owned()));
        }
        to.push(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    const RECORDS: [Record<'_>; 10] = [
        Record::Begin(VERSION),
        Record::Model(53_936),
        Record::Arena(22_816),
        Record::Load(61_234),
        Record::Row {
            index: 0,
            instructions: 7_697_347,
        },
        Record::Step {
            index: 0,
            instructions: u64::MAX,
        },
        Record::Slice {
            index: 3,
            instructions: 41_234,
        },
        Record::Stack(512),
        Record::Fail("arena too small: 5 bytes of 8"),
        Record::End,
    ];

    #[test]
    fn every_record_reads_back_from_its_line() {
        for record in RECORDS {
            assert_eq!(Record::parse(&record.to_string()), Some(record));
        }
    }

    #[test]
    fn other_lines_are_not_records() {
        for line in [
            "",
            "hello",
            "row",
            "row 1",
            "row x 3",
            "end now",
            "stack -1",
            "model 99999999999",
        ] {
            assert_eq!(Record::parse(line), None, "{line:?}");
        }
    }

    #[cfg(feature = "std")]
    #[test]
    fn a_finished_run_is_collected() {
        let text = "boot\nnnz 1\nmodel 9\narena 16\nload 5\nrow 0 10\nrow 1 11\nstep 0 4\nstep 1 6\nslice 0 3\nslice 1 8\nstack 32\nend\n";
        let run = Run::parse(text).unwrap();
        assert_eq!(
            (run.model_bytes, run.arena_bytes, run.stack_bytes),
            (9, 16, 32)
        );
        assert_eq!((run.rows, run.steps), (std::vec![10, 11], std::vec![4, 6]));
        assert_eq!(run.slices, [3, 8]);
    }

    #[cfg(feature = "std")]
    #[test]
    fn runs_that_did_not_finish_say_why() {
        let cases = [
            (
                "nnz 1\nfail no model",
                RunFailure::Reported("no model".to_string()),
            ),
            ("nnz 1\nrow 0 1", RunFailure::Unfinished),
            ("nnz 2\nend", RunFailure::Version(2)),
            (
                "nnz 1\nrow 1 1\nend",
                RunFailure::Order("row 1 1".to_string()),
            ),
        ];
        for (text, failure) in cases {
            assert_eq!(Run::parse(text), Err(failure));
        }
    }
}
