//! The device's side: serves one network until another one arrives.

use crate::command::{Command, Hex};
use crate::decimal::Decimal;
use crate::line::Line;
use crate::store::{Flash, Update};
use crate::{CHUNK, LINE, MOST_RUNS, crc32};
use core::fmt::{self, Write as _};
use embedded_io::{Read, Write};

/// A network that runs.
pub trait Network {
    /// Bytes of its inputs together.
    fn input_len(&self) -> usize;

    /// Runs once on these inputs, [`Self::input_len`] bytes; returns the instructions or cycles that it took.
    fn run(&mut self, inputs: &[u8]) -> u64;

    /// Shows every value of the outputs of the last run, as a real number.
    fn results(&self, show: &mut dyn FnMut(f32));
}

/// What a device says about itself, and what it can do besides.
pub trait Board {
    /// Its name.
    fn name(&self) -> &str;

    /// Microseconds since any moment.
    fn micros(&mut self) -> u64;

    /// Whether it can run this model.
    fn accepts(&self, model: &[u8]) -> bool;
}

/// Why [`Device::serve`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Another model is stored: open the store again.
    NewModel,
    /// The host said goodbye, or the wire broke.
    Closed,
}

/// A device with the model that it runs, if it has one.
#[derive(Debug)]
pub struct Device<'a, B, N, F> {
    /// The machine.
    pub board: &'a mut B,
    /// The model's bytes and its network.
    pub network: Option<(&'a [u8], N)>,
    /// Where the next model is written.
    pub update: Update<'a, F>,
    /// Room for the inputs of one run.
    pub inputs: &'a mut [u8],
}

/// How far the host is with the inputs.
#[derive(Debug, Default)]
struct Inputs {
    expected: usize,
    received: usize,
}

/// Answers go out here; a wire that broke shows when it is read.
struct Reply<'p, P>(&'p mut P);

impl<P: Write> fmt::Write for Reply<'_, P> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_all(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

impl<B: Board, N: Network, F: Flash> Device<'_, B, N, F> {
    /// Answers until another model is stored or the host leaves.
    pub fn serve<P: Read + Write>(&mut self, port: &mut P) -> End {
        let mut line = Line::<LINE>::new();
        let mut inputs = Inputs::default();
        loop {
            let mut byte = [0];
            match port.read(&mut byte) {
                Ok(1..) => {}
                Ok(_) | Err(_) => return End::Closed,
            }
            if !line.push(byte[0]) {
                continue;
            }
            let command = match line.take().map(Command::parse) {
                Ok(Ok(None)) => continue,
                Ok(Ok(Some(command))) => command,
                Ok(Err(error)) => {
                    refuse(port, format_args!("{error}"));
                    continue;
                }
                Err(error) => {
                    refuse(port, format_args!("{error}"));
                    continue;
                }
            };
            if let Some(end) = self.answer(command, &mut inputs, port) {
                return end;
            }
        }
    }

    /// Does what a command says.
    fn answer<P: Write>(
        &mut self,
        command: Command<'_>,
        inputs: &mut Inputs,
        port: &mut P,
    ) -> Option<End> {
        let mut reply = Reply(port);
        let done = match command {
            Command::Name => {
                writeln!(reply, "m-name-dut-[{}]\r", self.board.name()).map_err(Into::into)
            }
            Command::Profile => self.profile(&mut reply),
            Command::Help => help(&mut reply),
            Command::Timestamp => lap(&mut reply, self.board.micros()),
            Command::Load(len) => self.load(len, inputs, &mut reply),
            Command::Data(hex) => self.data(hex, inputs, &mut reply),
            Command::Infer { runs, warmups } => self.infer(runs, warmups, inputs, &mut reply),
            Command::Results => self.results(&mut reply),
            Command::Model => self.model(&mut reply),
            Command::Begin { len, crc } => self.begin(len, crc, &mut reply),
            Command::At { at, crc, bytes } => self.at(at, crc, bytes, &mut reply),
            Command::End => return self.end(port),
            Command::Echo(word) => writeln!(reply, "m-echo-{word}\r").map_err(Into::into),
            Command::Bye => {
                ready(port);
                return Some(End::Closed);
            }
        };
        match done {
            Ok(()) => ready(port),
            Err(refusal) => refuse(port, format_args!("{refusal}")),
        }
        None
    }

    fn profile(&self, reply: &mut dyn fmt::Write) -> Result<(), Refusal> {
        let inputs = self
            .network
            .as_ref()
            .map(|(_, network)| network.input_len());
        writeln!(reply, "m-profile-[ULPMark for tinyML Firmware V0.0.1]\r")?;
        Ok(writeln!(reply, "m-model-[{}]\r", task(inputs))?)
    }

    fn network(&self) -> Result<&N, Refusal> {
        let network = self.network.as_ref().map(|(_, network)| network);
        network.ok_or(Refusal::Reason("there is no model"))
    }

    fn load(
        &self,
        len: usize,
        inputs: &mut Inputs,
        reply: &mut dyn fmt::Write,
    ) -> Result<(), Refusal> {
        let wanted = self.network()?.input_len();
        if len != wanted {
            return Err(Refusal::Length(wanted));
        }
        if len > self.inputs.len() {
            return Err(Refusal::Reason("the inputs do not fit"));
        }
        *inputs = Inputs {
            expected: len,
            received: 0,
        };
        Ok(writeln!(reply, "m-[Expecting {len} bytes]\r")?)
    }

    fn data(
        &mut self,
        hex: Hex<'_>,
        inputs: &mut Inputs,
        reply: &mut dyn fmt::Write,
    ) -> Result<(), Refusal> {
        let end = inputs.received + hex.len();
        if end > inputs.expected {
            return Err(Refusal::Reason("more bytes than announced"));
        }
        let place = self
            .inputs
            .get_mut(inputs.received..end)
            .unwrap_or_default();
        let _ = hex.read(place);
        inputs.received = end;
        if end == inputs.expected {
            writeln!(reply, "m-load-done\r")?;
        }
        Ok(())
    }

    fn infer(
        &mut self,
        runs: u32,
        warmups: u32,
        inputs: &Inputs,
        reply: &mut dyn fmt::Write,
    ) -> Result<(), Refusal> {
        let (_, network) = self
            .network
            .as_mut()
            .ok_or(Refusal::Reason("there is no model"))?;
        if inputs.expected == 0 || inputs.received < inputs.expected {
            return Err(Refusal::Reason("the inputs are not there"));
        }
        if runs == 0 {
            return Err(Refusal::Reason("no run, no result"));
        }
        if runs.max(warmups) > MOST_RUNS {
            return Err(Refusal::Reason("too many runs at once"));
        }
        let bytes = self.inputs.get(..inputs.expected).unwrap_or_default();
        writeln!(reply, "m-warmup-start-{warmups}\r")?;
        for _ in 0..warmups {
            network.run(bytes);
        }
        writeln!(reply, "m-warmup-done\r\nm-infer-start-{runs}\r")?;
        lap(reply, self.board.micros())?;
        let mut last = 0;
        for _ in 0..runs {
            last = network.run(bytes);
        }
        lap(reply, self.board.micros())?;
        writeln!(reply, "m-infer-done\r\nm-count-{last}\r")?;
        self.results(reply)
    }

    fn results(&self, reply: &mut dyn fmt::Write) -> Result<(), Refusal> {
        let network = self.network()?;
        write!(reply, "m-results-[")?;
        let (mut comma, mut written) = ("", Ok(()));
        network.results(&mut |value| {
            if written.is_ok() {
                written = write!(reply, "{comma}{}", Decimal(value));
            }
            comma = ",";
        });
        written?;
        Ok(writeln!(reply, "]\r")?)
    }

    fn model(&self, reply: &mut dyn fmt::Write) -> Result<(), Refusal> {
        let (bytes, network) = self
            .network
            .as_ref()
            .ok_or(Refusal::Reason("there is no model"))?;
        let (len, crc, inputs) = (bytes.len(), crc32(bytes), network.input_len());
        Ok(writeln!(
            reply,
            "m-model-bytes-{len}\r\nm-model-sum-{crc:08x}\r\nm-model-inputs-{inputs}\r"
        )?)
    }

    fn begin(&mut self, len: usize, crc: u32, reply: &mut dyn fmt::Write) -> Result<(), Refusal> {
        self.update.begin(len, crc)?;
        Ok(writeln!(reply, "m-model-next-0\r")?)
    }

    fn at(
        &mut self,
        at: usize,
        crc: u32,
        hex: Hex<'_>,
        reply: &mut dyn fmt::Write,
    ) -> Result<(), Refusal> {
        let mut room = [0; CHUNK];
        let bytes = hex
            .read(&mut room)
            .ok_or(Refusal::Reason("too many bytes at once"))?;
        if crc32(bytes) != crc {
            return Err(Refusal::Reason("the check sum is wrong"));
        }
        let next = self.update.push(at, bytes)?;
        Ok(writeln!(reply, "m-model-next-{next}\r")?)
    }

    fn end<P: Write>(&mut self, port: &mut P) -> Option<End> {
        let board = &*self.board;
        match self.update.finish(|model| board.accepts(model)) {
            Ok(()) => {
                let _ = writeln!(Reply(port), "m-model-done\r");
                ready(port);
                Some(End::NewModel)
            }
            Err(error) => {
                refuse(port, format_args!("{error}"));
                None
            }
        }
    }
}

