//! Thumb instructions, as far as the model tells them apart.
//!
//! Encodings are those of the Armv7-M Architecture Reference Manual, chapter A5; `t` below is the five leading
//! bits of a 16-bit instruction.

use crate::insn::{Class, Insn, Kind, Multiply};

/// The marker of a clock reading: an unallocated hint, which every core executes as a no-op.
pub(crate) const MARKER: u16 = 0xBF80;

/// Whether an instruction that begins with this halfword has another.
pub(crate) const fn is_wide(first: u16) -> bool {
    first >> 11 > 28
}

/// The instruction of these halfwords.
pub(crate) fn decode(address: u32, first: u16, second: Option<u16>) -> Insn {
    match second {
        None => narrow(address, first).with_kind(),
        Some(second) => wide(address, first, second).with_kind(),
    }
}

/// A register number of three bits.
const fn low(op: u16, at: u16) -> u8 {
    (op >> at & 7) as u8
}

/// A register number of four bits.
const fn any(op: u16, at: u16) -> u8 {
    (op >> at & 15) as u8
}

const fn is_load(op: u16, bit: u16) -> bool {
    op & bit != 0
}

fn narrow(address: u32, op: u16) -> Insn {
    let mut insn = Insn::new(address, 2);
    match op >> 11 {
        0..=3 => insn.dest = low(op, 0),
        4 | 6 | 7 => insn.dest = low(op, 8),
        8 if op >> 10 == 0x10 => {
            insn.dest = low(op, 0);
            if op >> 6 == 0x10D {
                insn.multiply = Multiply::Word;
            }
        }
        8 => special_data(&mut insn, op),
        9 => insn.class = Class::Load,
        10 | 11 => {
            insn.class = if op >> 9 & 7 < 3 {
                Class::Store
            } else {
                Class::Load
            };
            insn.base = low(op, 3);
            insn.index = low(op, 6);
        }
        12..=17 => single(&mut insn, is_load(op, 0x800), low(op, 3)),
        18 | 19 => single(&mut insn, is_load(op, 0x800), 13),
        20 | 21 => insn.dest = low(op, 8),
        22 | 23 => miscellaneous(&mut insn, op),
        24 | 25 => {
            many(&mut insn, is_load(op, 0x800), op & 0xFF);
            insn.base = low(op, 8);
        }
        5 => {}
        _ => insn.class = Class::Branch,
    }
    insn
}

/// `ADD`, `CMP`, `MOV` with high registers, `BX`, `BLX`.
fn special_data(insn: &mut Insn, op: u16) {
    match op >> 8 & 3 {
        3 => insn.class = Class::Branch,
        1 => {}
        _ => insn.dest = any(op >> 4 & 8 | op & 7, 0),
    }
}

fn single(insn: &mut Insn, load: bool, base: u8) {
    insn.class = if load { Class::Load } else { Class::Store };
    insn.base = base;
}

#[expect(clippy::cast_possible_truncation, reason = "at most 16 bits are set")]
fn many(insn: &mut Insn, load: bool, list: u16) {
    insn.class = if load {
        Class::LoadMany
    } else {
        Class::StoreMany
    };
    insn.registers = list.count_ones() as u8;
}

fn miscellaneous(insn: &mut Insn, op: u16) {
    if op & 0xF500 == 0xB100 {
        insn.class = Class::Branch;
    } else if op & 0xF600 == 0xB400 {
        many(insn, is_load(op, 0x800), op & 0x1FF);
    } else if op & 0xFF00 == 0xB200 {
        insn.dest = low(op, 0);
    } else if op & 0xFF00 == 0xB000 {
        insn.dest = 13;
    }
    insn.is_marker = op == MARKER;
}

fn wide(address: u32, first: u16, second: u16) -> Insn {
    let mut insn = Insn::new(address, 4);
    let op = (first, second);
    if first & 0xFE40 == 0xE800 {
        many(&mut insn, is_load(first, 0x10), second);
        insn.base = any(first, 0);
    } else if first & 0xFE40 == 0xE840 {
        pair_or_table(&mut insn, op);
    } else if first & 0xF800 == 0xF000 {
        if second & 0x8000 == 0 {
            insn.dest = any(second, 8);
        } else {
            insn.class = Class::Branch;
        }
    } else if first & 0xFE00 == 0xF800 {
        single(&mut insn, is_load(first, 0x10), any(first, 0));
        if first & 0x80 == 0 && second & 0x0FC0 == 0 {
            insn.index = any(second, 0);
        }
    } else if first & 0xFE00 == 0xEA00 || first & 0xFF00 == 0xFA00 {
        insn.dest = any(second, 8);
    } else if first & 0xFF00 == 0xFB00 {
        insn.dest = any(second, 8);
        multiplication(&mut insn, op);
    } else if first & 0xEE00 == 0xEC00 {
        float_memory(&mut insn, first);
    } else if first & 0xEF00 == 0xEE00 {
        insn.kind = Kind::Float;
    }
    insn
}

/// `LDRD`, `STRD`, exclusive accesses, `TBB`, `TBH`.
fn pair_or_table(insn: &mut Insn, (first, second): (u16, u16)) {
    if first & 0xFFF0 == 0xE8D0 && second & 0xFFE0 == 0xF000 {
        insn.class = Class::TableBranch;
        insn.index = any(second, 0);
    } else {
        insn.class = if is_load(first, 0x10) {
            Class::LoadPair
        } else {
            Class::StorePair
        };
        insn.base = any(first, 0);
    }
}

/// Transfers of float registers, one value's cost each.
fn float_memory(insn: &mut Insn, first: u16) {
    insn.class = if is_load(first, 0x10) {
        Class::Load
    } else {
        Class::Store
    };
}

/// 32-bit and 64-bit products, divisions.
fn multiplication(insn: &mut Insn, (first, second): (u16, u16)) {
    let accumulates = second >> 12 != 15;
    insn.multiply = match first & 0xFFF0 {
        0xFB90 | 0xFBB0 => {
            insn.class = Class::Divide;
            Multiply::No
        }
        0xFB80 | 0xFBA0 => Multiply::Long,
        0xFBC0..=0xFBFF => Multiply::LongSum,
        _ if accumulates => Multiply::Sum,
        _ => Multiply::Word,
    };
}
