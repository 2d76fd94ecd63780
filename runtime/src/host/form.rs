//! Tensors as host kernels have them, and the way there from the file's arena and back.

use super::memory::plane_stride;
use super::rescale::byte_of;
use crate::arch::FLIP;
use crate::arch::vector::{Simd, Task};
use core::ops::Range;
use nnz_format::Tensor;

/// An `s8` tensor as planes of the bytes that products take.
///
/// Channels are rounded up to fours, and each plane has room for whole vectors. A tensor of one pixel is a vector:
/// its planes have one byte each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// Channels.
    pub(super) channels: usize,
    /// Rows.
    pub(super) height: usize,
    /// Columns.
    pub(super) width: usize,
    /// Bytes from plane to plane.
    pub(super) plane: usize,
    /// The byte that stands for zero.
    pub(super) zero: u8,
}

impl Form {
    /// The form of a file's tensor.
    pub(super) fn of(tensor: &Tensor) -> Self {
        let (height, width) = (usize::from(tensor.h), usize::from(tensor.w));
        Self {
            channels: usize::from(tensor.c),
            height,
            width,
            plane: plane_stride(height * width),
            zero: byte_of(i8::try_from(tensor.zero_point.clamp(-128, 127)).unwrap_or(0)),
        }
    }

    /// Pixels of a plane.
    pub(super) const fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Whether one pixel's channels follow each other here and in the file.
    const fn is_vector(&self, place: &InFile) -> bool {
        self.plane == 1 && place.channel == 1
    }

    /// Bytes of all planes, those of missing channels and what a vector writes past a vector's end included.
    pub(super) const fn len(&self) -> usize {
        self.channels.next_multiple_of(16) * self.plane
    }
}

/// A tensor's elements in the file's arena.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InFile {
    offset: usize,
    len: usize,
    channel: usize,
    pixel: usize,
}

impl InFile {
    /// Where the file has `tensor`.
    pub(super) fn of(tensor: &Tensor) -> Self {
        let strides = tensor.strides();
        Self {
            offset: tensor.offset as usize,
            len: tensor.len as usize,
            channel: strides.c as usize,
            pixel: strides.x as usize,
        }
    }
}

/// Copies a tensor from the file's arena to planes; a task, so that it is compiled for the CPU's vectors.
pub(super) struct Import<'a> {
    /// The tensor.
    pub(super) form: &'a Form,
    /// Where the file has it.
    pub(super) place: &'a InFile,
    /// Which channels, all of them or whole planes.
    pub(super) channels: Range<usize>,
    /// The file's arena.
    pub(super) file: &'a [u8],
    /// The planes of these channels.
    pub(super) planes: &'a mut [u8],
}

impl Task for Import<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self {
            form,
            place,
            channels,
            ..
        } = self;
        let bytes = self.file.get(place.offset..).unwrap_or_default();
        let bytes = bytes.get(..place.len).unwrap_or_default();
        if form.channels == 3 && channels.len() == 3 && place.pixel == 3 {
            return three(bytes, self.planes, form);
        }
        if form.is_vector(place) {
            let from = bytes.get(channels.start..).unwrap_or_default();
            let to = self.planes.get_mut(..channels.len()).unwrap_or_default();
            return flip(from, to);
        }
        for (index, channel) in channels.enumerate() {
            let from = bytes.get(channel * place.channel..).unwrap_or_default();
            let to = self
                .planes
                .get_mut(index * form.plane..)
                .unwrap_or_default();
            let to = to.get_mut(..form.pixels()).unwrap_or_default();
            if place.pixel == 1 {
                for (to, from) in to.iter_mut().zip(from) {
                    *to = *from ^ FLIP;
                }
            } else {
                for (to, from) in to.iter_mut().zip(from.iter().step_by(place.pixel.max(1))) {
                    *to = *from ^ FLIP;
                }
            }
        }
    }
}

/// Bytes of the file to bytes of planes, or back.
#[inline(always)]
fn flip(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from ^ FLIP;
    }
}

/// Red, green and blue that follow each other.
#[inline(always)]
fn three(from: &[u8], planes: &mut [u8], form: &Form) {
    let pixels = form.pixels();
    let (red, rest) = planes.split_at_mut_checked(form.plane).unwrap_or_default();
    let (green, blue) = rest.split_at_mut_checked(form.plane).unwrap_or_default();
    let planes = (
        red.get_mut(..pixels),
        green.get_mut(..pixels),
        blue.get_mut(..pixels),
    );
    let (Some(red), Some(green), Some(blue)) = planes else {
        return;
    };
    let (triples, _) = from.as_chunks::<3>();
    let planes = red.iter_mut().zip(green).zip(blue);
    for (((red, green), blue), triple) in planes.zip(triples) {
        *red = triple[0] ^ FLIP;
        *green = triple[1] ^ FLIP;
        *blue = triple[2] ^ FLIP;
    }
}

/// Copies `planes` to a tensor in the file's arena.
pub(super) fn export(form: &Form, place: &InFile, planes: &[u8], file: &mut [u8]) {
    let bytes = file.get_mut(place.offset..).unwrap_or_default();
    let bytes = bytes.get_mut(..place.len).unwrap_or_default();
    let pixels = form.pixels();
    if form.is_vector(place) {
        return flip(planes.get(..form.channels).unwrap_or_default(), bytes);
    }
    for channel in 0..form.channels {
        let from = planes.get(channel * form.plane..).unwrap_or_default();
        let from = from.get(..pixels).unwrap_or_default();
        let to = bytes.get_mut(channel * place.channel..).unwrap_or_default();
        for (to, from) in to.iter_mut().step_by(place.pixel.max(1)).zip(from) {
            *to = *from ^ FLIP;
        }
    }
}
