//! A device's serial port: whatever arrives, the device answers and the model that runs stays.

use core::convert::Infallible;
use embedded_io::{ErrorType, Read, Write};
use nnz_format::Model;
use nnz_wire::crc32;
use nnz_wire::device::{Board, Device, End, Network};
use nnz_wire::store::{Flash, FlashError, HEADER, Store};

/// Bytes of a slot.
const SLOT: usize = 8192;

/// Flash of one slot, which erases to ones and programs erased bytes only.
#[derive(Debug)]
struct Ram {
    bytes: Vec<u8>,
}

impl Flash for Ram {
    const PAGE: usize = 256;

    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn erase(&mut self, at: usize) -> Result<(), FlashError> {
        assert!(at.is_multiple_of(Self::PAGE));
        self.bytes[at..at + Self::PAGE].fill(0xFF);
        Ok(())
    }

    fn program(&mut self, at: usize, bytes: &[u8; HEADER]) -> Result<(), FlashError> {
        let place = &mut self.bytes[at..at + HEADER];
        assert!(place.iter().all(|byte| *byte == 0xFF), "programmed twice");
        place.copy_from_slice(bytes);
        Ok(())
    }
}

/// A network of as many inputs as its model has bytes, up to 16; its result is their sum.
#[derive(Debug)]
struct Sum {
    inputs: usize,
    sum: f32,
}

impl Network for Sum {
    fn input_len(&self) -> usize {
        self.inputs
    }

    fn run(&mut self, inputs: &[u8]) -> u64 {
        assert_eq!(inputs.len(), self.inputs);
        self.sum = inputs.iter().copied().map(f32::from).sum();
        1
    }

    fn results(&self, show: &mut dyn FnMut(f32)) {
        show(self.sum);
    }
}

/// Takes models that the parser proves, and short ones that stand for models.
#[derive(Debug)]
struct Desk;

impl Desk {
    fn takes(model: &[u8]) -> bool {
        model.starts_with(b"ok") || Model::parse(model).is_ok()
    }
}

impl Board for Desk {
    fn name(&self) -> &'static str {
        "desk"
    }

    fn micros(&mut self) -> u64 {
        1
    }

    fn accepts(&self, model: &[u8]) -> bool {
        Self::takes(model)
    }
}

/// Bytes that come in; what goes out is counted.
#[derive(Debug)]
struct Port<'a> {
    incoming: &'a [u8],
    outgoing: usize,
}

impl ErrorType for Port<'_> {
    type Error = Infallible;
}

impl Read for Port<'_> {
    fn read(&mut self, place: &mut [u8]) -> Result<usize, Infallible> {
        let len = place.len().min(self.incoming.len());
        let (now, later) = self.incoming.split_at(len);
        place[..len].copy_from_slice(now);
        self.incoming = later;
        Ok(len)
    }
}

impl Write for Port<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        assert!(bytes.is_ascii());
        self.outgoing += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Serves `bytes` behind a first byte that says whether they are what arrives (0) or become commands.
pub fn receive(bytes: &[u8]) -> usize {
    match bytes.split_first() {
        Some((0, incoming)) => serve(incoming),
        Some((_, choices)) => serve_commands(choices),
        None => 0,
    }
}

/// Serves everything that `incoming` holds; returns how many models it brought.
fn serve(incoming: &[u8]) -> usize {
    let bytes = vec![0; SLOT];
    let mut store = Store::new([
        Ram {
            bytes: bytes.clone(),
        },
        Ram { bytes },
    ]);
    let (mut port, mut models) = (
        Port {
            incoming,
            outgoing: 0,
        },
        0,
    );
    loop {
        let (model, update) = store.open(Desk::takes);
        assert!(models == 0 || model.is_some(), "no model is left");
        let before = model.map(<[u8]>::to_vec);
        let mut inputs = [0; 16];
        let network = model.map(|model| {
            let inputs = model.len().min(16);
            (model, Sum { inputs, sum: 0.0 })
        });
        let mut device = Device {
            board: &mut Desk,
            network,
            update,
            inputs: &mut inputs,
        };
        let end = device.serve(&mut port);
        let after = device.network.map(|(model, _)| model.to_vec());
        assert!(before == after, "the model that runs was written over");
        if end == End::Closed {
            return models;
        }
        models += 1;
    }
}

/// Turns `bytes` into commands, most of them well-formed with the right check sums, and serves those.
fn serve_commands(bytes: &[u8]) -> usize {
    let mut text = Vec::new();
    let mut rest = bytes;
    while let Some((choice, after)) = rest.split_first() {
        rest = command(*choice, after, &mut text);
    }
    serve(&text)
}

/// Appends the command that `choice` names, made of the bytes that follow; returns those behind them.
fn command<'a>(choice: u8, bytes: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    let len = bytes
        .first()
        .map_or(0, |len| usize::from(*len))
        .min(bytes.len());
    let (now, rest) = bytes.split_at(len);
    let hex: String = now.iter().map(|byte| format!("{byte:02x}")).collect();
    let at = usize::from(choice >> 4) * 32;
    let written = match choice & 15 {
        0 => format!("model begin {len} {:08x}%", crc32(now)),
        1 => format!("model at {at} {:08x} {hex}%", crc32(now)),
        2 => "model end%".to_owned(),
        3 => format!("db load {len}%"),
        4 => format!("db {hex}%"),
        5 => format!("infer {len} {}%", choice >> 4),
        6 => "results%model%name%profile%help%timestamp%".to_owned(),
        // A whole transfer.
        7 => {
            let sum = crc32(now);
            format!("model begin {len} {sum:08x}%model at 0 {sum:08x} {hex}%model end%")
        }
        _ => {
            text.extend_from_slice(now);
            return rest;
        }
    };
    text.extend_from_slice(written.as_bytes());
    rest
}
