//! Which Thumb instructions move the stack pointer down, which leave for other functions, and which name addresses.
//!
//! Encodings are those of the Armv7-M and Armv8-M Architecture Reference Manuals (DDI 0403, DDI 0553).

use super::insn::{Insn, Leave};

/// The instruction at `address`, from its first two halves (the second is 0 at the end of the code).
pub(super) fn decode(address: u64, first: u16, second: u16) -> Insn {
    // 11101, 11110 and 11111 begin instructions of four bytes.
    if first >= 0xE800 {
        return wide(address, first.into(), second.into());
    }
    let first = u32::from(first);
    let mut insn = Insn::new(2);
    match first {
        // PUSH {registers, lr}
        _ if first & 0xFE00 == 0xB400 => insn.grows = 4 * (first & 0x1FF).count_ones(),
        // SUB sp, #imm7 · 4
        _ if first & 0xFF80 == 0xB080 => insn.grows = (first & 0x7F) * 4,
        // ADD sp, register
        _ if first & 0xFF87 == 0x4485 => insn.is_unknown = true,
        // BLX register
        _ if first & 0xFF87 == 0x4780 => insn.leaves = Leave::Indirect,
        // BX register, but lr
        _ if first & 0xFF87 == 0x4700 && first & 0x78 != 0x70 => insn.leaves = Leave::Indirect,
        // B
        _ if first & 0xF800 == 0xE000 => {
            insn.leaves = Leave::Jump(target(address, first & 0x7FF, 11));
        }
        _ => {}
    }
    insn
}

/// Where a branch of `bits` bits in halves goes.
fn target(address: u64, offset: u32, bits: u32) -> u64 {
    let signed = (offset << (32 - bits)).cast_signed() >> (32 - bits);
    address
        .wrapping_add(4)
        .wrapping_add_signed(i64::from(signed) * 2)
}

fn wide(address: u64, first: u32, second: u32) -> Insn {
    let mut insn = Insn::new(4);
    match (first, second) {
        // STMDB sp!, {registers}
        (0xE92D, list) => insn.grows = 4 * list.count_ones(),
        // VPUSH: words of single and double registers
        (0xED2D | 0xED6D, low) if low & 0x0E00 == 0x0A00 => insn.grows = (low & 0xFF) * 4,
        // STR register, [sp, #-imm8]!
        (0xF84D, low) if low & 0x0F00 == 0x0D00 => insn.grows = low & 0xFF,
        // STRD registers, [sp, #-imm8 · 4]!
        (0xE96D, low) => insn.grows = (low & 0xFF) * 4,
        // SUB.W sp, sp, #constant; SUBW sp, sp, #imm12
        (0xF1AD | 0xF5AD, low) if low & 0x0F00 == 0x0D00 => insn.grows = constant(first, low),
        (0xF2AD | 0xF6AD, low) if low & 0x0F00 == 0x0D00 => insn.grows = imm12(first, low),
        // SUB.W sp, sp, register
        (0xEBAD, low) if low & 0x0F00 == 0x0D00 => insn.is_unknown = true,
        // BL and B.W
        (high, low) if high & 0xF800 == 0xF000 && low & 0x9000 == 0x9000 => {
            let to = far(address, high, low);
            let is_call = low & 0x4000 != 0;
            insn.leaves = if is_call {
                Leave::Call(to)
            } else {
                Leave::Jump(to)
            };
        }
        // MOVW, MOVT
        (high, low) if high & 0xFBF0 == 0xF240 && low & 0x8000 == 0 => {
            insn.low = Some((low >> 8 & 15, (high & 15) << 12 | imm12(high, low)));
        }
        (high, low) if high & 0xFBF0 == 0xF2C0 && low & 0x8000 == 0 => {
            insn.high = Some((low >> 8 & 15, (high & 15) << 12 | imm12(high, low)));
        }
        _ => {}
    }
    insn
}

/// `i : imm3 : imm8`.
const fn imm12(first: u32, second: u32) -> u32 {
    (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF
}

/// A constant that the instruction set expands.
const fn constant(first: u32, second: u32) -> u32 {
    let coded = imm12(first, second);
    let byte = coded & 0xFF;
    match coded >> 8 {
        0 => byte,
        1 => byte << 16 | byte,
        2 => byte << 24 | byte << 8,
        3 => byte << 24 | byte << 16 | byte << 8 | byte,
        _ => (0x80 | coded & 0x7F).rotate_right(coded >> 7),
    }
}

/// Where BL and B.W go.
fn far(address: u64, first: u32, second: u32) -> u64 {
    let sign = first >> 10 & 1;
    let [one, two] = [second >> 13 & 1, second >> 11 & 1].map(|bit| 1 ^ bit ^ sign);
    let offset = sign << 23 | one << 22 | two << 21 | (first & 0x3FF) << 11 | second & 0x7FF;
    target(address, offset, 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prologues_grow_the_stack() {
        // push {r4-r7, lr}; push.w {r8-r11}; sub.w sp, sp, #0x204; sub sp, #8; vpush {d8-d9}; str lr, [sp, #-8]!
        for (first, second, bytes) in [
            (0xB5F0, 0, 20),
            (0xE92D, 0x0F00, 16),
            (0xF5AD, 0x7D01, 0x204),
            (0xB082, 0, 8),
            (0xED2D, 0x8B04, 16),
            (0xF84D, 0xED08, 8),
        ] {
            assert_eq!(
                decode(0, first, second).grows,
                bytes,
                "{first:#x} {second:#x}"
            );
        }
    }

    #[test]
    fn calls_name_their_targets() {
        // blx r2; bl; b.w; b; bx lr
        assert_eq!(decode(0x5b68, 0x4790, 0).leaves, Leave::Indirect);
        assert_eq!(decode(0x100, 0xF000, 0xF800).leaves, Leave::Call(0x104));
        assert_eq!(decode(0x100, 0xF7FF, 0xBFFE).leaves, Leave::Jump(0x100));
        assert_eq!(decode(0x100, 0xE7FE, 0).leaves, Leave::Jump(0x100));
        assert_eq!(decode(0x100, 0x4770, 0).leaves, Leave::Nowhere);
    }

    #[test]
    fn addresses_are_two_halves() {
        // movw r2, #0xb11; movt r2, #0
        assert_eq!(decode(0, 0xF640, 0x3211).low, Some((2, 0xB11)));
        assert_eq!(decode(0, 0xF2C0, 0x0200).high, Some((2, 0)));
    }
}
