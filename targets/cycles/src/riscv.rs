//! RV32IMAC(F) instructions by kind; there is no cycle model for them.

use crate::insn::{Class, Insn, Kind, Multiply};

/// The marker of a clock reading: `slti x0, x0, 0x7A1`, a hint.
pub(crate) const MARKER: u32 = 0x7A10_2013;

/// Whether an instruction that begins with this halfword has another.
pub(crate) const fn is_wide(first: u16) -> bool {
    first & 3 == 3
}

/// The instruction of these halfwords.
pub(crate) fn decode(address: u32, first: u16, second: Option<u16>) -> Insn {
    let insn = match second {
        None => compressed(address, first),
        Some(second) => full(address, u32::from(first) | u32::from(second) << 16),
    };
    insn.with_kind()
}

fn full(address: u32, word: u32) -> Insn {
    let mut insn = Insn::new(address, 4);
    insn.is_marker = word == MARKER;
    match word & 0x7F {
        0x03 | 0x07 => insn.class = Class::Load,
        0x23 | 0x27 | 0x2F => insn.class = Class::Store,
        0x63 | 0x67 | 0x6F => insn.class = Class::Branch,
        0x33 if word >> 25 == 1 && word >> 14 & 1 == 1 => insn.class = Class::Divide,
        0x33 if word >> 25 == 1 => insn.multiply = Multiply::Word,
        0x43 | 0x47 | 0x4B | 0x4F | 0x53 => insn.kind = Kind::Float,
        _ => {}
    }
    insn
}

fn compressed(address: u32, op: u16) -> Insn {
    let mut insn = Insn::new(address, 2);
    let (quadrant, function) = (op & 3, op >> 13);
    insn.class = match (quadrant, function) {
        (0 | 2, 1..=3) => Class::Load,
        (0 | 2, 5..=7) => Class::Store,
        (1, 1 | 5..=7) => Class::Branch,
        (2, 4) if op & 0x7C == 0 && op & 0xF80 != 0 => Class::Branch,
        _ => Class::Data,
    };
    insn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_told_apart() {
        let kind = |word: u32| {
            let [a, b, c, d] = word.to_le_bytes();
            let first = u16::from_le_bytes([a, b]);
            let second = is_wide(first).then(|| u16::from_le_bytes([c, d]));
            decode(0, first, second)
        };
        for (word, expected) in [
            (0x0002_A503, Kind::Load),
            (0x00A2_A023, Kind::Store),
            (0x02B5_0533, Kind::Multiply),
            (0x02B5_4533, Kind::Divide),
            (0x00B5_0533, Kind::Alu),
            (0xFE05_1EE3, Kind::Branch),
            (0x00B5_7553, Kind::Float),
            (0x4188, Kind::Load),
            (0xC188, Kind::Store),
            (0x8082, Kind::Branch),
            (0xBFC5, Kind::Branch),
            (0x852E, Kind::Alu),
        ] {
            let insn = kind(word);
            assert_eq!(insn.kind, expected, "{word:#010x}");
            assert_eq!(insn.len, if word > 0xFFFF { 4 } else { 2 });
        }
        assert!(kind(MARKER).is_marker && !kind(0x13).is_marker);
    }
}
