//! The host's side: commands, replies, retries.

use crate::{CHUNK, crc32};
use core::fmt;
use std::io::{self, Read, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// A device at the other end of `port`, whose reads give up after a time.
#[derive(Debug)]
pub struct Client<P> {
    port: P,
    received: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum WireError {
    /// The port failed, or nothing came in time.
    Port(io::Error),
    /// The device refuses, and says why.
    Refused(String),
    /// The answer is not what was asked for.
    Answer {
        /// What was asked.
        command: String,
        /// What came.
        lines: Vec<String>,
    },
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(error) => write!(f, "no answer from the device: {error}"),
            Self::Refused(reason) => write!(f, "the device says: {reason}"),
            Self::Answer { command, lines } => {
                write!(f, "'{command}' was answered with {lines:?}")
            }
        }
    }
}

impl core::error::Error for WireError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Port(error) => Some(error),
            Self::Refused(_) | Self::Answer { .. } => None,
        }
    }
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        Self::Port(error)
    }
}

/// What the device measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Microseconds of all runs together.
    pub micros: u64,
    /// Instructions or cycles of the last run.
    pub count: u64,
    /// The values of its outputs.
    pub results: Vec<f32>,
}

/// The model that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// Its bytes.
    pub bytes: usize,
    /// Their CRC-32.
    pub crc: u32,
    /// Bytes of its inputs.
    pub inputs: usize,
}

/// How often a command is repeated that was garbled on the way.
const TRIES: usize = 3;

impl<P: Read + Write> Client<P> {
    /// Talks over `port`. Whatever was on the way before is ended and forgotten.
    ///
    /// # Errors
    /// The device does not answer.
    pub fn new(port: P) -> Result<Self, WireError> {
        let mut client = Self {
            port,
            received: Vec::new(),
        };
        client.meet()?;
        Ok(client)
    }

    /// Ends a command that another host began, and passes over all answers up to one that can only be its own.
    fn meet(&mut self) -> Result<(), WireError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let word = format!("m-echo-{:x}", now.unwrap_or_default().as_nanos());
        let token = word.trim_start_matches("m-echo-");
        self.port.write_all(format!("%echo {token}%").as_bytes())?;
        self.port.flush()?;
        while !self.lines()?.contains(&word) {}
        Ok(())
    }

    /// The device's name.
    ///
    /// # Errors
    /// The device does not answer.
    pub fn name(&mut self) -> Result<String, WireError> {
        let lines = self.ask("name")?;
        let name = lines
            .iter()
            .find_map(|l| field(l, "m-name-dut-[")?.strip_suffix(']'));
        let name = name.map(str::to_owned);
        name.ok_or_else(|| unexpected("name", lines))
    }

    /// The model that runs.
    ///
    /// # Errors
    /// There is none, or no answer.
    pub fn model(&mut self) -> Result<Running, WireError> {
        let lines = self.ask("model")?;
        let running = || {
            let sum = lines.iter().find_map(|l| field(l, "m-model-sum-"))?;
            Some(Running {
                bytes: number(&lines, "m-model-bytes-")?,
                crc: u32::from_str_radix(sum, 16).ok()?,
                inputs: number(&lines, "m-model-inputs-")?,
            })
        };
        running().ok_or_else(|| unexpected("model", lines.clone()))
    }

    /// Stores a model, which runs from then on. `tell` hears how many bytes arrived.
    ///
    /// # Errors
    /// The device refuses it or does not answer; it goes on with the one it has.
    pub fn send(&mut self, model: &[u8], tell: &mut dyn FnMut(usize)) -> Result<(), WireError> {
        self.ask(&format!("model begin {} {:08x}", model.len(), crc32(model)))?;
        let mut at = 0;
        while at < model.len() {
            let end = model.len().min(at + CHUNK);
            let bytes = &model[at..end];
            let command = format!("model at {at} {:08x} {}", crc32(bytes), hex(bytes));
            let lines = self.ask_again(&command)?;
            at = number(&lines, "m-model-next-")
                .filter(|next| *next > at)
                .ok_or_else(|| unexpected(&command, lines))?;
            tell(at);
        }
        self.ask("model end").map(drop)
    }

    /// Runs the network `runs` times on `inputs`, after `warmups` that do not count.
    ///
    /// # Errors
    /// The inputs have another length than the network's, or there is no answer.
    pub fn infer(&mut self, inputs: &[u8], runs: u32, warmups: u32) -> Result<Measured, WireError> {
        self.ask(&format!("db load {}", inputs.len()))?;
        for bytes in inputs.chunks(CHUNK) {
            self.ask(&format!("db {}", hex(bytes)))?;
        }
        let command = format!("infer {runs} {warmups}");
        let lines = self.ask(&command)?;
        measured(&lines).ok_or_else(|| unexpected(&command, lines))
    }

    /// The port again; whoever talks over it next begins with [`Self::new`].
    pub fn into_port(self) -> P {
        self.port
    }

    /// The host leaves.
    ///
    /// # Errors
    /// There is no answer.
    pub fn bye(mut self) -> Result<(), WireError> {
        self.ask("bye").map(drop)
    }

    /// Sends a command and returns the lines of the answer.
    fn ask(&mut self, command: &str) -> Result<Vec<String>, WireError> {
        self.port.write_all(command.as_bytes())?;
        self.port.write_all(b"%")?;
        self.port.flush()?;
        let lines = self.lines()?;
        match lines.iter().find_map(|l| field(l, "e-[")) {
            Some(reason) => Err(WireError::Refused(reason.trim_end_matches(']').to_owned())),
            None => Ok(lines),
        }
    }

    /// [`Self::ask`], again where the device noticed that the command was garbled.
    fn ask_again(&mut self, command: &str) -> Result<Vec<String>, WireError> {
        let mut tries = 1;
        loop {
            match self.ask(command) {
                Err(WireError::Refused(_)) if tries < TRIES => tries += 1,
                answer => return answer,
            }
        }
    }

    /// The lines before the next `m-ready`.
    fn lines(&mut self) -> Result<Vec<String>, WireError> {
        let mut lines = Vec::new();
        loop {
            let line = self.line()?;
            match line.as_str() {
                "m-ready" => return Ok(lines),
                "" => {}
                _ => lines.push(line),
            }
        }
    }

    fn line(&mut self) -> Result<String, WireError> {
        loop {
            if let Some(end) = self.received.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim().to_owned());
            }
            let mut bytes = [0; 512];
            match self.port.read(&mut bytes)? {
                0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                n => self.received.extend(&bytes[..n]),
            }
        }
    }
}

fn measured(lines: &[String]) -> Option<Measured> {
    let laps: Vec<u64> = lines
        .iter()
        .filter_map(|l| field(l, "m-lap-us-")?.parse().ok())
        .collect();
    let results = lines
        .iter()
        .find_map(|l| field(l, "m-results-[")?.strip_suffix(']'))?;
    let &[begin, end] = laps.as_slice() else {
        return None;
    };
    Some(Measured {
        micros: end.checked_sub(begin)?,
        count: number(lines, "m-count-")?,
        results: results
            .split(',')
            .map(|v| v.parse().ok())
            .collect::<Option<_>>()?,
    })
}

fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    line.strip_prefix(name)
}

fn number<T: core::str::FromStr>(lines: &[String], name: &str) -> Option<T> {
    lines.iter().find_map(|l| field(l, name)?.parse().ok())
}

fn unexpected(command: &str, lines: Vec<String>) -> WireError {
    let command = command.chars().take(40).collect();
    WireError::Answer { command, lines }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
