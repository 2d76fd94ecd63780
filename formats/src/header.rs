//! The header's 112 bytes and the section table behind them.

use crate::bytes::{
    ensure, is_zero, is_zero_at, slice, some, tri, u8_at, u16_at, u32_at, u64_at, u128_at,
};
use crate::crc::crc32;
use crate::{FormatError, Rounding};

/// Bytes of the header.
pub(crate) const HEADER: usize = 112;
/// Bytes of a section table entry.
pub(crate) const ENTRY: usize = 16;
/// Most sections of a file.
pub(crate) const MAX_SECTIONS: u16 = 16;
/// First bytes of every file.
pub(crate) const MAGIC: [u8; 4] = *b"nnz\0";
/// The newest version that this crate reads and writes.
pub(crate) const VERSION: u16 = 2;
/// The first kernel bit that readers of version 1 do not know.
#[cfg(feature = "write")]
pub(crate) const BITS_OF_VERSION_1: u8 = 67;
/// Header flag: accumulators round once.
pub(crate) const FLAG_SINGLE: u32 = 1;

/// The kernels and cost tables that a file was lowered for.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Backend {
    /// Portable kernels over planes or interleaved channels.
    Planar = 1,
    /// Kernels for Cortex-M4, M7, M33 and M55 that keep a convolution's tile in 32-bit words.
    ArmDsp = 2,
}

impl Backend {
    /// The backend of a header's byte.
    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Planar),
            2 => Some(Self::ArmDsp),
            _ => None,
        }
    }

    /// The name in reports and in `target.toml`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planar => "planar",
            Self::ArmDsp => "arm-dsp",
        }
    }

    /// The oldest reader version that runs it.
    pub(crate) const fn min_reader(self) -> u16 {
        match self {
            Self::Planar => 1,
            Self::ArmDsp => 2,
        }
    }
}

/// What a section holds.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum SectionKind {
    /// Tensor records.
    Tensors = 1,
    /// Step records.
    Steps = 2,
    /// Weight blobs.
    Weights = 3,
    /// Input and output records.
    Io = 4,
    /// Names of inputs and outputs.
    Names = 5,
    /// JSON about the model.
    Meta = 6,
    /// Signature, reserved.
    Signature = 7,
    /// Cost table, reserved.
    Costs = 8,
}

/// The header's numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) version: u16,
    pub(crate) min_reader: u16,
    pub(crate) kernel_mask: u128,
    pub(crate) rounding: Rounding,
    pub(crate) backend: Backend,
    pub(crate) arena_len: u32,
    pub(crate) macs: u64,
    pub(crate) stored_macs: u64,
    pub(crate) scratch_len: u32,
    pub(crate) tensors: u16,
    pub(crate) steps: u16,
    pub(crate) inputs: u16,
    pub(crate) outputs: u16,
    pub(crate) sections: u16,
}

impl Header {
    /// Reads and judges the header; also gives the bytes that the file consists of.
    pub(crate) const fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), FormatError> {
        ensure!(bytes.len() >= HEADER, FormatError::TooShort);
        let magic = u32::from_le_bytes(MAGIC);
        ensure!(u32_at(bytes, 0) == magic, FormatError::Magic);
        let file_len = u32_at(bytes, 8) as usize;
        ensure!(file_len >= HEADER, FormatError::FileLen);
        let file = some!(slice(bytes, 0, file_len), FormatError::FileLen);
        let (version, min_reader) = (u16_at(file, 12), u16_at(file, 14));
        ensure!(
            version >= 1 && min_reader >= 1 && min_reader <= version,
            FormatError::Version
        );
        ensure!(min_reader <= VERSION, FormatError::MinReader);
        let (_, summed) = some!(file.split_at_checked(8), FormatError::TooShort);
        ensure!(crc32(summed) == u32_at(file, 4), FormatError::Crc);
        let header = tri!(Self::read(file));
        Ok((header, file))
    }

    const fn read(file: &[u8]) -> Result<Self, FormatError> {
        let flags = u32_at(file, 32);
        ensure!(flags & !FLAG_SINGLE == 0, FormatError::Flags);
        let backend = some!(Backend::from_code(u8_at(file, 36)), FormatError::Backend);
        ensure!(
            u16_at(file, 14) >= backend.min_reader(),
            FormatError::Backend
        );
        ensure!(
            is_zero_at(file, 37, 3) && is_zero_at(file, 88, 24),
            FormatError::HeaderReserved
        );
        ensure!(is_zero_at(file, 44, 12), FormatError::Regions);
        let header = Self {
            version: u16_at(file, 12),
            min_reader: u16_at(file, 14),
            kernel_mask: u128_at(file, 16),
            rounding: if flags & FLAG_SINGLE == 0 {
                Rounding::Double
            } else {
                Rounding::Single
            },
            backend,
            arena_len: u32_at(file, 40),
            macs: u64_at(file, 56),
            stored_macs: u64_at(file, 64),
            scratch_len: u32_at(file, 72),
            tensors: u16_at(file, 76),
            steps: u16_at(file, 78),
            inputs: u16_at(file, 80),
            outputs: u16_at(file, 82),
            sections: u16_at(file, 86),
        };
        ensure!(header.stored_macs <= header.macs, FormatError::MacCounts);
        ensure!(header.tensors != 0, FormatError::NoTensors);
        ensure!(header.inputs != 0, FormatError::NoInputs);
        ensure!(header.outputs != 0, FormatError::NoOutputs);
        ensure!(u16_at(file, 84) == 0, FormatError::States);
        ensure!(header.sections <= MAX_SECTIONS, FormatError::SectionCount);
        Ok(header)
    }
}

