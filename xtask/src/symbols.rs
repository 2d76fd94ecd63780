//! What an image is made of: its functions, tables and sections.

use anyhow::{Context, Result};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};
use rustc_demangle::demangle;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A function or table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symbol {
    /// Demangled, without the hash.
    pub(crate) name: String,
    /// Bytes.
    pub(crate) bytes: u64,
    /// Whether it is code.
    pub(crate) is_code: bool,
}

/// An image, read.
#[derive(Debug)]
pub(crate) struct Image {
    symbols: Vec<Symbol>,
    text: u64,
    rodata: u64,
}

impl Image {
    /// Reads an ELF file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let file = object::File::parse(&*bytes)
            .with_context(|| format!("{} is not an image", path.display()))?;
        let mut image = Self {
            symbols: Vec::new(),
            text: 0,
            rodata: 0,
        };
        for section in file.sections() {
            match (section.name().unwrap_or_default(), section.kind()) {
                (".vector_table", _) => {}
                (_, SectionKind::Text) => image.text += section.size(),
                (_, SectionKind::ReadOnlyData | SectionKind::ReadOnlyString) => {
                    image.rodata += section.size();
                }
                _ => {}
            }
        }
        // Several names may share an address: aliases and folded functions count once.
        let mut by_address = BTreeMap::new();
        for symbol in file.symbols().filter(|s| s.size() > 0) {
            let is_code = symbol.kind() == SymbolKind::Text;
            if !is_code && symbol.kind() != SymbolKind::Data {
                continue;
            }
            let name = format!("{:#}", demangle(symbol.name().unwrap_or_default()));
            let entry = Symbol {
                name,
                bytes: symbol.size(),
                is_code,
            };
            by_address.entry(symbol.address() & !1).or_insert(entry);
        }
        image.symbols = by_address.into_values().collect();
        Ok(image)
    }

    /// Code, without the vector table.
    pub(crate) const fn text_bytes(&self) -> u64 {
        self.text
    }

    /// Code and constants, without the vector table and the tables whose names contain `without`.
    pub(crate) fn code_bytes(&self, without: &str) -> u64 {
        let left_out: u64 = self
            .symbols
            .iter()
            .filter(|s| !s.is_code && s.name.contains(without))
            .map(|s| s.bytes)
            .sum();
        (self.text + self.rodata).saturating_sub(left_out)
    }

    /// The largest symbols first.
    pub(crate) fn largest(&self) -> Vec<&Symbol> {
        let mut symbols: Vec<&Symbol> = self.symbols.iter().collect();
        symbols.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
        symbols
    }

    /// Names of symbols that `is_unwanted` picks.
    pub(crate) fn find(&self, is_unwanted: impl Fn(&str) -> bool) -> Vec<&str> {
        self.symbols
            .iter()
            .map(|s| s.name.as_str())
            .filter(|name| is_unwanted(name))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(name: &str, bytes: u64, is_code: bool) -> Symbol {
        Symbol {
            name: name.to_owned(),
            bytes,
            is_code,
        }
    }

    fn image() -> Image {
        Image {
            symbols: vec![
                symbol("nnz::session::Session<_>::run", 100, true),
                symbol(
                    "<nnz_format::read::Model as core::clone::Clone>::clone",
                    20,
                    true,
                ),
                symbol("core::fmt::write", 700, true),
                symbol("lean::MODEL", 5_000, false),
            ],
            text: 900,
            rodata: 5_100,
        }
    }

    #[test]
    fn the_model_is_not_code() {
        assert_eq!(image().code_bytes("MODEL"), 1_000);
    }

    #[test]
    fn the_largest_symbol_comes_first() {
        assert_eq!(image().largest()[0].name, "lean::MODEL");
    }
}
