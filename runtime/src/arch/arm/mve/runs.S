// Runs of a band, for Armv8.1-M with Helium: up to sixteen bytes of a channel at once, those outside the input
// selected by a predicate.

    .syntax unified
    .cpu cortex-m55
    .thumb

// void nnz_mve_runs(const struct { const s8 *from; s8 *to; u32 from_stride, to_stride, count, inside, all, step;
//                                  s32 outside; } *runs)
//
// to[n] = inside has bit n ? from[n · step] : outside, for each bit n of `all`; `count` ≥ 1 times.
//   r1 from   r2 to   r3, r4 their strides   r6 inside   r7 all   q1 outside   q2 offsets
    .section .text.nnz_mve_runs, "ax", %progbits
    .global nnz_mve_runs
    .type nnz_mve_runs, %function
    .thumb_func
    .p2align 2
nnz_mve_runs:
    push    {r3-r7, lr}
    ldrd    r1, r2, [r0]
    ldrd    r3, r4, [r0, #8]
    ldrd    r5, r6, [r0, #16]
    ldrd    r7, r12, [r0, #24]
    ldr     r0, [r0, #32]
    dls     lr, r5
    vdup.8  q1, r0
    movs    r0, #0
    vidup.u8 q2, r0, #1
    vmul.i8 q2, q2, r12
1:  vmsr    p0, r6
    vpst
    vldrbt.u8 q0, [r1, q2]
    vpsel   q0, q0, q1
    vmsr    p0, r7
    vpst
    vstrbt.8 q0, [r2]
    add     r1, r1, r3
    add     r2, r2, r4
    le      lr, 1b
    pop     {r3-r7, pc}
    .size nnz_mve_runs, . - nnz_mve_runs
