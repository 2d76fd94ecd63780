//! Two slots of flash: one has the model that runs, the other is written.
//!
//! ```text
//! slot   | header, 32 bytes | the model …                       | erased …
//! header   magic 8 · sequence 4 · length 4 · CRC-32 of the model 4 · zero 8 · CRC-32 of the 28 bytes before 4
//! ```
//!
//! A transfer erases the other slot from its header on, programs the model, reads it back, and programs the header
//! last: until then the slot has no model, and power may go at any moment. At start the valid slot of the higher
//! sequence is the one that runs.

use core::fmt;
use nnz_format::crc32;

/// A region of flash that nothing else uses.
pub trait Flash {
    /// Bytes that are erased together.
    const PAGE: usize;

    /// What it has in it, aligned to 16 bytes.
    fn bytes(&self) -> &[u8];

    /// Erases the page that begins at byte `at`: all its bits are one then.
    ///
    /// # Errors
    /// The flash reports a failure.
    fn erase(&mut self, at: usize) -> Result<(), FlashError>;

    /// Programs 32 bytes that are erased; `at` is a multiple of 32.
    ///
    /// # Errors
    /// The flash reports a failure.
    fn program(&mut self, at: usize, bytes: &[u8; HEADER]) -> Result<(), FlashError>;
}

/// The flash did not do what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlashError;

/// Bytes of a slot before its model, and of everything that is programmed at once.
pub const HEADER: usize = 32;
const MAGIC: [u8; 8] = *b"NNZSLOT1";

/// Why a model was not stored. The one that runs is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// It has more bytes than a slot.
    TooLong {
        /// What there is room for.
        room: usize,
    },
    /// No model was announced.
    NoTransfer,
    /// These bytes are not the next ones.
    OutOfOrder {
        /// Where the next ones begin.
        next: usize,
    },
    /// There are more bytes than were announced.
    TooMany,
    /// There are fewer.
    TooFew {
        /// How many there are.
        received: usize,
    },
    /// The check sum is another one.
    Sum,
    /// The flash reports a failure.
    Flash,
    /// The runtime does not take the model.
    Refused,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { room } => write!(f, "there is room for {room} bytes"),
            Self::NoTransfer => f.write_str("no model begins"),
            Self::OutOfOrder { next } => write!(f, "byte {next} is next"),
            Self::TooMany => f.write_str("more bytes than announced"),
            Self::TooFew { received } => write!(f, "only {received} bytes arrived"),
            Self::Sum => f.write_str("the check sum is wrong"),
            Self::Flash => f.write_str("the flash failed"),
            Self::Refused => f.write_str("the model is refused"),
        }
    }
}

impl From<FlashError> for StoreError {
    fn from(_: FlashError) -> Self {
        Self::Flash
    }
}

/// The two slots.
#[derive(Debug)]
pub struct Store<F> {
    slots: [F; 2],
}

/// A model of a slot.
#[derive(Debug, Clone, Copy)]
struct Stored<'f> {
    sequence: u32,
    model: &'f [u8],
}

/// The model of a slot, where it has a whole one.
fn stored(bytes: &[u8]) -> Option<Stored<'_>> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
    let word = |at: usize| {
        let bytes = header.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    };
    let is_whole = header.starts_with(&MAGIC) && word(28)? == crc32(header.get(..28)?);
    let model = rest.get(..usize::try_from(word(12)?).ok()?)?;
    (is_whole && word(16)? == crc32(model)).then_some(Stored {
        sequence: word(8)?,
        model,
    })
}

impl<F: Flash> Store<F> {
    /// Whatever is in the slots; they have the same size.
    pub const fn new(slots: [F; 2]) -> Self {
        Self { slots }
    }

    /// The slots themselves.
    pub const fn slots_mut(&mut self) -> &mut [F; 2] {
        &mut self.slots
    }

    /// The model that was stored last and is `accepted`, and the other slot to write the next one to.
    pub fn open(&mut self, accepted: impl Fn(&[u8]) -> bool) -> (Option<&[u8]>, Update<'_, F>) {
        let [first, second] = &mut self.slots;
        let usable = |slot: &F| {
            let stored = stored(slot.bytes()).filter(|stored| accepted(stored.model))?;
            Some(stored.sequence)
        };
        let (one, two) = (usable(first), usable(second));
        let (running, other) = if two > one {
            (second, first)
        } else {
            (first, second)
        };
        let newest = one.max(two);
        let update = Update {
            flash: other,
            sequence: newest.map_or(0, |newest| newest.wrapping_add(1)),
            transfer: None,
        };
        let model = newest.and_then(|_| stored(running.bytes()));
        (model.map(|stored| stored.model), update)
    }
}

