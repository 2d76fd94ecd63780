// Element-wise sums, for Armv8.1-M with Helium: four at a time.

    .syntax unified
    .cpu cortex-m55
    .thumb

// Rounds \q by so many bits to the right as \shift is below 0, half away from zero.
    .macro NNZ_MVE_AWAY q, t, shift
    vshr.s32 \t, \q, #31
    vadd.i32 \q, \q, \t
    vrshl.s32 \q, \shift
    .endm
    .macro NNZ_MVE_ADD is_shifted
    dlstp.32 lr, r4
    ldr     r4, [r3, #24]
    ldr     r3, [r3, #28]
    rsbs    r4, r4, #0
1:  vldrb.s32 q0, [r1], #4
    vldrb.s32 q1, [r0], #4
    vshl.i32 q0, q0, #20
    vshl.i32 q1, q1, #19
    vadd.i32 q0, q0, r6
    vadd.i32 q1, q1, r5
    vqrdmulh.s32 q0, q0, r7
    .if \is_shifted
    vshr.s32 q2, q0, #31
    vadd.i32 q0, q0, q2
    vrshl.s32 q0, r8
    .endif
    vadd.i32 q0, q0, q1
    vqrdmulh.s32 q0, q0, r12
    NNZ_MVE_AWAY q0, q1, r4
    vadd.i32 q0, q0, r3
    vmin.s32 q0, q0, q3
    vmax.s32 q0, q0, q4
    vstrb.32 q0, [r2], #4
    letp    lr, 1b
    .endm

// void nnz_mve_add(const s8 *x, const s8 *y, s8 *out, const struct { u32 count; s32 cx, cy, my, sy, mo, so, zo; } *)
//
// As nnz_dsp_add. y is raised by 20 here: the doubling high multiply doubles.
//   r0 x   r1 y   r2 out   r3 zo   r4 −so   r5 cx   r6 cy / 2   r7 my   r8 −sy   r12 mo   q3 127   q4 −128
    .section .text.nnz_mve_add, "ax", %progbits
    .global nnz_mve_add
    .type nnz_mve_add, %function
    .thumb_func
    .p2align 2
nnz_mve_add:
    push    {r4-r8, lr}
    vpush   {d8, d9}
    ldrd    r4, r5, [r3]
    ldrd    r6, r7, [r3, #8]
    ldrd    r8, r12, [r3, #16]
    asrs    r6, r6, #1
    vmov.i32 q3, #127
    vmvn.i32 q4, #127
    rsbs    r8, r8, #0
    beq     2f
    NNZ_MVE_ADD 1
    b       3f
2:  NNZ_MVE_ADD 0
3:  vpop    {d8, d9}
    pop     {r4-r8, pc}
    .size nnz_mve_add, . - nnz_mve_add

// void nnz_mve_add_linear(const s8 *x, const s8 *y, s8 *out, const struct { u32 count; s32 first, second, bias; } *)
//
// `count` ≥ 1 sums, (first · x + second · y + bias) >> 22 modulo 2^32, saturated.
//   r0 x   r1 y   r2 out   r4 sums   r5 first   r6 second   r7 bias   q0-q2 values
    .section .text.nnz_mve_add_linear, "ax", %progbits
    .global nnz_mve_add_linear
    .type nnz_mve_add_linear, %function
    .thumb_func
    .p2align 2
nnz_mve_add_linear:
    push    {r4-r8, lr}
    ldm     r3, {r4-r7}
    dlstp.32 lr, r4
1:  vldrb.s32 q0, [r0], #4
    vldrb.s32 q1, [r1], #4
    vmul.i32 q0, q0, r5
    vmla.s32 q0, q1, r6
    vadd.i32 q0, q0, r7
    vshr.s32 q0, q0, #22
    vqmovnb.s32 q0, q0
    vqmovnb.s16 q0, q0
    vstrb.32 q0, [r2], #4
    letp    lr, 1b
    pop     {r4-r8, pc}
    .size nnz_mve_add_linear, . - nnz_mve_add_linear
