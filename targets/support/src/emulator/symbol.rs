//! Where an image has its statics: the symbol table of a 32-bit little-endian ELF file, no more.

use core::ops::Range;
use std::fs;
use std::path::Path;

/// First bytes of a 32-bit little-endian ELF file.
const MAGIC: [u8; 6] = *b"\x7fELF\x01\x01";
/// Bytes of a section header.
const SECTION: usize = 40;
/// Section type of a symbol table.
const SYMBOLS: u32 = 2;
/// Bytes of a symbol.
const SYMBOL: usize = 16;

/// The addresses of the static whose symbol is `name`; `None` where the image cannot be read or has none.
pub(super) fn place(image: &Path, name: &str) -> Option<Range<u32>> {
    find(&fs::read(image).ok()?, name)
}

fn find(elf: &[u8], name: &str) -> Option<Range<u32>> {
    elf.starts_with(&MAGIC).then_some(())?;
    let sections = part(elf, word(elf, 32)?, u32::MAX)?;
    let section = |index: usize| sections.as_chunks::<SECTION>().0.get(index);
    let content = |header: &[u8; SECTION]| part(elf, word(header, 16)?, word(header, 20)?);
    let count = usize::from(u16::from_le_bytes(*elf.get(48..)?.first_chunk()?));
    let mut tables = (0..count).filter_map(section);
    let table = tables.find(|header| word(*header, 4) == Some(SYMBOLS))?;
    let names = content(section(usize::try_from(word(table, 24)?).ok()?)?)?;
    let is_named = |symbol: &&[u8; SYMBOL]| {
        let at = word(*symbol, 0).and_then(|at| part(names, at, u32::MAX));
        let rest = at.and_then(|at| at.strip_prefix(name.as_bytes()));
        rest.is_some_and(|rest| rest.first() == Some(&0))
    };
    let symbol = content(table)?.as_chunks().0.iter().find(is_named)?;
    let from = word(symbol, 4)?;
    Some(from..from.saturating_add(word(symbol, 8)?))
}

/// The word at `at`.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// `len` bytes from `at` on, or all that are left.
fn part(bytes: &[u8], at: u32, len: u32) -> Option<&[u8]> {
    let rest = bytes.get(usize::try_from(at).ok()?..)?;
    let len = usize::try_from(len).ok()?.min(rest.len());
    rest.get(..len)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of two sections, symbols and their names.
    fn elf() -> Vec<u8> {
        let mut elf = MAGIC.to_vec();
        elf.resize(32, 0);
        elf.extend(52_u32.to_le_bytes());
        elf.resize(48, 0);
        elf.extend(2_u16.to_le_bytes());
        elf.resize(52, 0);
        let header = |kind: u32, at: u32, len: u32, link: u32| {
            let mut words = [0_u32; SECTION / 4];
            (words[1], words[4], words[5], words[6]) = (kind, at, len, link);
            words.into_iter().flat_map(u32::to_le_bytes)
        };
        elf.extend(header(SYMBOLS, 132, 32, 1));
        elf.extend(header(3, 164, 12, 0));
        for words in [[6_u32, 4, 8, 0], [1, 0x2000_0010, 0x20, 0]] {
            elf.extend(words.into_iter().flat_map(u32::to_le_bytes));
        }
        elf.extend(b"\0room\0roomy\0");
        elf
    }

    #[test]
    fn a_static_is_found_by_its_whole_name() {
        assert_eq!(find(&elf(), "room"), Some(0x2000_0010..0x2000_0030));
        assert_eq!(find(&elf(), "roomy"), Some(4..12));
        assert_eq!(find(&elf(), "roo"), None);
    }

    #[test]
    fn what_is_no_image_has_no_statics() {
        for len in 0..elf().len() {
            assert_eq!(find(&elf()[..len], "rooms"), None);
        }
        assert_eq!(place(Path::new("no-such-image.elf"), "room"), None);
    }
}
