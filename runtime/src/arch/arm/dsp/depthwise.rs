//! Depthwise convolutions of one plane: the table that `depthwise.S` reads, and the choice of its kernel.

use super::finish::is_clamped;
use super::pairs::four;
use crate::pairs::PairPlane;
use crate::requantize::{Double, Single};
use nnz_format::{DenseS8, Row};

/// What `nnz_dsp_depthwise` reads and changes.
#[repr(C)]
pub(super) struct Args {
    out: *mut i8,
    plane: *const u32,
    step: usize,
    table: *const u32,
    out_w: usize,
    plane_step: usize,
    row_stride: usize,
    rows: usize,
    pixel_stride: usize,
    zero_point: i32,
    multiplier: i32,
    exponent: i32,
    lo: u32,
    hi: u32,
}

unsafe extern "C" {
    fn nnz_dsp_depthwise_3x3_s1_single(args: *mut Args);
    fn nnz_dsp_depthwise_3x3_s2_single(args: *mut Args);
    fn nnz_dsp_depthwise_any_single(args: *mut Args);
    fn nnz_dsp_depthwise_3x3_s1_double(args: *mut Args);
    fn nnz_dsp_depthwise_3x3_s2_double(args: *mut Args);
    fn nnz_dsp_depthwise_any_double(args: *mut Args);
}

/// A kernel of a rounding.
type Kernel = unsafe extern "C" fn(args: *mut Args);

/// A rounding's kernels.
pub(super) trait Depthwise {
    /// 3x3, one column between outputs.
    const BY_ONE: Kernel;
    /// 3x3, two columns between outputs.
    const BY_TWO: Kernel;
    /// Any other window.
    const ANY: Kernel;
}

impl Depthwise for Single {
    const BY_ONE: Kernel = nnz_dsp_depthwise_3x3_s1_single;
    const BY_TWO: Kernel = nnz_dsp_depthwise_3x3_s2_single;
    const ANY: Kernel = nnz_dsp_depthwise_any_single;
}

impl Depthwise for Double {
    const BY_ONE: Kernel = nnz_dsp_depthwise_3x3_s1_double;
    const BY_TWO: Kernel = nnz_dsp_depthwise_3x3_s2_double;
    const ANY: Kernel = nnz_dsp_depthwise_any_double;
}

/// Writes words one after the other.
struct Writer(*mut u32);

impl Writer {
    /// # Safety
    ///
    /// A word is left.
    #[inline(always)]
    unsafe fn put(&mut self, word: u32) {
        // SAFETY: the caller's contract.
        unsafe { self.0.write(word) };
        self.0 = self.0.wrapping_add(1);
    }
}

/// Two 16-bit halves.
fn pair(low: i8, high: i8) -> u32 {
    let low = u32::from(i16::from(low).cast_unsigned());
    low | u32::from(i16::from(high).cast_unsigned()) << 16
}

/// The taps of a 3x3 window.
///
/// # Safety
///
/// Nine weights can be read and six words written.
#[inline(always)]
unsafe fn nine_taps(table: &mut Writer, weights: *const i8) {
    for row in 0..3_usize {
        let at = weights.wrapping_add(row.wrapping_mul(3));
        // SAFETY: three of the nine.
        let [a, b, c] = unsafe { at.cast::<[i8; 3]>().read() };
        // SAFETY: the caller's contract.
        unsafe { table.put(pair(a, b)) };
        // SAFETY: as above.
        unsafe { table.put(pair(b, c)) };
    }
}

