//! The writer: a description of a program becomes the bytes of a file.
//!
//! The same description always gives the same bytes. What is written is parsed before it is returned, so that no
//! writer can produce a file that readers refuse.

mod params;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bytes::padded4;
use crate::encode::Blob;
use crate::header::{
    BITS_OF_VERSION_1, Backend, ENTRY, FLAG_SINGLE, HEADER, MAGIC, SectionKind, VERSION,
};
use crate::kernel_mask::{mask_of, narrow_bit, rounds};
use crate::parse::MAX_SHARING;
use crate::step::{FLAG_NARROW, FLAG_WIDE, NO_TENSOR, RECORD};
use crate::{
    AxisOrder, DType, FormatError, Model, Op, Rounding, Tensor, WeightLayout, crc32,
    kernel_bit_for, kernel_bits,
};

/// Everything that a file says.
#[derive(Debug, Clone)]
pub struct ModelDesc {
    /// The kernels that the file is for.
    pub backend: Backend,
    /// How accumulators are rounded.
    pub rounding: Rounding,
    /// Bytes of the arena.
    pub arena_len: u32,
    /// Multiply-accumulates of one inference if every weight were stored.
    pub macs: u64,
    /// Stored weights × output pixels of one inference.
    pub stored_macs: u64,
    /// Activations, in the order that indices count.
    pub tensors: Vec<Tensor>,
    /// Steps in execution order.
    pub steps: Vec<StepDesc>,
    /// Inputs.
    pub inputs: Vec<IoDesc>,
    /// Outputs.
    pub outputs: Vec<IoDesc>,
    /// JSON for the metadata section.
    pub meta: Option<String>,
}

/// One step.
#[derive(Debug, Clone)]
pub struct StepDesc {
    /// What to compute.
    pub op: Op,
    /// Tensor index of the first input.
    pub input: u16,
    /// Tensor index of the second input.
    pub input2: Option<u16>,
    /// Tensor index of the output.
    pub output: u16,
    /// Encoded weights, see [`encode`](crate::encode).
    pub weights: Option<Blob>,
    /// Byte offset of the scratch in the arena; 0 without scratch.
    pub scratch_offset: u32,
    /// Bytes of scratch, at least [`scratch_len`](crate::scratch_len).
    pub scratch_len: u32,
}

/// One input or output.
#[derive(Debug, Clone)]
pub struct IoDesc {
    /// Tensor index.
    pub tensor: u16,
    /// Name in the source model.
    pub name: String,
    /// Dimensions in the source model, at most 4, a batch of 1 included.
    pub dims: Vec<u32>,
    /// Axis order of the source model.
    pub order: AxisOrder,
    /// Element type that callers have.
    pub source_dtype: DType,
    /// Mean folded into scale and zero point, for information; 0 for none.
    pub mean: f32,
    /// Deviation folded into scale and zero point, for information; 1 for none.
    pub std: f32,
}

/// Why a description is not written.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteError {
    /// More of something than the field of the file can count.
    TooMany(&'static str),
    /// The file contradicts SPEC.md.
    Refused(FormatError),
}

impl core::fmt::Display for WriteError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooMany(what) => write!(f, "too many {what} for a .nnz file"),
            Self::Refused(error) => write!(f, "the file would be refused: {error}"),
        }
    }
}

impl core::error::Error for WriteError {}

/// The bytes of a file.
///
/// # Errors
///
/// Counts that do not fit, and everything that [`Model::parse`] refuses.
pub fn write(desc: &ModelDesc) -> Result<Vec<u8>, WriteError> {
    let blobs = Blobs::place(&desc.steps)?;
    let names = Names::place(desc)?;
    let mut sections = Vec::from([
        (SectionKind::Tensors, tensor_section(desc)),
        (SectionKind::Steps, step_section(desc, &blobs)?),
        (SectionKind::Weights, blobs.bytes),
        (SectionKind::Io, io_section(desc, &names)?),
        (SectionKind::Names, names.text.into_bytes()),
    ]);
    if let Some(meta) = &desc.meta {
        sections.push((SectionKind::Meta, meta.clone().into_bytes()));
    }
    let mut file = header(desc, sections.len())?;
    place_sections(&mut file, &sections)?;
    let file_len = u32::try_from(file.len()).map_err(|_| WriteError::TooMany("bytes"))?;
    patch(&mut file, 8, &file_len.to_le_bytes());
    let crc = crc32(file.get(8..).unwrap_or_default());
    patch(&mut file, 4, &crc.to_le_bytes());
    Model::parse(&file).map_err(WriteError::Refused)?;
    Ok(file)
}

/// Overwrites bytes of the header.
fn patch(file: &mut [u8], at: usize, bytes: &[u8]) {
    for (to, from) in file.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
}

fn count(len: usize, what: &'static str) -> Result<u16, WriteError> {
    // 65,535 as an index means none, so that a count may not reach it.
    match u16::try_from(len) {
        Ok(count) if count != NO_TENSOR => Ok(count),
        Ok(_) | Err(_) => Err(WriteError::TooMany(what)),
    }
}

