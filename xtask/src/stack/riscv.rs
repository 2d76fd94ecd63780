//! Which instructions of RV32IMC move the stack pointer down, which leave for other functions, and which make addresses.
//!
//! Encodings are those of the RISC-V Instruction Set Manual, volume I. Addresses are made in steps, each of which adds to
//! what the one before left in a register; what writes a register otherwise ends what is known of it. A jump to what was
//! loaded from such an address is one through a table.

use super::insn::{Insn, Leave};
use std::collections::BTreeMap;

const RA: u32 = 1;
const SP: u32 = 2;
const T0: u32 = 5;
const FP: u32 = 8;

/// Reads instructions in the order of their addresses.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// Addresses in registers, without an index.
    known: BTreeMap<u32, u32>,
    /// Where what registers hold was loaded from.
    loaded: BTreeMap<u32, u32>,
}

impl Decoder {
    /// The instruction at `address`, from its first two halves (the second is 0 at the end of the code).
    pub(super) fn decode(&mut self, address: u64, first: u16, second: u16) -> Insn {
        if first & 3 != 3 {
            return self.short(address, first.into());
        }
        self.long(address, u32::from(first) | u32::from(second) << 16)
    }

    /// An instruction of two bytes.
    fn short(&mut self, address: u64, bits: u32) -> Insn {
        let mut insn = Insn::new(2);
        let rd = bits >> 7 & 31;
        match (bits & 3, bits >> 13) {
            // c.addi
            (1, 0) if rd == SP => moves(&mut insn, signed(imm6(bits), 6)),
            // c.addi16sp
            (1, 3) if rd == SP => moves(&mut insn, signed(imm16sp(bits), 10)),
            // c.lui
            (1, 3) => self.set(rd, Some(signed(imm6(bits), 6).cast_unsigned() << 12)),
            // c.jal, c.j
            (1, op @ (1 | 5)) => {
                let to = address.wrapping_add_signed(signed(imm_j(bits), 12).into());
                insn.leaves = if op == 1 {
                    Leave::Call(to)
                } else {
                    Leave::Jump(to)
                };
            }
            // c.addi of an address' lower part
            (1, 0) => insn.names = self.sum(rd, rd, signed(imm6(bits), 6)),
            // c.jr, c.jalr: no second register
            (2, 4) if bits >> 2 & 31 == 0 => {
                let is_call = bits >> 12 & 1 == 1;
                insn.leaves = self.register(if is_call { RA } else { 0 }, rd, 0);
            }
            // c.mv, c.add
            (2, 4) => {
                let rs2 = bits >> 2 & 31;
                insn.is_unknown = rd == SP && rs2 != FP;
                let is_sum = bits >> 12 & 1 == 1;
                let base = self.base([if is_sum { rd } else { rs2 }, rs2]);
                self.set(rd, base);
            }
            // c.lw
            (0, 2) => {
                let [rd, rs1] = [bits >> 2 & 7, bits >> 7 & 7].map(|register| register + 8);
                let at = (bits >> 10 & 7) << 3 | (bits >> 6 & 1) << 2 | (bits >> 5 & 1) << 6;
                self.load(rd, rs1, at.cast_signed());
            }
            // c.slli, c.lwsp, c.li; c.srli and others
            (2, 0 | 2) | (1, 2) => self.set(rd, None),
            (1, 4) => self.set((bits >> 7 & 7) + 8, None),
            _ => {}
        }
        insn
    }

    /// A register becomes an address, or anything else.
    fn set(&mut self, rd: u32, address: Option<u32>) {
        self.loaded.remove(&rd);
        match address {
            Some(address) => self.known.insert(rd, address),
            None => self.known.remove(&rd),
        };
    }

    /// The address that one of two registers holds.
    fn base(&self, registers: [u32; 2]) -> Option<u32> {
        registers
            .iter()
            .find_map(|register| self.known.get(register).copied())
    }

