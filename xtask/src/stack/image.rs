//! Functions of an image: frames, calls, and whose addresses are mentioned.

use super::insn::{Insn, Leave};
use super::{riscv, thumb};
use anyhow::{Context, Result, bail};
use object::{Architecture, Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};
use rustc_demangle::demangle;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What is known of a function.
#[derive(Debug, Clone, Default)]
pub(super) struct Function {
    /// Demangled.
    pub(super) name: String,
    /// Bytes that it takes from the stack.
    pub(super) frame: u64,
    /// Where it goes and is not itself.
    pub(super) calls: BTreeSet<u64>,
    /// Functions whose addresses it makes.
    pub(super) names: BTreeSet<u64>,
    /// Whether it calls through a register.
    pub(super) is_indirect: bool,
    /// Whether its frame cannot be read off.
    pub(super) is_unknown: bool,
}

/// The call graph.
#[derive(Debug)]
pub(super) struct Image {
    /// By address.
    pub(super) functions: BTreeMap<u64, Function>,
    /// Those whose addresses constants hold or code makes.
    pub(super) named: BTreeSet<u64>,
}

/// A section with code.
struct Code<'c> {
    address: u64,
    bytes: Vec<u8>,
    /// Where data begins and ends among the code.
    marks: BTreeMap<u64, bool>,
    /// The instruction set.
    architecture: Architecture,
    /// Sections of constants, with their addresses.
    constants: &'c [(u64, Vec<u8>)],
}

impl Code<'_> {
    /// The word of a constant.
    fn word(&self, address: u64) -> Option<u32> {
        self.constants.iter().find_map(|(start, bytes)| {
            let at = usize::try_from(address.checked_sub(*start)?).ok()?;
            let word = bytes.get(at..)?.first_chunk()?;
            Some(u32::from_le_bytes(*word))
        })
    }

    /// A half word; 0 past the end.
    fn half(&self, address: u64) -> u16 {
        let at = usize::try_from(address - self.address).unwrap_or(usize::MAX);
        let bytes = self.bytes.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |bytes| u16::from_le_bytes(*bytes))
    }

    /// Whether data lies at an address.
    fn is_data(&self, address: u64) -> bool {
        let mark = self.marks.range(..=address).next_back();
        mark.is_some_and(|(_, is_data)| *is_data)
    }
}

