//! The `.npy` format, read without trusting it and written byte for byte reproducibly.
//!
//! ```text
//! "\x93NUMPY" | major u8 | minor u8 | header length u16 (u32 from major 2) | header | elements
//! header: {'descr': '<f4', 'fortran_order': False, 'shape': (1000, 32, 32, 3), }
//! ```
//!
//! The header is a Python literal; only the one form that numpy writes for plain arrays is read, without
//! recursion. Sizes are compared with [`MAX_BYTES`] before anything is allocated, and memory grows with the
//! bytes that are really there.

use super::{Array, Elements};
use std::io::Read;

/// Largest array that is read, in bytes of the file.
pub const MAX_BYTES: usize = 2 << 30;
/// Longest header that is read.
const MAX_HEADER: usize = 1 << 16;
const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// What a header says.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) descr: String,
    fortran_order: bool,
    pub(super) shape: Vec<usize>,
}

/// Reads one array.
///
/// # Errors
///
/// The reason, without file and array name.
pub(crate) fn read(reader: &mut impl Read) -> Result<Array, String> {
    let header = read_header(reader)?;
    let (kind, size, big_endian) = element_type(&header.descr)?;
    let len =
        product(&header.shape).filter(|n| n.checked_mul(size).is_some_and(|b| b <= MAX_BYTES));
    let Some(len) = len else {
        return Err(format!(
            "shape {:?} of {size}-byte elements exceeds {MAX_BYTES} bytes",
            header.shape
        ));
    };
    let bytes = read_up_to(reader, len * size)?;
    if bytes.len() != len * size {
        return Err(format!(
            "truncated: shape {:?} needs {} bytes of elements, {} are there",
            header.shape,
            len * size,
            bytes.len()
        ));
    }
    let elements = decode(&bytes, kind, size, big_endian)?;
    Ok(if header.fortran_order && header.shape.len() > 1 {
        from_fortran(&header.shape, &elements)
    } else {
        Array {
            shape: header.shape,
            elements,
        }
    })
}

/// The bytes of a `.npy` file, version 1.0, elements from byte 64·k as numpy aligns them.
#[must_use]
pub fn to_bytes(array: &Array) -> Vec<u8> {
    let descr = match array.elements {
        Elements::F32(_) => "<f4",
        Elements::U8(_) => "|u1",
        Elements::S8(_) => "|i1",
        Elements::S64(_) => "<i8",
    };
    let mut out = header_bytes(descr, &array.shape);
    match &array.elements {
        Elements::F32(v) => out.extend(v.iter().flat_map(|x| x.to_le_bytes())),
        Elements::U8(v) => out.extend(v),
        Elements::S8(v) => out.extend(v.iter().map(|x| x.cast_unsigned())),
        Elements::S64(v) => out.extend(v.iter().flat_map(|x| x.to_le_bytes())),
    }
    out
}

/// Magic number, version and header.
pub(super) fn header_bytes(descr: &str, shape: &[usize]) -> Vec<u8> {
    let dims: String = shape.iter().map(|d| format!("{d}, ")).collect();
    let dims = if shape.len() > 1 {
        dims.trim_end_matches(", ")
    } else {
        dims.trim_end()
    };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dims}), }}");
    while !(MAGIC.len() + 4 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut out = MAGIC.to_vec();
    out.extend([1, 0]);
    let len = u16::try_from(header.len()).unwrap_or(u16::MAX);
    out.extend(len.to_le_bytes());
    out.extend(header.as_bytes());
    out
}

/// Product of dimensions, `None` on overflow.
pub(crate) fn product(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))
}

pub(super) fn read_up_to(reader: &mut impl Read, limit: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    reader
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("cannot be read: {e}"))?;
    Ok(bytes)
}

pub(super) fn read_header(reader: &mut impl Read) -> Result<Header, String> {
    let not_npy = || "is not in the .npy format".to_string();
    let start = read_up_to(reader, 8)?;
    let (Some(magic), Some(&major)) = (start.get(..6), start.get(6)) else {
        return Err(not_npy());
    };
    if magic != MAGIC || !(1..=3).contains(&major) {
        return Err(not_npy());
    }
    let width = if major == 1 { 2 } else { 4 };
    let len = read_up_to(reader, width)?;
    let len = len
        .iter()
        .rev()
        .fold(0usize, |n, b| n << 8 | usize::from(*b));
    if len > MAX_HEADER {
        return Err(format!(
            "its header claims {len} bytes, at most {MAX_HEADER} are read"
        ));
    }
    let text = String::from_utf8(read_up_to(reader, len)?).map_err(|_| not_npy())?;
    parse_header(&text).ok_or_else(|| format!("its header is not understood: {}", text.trim()))
}