/// The kernel mask that a file's header states; 0 where `bytes` is no file.
///
/// For const generic arguments: `Session<{ kernel_mask(MODEL) }>`. [`Model::parse`](crate::Model::parse) proves that
/// the mask is right.
#[must_use]
pub const fn kernel_mask(bytes: &[u8]) -> u128 {
    if has_header(bytes) {
        u128_at(bytes, 16)
    } else {
        0
    }
}

/// The arena's length in bytes that a file's header states; 0 where `bytes` is no file.
#[must_use]
pub const fn arena_len(bytes: &[u8]) -> usize {
    if has_header(bytes) {
        u32_at(bytes, 40) as usize
    } else {
        0
    }
}

const fn has_header(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER && u32_at(bytes, 0) == u32::from_le_bytes(MAGIC)
}

/// One entry of the section table.
#[derive(Clone, Copy)]
struct Entry {
    kind: u16,
    flags: u16,
    offset: usize,
    len: usize,
}

/// Entry `index` of the table.
const fn entry(file: &[u8], index: u16) -> Option<Entry> {
    let at = (index as usize)
        .saturating_mul(ENTRY)
        .saturating_add(HEADER);
    match slice(file, at, ENTRY) {
        Some(entry) => Some(Entry {
            kind: u16_at(entry, 0),
            flags: u16_at(entry, 2),
            offset: u32_at(entry, 4) as usize,
            len: u32_at(entry, 8) as usize,
        }),
        None => None,
    }
}

/// The bytes of the section of a kind.
pub(crate) const fn section(file: &[u8], sections: u16, kind: u16) -> Option<&[u8]> {
    let mut index: u16 = 0;
    while index < sections {
        match entry(file, index) {
            Some(entry) if entry.kind == kind => return slice(file, entry.offset, entry.len),
            Some(_) | None => {}
        }
        index = index.wrapping_add(1);
    }
    None
}

/// Proves the section table: flags, kinds, places, and zeros in between.
pub(crate) const fn check_sections(file: &[u8], sections: u16) -> Result<(), FormatError> {
    let table = (sections as usize).saturating_mul(ENTRY);
    let first = HEADER.saturating_add(table);
    ensure!(
        slice(file, HEADER, table).is_some(),
        FormatError::SectionTable
    );
    let mut index: u16 = 0;
    while index < sections {
        tri!(check_entry(file, index, first));
        index = index.wrapping_add(1);
    }
    check_gaps(file, sections, first)
}

const fn check_entry(file: &[u8], index: u16, first: usize) -> Result<(), FormatError> {
    let this = some!(entry(file, index), FormatError::SectionTable);
    let kind = this.kind;
    let required = this.flags & 1 == 1;
    ensure!(this.flags & !1 == 0, FormatError::SectionFlags { kind });
    ensure!(
        !required || (kind >= 1 && kind <= SectionKind::Costs as u16),
        FormatError::SectionUnknown { kind }
    );
    ensure!(
        required || kind == 0 || kind > SectionKind::Names as u16,
        FormatError::SectionNotRequired { kind }
    );
    let at = (index as usize)
        .saturating_mul(ENTRY)
        .saturating_add(HEADER);
    ensure!(
        u32_at(file, at.saturating_add(12)) == 0,
        FormatError::SectionReserved { kind }
    );
    ensure!(
        this.offset & 15 == 0,
        FormatError::SectionAlignment { kind }
    );
    ensure!(
        this.offset >= first && slice(file, this.offset, this.len).is_some(),
        FormatError::SectionBounds { kind }
    );
    let mut other: u16 = 0;
    while other < index {
        match entry(file, other) {
            Some(other) if other.kind == kind => return Err(FormatError::SectionTwice { kind }),
            Some(_) | None => {}
        }
        other = other.wrapping_add(1);
    }
    Ok(())
}

/// Walks the sections by offset: none begins before the one before it ends, and what lies between them is 0.
const fn check_gaps(file: &[u8], sections: u16, first: usize) -> Result<(), FormatError> {
    let mut end = first;
    let mut after: Option<(usize, u16)> = None;
    let mut left = sections;
    while left > 0 {
        let (this, key) = some!(next(file, sections, after), FormatError::SectionTable);
        let gap = match this.offset.checked_sub(end) {
            Some(gap) => gap,
            None => return Err(FormatError::SectionOverlap { kind: this.kind }),
        };
        let gap = some!(slice(file, end, gap), FormatError::SectionTable);
        ensure!(is_zero(gap), FormatError::Padding);
        end = this.offset.saturating_add(this.len);
        after = Some(key);
        left = left.wrapping_sub(1);
    }
    let (_, tail) = some!(file.split_at_checked(end), FormatError::SectionTable);
    ensure!(is_zero(tail), FormatError::Padding);
    Ok(())
}

/// The section with the least (offset, index) above `after`, an empty one before others at its offset.
const fn next(
    file: &[u8],
    sections: u16,
    after: Option<(usize, u16)>,
) -> Option<(Entry, (usize, u16))> {
    let mut best: Option<(Entry, (usize, u16))> = None;
    let mut index: u16 = 0;
    while index < sections {
        if let Some(this) = entry(file, index) {
            let key = (this.offset, index);
            let is_after = match after {
                Some(after) => less(after, key),
                None => true,
            };
            let is_best = match best {
                Some((_, best)) => less(key, best),
                None => true,
            };
            if is_after && is_best {
                best = Some((this, key));
            }
        }
        index = index.wrapping_add(1);
    }
    best
}

const fn less(a: (usize, u16), b: (usize, u16)) -> bool {
    a.0 < b.0 || (a.0 == b.0 && a.1 < b.1)
}