    /// `rd` becomes the word at `rs1 + at`.
    fn load(&mut self, rd: u32, rs1: u32, at: i32) {
        let from = self.base([rs1; 2]).map(|base| base.wrapping_add_signed(at));
        self.set(rd, None);
        if let Some(from) = from {
            self.loaded.insert(rd, from);
        }
    }

    /// An instruction of four bytes.
    fn long(&mut self, address: u64, bits: u32) -> Insn {
        let mut insn = Insn::new(4);
        let (rd, rs1, rs2) = (bits >> 7 & 31, bits >> 15 & 31, bits >> 20 & 31);
        let funct3 = bits >> 12 & 7;
        let imm12 = signed(bits >> 20, 12);
        match (bits & 0x7F, funct3) {
            // addi
            (0x13, 0) if rd == SP && rs1 == SP => moves(&mut insn, imm12),
            (0x13, 0) if rd != SP => insn.names = self.sum(rd, rs1, imm12),
            // Whatever else the stack pointer becomes; from the frame pointer it comes back.
            (0x13 | 0x33 | 0x37 | 0x17 | 0x03, _) if rd == SP => insn.is_unknown = rs1 != FP,
            // lui, auipc
            (0x37, _) => self.set(rd, Some(bits & !0xFFF)),
            (0x17, _) => {
                let here = u32::try_from(address).unwrap_or_default();
                self.set(rd, Some(here.wrapping_add(bits & !0xFFF)));
            }
            // jal
            (0x6F, _) => {
                let to = address.wrapping_add_signed(signed(imm_jal(bits), 21).into());
                insn.leaves = if rd == 0 {
                    Leave::Jump(to)
                } else {
                    Leave::Call(to)
                };
            }
            // jalr
            (0x67, 0) => insn.leaves = self.register(rd, rs1, imm12),
            // add, and sh2add of Zba
            (0x33, 0 | 4) if matches!(bits >> 25, 0 | 0x10) => {
                let base = self.base([rs1, rs2]);
                self.set(rd, base);
            }
            // lw
            (0x03, 2) => self.load(rd, rs1, imm12),
            (0x33 | 0x03 | 0x13, _) => self.set(rd, None),
            _ => {}
        }
        insn
    }

    /// The address that `rd = rs1 + low` makes.
    fn sum(&mut self, rd: u32, rs1: u32, low: i32) -> Option<u64> {
        let made = self
            .base([rs1; 2])
            .map(|base| base.wrapping_add_signed(low));
        self.set(rd, made);
        made.map(u64::from)
    }

    /// Where a jump through a register goes; a return goes nowhere.
    fn register(&mut self, rd: u32, rs1: u32, low: i32) -> Leave {
        if let Some(&table) = self.loaded.get(&rs1).filter(|_| rd == 0) {
            return Leave::Table(table.into());
        }
        match (self.known.remove(&rs1), rd) {
            (_, 0) if rs1 == RA => Leave::Nowhere,
            (Some(upper), 0) => Leave::Jump(upper.wrapping_add_signed(low).into()),
            (Some(upper), _) => Leave::Call(upper.wrapping_add_signed(low).into()),
            // Pieces that functions share return by the other link register.
            (None, 0) if rs1 == T0 => Leave::Nowhere,
            (None, _) => Leave::Indirect,
        }
    }
}

/// The stack pointer moves by so many bytes.
const fn moves(insn: &mut Insn, by: i32) {
    if by < 0 {
        insn.grows = by.unsigned_abs();
    }
}

/// The lower `bits` bits of `value` with their sign.
const fn signed(value: u32, bits: u32) -> i32 {
    (value << (32 - bits)).cast_signed() >> (32 - bits)
}

/// The field of c.addi and c.lui.
const fn imm6(bits: u32) -> u32 {
    (bits >> 12 & 1) << 5 | bits >> 2 & 31
}

/// The field of c.addi16sp.
const fn imm16sp(bits: u32) -> u32 {
    (bits >> 12 & 1) << 9
        | (bits >> 3 & 3) << 7
        | (bits >> 5 & 1) << 6
        | (bits >> 2 & 1) << 5
        | (bits >> 6 & 1) << 4
}