/// Why a command was not done.
enum Refusal {
    Reason(&'static str),
    /// The network's inputs have another number of bytes.
    Length(usize),
    Store(crate::store::StoreError),
    /// The answer did not go out; reading will tell.
    Wire,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reason(reason) => f.write_str(reason),
            Self::Length(wanted) => write!(f, "the network takes {wanted} bytes"),
            Self::Store(error) => error.fmt(f),
            Self::Wire => f.write_str("the wire broke"),
        }
    }
}

impl From<fmt::Error> for Refusal {
    fn from(_: fmt::Error) -> Self {
        Self::Wire
    }
}

impl From<crate::store::StoreError> for Refusal {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Store(error)
    }
}

/// What the benchmark calls a network with inputs of so many bytes.
const fn task(inputs: Option<usize>) -> &'static str {
    match inputs {
        Some(490) => "kws01",
        Some(3072) => "ic01",
        Some(27_648) => "vww01",
        Some(640 | 2560) => "ad01",
        Some(_) => "user",
        None => "none",
    }
}

fn lap(reply: &mut dyn fmt::Write, micros: u64) -> Result<(), Refusal> {
    Ok(writeln!(reply, "m-lap-us-{micros}\r")?)
}

fn help(reply: &mut dyn fmt::Write) -> Result<(), Refusal> {
    for line in [
        "name, profile, timestamp, echo WORD, bye",
        "db load N, db HEX: inputs",
        "infer N [W]: W runs to warm up, N that are timed; results",
        "model: the one that runs",
        "model begin LEN CRC, model at OFFSET CRC HEX, model end: another one",
    ] {
        writeln!(reply, "m-[{line}]\r")?;
    }
    Ok(())
}

fn ready<P: Write>(port: &mut P) {
    let _ = writeln!(Reply(port), "m-ready\r");
    let _ = port.flush();
}

fn refuse<P: Write>(port: &mut P, reason: fmt::Arguments<'_>) {
    let _ = writeln!(Reply(port), "e-[{reason}]\r");
    ready(port);
}
