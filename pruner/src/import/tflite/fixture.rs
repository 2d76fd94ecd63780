//! A tiny `FlatBuffers` writer, to make TFLite files in tests.
//!
//! Tables are written front to back: vtable, table, then what its fields point to.

/// One field's value.
#[derive(Debug, Clone)]
pub(super) enum Field {
    U8(u8),
    I32(i32),
    U32(u32),
    F32(f32),
    Text(String),
    Bytes(Vec<u8>),
    Ints(Vec<i32>),
    Longs(Vec<i64>),
    Floats(Vec<f32>),
    Table(Table),
    Tables(Vec<Table>),
}

/// Fields by id.
#[derive(Debug, Clone, Default)]
pub(super) struct Table(pub(super) Vec<(usize, Field)>);

/// The file with `root`.
pub(super) fn file(root: &Table) -> Vec<u8> {
    let mut out = vec![0; 4];
    out.extend(super::schema::IDENTIFIER);
    let at = table(&mut out, root);
    patch(&mut out, 0, at);
    out
}

fn patch(out: &mut [u8], at: usize, target: usize) {
    let distance = u32::try_from(target - at).unwrap();
    out[at..at + 4].copy_from_slice(&distance.to_le_bytes());
}

fn table(out: &mut Vec<u8>, fields: &Table) -> usize {
    let ids = fields.0.iter().map(|(id, _)| id + 1).max().unwrap_or(0);
    let vtable = out.len();
    out.resize(vtable + 4 + 2 * ids, 0);
    let start = out.len();
    let back = i32::try_from(start - vtable).unwrap();
    out.extend(back.to_le_bytes());
    let mut pointers = Vec::new();
    for (id, field) in &fields.0 {
        let offset = u16::try_from(out.len() - start).unwrap();
        let slot = vtable + 4 + 2 * id;
        out[slot..slot + 2].copy_from_slice(&offset.to_le_bytes());
        match field {
            Field::U8(v) => out.push(*v),
            Field::I32(v) => out.extend(v.to_le_bytes()),
            Field::U32(v) => out.extend(v.to_le_bytes()),
            Field::F32(v) => out.extend(v.to_le_bytes()),
            Field::Text(_)
            | Field::Bytes(_)
            | Field::Ints(_)
            | Field::Longs(_)
            | Field::Floats(_)
            | Field::Table(_)
            | Field::Tables(_) => {
                pointers.push((out.len(), field));
                out.extend([0; 4]);
            }
        }
    }
    let len = u16::try_from(out.len() - start).unwrap();
    let vtable_len = u16::try_from(start - vtable).unwrap();
    out[vtable..vtable + 2].copy_from_slice(&vtable_len.to_le_bytes());
    out[vtable + 2..vtable + 4].copy_from_slice(&len.to_le_bytes());
    for (at, field) in pointers {
        let target = content(out, field);
        patch(out, at, target);
    }
    start
}

fn content(out: &mut Vec<u8>, field: &Field) -> usize {
    match field {
        Field::Table(t) => table(out, t),
        Field::Tables(tables) => {
            let at = vector(out, tables.len(), core::iter::empty());
            let slots = out.len();
            out.resize(slots + 4 * tables.len(), 0);
            for (i, t) in tables.iter().enumerate() {
                let target = table(out, t);
                patch(out, slots + 4 * i, target);
            }
            at
        }
        Field::Text(text) => vector(out, text.len(), text.bytes()),
        Field::Bytes(bytes) => vector(out, bytes.len(), bytes.iter().copied()),
        Field::Ints(v) => vector(out, v.len(), v.iter().flat_map(|x| x.to_le_bytes())),
        Field::Longs(v) => vector(out, v.len(), v.iter().flat_map(|x| x.to_le_bytes())),
        Field::Floats(v) => vector(out, v.len(), v.iter().flat_map(|x| x.to_le_bytes())),
        Field::U8(_) | Field::I32(_) | Field::U32(_) | Field::F32(_) => out.len(),
    }
}

fn vector(out: &mut Vec<u8>, count: usize, bytes: impl Iterator<Item = u8>) -> usize {
    let at = out.len();
    out.extend(u32::try_from(count).unwrap().to_le_bytes());
    out.extend(bytes);
    at
}