/// The oldest version whose readers understand all that `desc` uses.
fn min_reader(desc: &ModelDesc) -> u16 {
    let channels = |index: u16| desc.tensors.get(usize::from(index)).map(|tensor| tensor.c);
    let fronts = |step: &StepDesc| {
        matches!(step.op, Op::Pad { .. }) && channels(step.input) != channels(step.output)
    };
    let place = |index: u16| {
        let tensor = desc.tensors.get(usize::from(index))?;
        Some((tensor.region, tensor.offset))
    };
    let in_place = |step: &StepDesc| {
        matches!(step.op, Op::Conv2d { window, .. } if !window.is_pointwise())
            && place(step.input) == place(step.output)
    };
    let is_new = |step: &StepDesc| fronts(step) || in_place(step);
    let operators = if mask(desc) < mask_of(BITS_OF_VERSION_1) && !desc.steps.iter().any(is_new) {
        1
    } else {
        2
    };
    desc.backend.min_reader().max(operators)
}

/// The header without length and checksum.
fn header(desc: &ModelDesc, sections: usize) -> Result<Vec<u8>, WriteError> {
    let flags = match desc.rounding {
        Rounding::Single => FLAG_SINGLE,
        Rounding::Double => 0,
    };
    let scratch = desc.steps.iter().map(|step| step.scratch_len).max();
    let mut out = Vec::with_capacity(HEADER);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&min_reader(desc).to_le_bytes());
    out.extend_from_slice(&mask(desc).to_le_bytes());
    out.extend_from_slice(&flags.to_le_bytes());
    out.extend_from_slice(&[desc.backend as u8, 0, 0, 0]);
    out.extend_from_slice(&desc.arena_len.to_le_bytes());
    out.extend_from_slice(&[0; 12]);
    out.extend_from_slice(&desc.macs.to_le_bytes());
    out.extend_from_slice(&desc.stored_macs.to_le_bytes());
    out.extend_from_slice(&scratch.unwrap_or(0).to_le_bytes());
    out.extend_from_slice(&count(desc.tensors.len(), "tensors")?.to_le_bytes());
    out.extend_from_slice(&count(desc.steps.len(), "steps")?.to_le_bytes());
    out.extend_from_slice(&count(desc.inputs.len(), "inputs")?.to_le_bytes());
    out.extend_from_slice(&count(desc.outputs.len(), "outputs")?.to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&count(sections, "sections")?.to_le_bytes());
    out.resize(HEADER, 0);
    Ok(out)
}

/// The kernels that the steps need; a step that names no tensor adds none and is refused by the parser.
fn mask(desc: &ModelDesc) -> u128 {
    let mut mask = 0;
    for step in &desc.steps {
        let Some(output) = desc.tensors.get(usize::from(step.output)) else {
            continue;
        };
        let narrow = step.weights.as_ref().is_some_and(|blob| blob.narrow);
        mask |= mask_of(if narrow {
            narrow_bit(layout(step))
        } else {
            kernel_bit_for(desc.backend, &step.op, layout(step), output.dtype)
        });
        if rounds(&step.op, output.dtype) {
            mask |= mask_of(match desc.rounding {
                Rounding::Single => kernel_bits::ROUNDING_SINGLE,
                Rounding::Double => kernel_bits::ROUNDING_DOUBLE,
            });
        }
    }
    mask
}

fn layout(step: &StepDesc) -> WeightLayout {
    step.weights
        .as_ref()
        .map_or(WeightLayout::None, |blob| blob.layout)
}

/// Appends the section table and the sections, each at a multiple of 16.
fn place_sections(
    file: &mut Vec<u8>,
    sections: &[(SectionKind, Vec<u8>)],
) -> Result<(), WriteError> {
    let table = sections.len().saturating_mul(ENTRY);
    let mut offset = file.len().saturating_add(table).next_multiple_of(16);
    for (kind, bytes) in sections {
        let required = u16::from((*kind as u16) <= SectionKind::Names as u16);
        file.extend_from_slice(&(*kind as u16).to_le_bytes());
        file.extend_from_slice(&required.to_le_bytes());
        file.extend_from_slice(&word(offset)?.to_le_bytes());
        file.extend_from_slice(&word(bytes.len())?.to_le_bytes());
        file.extend_from_slice(&[0; 4]);
        offset = offset.saturating_add(bytes.len()).next_multiple_of(16);
    }
    for (_, bytes) in sections {
        file.resize(file.len().next_multiple_of(16), 0);
        file.extend_from_slice(bytes);
    }
    Ok(())
}

fn word(len: usize) -> Result<u32, WriteError> {
    u32::try_from(len).map_err(|_| WriteError::TooMany("bytes"))
}

