//! The tables of TFLite's schema that are read, with the field numbers of its public specification.
//!
//! ```text
//! Model      1 operator_codes  2 subgraphs  4 buffers
//! OpCode     0 deprecated_builtin_code i8  1 custom_code  3 builtin_code i32
//! SubGraph   0 tensors  1 inputs [i32]  2 outputs [i32]  3 operators
//! Tensor     0 shape [i32]  1 type i8  2 buffer u32  3 name  4 quantization  6 sparsity
//! Quant      2 scale [f32]  3 zero_point [i64]  4 details_type u8  6 quantized_dimension i32
//! Sparsity   0 traversal_order [i32]  1 block_map [i32]  2 dim_metadata
//! Level      0 format i8  1 dense_size i32  2/3 segments  4/5 indices (union: 1 i32, 2 u16, 3 u8; 0 values)
//! Operator   0 opcode_index u32  1 inputs [i32]  2 outputs [i32]  3 builtin_options_type u8  4 builtin_options
//! Buffer     0 data [u8]  1 offset u64  2 size u64
//! ```

use super::flatbuffer::{Broken, Numbers, Table, Tables};

/// File identifier at byte 4.
pub(super) const IDENTIFIER: &[u8] = b"TFL3";

/// Element types by code.
pub(super) mod element {
    pub(in super::super) const FLOAT32: i8 = 0;
    pub(in super::super) const FLOAT16: i8 = 1;
    pub(in super::super) const INT32: i8 = 2;
    pub(in super::super) const UINT8: i8 = 3;
    pub(in super::super) const INT64: i8 = 4;
    pub(in super::super) const INT16: i8 = 7;
    pub(in super::super) const INT8: i8 = 9;

    /// The name of an element type.
    pub(in super::super) const fn name(code: i8) -> &'static str {
        match code {
            FLOAT32 => "float32",
            FLOAT16 => "float16",
            INT32 => "int32",
            UINT8 => "uint8",
            INT64 => "int64",
            5 => "string",
            6 => "bool",
            INT16 => "int16",
            8 => "complex64",
            INT8 => "int8",
            10 => "float64",
            17 => "int4",
            _ => "an element type",
        }
    }
}

/// A whole file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model<'a> {
    /// The file.
    pub(super) bytes: &'a [u8],
    pub(super) operator_codes: Tables<'a>,
    pub(super) subgraphs: Tables<'a>,
    pub(super) buffers: Tables<'a>,
}

impl<'a> Model<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Broken> {
        let root = Table::root(bytes)?;
        Ok(Self {
            bytes,
            operator_codes: root.tables(1)?,
            subgraphs: root.tables(2)?,
            buffers: root.tables(4)?,
        })
    }

    /// The bytes of a buffer; empty for tensors without constant values.
    pub(super) fn buffer(&self, index: u32) -> Result<&'a [u8], Broken> {
        let table = self.buffers.get(index as usize)?;
        let (offset, size) = (table.number::<u64>(1, 0)?, table.number::<u64>(2, 0)?);
        if offset > 1 {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let end = start.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
            return self.bytes.get(start..end).ok_or(Broken { at: start });
        }
        table.string(0)
    }

    /// The code and the custom name of an operator.
    pub(super) fn operator_code(&self, index: u32) -> Result<(i32, &'a [u8]), Broken> {
        let table = self.operator_codes.get(index as usize)?;
        let old = i32::from(table.number::<i8>(0, 0)?);
        Ok((old.max(table.number::<i32>(3, 0)?), table.string(1)?))
    }
}

/// A graph of operators over tensors.
#[derive(Debug, Clone, Copy)]
pub(super) struct SubGraph<'a> {
    pub(super) tensors: Tables<'a>,
    pub(super) inputs: Numbers<'a, i32>,
    pub(super) outputs: Numbers<'a, i32>,
    pub(super) operators: Tables<'a>,
}

impl<'a> SubGraph<'a> {
    pub(super) fn read(table: Table<'a>) -> Result<Self, Broken> {
        Ok(Self {
            tensors: table.tables(0)?,
            inputs: table.numbers(1)?,
            outputs: table.numbers(2)?,
            operators: table.tables(3)?,
        })
    }
}

/// A tensor's description.
#[derive(Debug, Clone, Copy)]
pub(super) struct TensorInfo<'a> {
    pub(super) shape: Numbers<'a, i32>,
    pub(super) element: i8,
    pub(super) buffer: u32,
    pub(super) name: &'a [u8],
    /// The sparse encoding of its values.
    pub(super) sparsity: Option<Table<'a>>,
    pub(super) scales: Numbers<'a, f32>,
    pub(super) zero_points: Numbers<'a, i64>,
    pub(super) quantized_dimension: i32,
    /// The dimensions with −1 for those that the converter left open; empty where none is.
    pub(super) signature: Numbers<'a, i32>,
}

impl<'a> TensorInfo<'a> {
    pub(super) fn read(table: Table<'a>) -> Result<Self, Broken> {
        let quantization = table.table(4)?;
        Ok(Self {
            shape: table.numbers(0)?,
            element: table.number(1, 0)?,
            buffer: table.number(2, 0)?,
            name: table.string(3)?,
            sparsity: table.table(6)?,
            scales: match quantization {
                Some(q) => q.numbers(2)?,
                None => Numbers::EMPTY,
            },
            zero_points: match quantization {
                Some(q) => q.numbers(3)?,
                None => Numbers::EMPTY,
            },
            quantized_dimension: match quantization {
                Some(q) => q.number(6, 0)?,
                None => 0,
            },
            signature: table.numbers(7)?,
        })
    }
}

/// An operator's description.
#[derive(Debug, Clone, Copy)]
pub(super) struct OperatorInfo<'a> {
    pub(super) opcode_index: u32,
    pub(super) inputs: Numbers<'a, i32>,
    pub(super) outputs: Numbers<'a, i32>,
    pub(super) options_type: u8,
    pub(super) options: Option<Table<'a>>,
}

impl<'a> OperatorInfo<'a> {
    pub(super) fn read(table: Table<'a>) -> Result<Self, Broken> {
        Ok(Self {
            opcode_index: table.number(0, 0)?,
            inputs: table.numbers(1)?,
            outputs: table.numbers(2)?,
            options_type: table.number(3, 0)?,
            options: table.table(4)?,
        })
    }
}
