//! A flash whose power can go at any operation, a wire of bytes between two threads, and small random numbers.

#![allow(dead_code, reason = "every suite uses a part")]

use core::cell::Cell;
use core::time::Duration;
use nnz_wire::store::{Flash, FlashError, HEADER};
use std::io;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Numbers that look random (`xorshift64`).
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_le_bytes()[3]).collect()
    }
}

/// Operations until the power goes, for both slots.
pub(crate) type Power = Rc<Cell<usize>>;

/// Flash: erasing sets the bits of a page, programming clears bits of erased bytes only.
#[derive(Debug, Clone)]
pub(crate) struct Simulated {
    pub(crate) bytes: Vec<u8>,
    pub(crate) power: Power,
    random: Random,
}

impl Simulated {
    pub(crate) fn new(len: usize, seed: u64, power: &Power) -> Self {
        let mut random = Random(seed);
        Self {
            bytes: random.bytes(len),
            power: Rc::clone(power),
            random,
        }
    }

    /// Whether there is power for one more operation; it fails in the middle of the last.
    fn is_whole(&mut self) -> Result<bool, FlashError> {
        let left = self.power.get();
        self.power.set(left.saturating_sub(1));
        match left {
            0 => Err(FlashError),
            1 => Ok(false),
            _ => Ok(true),
        }
    }
}

impl Flash for Simulated {
    const PAGE: usize = 256;

    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn erase(&mut self, at: usize) -> Result<(), FlashError> {
        assert!(at.is_multiple_of(Self::PAGE));
        let is_whole = self.is_whole()?;
        for i in at..at + Self::PAGE {
            let noise = if is_whole {
                0
            } else {
                self.random.next().to_le_bytes()[0]
            };
            self.bytes[i] = 0xFF ^ noise;
        }
        if is_whole { Ok(()) } else { Err(FlashError) }
    }

    fn program(&mut self, at: usize, bytes: &[u8; HEADER]) -> Result<(), FlashError> {
        assert!(at.is_multiple_of(HEADER));
        let is_whole = self.is_whole()?;
        let place = &mut self.bytes[at..at + HEADER];
        assert!(
            place.iter().all(|b| *b == 0xFF),
            "programmed before it was erased"
        );
        for (place, byte) in place.iter_mut().zip(bytes) {
            let noise = if is_whole {
                0
            } else {
                self.random.next().to_le_bytes()[0]
            };
            *place = byte | noise;
        }
        if is_whole { Ok(()) } else { Err(FlashError) }
    }
}

/// One end of a wire.
#[derive(Debug)]
pub(crate) struct End {
    out: Sender<u8>,
    into: Receiver<u8>,
    /// Bytes that go out before the wire is cut.
    pub(crate) left: usize,
}

/// Both ends.
pub(crate) fn wire() -> (End, End) {
    let ((to_device, device), (to_host, host)) = (channel(), channel());
    let end = |out, into| End {
        out,
        into,
        left: usize::MAX,
    };
    (end(to_device, host), end(to_host, device))
}

impl io::Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let timeout = Duration::from_secs(20);
        let first = self.into.recv_timeout(timeout);
        let first = first.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
        let bytes = core::iter::once(first).chain(self.into.try_iter());
        let places = buffer.iter_mut().zip(bytes.take(1));
        Ok(places.map(|(place, byte)| *place = byte).count())
    }
}

impl io::Write for End {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        for &byte in buffer {
            self.left = self.left.checked_sub(1).ok_or(io::ErrorKind::BrokenPipe)?;
            let _ = self.out.send(byte);
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl embedded_io::ErrorType for End {
    type Error = io::Error;
}

impl embedded_io::Read for End {
    /// Waits for the host, who may come back; ends where nobody can.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Ok(byte) = self.into.recv() else {
            return Ok(0);
        };
        buffer[0] = byte;
        Ok(1)
    }
}

impl embedded_io::Write for End {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        io::Write::write(self, buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
