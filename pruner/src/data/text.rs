//! Arrays of text as numpy stores them: type `<U{n}`, n code points an element, the rest zero.

use super::npy::{header_bytes, read_header, read_up_to};
use std::io::Read;

/// Longest text that is read, in code points.
const LONGEST: usize = 1 << 12;

/// The bytes of a one-dimensional `.npy` file of texts.
pub(super) fn to_bytes(texts: &[String]) -> Vec<u8> {
    let width = texts.iter().map(|t| t.chars().count()).max();
    let width = width.unwrap_or(0).max(1);
    let mut out = header_bytes(&format!("<U{width}"), &[texts.len()]);
    for text in texts {
        let code_points = text.chars().map(u32::from);
        let padded = code_points.chain(core::iter::repeat(0)).take(width);
        out.extend(padded.flat_map(u32::to_le_bytes));
    }
    out
}

/// Reads at most `limit` texts of a one-dimensional array.
///
/// # Errors
///
/// The reason, without file and array name.
pub(super) fn read(reader: &mut impl Read, limit: usize) -> Result<Vec<String>, String> {
    let header = read_header(reader)?;
    let width = header.descr.strip_prefix("<U").and_then(|n| n.parse().ok());
    let (Some(width @ 1..=LONGEST), &[len]) = (width, &header.shape[..]) else {
        return Err(format!(
            "type '{}' and shape {:?} are no list of texts",
            header.descr, header.shape
        ));
    };
    if len > limit {
        return Err(format!("{len} texts, at most {limit} are read"));
    }
    let bytes = read_up_to(reader, len * width * 4)?;
    if bytes.len() != len * width * 4 {
        return Err("truncated".into());
    }
    let text = |element: &[u8]| {
        let words = element.chunks_exact(4);
        let code_points = words.map(|w| w.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b)));
        let chars = code_points.take_while(|c| *c != 0).map(char::from_u32);
        chars
            .collect::<Option<String>>()
            .ok_or_else(|| "holds something that is no text".to_owned())
    };
    bytes.chunks_exact(width * 4).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_back_and_damage_is_refused() {
        let texts = ["up".to_owned(), String::new(), "größer".to_owned()];
        let bytes = to_bytes(&texts);
        assert_eq!(read(&mut &bytes[..], 3), Ok(texts.to_vec()));
        assert!(read(&mut &bytes[..], 2).is_err());
        for len in 0..bytes.len() {
            assert!(read(&mut &bytes[..len], 3).is_err(), "{len} bytes");
        }
        let mut odd = bytes;
        let at = odd.len() - 1;
        odd[at] = 0xff;
        odd[at - 3] = 1;
        assert!(read(&mut &odd[..], 3).is_err());
    }
}
