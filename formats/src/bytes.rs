//! Total little-endian reads and the macros that stand in for `?`, all usable in const evaluation.
//!
//! A read outside the slice gives zeros: every caller has cut its record to the right length first,
//! so the case does not arise, and no path can panic.

/// `?` for `Result` in const functions.
macro_rules! tri {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Err(error),
        }
    };
}

/// `ok_or(error)?` in const functions.
macro_rules! some {
    ($option:expr, $error:expr) => {
        match $option {
            Some(value) => value,
            None => return Err($error),
        }
    };
}

/// Returns the error unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $error:expr) => {
        match $condition {
            true => {}
            false => return Err($error),
        }
    };
}

pub(crate) use {ensure, some, tri};

/// `len` bytes from `at`, if the slice has them.
pub(crate) const fn slice(bytes: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    match bytes.split_at_checked(at) {
        Some((_, tail)) => match tail.split_at_checked(len) {
            Some((head, _)) => Some(head),
            None => None,
        },
        None => None,
    }
}

/// `N` bytes from `at`, zeros where the slice ends before.
pub(crate) const fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    match bytes.split_at_checked(at) {
        Some((_, tail)) => match tail.first_chunk::<N>() {
            Some(chunk) => *chunk,
            None => [0; N],
        },
        None => [0; N],
    }
}

/// The byte at `at`.
pub(crate) const fn u8_at(bytes: &[u8], at: usize) -> u8 {
    let [byte] = array_at::<1>(bytes, at);
    byte
}

/// The signed byte at `at`.
pub(crate) const fn i8_at(bytes: &[u8], at: usize) -> i8 {
    i8::from_le_bytes(array_at(bytes, at))
}

/// The 16-bit number at `at`.
pub(crate) const fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, at))
}

/// The 32-bit number at `at`.
pub(crate) const fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

/// The signed 32-bit number at `at`.
pub(crate) const fn i32_at(bytes: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(array_at(bytes, at))
}

/// The 64-bit number at `at`.
pub(crate) const fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

/// The 128-bit number at `at`.
pub(crate) const fn u128_at(bytes: &[u8], at: usize) -> u128 {
    u128::from_le_bytes(array_at(bytes, at))
}

/// The binary32 number at `at`.
pub(crate) const fn f32_at(bytes: &[u8], at: usize) -> f32 {
    f32::from_le_bytes(array_at(bytes, at))
}

/// Whether all bytes are 0.
pub(crate) const fn is_zero(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let [byte, tail @ ..] = rest {
        if *byte != 0 {
            return false;
        }
        rest = tail;
    }
    true
}

/// Whether the `len` bytes from `at` on are there and 0.
pub(crate) const fn is_zero_at(bytes: &[u8], at: usize, len: usize) -> bool {
    match slice(bytes, at, len) {
        Some(part) => is_zero(part),
        None => false,
    }
}

/// The low 16 bits: a record's number in an error, of which a file has at most 65,535.
pub(crate) const fn number(index: usize) -> u16 {
    let [a, b, ..] = index.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// The next multiple of 4, saturating.
pub(crate) const fn padded4(len: usize) -> usize {
    len.saturating_add(3) & !3
}

/// The next multiple of 8, saturating.
pub(crate) const fn padded8(len: u32) -> u32 {
    len.saturating_add(7) & !7
}
