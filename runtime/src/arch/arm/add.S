// Element-wise sums by coefficients, for cores with Thumb-2.

    .syntax unified
    .cpu cortex-m3
    .thumb

// void nnz_thumb_add_linear(const s8 *x, const s8 *y, s8 *out, const struct { u32 count; s32 first, second, bias; } *)
//
// `count` ≥ 1 sums, (first · x + second · y + bias) >> 22 modulo 2^32, saturated. Loads stand together, as they overlap.
//   r0 x   r1 y   r2 out   r3 sums left   r4 first   r5 second   r6 bias   r7-r10 values
    .macro NNZ_LINEAR_TWO
    ldrsb   r7, [r0], #1
    ldrsb   r8, [r1], #1
    ldrsb   r9, [r0], #1
    ldrsb   r10, [r1], #1
    mla     r7, r7, r4, r6
    mla     r9, r9, r4, r6
    mla     r7, r8, r5, r7
    mla     r9, r10, r5, r9
    ssat    r7, #8, r7, asr #22
    ssat    r9, #8, r9, asr #22
    strb    r7, [r2], #1
    strb    r9, [r2], #1
    .endm

    .section .text.nnz_thumb_add_linear, "ax", %progbits
    .global nnz_thumb_add_linear
    .type nnz_thumb_add_linear, %function
    .thumb_func
    .p2align 2
nnz_thumb_add_linear:
    push    {r4-r10}
    ldm     r3, {r3-r6}
    subs    r3, r3, #4
    blt     2f
1:  NNZ_LINEAR_TWO
    NNZ_LINEAR_TWO
    subs    r3, r3, #4
    bge     1b
2:  adds    r3, r3, #4
    beq     4f
3:  ldrsb   r7, [r0], #1
    ldrsb   r8, [r1], #1
    mla     r7, r7, r4, r6
    mla     r7, r8, r5, r7
    ssat    r7, #8, r7, asr #22
    strb    r7, [r2], #1
    subs    r3, r3, #1
    bne     3b
4:  pop     {r4-r10}
    bx      lr
    .size nnz_thumb_add_linear, . - nnz_thumb_add_linear
