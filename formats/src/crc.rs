//! CRC-32 (ISO-HDLC: reflected polynomial 0xEDB88320, initial value and final exclusive-or all ones).

/// `TABLE[n]` is the remainder of nibble `n`: 64 bytes of flash, where a table of bytes takes 1,024.
static TABLE: [u32; 16] = table();

const fn table() -> [u32; 16] {
    let mut table = [0; 16];
    let mut rest: &mut [u32] = &mut table;
    let mut nibble: u32 = 0;
    while let [entry, tail @ ..] = rest {
        let mut remainder = nibble;
        let mut bit: u32 = 0;
        while bit < 4 {
            let feedback = if remainder & 1 == 1 { 0xEDB8_8320 } else { 0 };
            remainder = (remainder >> 1) ^ feedback;
            bit = bit.wrapping_add(1);
        }
        *entry = remainder;
        nibble = nibble.wrapping_add(1);
        rest = tail;
    }
    table
}

/// One byte further.
macro_rules! step {
    ($crc:ident, $byte:expr) => {
        $crc ^= *$byte as u32;
        $crc = ($crc >> 4) ^ TABLE[($crc & 15) as usize];
        $crc = ($crc >> 4) ^ TABLE[($crc & 15) as usize];
    };
}

/// The checksum of `bytes`.
///
/// Written without calls, which const evaluation cannot inline, and four bytes a turn.
#[must_use]
#[expect(clippy::indexing_slicing, reason = "four bits index 16 entries")]
pub const fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    let mut rest = bytes;
    while let [a, b, c, d, tail @ ..] = rest {
        step!(crc, a);
        step!(crc, b);
        step!(crc, c);
        step!(crc, d);
        rest = tail;
    }
    while let [byte, tail @ ..] = rest {
        step!(crc, byte);
        rest = tail;
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_check_value_of_the_catalogue_is_met() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }
}