/// The field of c.j and c.jal.
const fn imm_j(bits: u32) -> u32 {
    (bits >> 12 & 1) << 11
        | (bits >> 8 & 1) << 10
        | (bits >> 9 & 3) << 8
        | (bits >> 6 & 1) << 7
        | (bits >> 7 & 1) << 6
        | (bits >> 2 & 1) << 5
        | (bits >> 11 & 1) << 4
        | (bits >> 3 & 7) << 1
}

/// The field of jal.
const fn imm_jal(bits: u32) -> u32 {
    (bits >> 31) << 20
        | (bits >> 12 & 0xFF) << 12
        | (bits >> 20 & 1) << 11
        | (bits >> 21 & 0x3FF) << 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(address: u64, bits: u32) -> Insn {
        let [a, b, c, d] = bits.to_le_bytes();
        let halves = [[a, b], [c, d]].map(u16::from_le_bytes);
        Decoder::default().decode(address, halves[0], halves[1])
    }

    #[test]
    fn prologues_grow_the_stack_and_epilogues_do_not() {
        // addi sp, sp, -0x60 (short); addi sp, sp, -0x220; addi sp, sp, -16 (short); addi sp, sp, 0x60 (short)
        for (bits, bytes) in [
            (0x711D, 0x60),
            (0xDE01_0113, 0x220),
            (0x1141, 16),
            (0x6125, 0),
        ] {
            let insn = decode(0, bits);
            assert_eq!((insn.grows, insn.is_unknown), (bytes, false), "{bits:#x}");
        }
        // sub sp, sp, a0; addi sp, s0, -16
        assert!(decode(0, 0x40A1_0133).is_unknown);
        assert!(!decode(0, 0xFF04_0113).is_unknown);
    }

    #[test]
    fn calls_and_jumps_name_their_targets() {
        // jal ra, +0x10; j -4; c.j -0x6; ret; jalr a5 (short)
        assert_eq!(decode(0x100, 0x0100_00EF).leaves, Leave::Call(0x110));
        assert_eq!(decode(0x100, 0xFFDF_F06F).leaves, Leave::Jump(0xFC));
        assert_eq!(decode(0x100, 0xBFED).leaves, Leave::Jump(0xFA));
        assert_eq!(decode(0x100, 0x8082).leaves, Leave::Nowhere);
        assert_eq!(decode(0x100, 0x9782).leaves, Leave::Indirect);
    }

    #[test]
    fn addresses_are_made_in_two_steps() {
        let mut decoder = Decoder::default();
        // auipc ra, 0x1; jalr ra, 0x20(ra)
        decoder.decode(0x8000_0000, 0x1097, 0x0000);
        let call = decoder.decode(0x8000_0004, 0x80E7, 0x0200);
        assert_eq!(call.leaves, Leave::Call(0x8000_1020));
        // lui a0, 0x80001; addi a0, a0, 8; lb a0, 8(a0); addi a0, a0, 8
        decoder.decode(0, 0x1537, 0x8000);
        assert_eq!(decoder.decode(4, 0x0513, 0x0085).names, Some(0x8000_1008));
        decoder.decode(8, 0x0503, 0x0085);
        assert_eq!(decoder.decode(12, 0x0513, 0x0085).names, None);
    }

    #[test]
    fn a_jump_to_what_an_address_holds_goes_through_a_table() {
        let mut decoder = Decoder::default();
        // lui a1, 0x80001; addi a1, a1, 8; add a0, a0, a1 (short); lw a0, 4(a0) (short); jr a0 (short)
        for half in [[0x15B7, 0x8000], [0x8593, 0x0085], [0x952E, 0], [0x4148, 0]] {
            decoder.decode(0, half[0], half[1]);
        }
        let jump = decoder.decode(0, 0x8502, 0);
        assert_eq!(jump.leaves, Leave::Table(0x8000_100C));
    }
}
