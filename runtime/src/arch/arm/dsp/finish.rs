//! From sums to outputs, by rounding.

use crate::kernels::{Post as Bounds, Product};
use crate::requantize::{Double, Single};
use nnz_format::Rows;

/// What `nnz_dsp_finish` does with its rows.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Post {
    count: usize,
    stride: usize,
    zero_point: i32,
    is_clamped: u32,
    is_wide: u32,
    lo: i32,
    hi: i32,
}

impl Post {
    /// What follows a group of [`GROUP`] rows of a product.
    fn of(rows: Rows<'_>, product: &Product<'_, i8>) -> Self {
        Self {
            count: GROUP,
            stride: product.stride,
            zero_point: product.post.zero_point,
            is_clamped: is_clamped(&product.post).into(),
            is_wide: rows.is_wide().into(),
            lo: product.post.lo.into(),
            hi: product.post.hi.into(),
        }
    }
}

/// What `nnz_dsp_blk_4x1` reads and changes.
#[repr(C)]
pub(super) struct BlockArgs {
    pub(super) deltas: *const u8,
    weights: *const u8,
    x: *const i8,
    rows: *const u32,
    out: *mut i8,
    post: Post,
    left: usize,
    is_special: u32,
}

impl BlockArgs {
    /// A product whose blocks begin at `deltas` and `weights`.
    pub(super) fn new(
        rows: Rows<'_>,
        product: &Product<'_, i8>,
        deltas: *const u8,
        weights: *const u8,
    ) -> Self {
        let post = Post::of(rows, product);
        let is_special = product.stride != 1 || (post.is_clamped | post.is_wide) != 0;
        Self {
            deltas,
            weights,
            x: product.x.as_ptr().cast(),
            rows: Row::new(rows, product.first).at,
            out: output(product),
            post,
            left: product.end.wrapping_sub(product.first),
            is_special: is_special.into(),
        }
    }
}

unsafe extern "C" {
    fn nnz_dsp_blk_4x1_single(args: *mut BlockArgs);
    fn nnz_dsp_blk_4x1_double(args: *mut BlockArgs);
    fn nnz_dsp_finish_single(
        accs: *const i32,
        rows: *const u32,
        out: *mut i8,
        post: *const Post,
    ) -> *const u32;
    fn nnz_dsp_finish_double(
        accs: *const i32,
        rows: *const u32,
        out: *mut i8,
        post: *const Post,
    ) -> *const u32;
}

/// A rounding's assembly.
pub(super) trait Finish {
    /// Adds the biases of `post.count` ≥ 1 rows of a table to as many sums, stores the outputs `post.stride` bytes
    /// apart and returns the row after them.
    ///
    /// # Safety
    ///
    /// So many sums and rows can be read and outputs written.
    unsafe fn finish(accs: *const i32, rows: *const u32, out: *mut i8, post: &Post) -> *const u32;
    /// Runs a product of a matrix in blocks of 4x1.
    ///
    /// # Safety
    ///
    /// The arguments describe rows of a matrix, a vector and outputs truthfully.
    unsafe fn blk_4x1(args: &mut BlockArgs);
}

impl Finish for Single {
    #[inline(always)]
    unsafe fn finish(accs: *const i32, rows: *const u32, out: *mut i8, post: &Post) -> *const u32 {
        // SAFETY: the caller's contract.
        unsafe { nnz_dsp_finish_single(accs, rows, out, post) }
    }

    #[inline(always)]
    unsafe fn blk_4x1(args: &mut BlockArgs) {
        // SAFETY: the caller's contract.
        unsafe { nnz_dsp_blk_4x1_single(args) };
    }
}

impl Finish for Double {
    #[inline(always)]
    unsafe fn finish(accs: *const i32, rows: *const u32, out: *mut i8, post: &Post) -> *const u32 {
        // SAFETY: the caller's contract.
        unsafe { nnz_dsp_finish_double(accs, rows, out, post) }
    }

    #[inline(always)]
    unsafe fn blk_4x1(args: &mut BlockArgs) {
        // SAFETY: the caller's contract.
        unsafe { nnz_dsp_blk_4x1_double(args) };
    }
}

/// Rows whose sums are kept together.
pub(super) const GROUP: usize = 4;

/// A row of a table of compact or wide rows, by words.
#[derive(Clone, Copy)]
pub(super) struct Row {
    at: *const u32,
    is_wide: bool,
}

impl Row {
    /// Row `index` of a table.
    pub(super) fn new(rows: Rows<'_>, index: usize) -> Self {
        let words = if rows.is_wide() { 4 } else { 3 };
        Self {
            at: rows
                .bytes()
                .as_ptr()
                .cast::<u32>()
                .wrapping_add(index.wrapping_mul(words)),
            is_wide: rows.is_wide(),
        }
    }

    /// Stored entries of the row, and the row after it.
    ///
    /// # Safety
    ///
    /// The table holds the row.
    #[inline(always)]
    pub(super) unsafe fn nnz(self) -> (usize, Self) {
        // SAFETY: the third word of a row of the table.
        let packed = unsafe { self.at.wrapping_add(2).read() };
        let (nnz, words) = if self.is_wide {
            (packed, 4)
        } else {
            (packed >> 16 & 0x7ff, 3)
        };
        let next = Self {
            at: self.at.wrapping_add(words),
            ..self
        };
        (nnz as usize, next)
    }
}

/// Computes a product in groups of four rows: `sums(first, row, accs)` adds those of rows `first…` to `accs`.
///
/// # Safety
///
/// Contracts 1 and 3 of [`crate::kernels::Kernels`] for a matrix with these rows.
#[inline(always)]
pub(super) unsafe fn by_groups<R: Finish>(
    rows: Rows<'_>,
    product: &Product<'_, i8>,
    mut sums: impl FnMut(usize, usize, Row, &mut [i32; GROUP]),
) {
    let mut first = product.first;
    let mut row = Row::new(rows, first);
    let mut out = output(product);
    let mut post = Post::of(rows, product);
    while first < product.end {
        post.count = product.end.wrapping_sub(first).min(GROUP);
        let mut accs = [0_i32; GROUP];
        sums(first, post.count, row, &mut accs);
        // SAFETY: `count` sums; so many rows are left of the table, and outputs of the product.
        row.at = unsafe { R::finish(accs.as_ptr(), row.at, out, &post) };
        out = out.wrapping_add(GROUP.wrapping_mul(product.stride));
        first = first.wrapping_add(GROUP);
    }
}

/// The output of the product's first row.
fn output(product: &Product<'_, i8>) -> *mut i8 {
    let skipped = product.first.wrapping_mul(product.stride);
    let out = product.out.as_ptr().cast::<i8>().cast_mut();
    out.wrapping_add(skipped)
}

/// Whether bounds are narrower than `s8`, to which all outputs saturate.
pub(super) fn is_clamped(bounds: &Bounds<i8>) -> bool {
    (bounds.lo, bounds.hi) != (i8::MIN, i8::MAX)
}