/// Writes a model to the slot that does not run.
#[derive(Debug)]
pub struct Update<'f, F> {
    flash: &'f mut F,
    sequence: u32,
    transfer: Option<Transfer>,
}

/// A model that is arriving.
#[derive(Debug)]
struct Transfer {
    len: usize,
    crc: u32,
    received: usize,
    /// The bytes that are not yet as many as are programmed at once.
    rest: [u8; HEADER],
}

impl<F: Flash> Update<'_, F> {
    /// Most bytes of a model.
    #[must_use]
    pub fn room(&self) -> usize {
        self.flash.bytes().len().saturating_sub(HEADER)
    }

    /// A model of `len` bytes with this CRC-32 begins; one that was arriving is forgotten.
    ///
    /// # Errors
    /// It has no bytes or too many, or the flash fails.
    pub fn begin(&mut self, len: usize, crc: u32) -> Result<(), StoreError> {
        self.transfer = None;
        let room = self.room();
        if len == 0 || len > room {
            return Err(StoreError::TooLong { room });
        }
        for at in (0..HEADER + len).step_by(F::PAGE) {
            self.flash.erase(at)?;
        }
        self.transfer = Some(Transfer {
            len,
            crc,
            received: 0,
            rest: [0xFF; HEADER],
        });
        Ok(())
    }

    /// Takes the bytes that begin at byte `at` of the model; returns where the next ones do. Bytes that arrived before
    /// are not looked at again, so that a host may repeat what it saw no answer to.
    ///
    /// # Errors
    /// Nothing began, bytes between are missing, there are too many, or the flash fails.
    pub fn push(&mut self, at: usize, bytes: &[u8]) -> Result<usize, StoreError> {
        let transfer = self.transfer.as_mut().ok_or(StoreError::NoTransfer)?;
        let next = transfer.received;
        let end = at.checked_add(bytes.len()).ok_or(StoreError::TooMany)?;
        if at > next {
            return Err(StoreError::OutOfOrder { next });
        }
        if end > transfer.len {
            return Err(StoreError::TooMany);
        }
        for &byte in bytes.get(next - at..).unwrap_or_default() {
            transfer.take(byte, self.flash)?;
        }
        Ok(transfer.received)
    }

    /// The model is whole: where it is what was announced and `accepted`, it is the one that runs after the next
    /// [`Store::open`].
    ///
    /// # Errors
    /// It is not whole, not what was announced, not accepted, or the flash fails.
    pub fn finish(&mut self, accepted: impl Fn(&[u8]) -> bool) -> Result<(), StoreError> {
        let mut transfer = self.transfer.take().ok_or(StoreError::NoTransfer)?;
        if transfer.received < transfer.len {
            let received = transfer.received;
            self.transfer = Some(transfer);
            return Err(StoreError::TooFew { received });
        }
        transfer.flush(self.flash)?;
        let range = HEADER..HEADER + transfer.len;
        let model = self.flash.bytes().get(range).unwrap_or_default();
        if crc32(model) != transfer.crc {
            return Err(StoreError::Sum);
        }
        if !accepted(model) {
            return Err(StoreError::Refused);
        }
        let header = header(self.sequence, transfer.len, transfer.crc);
        Ok(self.flash.program(0, &header)?)
    }
}

impl Transfer {
    /// Programs the byte with those beside it, once they are there.
    fn take(&mut self, byte: u8, flash: &mut impl Flash) -> Result<(), FlashError> {
        if let Some(place) = self.rest.get_mut(self.received % HEADER) {
            *place = byte;
        }
        self.received += 1;
        if self.received.is_multiple_of(HEADER) {
            flash.program(self.received, &self.rest)?;
            self.rest = [0xFF; HEADER];
        }
        Ok(())
    }

    /// Programs what is left.
    fn flush(&mut self, flash: &mut impl Flash) -> Result<(), FlashError> {
        let left = self.received % HEADER;
        if left == 0 {
            return Ok(());
        }
        flash.program(HEADER + self.received - left, &self.rest)
    }
}

fn header(sequence: u32, len: usize, crc: u32) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    let words = [sequence, len, crc, 0, 0].map(u32::to_le_bytes);
    let fields = MAGIC.iter().chain(words.as_flattened());
    for (place, byte) in header.iter_mut().zip(fields) {
        *place = *byte;
    }
    let (front, sum) = header.split_at_mut(28);
    sum.copy_from_slice(&crc32(front).to_le_bytes());
    header
}