/// The taps of any window, two at a time, with the bytes from each to the next in the plane.
///
/// # Safety
///
/// The window's weights can be read and `2 · kernel_h · ceil(kernel_w / 2)` words written.
#[inline(always)]
unsafe fn taps(table: &mut Writer, plane: &PairPlane<'_>, weights: *const i8) {
    let (kernel_h, kernel_w) = (
        usize::from(plane.window.kernel_h),
        usize::from(plane.window.kernel_w),
    );
    let twos = kernel_w.div_ceil(2);
    let to_next_row = plane
        .pitch
        .wrapping_sub(twos.wrapping_sub(1))
        .wrapping_mul(4);
    let mut at = weights;
    for row in 0..kernel_h {
        for two in 0..twos {
            // SAFETY: a weight of the row.
            let low = unsafe { at.read() };
            let is_last = two.wrapping_add(1) == twos;
            let high = if is_last && kernel_w % 2 == 1 {
                at = at.wrapping_sub(1);
                0
            } else {
                // SAFETY: a second weight of the row.
                unsafe { at.wrapping_add(1).read() }
            };
            at = at.wrapping_add(2);
            let step = match (is_last, row.wrapping_add(1) == kernel_h) {
                (false, _) => 4,
                (true, false) => to_next_row,
                (true, true) => 0,
            };
            // SAFETY: the caller's contract.
            unsafe { table.put(pair(low, high)) };
            // SAFETY: as above.
            unsafe { table.put(u32::try_from(step).unwrap_or(0)) };
        }
    }
}

/// One plane.
///
/// # Safety
///
/// Contracts 1 and 3 of [`crate::pairs::PairKernels`].
#[inline(always)]
pub(super) unsafe fn plane<D: Depthwise>(weights: &DenseS8<'_>, plane: &PairPlane<'_>) {
    let window = &plane.window;
    let Some(row) = weights.rows().get(plane.row) else {
        return;
    };
    let Row {
        bias,
        multiplier,
        shift,
        ..
    } = row;
    let of_row = usize::from(window.kernel_h).wrapping_mul(window.kernel_w.into());
    let first = weights
        .weights()
        .as_ptr()
        .cast::<i8>()
        .wrapping_add(plane.row.wrapping_mul(of_row));
    let start = plane.table.as_ptr().cast::<u32>().cast_mut();
    let mut table = Writer(start);
    let stride_w = usize::from(window.stride_w);
    let is_3x3 = window.kernel_h == 3 && window.kernel_w == 3 && stride_w <= 2;
    // SAFETY: the table has room for the bias, the taps and five words more (contract 3).
    unsafe { table.put(bias.cast_unsigned()) };
    if is_3x3 {
        // SAFETY: as above, and a row of a 3x3 window has nine weights.
        unsafe { nine_taps(&mut table, first) };
    } else {
        // SAFETY: as above.
        unsafe { taps(&mut table, plane, first) };
    }
    let is_fast = multiplier >= 1 << 30 && shift >= 1;
    let is_special = is_clamped(&plane.post) || plane.pixel_stride != 1;
    let constants = [
        multiplier.cast_unsigned() << 1,
        shift.cast_unsigned(),
        u32::from(!is_fast),
        u32::from(is_special),
        plane.post.zero_point.cast_unsigned(),
    ];
    for word in constants {
        // SAFETY: as above.
        unsafe { table.put(word) };
    }
    let pitch = plane.pitch.wrapping_mul(4);
    let mut args = Args {
        out: plane.out.as_ptr().cast::<i8>().cast_mut(),
        plane: plane.plane.as_ptr().cast(),
        step: if is_3x3 {
            pitch
        } else {
            stride_w.wrapping_mul(2)
        },
        table: start,
        out_w: plane.out_w,
        plane_step: pitch.wrapping_mul(window.stride_h.into()),
        row_stride: plane.row_stride,
        rows: plane.out_h,
        pixel_stride: plane.pixel_stride,
        zero_point: plane.post.zero_point,
        multiplier,
        exponent: shift,
        lo: four(plane.post.lo),
        hi: four(plane.post.hi),
    };
    // SAFETY: the contract, and the table was just written.
    unsafe {
        match (is_3x3, stride_w) {
            (true, 1) => D::BY_ONE(&raw mut args),
            (true, _) => D::BY_TWO(&raw mut args),
            (false, _) => D::ANY(&raw mut args),
        }
    }
}