fn tensor_section(desc: &ModelDesc) -> Vec<u8> {
    let mut out = Vec::new();
    for tensor in &desc.tensors {
        out.extend_from_slice(&[tensor.dtype as u8, tensor.layout as u8, tensor.region, 0]);
        out.extend_from_slice(&tensor.c.to_le_bytes());
        out.extend_from_slice(&tensor.h.to_le_bytes());
        out.extend_from_slice(&tensor.w.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&tensor.plane_stride.to_le_bytes());
        out.extend_from_slice(&tensor.offset.to_le_bytes());
        out.extend_from_slice(&tensor.len.to_le_bytes());
        out.extend_from_slice(&tensor.scale.to_le_bytes());
        out.extend_from_slice(&tensor.zero_point.to_le_bytes());
    }
    out
}

fn step_section(desc: &ModelDesc, blobs: &Blobs) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::new();
    for (step, offset) in desc.steps.iter().zip(&blobs.offsets) {
        let wide = step.weights.as_ref().is_some_and(|blob| blob.wide_rows);
        let len = step.weights.as_ref().map_or(0, |blob| blob.bytes.len());
        let narrow = step.weights.as_ref().is_some_and(|blob| blob.narrow);
        let flags = if wide { FLAG_WIDE } else { 0 } | if narrow { FLAG_NARROW } else { 0 };
        out.extend_from_slice(&[step.op.code(), layout(step) as u8, flags, 0]);
        out.extend_from_slice(&step.input.to_le_bytes());
        out.extend_from_slice(&step.input2.unwrap_or(NO_TENSOR).to_le_bytes());
        out.extend_from_slice(&step.output.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&offset.to_le_bytes());
        out.extend_from_slice(&word(len)?.to_le_bytes());
        out.extend_from_slice(&step.scratch_offset.to_le_bytes());
        out.extend_from_slice(&step.scratch_len.to_le_bytes());
        out.extend_from_slice(&params::params(&step.op));
    }
    Ok(out)
}

fn io_section(desc: &ModelDesc, names: &Names) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::new();
    for (io, (offset, len)) in desc.inputs.iter().chain(&desc.outputs).zip(&names.places) {
        let rank = u8::try_from(io.dims.len()).unwrap_or(u8::MAX);
        if rank > 4 {
            return Err(WriteError::TooMany("dimensions of an input or output"));
        }
        out.extend_from_slice(&io.tensor.to_le_bytes());
        out.extend_from_slice(&[rank, io.order as u8]);
        for dim in io.dims.iter().copied().chain(core::iter::repeat(0)).take(4) {
            out.extend_from_slice(&dim.to_le_bytes());
        }
        out.extend_from_slice(&offset.to_le_bytes());
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&[io.source_dtype as u8, 0]);
        out.extend_from_slice(&io.mean.to_le_bytes());
        out.extend_from_slice(&io.std.to_le_bytes());
        out.extend_from_slice(&[0; 12]);
    }
    Ok(out)
}

/// The names section and each record's place in it.
struct Names {
    text: String,
    places: Vec<(u32, u16)>,
}

impl Names {
    fn place(desc: &ModelDesc) -> Result<Self, WriteError> {
        let mut names = Self {
            text: String::new(),
            places: Vec::new(),
        };
        for io in desc.inputs.iter().chain(&desc.outputs) {
            let len = u16::try_from(io.name.len());
            let len = len.map_err(|_| WriteError::TooMany("characters in a name"))?;
            names.places.push((word(names.text.len())?, len));
            names.text.push_str(&io.name);
        }
        Ok(names)
    }
}

/// The weights section and each step's place in it.
struct Blobs {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
}

impl Blobs {
    /// Stores identical blobs once, unless so many steps share them that the parser would refuse the file.
    fn place(steps: &[StepDesc]) -> Result<Self, WriteError> {
        let shared = Self::place_with(steps, true)?;
        let lens = steps
            .iter()
            .filter_map(|step| Some(step.weights.as_ref()?.bytes.len()));
        let walked = lens.fold(0, usize::saturating_add);
        let records = steps.len().saturating_mul(RECORD);
        let stored = shared.bytes.len().saturating_add(records);
        if walked <= stored.saturating_mul(MAX_SHARING) {
            Ok(shared)
        } else {
            Self::place_with(steps, false)
        }
    }

    fn place_with(steps: &[StepDesc], share: bool) -> Result<Self, WriteError> {
        let mut known: BTreeMap<&[u8], u32> = BTreeMap::new();
        let mut blobs = Self {
            bytes: Vec::new(),
            offsets: Vec::new(),
        };
        for step in steps {
            let Some(blob) = &step.weights else {
                blobs.offsets.push(0);
                continue;
            };
            let offset = match known.get(blob.bytes.as_slice()) {
                Some(offset) if share => *offset,
                Some(_) | None => {
                    let offset = word(blobs.bytes.len())?;
                    blobs.bytes.extend_from_slice(&blob.bytes);
                    blobs.bytes.resize(padded4(blobs.bytes.len()), 0);
                    known.insert(&blob.bytes, offset);
                    offset
                }
            };
            blobs.offsets.push(offset);
        }
        Ok(blobs)
    }
}