fn parse_header(text: &str) -> Option<Header> {
    let value = |key: &str| {
        let (_, rest) = text.split_once(&format!("'{key}'"))?;
        Some(rest.trim_start().strip_prefix(':')?.trim_start())
    };
    let descr = value("descr")?.strip_prefix('\'')?;
    let (descr, _) = descr.split_once('\'')?;
    let fortran_order = match value("fortran_order")? {
        v if v.starts_with("False") => false,
        v if v.starts_with("True") => true,
        _ => return None,
    };
    let (dims, _) = value("shape")?.strip_prefix('(')?.split_once(')')?;
    let dims = dims.trim().trim_end_matches(',');
    let shape = if dims.is_empty() {
        Vec::new()
    } else {
        dims.split(',')
            .map(|d| d.trim().trim_end_matches('L').parse().ok())
            .collect::<Option<_>>()?
    };
    Some(Header {
        descr: descr.to_string(),
        fortran_order,
        shape,
    })
}

/// Kind, size and endianness of a type string such as `<f4`.
fn element_type(descr: &str) -> Result<(char, usize, bool), String> {
    let unsupported = || {
        format!(
            "element type '{descr}' is not supported: use f4, f8, f2, u1, i1, other integers or booleans"
        )
    };
    let mut chars = descr.chars();
    let (Some(order), Some(kind)) = (chars.next(), chars.next()) else {
        return Err(unsupported());
    };
    let size = chars.as_str().parse().unwrap_or(0);
    let known = match kind {
        'f' => matches!(size, 2 | 4 | 8),
        'u' | 'i' => matches!(size, 1 | 2 | 4 | 8),
        'b' => size == 1,
        _ => false,
    };
    if known && "<>|=".contains(order) {
        Ok((kind, size, order == '>'))
    } else {
        Err(unsupported())
    }
}

fn decode(bytes: &[u8], kind: char, size: usize, big_endian: bool) -> Result<Elements, String> {
    Ok(match (kind, size) {
        ('u', 1) => Elements::U8(bytes.to_vec()),
        ('i', 1) => Elements::S8(bytes.iter().map(|b| b.cast_signed()).collect()),
        ('f', _) => Elements::F32(
            words(bytes, size, big_endian)
                .map(|w| float(w, size))
                .collect(),
        ),
        _ => {
            let signed = kind == 'i';
            let values: Option<Vec<i64>> = words(bytes, size, big_endian)
                .map(|w| integer(w, size, signed))
                .collect();
            Elements::S64(values.ok_or("an integer exceeds 2^63")?)
        }
    })
}

/// The elements as zero-extended 64-bit words.
fn words(bytes: &[u8], size: usize, big_endian: bool) -> impl Iterator<Item = u64> {
    bytes.chunks_exact(size).map(move |chunk| {
        let join = |n: u64, b: &u8| n << 8 | u64::from(*b);
        if big_endian {
            chunk.iter().fold(0, join)
        } else {
            chunk.iter().rev().fold(0, join)
        }
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the word holds `size` bytes; f64 data are read as f32"
)]
fn float(word: u64, size: usize) -> f32 {
    match size {
        8 => f64::from_bits(word) as f32,
        4 => f32::from_bits(word as u32),
        _ => half_to_f32(word as u16),
    }
}

/// IEEE 754 binary16 to binary32, exactly.
fn half_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10 & 31);
    let mantissa = u32::from(bits & 0x3ff);
    match exponent {
        // 2^-24 a unit.
        0 => f32::from_bits(sign | 0x3380_0000) * f32::from(bits & 0x3ff),
        31 => f32::from_bits(sign | 0x7f80_0000 | mantissa << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | mantissa << 13),
    }
}

fn integer(word: u64, size: usize, signed: bool) -> Option<i64> {
    if signed {
        let shift = 64 - 8 * size;
        Some((word << shift).cast_signed() >> shift)
    } else {
        i64::try_from(word).ok()
    }
}

/// Elements in Fortran order as an array in C order.
fn from_fortran(shape: &[usize], elements: &Elements) -> Array {
    fn permute<T: Copy>(shape: &[usize], values: &[T]) -> Vec<T> {
        (0..values.len())
            .map(|mut i| {
                // C index → coordinates, last first; Fortran index = Σ coordinate · product of earlier dims.
                let (mut from, mut stride) = (0, values.len());
                for d in shape.iter().rev() {
                    stride /= d;
                    from += i % d * stride;
                    i /= d;
                }
                values[from]
            })
            .collect()
    }
    let elements = match elements {
        Elements::F32(v) => Elements::F32(permute(shape, v)),
        Elements::U8(v) => Elements::U8(permute(shape, v)),
        Elements::S8(v) => Elements::S8(permute(shape, v)),
        Elements::S64(v) => Elements::S64(permute(shape, v)),
    };
    Array {
        shape: shape.to_vec(),
        elements,
    }
}
