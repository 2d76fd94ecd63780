//! Protobuf fields as bytes: taken apart without knowing what they mean, and put together again.

/// One field.
pub(super) struct Field<'a> {
    pub(super) number: u64,
    /// Tag, length and content.
    pub(super) whole: &'a [u8],
    /// The content of a length-delimited field; the number's bytes otherwise.
    pub(super) content: &'a [u8],
}

/// The fields of a message in order; `None` once where the bytes are none.
pub(super) fn fields(bytes: &[u8]) -> impl Iterator<Item = Option<Field<'_>>> {
    let mut rest = Some(bytes);
    core::iter::from_fn(move || {
        let bytes = rest.filter(|b| !b.is_empty())?;
        let field = field(bytes);
        rest = field.as_ref().and_then(|f| bytes.get(f.whole.len()..));
        Some(field)
    })
}

fn field(bytes: &[u8]) -> Option<Field<'_>> {
    let (tag, head) = varint(bytes)?;
    let after = bytes.get(head..)?;
    let (from, to) = match tag & 7 {
        0 => (0, varint(after)?.1),
        1 => (0, 8),
        2 => {
            let (len, start) = varint(after)?;
            (start, start.checked_add(usize::try_from(len).ok()?)?)
        }
        5 => (0, 4),
        _ => return None,
    };
    Some(Field {
        number: tag >> 3,
        whole: bytes.get(..head.checked_add(to)?)?,
        content: after.get(from..to)?,
    })
}

/// A number and how many bytes it took.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (i, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i).min(63);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.extend((value & 0x7f | 0x80).to_le_bytes().first());
        value >>= 7;
    }
    out.extend(value.to_le_bytes().first());
}

/// Appends a length-delimited field.
pub(super) fn bytes(out: &mut Vec<u8>, number: u64, content: &[u8]) {
    put_varint(out, number << 3 | 2);
    put_varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_and_written_back() {
        let mut message = vec![0x08, 0x96, 0x01];
        bytes(&mut message, 7, &[1; 300]);
        message.extend([0x1d, 1, 2, 3, 4]);
        let found: Vec<(u64, usize)> = fields(&message)
            .flatten()
            .map(|f| (f.number, f.content.len()))
            .collect();
        assert_eq!(found, [(1, 2), (7, 300), (3, 4)]);
        let whole: Vec<u8> = fields(&message)
            .flatten()
            .flat_map(|f| f.whole.to_vec())
            .collect();
        assert_eq!(whole, message);
    }

    #[test]
    fn damaged_bytes_end_the_iteration() {
        for broken in [&[0x0a, 5, 1][..], &[0x0b], &[0x80], &[0x0a, 0xff, 0xff]] {
            let all: Vec<bool> = fields(broken).map(|f| f.is_some()).collect();
            assert_eq!(all, [false], "{broken:?}");
        }
    }
}
