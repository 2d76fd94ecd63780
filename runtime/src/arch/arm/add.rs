//! Element-wise sums: the arguments of each core's assembly.

#[cfg(all(isa = "thumb2", not(isa = "mve")))]
use core::arch::global_asm;
use core::cell::Cell;
use nnz_format::{AddParams, LinearSum};

#[cfg(all(isa = "thumb2", not(isa = "mve")))]
global_asm!(include_str!("add.S"), options(raw));

/// What the assembly reads.
#[repr(C)]
struct AddArgs {
    count: usize,
    cx: i32,
    cy: i32,
    my: i32,
    sy: i32,
    mo: i32,
    so: i32,
    zo: i32,
}

unsafe extern "C" {
    #[cfg_attr(isa = "mve", link_name = "nnz_mve_add")]
    #[cfg_attr(all(isa = "dsp", not(isa = "mve")), link_name = "nnz_dsp_add")]
    fn nnz_base_add(x: *const i8, y: *const i8, out: *mut i8, args: *const AddArgs);
}

/// The coefficients, and how many sums.
#[repr(C)]
struct LinearArgs {
    count: usize,
    first: i32,
    second: i32,
    bias: i32,
}

unsafe extern "C" {
    #[cfg_attr(isa = "mve", link_name = "nnz_mve_add_linear")]
    fn nnz_thumb_add_linear(x: *const i8, y: *const i8, out: *mut i8, args: *const LinearArgs);
}

/// Element-wise sums of slices of one length by coefficients, saturated.
pub(crate) fn add_linear_s8(sum: LinearSum, (x, y): (&[Cell<i8>], &[Cell<i8>]), out: &[Cell<i8>]) {
    let count = out.len().min(x.len()).min(y.len());
    if count == 0 {
        return;
    }
    let args = LinearArgs {
        count,
        first: sum.first,
        second: sum.second,
        bias: sum.bias,
    };
    let to = out.as_ptr().cast::<i8>().cast_mut();
    // SAFETY: three slices of at least `count` elements; cells may be written, and an element is read before it is.
    unsafe { nnz_thumb_add_linear(x.as_ptr().cast(), y.as_ptr().cast(), to, &raw const args) };
}

/// Element-wise sums of slices of one length with zero points `[x, y, out]`, not bounded; `false` where the
/// parameters are not those that TensorFlow Lite chooses.
pub(crate) fn add_s8(
    params: &AddParams,
    [zx, zy, zo]: [i32; 3],
    (x, y): (&[Cell<i8>], &[Cell<i8>]),
    out: &[Cell<i8>],
) -> bool {
    const HALF: i32 = 1 << 30;
    let AddParams {
        m1,
        m2,
        mo,
        s1,
        s2,
        so,
    } = *params;
    if so < 1 || mo < HALF || x.len() != out.len() || y.len() != out.len() || out.is_empty() {
        return false;
    }
    let ((x, zx), (y, zy, my, sy)) = if (m1, s1) == (HALF, 0) {
        ((x, zx), (y, zy, m2, s2))
    } else if (m2, s2) == (HALF, 0) {
        ((y, zy), (x, zx, m1, s1))
    } else {
        return false;
    };
    let args = AddArgs {
        count: out.len(),
        cx: zx.wrapping_neg().wrapping_shl(19),
        cy: zy.wrapping_neg().wrapping_shl(21),
        my,
        sy: sy.into(),
        mo,
        so: so.into(),
        zo,
    };
    let to = out.as_ptr().cast::<i8>().cast_mut();
    // SAFETY: three slices of `count` elements; cells may be written, and an element is read before it is.
    unsafe { nnz_base_add(x.as_ptr().cast(), y.as_ptr().cast(), to, &raw const args) };
    true
}