impl Image {
    /// Reads an ELF file for Arm or RISC-V.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let file = object::File::parse(&*bytes)
            .with_context(|| format!("{} is not an image", path.display()))?;
        let architecture = file.architecture();
        if !matches!(architecture, Architecture::Arm | Architecture::Riscv32) {
            bail!("{} is no image for Arm or 32-bit RISC-V", path.display());
        }
        let mut image = Self {
            functions: functions(&file),
            named: BTreeSet::new(),
        };
        let words: Vec<(u64, Vec<u8>)> = file.sections().filter_map(constants).collect();
        for section in file.sections() {
            let (name, kind) = (section.name().unwrap_or_default(), section.kind());
            let bytes = section.uncompressed_data().unwrap_or_default().into_owned();
            if name == ".vector_table" {
                continue;
            } else if kind == SectionKind::Text {
                image.add(&Code {
                    address: section.address(),
                    marks: marks(&file),
                    bytes,
                    architecture,
                    constants: &words,
                });
            } else if is_constant(kind) || kind == SectionKind::Data {
                image.note_words(&bytes, lowest_bit(architecture));
            }
        }
        Ok(image)
    }

    /// The function whose name contains `text`, the first of several.
    pub(super) fn find(&self, text: &str) -> Option<u64> {
        let mut all = self.functions.iter();
        all.find_map(|(start, function)| function.name.contains(text).then_some(*start))
    }

    /// The function that an address lies in.
    fn owner(&self, address: u64) -> Option<u64> {
        let before = self.functions.range(..=address).next_back();
        before.map(|(start, _)| *start)
    }

    /// The function that a word names: the last bit of its address says that it is Thumb.
    fn named_by(&self, word: u64) -> Option<u64> {
        let start = word & !1;
        (word & 1 == 1 && self.functions.contains_key(&start)).then_some(start)
    }

    /// Words that name functions.
    fn note_words(&mut self, bytes: &[u8], lowest_bit: u64) {
        for word in bytes.as_chunks::<4>().0 {
            let named = self.named_by(u64::from(u32::from_le_bytes(*word)) | lowest_bit);
            self.named.extend(named);
        }
    }

    /// Whether a table of places of the same function begins at `table`, or a few words on where indices do not begin
    /// with 0: a choice among them.
    fn chooses(&self, at: u64, table: u64, code: &Code<'_>) -> bool {
        let own = self.owner(at);
        (0..4).any(|index| {
            let place = code.word(table + 4 * index);
            let place = place.and_then(|word| self.owner(word.into()));
            place.is_some() && place == own
        })
    }

    /// Everything that a section's instructions say.
    fn add(&mut self, code: &Code<'_>) {
        let end = code.address + code.bytes.len() as u64;
        let mut lows = BTreeMap::new();
        let mut riscv = riscv::Decoder::default();
        let mut at = code.address;
        while at + 1 < end {
            if code.is_data(at) {
                let word = u64::from(code.half(at)) | u64::from(code.half(at + 2)) << 16;
                if at.is_multiple_of(4)
                    && let Some(named) = self.named_by(word)
                {
                    self.note_name(at, named);
                }
                at += 2;
                continue;
            }
            let second = if at + 2 < end { code.half(at + 2) } else { 0 };
            let mut insn = if code.architecture == Architecture::Arm {
                thumb::decode(at, code.half(at), second)
            } else {
                riscv.decode(at, code.half(at), second)
            };
            if let Leave::Table(table) = insn.leaves {
                let is_own = self.chooses(at, table, code);
                insn.leaves = if is_own {
                    Leave::Nowhere
                } else {
                    Leave::Indirect
                };
            }
            self.note(at, &insn, &mut lows);
            at += insn.len;
        }
    }

    /// A function whose address the code at `at` makes or holds.
    fn note_name(&mut self, at: u64, named: u64) {
        self.named.insert(named);
        let owner = self.owner(at);
        if let Some(function) = owner.and_then(|start| self.functions.get_mut(&start)) {
            function.names.insert(named);
        }
    }

    /// What one instruction says.
    fn note(&mut self, at: u64, insn: &Insn, lows: &mut BTreeMap<u32, u32>) {
        if let Some((register, half)) = insn.low {
            lows.insert(register, half);
        }
        if let Some((register, half)) = insn.high {
            let low = lows.get(&register).copied().unwrap_or_default();
            let named = self.named_by((half << 16 | low).into());
            named
                .into_iter()
                .for_each(|named| self.note_name(at, named));
        }
        if let Some(named) = insn.names.and_then(|address| self.named_by(address | 1)) {
            self.note_name(at, named);
        }
        let Some(start) = self.owner(at) else { return };
        let callee = match insn.leaves {
            Leave::Call(to) | Leave::Jump(to) => self.owner(to),
            Leave::Nowhere | Leave::Indirect | Leave::Table(_) => None,
        };
        // Far jumps within a function of M0 are calls, too: only one to its beginning is recursion.
        let is_other = match insn.leaves {
            Leave::Call(to) => to == start || callee != Some(start),
            Leave::Jump(_) | Leave::Nowhere | Leave::Indirect | Leave::Table(_) => {
                callee != Some(start)
            }
        };
        let Some(function) = self.functions.get_mut(&start) else {
            return;
        };
        function.frame += u64::from(insn.grows);
        function.is_unknown |= insn.is_unknown;
        function.is_indirect |= insn.leaves == Leave::Indirect;
        function.calls.extend(callee.filter(|_| is_other));
    }
}

/// Whether sections of a kind hold constants; strings among them change its name.
fn is_constant(kind: SectionKind) -> bool {
    matches!(
        kind,
        SectionKind::ReadOnlyData | SectionKind::ReadOnlyString
    )
}

/// A section of constants with its address.
fn constants(section: object::Section<'_, '_>) -> Option<(u64, Vec<u8>)> {
    is_constant(section.kind())
        .then(|| section.uncompressed_data().ok())
        .flatten()
        .map(|bytes| (section.address(), bytes.into_owned()))
}

/// What the addresses of functions lack that is set in those of Thumb functions.
fn lowest_bit(architecture: Architecture) -> u64 {
    u64::from(architecture != Architecture::Arm)
}

/// The functions' names, by address; nothing else is known yet.
fn functions(file: &object::File<'_>) -> BTreeMap<u64, Function> {
    let mut found = BTreeMap::new();
    for symbol in file.symbols().filter(|s| s.kind() == SymbolKind::Text) {
        let name = symbol.name().unwrap_or_default();
        // $t, $d and $a say what lies where.
        if !name.starts_with('$') {
            let function = Function {
                name: format!("{:#}", demangle(name)),
                ..Function::default()
            };
            found.entry(symbol.address() & !1).or_insert(function);
        }
    }
    found
}

/// Where the mapping symbols say that data begins (`$d`) and ends (`$t`, `$x`).
fn marks(file: &object::File<'_>) -> BTreeMap<u64, bool> {
    let mut found = BTreeMap::new();
    for symbol in file.symbols() {
        let name = symbol.name().unwrap_or_default();
        if ["$d", "$t", "$x"].iter().any(|mark| name.starts_with(mark)) {
            found.insert(symbol.address() & !1, name.starts_with("$d"));
        }
    }
    found
}