/// A model with one subgraph, put together piece by piece.
#[derive(Debug, Clone, Default)]
pub(super) struct Net {
    pub(super) codes: Vec<Table>,
    pub(super) tensors: Vec<Table>,
    pub(super) buffers: Vec<Vec<u8>>,
    pub(super) operators: Vec<Table>,
    pub(super) inputs: Vec<i32>,
    pub(super) outputs: Vec<i32>,
}

/// Element types and operator codes that the tests use.
pub(super) const FLOAT32: u8 = 0;
pub(super) const INT32: u8 = 2;
pub(super) const INT8: u8 = 9;

impl Net {
    /// Adds a tensor; `data` makes it a constant, `quant` is (scales, zero point, axis).
    pub(super) fn tensor(
        &mut self,
        dims: &[i32],
        element: u8,
        data: Option<Vec<u8>>,
        quant: Option<(&[f32], i64, i32)>,
    ) -> i32 {
        let index = self.tensors.len();
        let buffer = match data {
            None => 0,
            Some(bytes) => {
                self.buffers.push(bytes);
                self.buffers.len()
            }
        };
        let mut fields = vec![
            (0, Field::Ints(dims.to_vec())),
            (1, Field::U8(element)),
            (2, Field::U32(u32::try_from(buffer).unwrap())),
            (3, Field::Text(format!("t{index}"))),
        ];
        if let Some((scales, zero_point, axis)) = quant {
            let zero_points = vec![zero_point; scales.len()];
            let table = Table(vec![
                (2, Field::Floats(scales.to_vec())),
                (3, Field::Longs(zero_points)),
                (6, Field::I32(axis)),
            ]);
            fields.push((4, Field::Table(table)));
        }
        self.tensors.push(Table(fields));
        i32::try_from(index).unwrap()
    }

    /// Adds a float activation.
    pub(super) fn float(&mut self, dims: &[i32]) -> i32 {
        self.tensor(dims, FLOAT32, None, None)
    }

    /// Adds an int8 activation.
    pub(super) fn int8(&mut self, dims: &[i32], scale: f32, zero_point: i64) -> i32 {
        self.tensor(dims, INT8, None, Some((&[scale], zero_point, 0)))
    }

    /// Adds float constants.
    pub(super) fn floats(&mut self, dims: &[i32], values: &[f32]) -> i32 {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensor(dims, FLOAT32, Some(bytes), None)
    }

    /// Adds int32 constants.
    pub(super) fn ints(&mut self, dims: &[i32], values: &[i32]) -> i32 {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensor(dims, INT32, Some(bytes), None)
    }

    /// Adds an operator with options of a type.
    pub(super) fn operator(
        &mut self,
        code: i32,
        inputs: &[i32],
        outputs: &[i32],
        options: Option<(u8, Table)>,
    ) {
        let index = u32::try_from(self.codes.len()).unwrap();
        self.codes.push(Table(vec![(3, Field::I32(code))]));
        let mut fields = vec![
            (0, Field::U32(index)),
            (1, Field::Ints(inputs.to_vec())),
            (2, Field::Ints(outputs.to_vec())),
        ];
        if let Some((kind, table)) = options {
            fields.push((3, Field::U8(kind)));
            fields.push((4, Field::Table(table)));
        }
        self.operators.push(Table(fields));
    }

    /// The file.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let buffers = core::iter::once(Table::default())
            .chain(
                self.buffers
                    .iter()
                    .map(|b| Table(vec![(0, Field::Bytes(b.clone()))])),
            )
            .collect();
        let subgraph = Table(vec![
            (0, Field::Tables(self.tensors.clone())),
            (1, Field::Ints(self.inputs.clone())),
            (2, Field::Ints(self.outputs.clone())),
            (3, Field::Tables(self.operators.clone())),
        ]);
        file(&Table(vec![
            (1, Field::Tables(self.codes.clone())),
            (2, Field::Tables(vec![subgraph])),
            (4, Field::Tables(buffers)),
        ]))
    }
}
