//! The proof of a file, from the header to the last weight. Const, total, linear, no recursion.

mod rules;
mod steps;

use crate::bytes::{ensure, some, tri};
use crate::header::{Header, SectionKind, check_sections, section};
use crate::io::IoRecord;
use crate::model::record;
use crate::{FormatError, Io, Model, Tensor, io, step, tensor};

/// How often the bytes of a file may be walked because steps share weight blobs.
pub(crate) const MAX_SHARING: usize = 16;

/// See [`Model::parse`]. The result of `cut` is the one that is returned, so that no model is copied.
#[inline(never)]
pub(crate) const fn model<const OPS: u128>(bytes: &[u8]) -> Result<Model<'_>, FormatError> {
    let mut result = cut::<OPS>(bytes);
    if let Ok(model) = &result
        && let Err(error) = check::<OPS>(model)
    {
        result = Err(error);
    }
    result
}

/// Proves what the sections hold.
const fn check<const OPS: u128>(model: &Model<'_>) -> Result<(), FormatError> {
    tri!(check_tensors(model));
    tri!(steps::check::<OPS>(model));
    check_io(model)
}

/// Judges the header, finds the sections and compares their lengths with the header's counts.
const fn cut<const OPS: u128>(bytes: &[u8]) -> Result<Model<'_>, FormatError> {
    let (header, file) = tri!(Header::parse(bytes));
    ensure!(header.kernel_mask & !OPS == 0, FormatError::KernelMissing);
    tri!(check_sections(file, header.sections));
    let names = tri!(required(file, &header, SectionKind::Names));
    let names = match core::str::from_utf8(names) {
        Ok(names) => names,
        Err(_) => return Err(FormatError::NamesText),
    };
    let model = Model {
        bytes: file,
        header,
        tensors: tri!(required(file, &header, SectionKind::Tensors)),
        steps: tri!(required(file, &header, SectionKind::Steps)),
        weights: tri!(required(file, &header, SectionKind::Weights)),
        io: tri!(required(file, &header, SectionKind::Io)),
        names,
    };
    let records = model.inputs_len().saturating_add(model.outputs_len());
    tri!(holds(
        model.tensors,
        model.tensors_len(),
        tensor::RECORD,
        SectionKind::Tensors
    ));
    tri!(holds(
        model.steps,
        model.steps_len(),
        step::RECORD,
        SectionKind::Steps
    ));
    tri!(holds(model.io, records, io::RECORD, SectionKind::Io));
    let has_meta = model.section(SectionKind::Meta).is_some();
    ensure!(!has_meta || model.meta().is_some(), FormatError::MetaText);
    Ok(model)
}

const fn required<'a>(
    file: &'a [u8],
    header: &Header,
    kind: SectionKind,
) -> Result<&'a [u8], FormatError> {
    match section(file, header.sections, kind as u16) {
        Some(section) => Ok(section),
        None => Err(FormatError::SectionMissing { kind: kind as u16 }),
    }
}

/// Whether a section holds exactly `count` records of `size` bytes.
const fn holds(
    section: &[u8],
    count: usize,
    size: usize,
    kind: SectionKind,
) -> Result<(), FormatError> {
    let len = count.saturating_mul(size);
    ensure!(
        section.len() == len,
        FormatError::SectionLen { kind: kind as u16 }
    );
    Ok(())
}

#[inline(never)]
const fn check_tensors(model: &Model<'_>) -> Result<(), FormatError> {
    let mut index: u16 = 0;
    while index < model.header.tensors {
        let bytes = record(model.tensors, index as usize, tensor::RECORD);
        let bytes = some!(bytes, FormatError::TensorBounds { tensor: index });
        let tensor = tri!(Tensor::read(bytes, index));
        tri!(tensor.check(bytes, index, model.header.arena_len));
        index = index.wrapping_add(1);
    }
    Ok(())
}

const fn check_io(model: &Model<'_>) -> Result<(), FormatError> {
    let mut rest = model.io;
    let mut io: u16 = 0;
    while let Some((bytes, tail)) = rest.split_at_checked(io::RECORD) {
        let fields = IoRecord::read(bytes);
        let tensor = model.tensor(fields.tensor as usize);
        let tensor = some!(tensor, FormatError::IoTensor { io });
        let record = tri!(Io::read(bytes, tensor, model.names, io));
        tri!(record.check(bytes, io));
        // Wraps past 65,535 records; only the number in an error does.
        io = io.wrapping_add(1);
        rest = tail;
    }
    Ok(())
}
