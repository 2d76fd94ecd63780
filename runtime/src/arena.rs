//! The caller's memory, seen as tensors.
//!
//! Steps may run in place, so an input and an output can be the same bytes. The arena is therefore handed out as
//! slices of [`Cell`], which may overlap; ranges are checked, and one that does not exist is empty.

use core::cell::Cell;
use nnz_format::Tensor;

/// An element type that the arena can hold: any bit pattern is a value.
pub(crate) trait Element: Copy + Default + PartialOrd + 'static {
    /// The elements in `bytes`; empty where they are not aligned.
    fn cells(bytes: &[Cell<u8>]) -> &[Cell<Self>];
    /// The elements in `bytes`; empty where they are not aligned.
    fn from_bytes(bytes: &[u8]) -> &[Self];
    /// The elements in `bytes`; empty where they are not aligned.
    fn from_bytes_mut(bytes: &mut [u8]) -> &mut [Self];
}

/// Reads bytes as elements of a plain number type.
macro_rules! element {
    ($element:ty) => {
        #[allow(
            unsafe_code,
            reason = "core has no safe cast between slices of numbers"
        )]
        impl Element for $element {
            #[inline]
            fn cells(bytes: &[Cell<u8>]) -> &[Cell<Self>] {
                let start = bytes.as_ptr().cast::<Cell<Self>>();
                if !start.is_aligned() {
                    return &[];
                }
                // SAFETY: aligned; the length rounds down to whole elements; every bit pattern is a value; the
                // result borrows what `bytes` borrows.
                unsafe { core::slice::from_raw_parts(start, bytes.len() / size_of::<Self>()) }
            }

            fn from_bytes(bytes: &[u8]) -> &[Self] {
                let start = bytes.as_ptr().cast::<Self>();
                if !start.is_aligned() {
                    return &[];
                }
                // SAFETY: as in `cells`.
                unsafe { core::slice::from_raw_parts(start, bytes.len() / size_of::<Self>()) }
            }

            fn from_bytes_mut(bytes: &mut [u8]) -> &mut [Self] {
                let len = bytes.len() / size_of::<Self>();
                let start = bytes.as_mut_ptr().cast::<Self>();
                if !start.is_aligned() {
                    return &mut [];
                }
                // SAFETY: as in `cells`, and the borrow of `bytes` is exclusive.
                unsafe { core::slice::from_raw_parts_mut(start, len) }
            }
        }
    };
}

element!(i8);
element!(u32);
element!(f32);

/// The bytes of an arena.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arena<'s> {
    bytes: &'s [Cell<u8>],
}

impl<'s> Arena<'s> {
    /// Borrows `bytes` for the length of a step.
    pub(crate) fn new(bytes: &'s mut [u8]) -> Self {
        Self {
            bytes: Cell::from_mut(bytes).as_slice_of_cells(),
        }
    }

    /// `len` bytes from `offset` on.
    pub(crate) fn range(self, offset: u32, len: u32) -> &'s [Cell<u8>] {
        let (offset, len) = (offset as usize, len as usize);
        self.bytes
            .get(offset..)
            .and_then(|rest| rest.get(..len))
            .unwrap_or(&[])
    }

    /// The elements of `len` bytes from `offset` on.
    pub(crate) fn cells<T: Element>(self, offset: u32, len: u32) -> &'s [Cell<T>] {
        T::cells(self.range(offset, len))
    }

    /// The elements of a tensor with their geometry. Once or twice a step, so one copy is enough.
    #[inline(never)]
    pub(crate) fn view<T: Element>(self, tensor: &Tensor) -> View<'s, T> {
        let strides = tensor.strides();
        View {
            cells: self.cells(tensor.offset, tensor.len),
            channels: usize::from(tensor.c),
            height: usize::from(tensor.h),
            width: usize::from(tensor.w),
            channel_stride: strides.c as usize,
            row_stride: strides.y as usize,
            pixel_stride: strides.x as usize,
            zero_point: tensor.zero_point,
        }
    }
}

