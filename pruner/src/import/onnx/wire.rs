//! Bounds what decoding an ONNX file may allocate, before it is decoded.
//!
//! Protobuf is compact: two bytes can become a message of hundreds. So the bytes are walked first, message by
//! message, with the memory that each field will take added up; nothing is allocated and nothing recurses.

use super::super::error::Problem;

/// Memory of one decoded message, generously.
const MESSAGE: u64 = 512;
/// Memory of one string or byte field besides its bytes.
const TEXT: u64 = 48;
/// Memory of one decoded number.
const NUMBER: u64 = 8;
/// Decoding may take this much, and eight times the file.
const ALLOWANCE: u64 = 64 << 20;

/// The messages of the schema that hold other messages or repeated numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Leaf,
}

/// What a length-delimited field holds.
enum Content {
    Message(Message),
    /// Strings, bytes and packed fixed-width numbers.
    Bytes,
    /// Packed variable-width numbers: up to 8 bytes of memory for each byte.
    Packed,
    /// Not in the schema: skipped.
    Skipped,
}

impl Message {
    const fn field(self, number: u64) -> Content {
        match (self, number) {
            (Self::Model, 7) => Content::Message(Self::Graph),
            (Self::Graph, 1) => Content::Message(Self::Node),
            (Self::Graph, 5) => Content::Message(Self::Tensor),
            (Self::Graph, 11 | 12) => Content::Message(Self::ValueInfo),
            (Self::Model, 8) | (Self::Graph, 15) => Content::Message(Self::Leaf),
            (Self::Node, 5) => Content::Message(Self::Attribute),
            (Self::Attribute, 5) => Content::Message(Self::Tensor),
            (Self::ValueInfo, 2) => Content::Message(Self::Type),
            (Self::Type, 1) => Content::Message(Self::TensorType),
            (Self::TensorType, 2) => Content::Message(Self::Shape),
            (Self::Shape, 1) | (Self::Tensor, 13) => Content::Message(Self::Leaf),
            (Self::Tensor, 1 | 5 | 7) | (Self::Attribute, 8) => Content::Packed,
            (Self::Model | Self::Graph, 2)
            | (Self::Node, 1..=4 | 7)
            | (Self::Attribute, 1 | 4 | 7)
            | (Self::Tensor, 4 | 8..=10)
            | (Self::ValueInfo, 1)
            | (Self::Leaf, _) => Content::Bytes,
            _ => Content::Skipped,
        }
    }
}

/// Refuses bytes that are not protobuf or whose decoding would take too much memory.
pub(super) fn check(bytes: &[u8]) -> Result<(), Problem> {
    let limit = (8 * bytes.len() as u64).saturating_add(ALLOWANCE);
    let mut memory = 0_u64;
    // Messages that are open, as (kind, end); the schema nests no deeper than its kinds.
    let mut open = vec![(Message::Model, bytes.len())];
    let mut at = 0;
    while let Some(&(message, end)) = open.last() {
        if at >= end {
            open.pop();
            continue;
        }
        let field = field(bytes, at, end).ok_or_else(|| damaged(at))?;
        at = field.next;
        memory += match (field.wire_type, message.field(field.number)) {
            (2, Content::Message(inner)) => {
                open.push((inner, at));
                at = field.content;
                MESSAGE
            }
            (2, Content::Bytes) => TEXT + 2 * (field.next - field.content) as u64,
            (2, Content::Packed) => TEXT + NUMBER * (field.next - field.content) as u64,
            (_, Content::Skipped) => 0,
            _ => NUMBER,
        };
        if memory > limit {
            return Err(Problem::Limit {
                what: "bytes of memory to decode the model",
                found: memory,
                limit,
            });
        }
    }
    Ok(())
}

fn damaged(at: usize) -> Problem {
    Problem::malformed(format!(
        "byte {at} starts no protobuf field, so that the file is cut short or no ONNX model"
    ))
}

/// One field: where its content starts and where the next field does.
struct Field {
    number: u64,
    wire_type: u64,
    content: usize,
    next: usize,
}

fn field(bytes: &[u8], at: usize, end: usize) -> Option<Field> {
    let (tag, content) = varint(bytes, at, end)?;
    let (number, wire_type) = (tag >> 3, tag & 7);
    let (content, next) = match wire_type {
        0 => (content, varint(bytes, content, end)?.1),
        1 => (content, content.checked_add(8)?),
        2 => {
            let (len, content) = varint(bytes, content, end)?;
            (content, content.checked_add(usize::try_from(len).ok()?)?)
        }
        5 => (content, content.checked_add(4)?),
        _ => return None,
    };
    (number != 0 && next <= end).then_some(Field {
        number,
        wire_type,
        content,
        next,
    })
}

/// A variable-width number and the position after it.
fn varint(bytes: &[u8], at: usize, end: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (i, byte) in bytes.get(at..end)?.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i).min(63);
        if byte & 0x80 == 0 {
            return Some((value, at + i + 1));
        }
    }
    None
}
