//! Element-wise sums: the arguments of each core's assembly.

use core::cell::Cell;
use nnz_format::AddParams;

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