/// A tensor in the arena.
#[derive(Clone, Copy)]
pub(crate) struct View<'s, T> {
    /// Every element, with the padding between planes.
    pub(crate) cells: &'s [Cell<T>],
    /// Channels.
    pub(crate) channels: usize,
    /// Rows.
    pub(crate) height: usize,
    /// Columns.
    pub(crate) width: usize,
    /// Elements between channels.
    pub(crate) channel_stride: usize,
    /// Elements between rows.
    pub(crate) row_stride: usize,
    /// Elements between pixels.
    pub(crate) pixel_stride: usize,
    /// What stands for zero.
    pub(crate) zero_point: i32,
}

impl<'s, T: Element> View<'s, T> {
    /// Where element `(c, y, x)` lies.
    #[inline]
    pub(crate) const fn index(&self, c: usize, y: usize, x: usize) -> usize {
        c.wrapping_mul(self.channel_stride)
            .wrapping_add(y.wrapping_mul(self.row_stride))
            .wrapping_add(x.wrapping_mul(self.pixel_stride))
    }

    /// Pixels of a plane.
    #[inline]
    pub(crate) const fn pixels(&self) -> usize {
        self.height.wrapping_mul(self.width)
    }

    /// Elements from `(c, y, x)` on.
    #[inline]
    pub(crate) fn at(&self, c: usize, y: usize, x: usize) -> &'s [Cell<T>] {
        self.cells.get(self.index(c, y, x)..).unwrap_or(&[])
    }

    /// Elements of channel 0 from pixel `pixel` on, counted row by row.
    #[inline]
    pub(crate) fn at_pixel(&self, pixel: usize) -> &'s [Cell<T>] {
        self.at(0, 0, pixel)
    }

    /// `len` pixels of a row from `(c, y, x)` on.
    #[inline]
    pub(crate) fn pixels_from(
        &self,
        (c, y, x): (usize, usize, usize),
        len: usize,
    ) -> Pixels<'s, T> {
        Pixels {
            rest: self.at(c, y, x),
            stride: self.pixel_stride,
            left: len,
        }
    }

    /// Row `y` of channel `c`, pixel by pixel.
    #[inline]
    pub(crate) fn row(&self, c: usize, y: usize) -> Pixels<'s, T> {
        Pixels {
            rest: self.at(c, y, 0),
            stride: self.pixel_stride,
            left: self.width,
        }
    }

    /// Channel `c`, pixel by pixel: rows follow each other in both layouts.
    #[inline]
    pub(crate) fn plane(&self, c: usize) -> Pixels<'s, T> {
        Pixels {
            rest: self.at(c, 0, 0),
            stride: self.pixel_stride,
            left: self.pixels(),
        }
    }
}

/// Cells that lie a stride apart.
#[derive(Clone)]
pub(crate) struct Pixels<'s, T> {
    rest: &'s [Cell<T>],
    stride: usize,
    left: usize,
}

impl<'s, T> Iterator for Pixels<'s, T> {
    type Item = &'s Cell<T>;

    #[inline]
    fn next(&mut self) -> Option<&'s Cell<T>> {
        self.left = self.left.checked_sub(1)?;
        let first = self.rest.first()?;
        self.rest = self.rest.get(self.stride..).unwrap_or(&[]);
        Some(first)
    }

    #[inline]
    fn fold<B, F: FnMut(B, &'s Cell<T>) -> B>(self, init: B, mut f: F) -> B {
        if let Some(cells) = self.as_slice() {
            return cells.iter().fold(init, f);
        }
        let mut total = init;
        for cell in self {
            total = f(total, cell);
        }
        total
    }
}

impl<'s, T> Pixels<'s, T> {
    /// The cells as a slice, where they follow each other.
    #[inline]
    pub(crate) fn as_slice(&self) -> Option<&'s [Cell<T>]> {
        if self.stride == 1 {
            self.rest.get(..self.left)
        } else {
            None
        }
    }

    /// Calls `f` with each cell of `self` and its partner in `from`.
    #[inline]
    pub(crate) fn set_each<U>(self, from: Pixels<'s, U>, mut f: impl FnMut(&Cell<T>, &Cell<U>)) {
        if let (Some(to), Some(from)) = (self.as_slice(), from.as_slice()) {
            to.iter().zip(from).for_each(|(to, from)| f(to, from));
        } else {
            self.zip(from).for_each(|(to, from)| f(to, from));
        }
    }
}
