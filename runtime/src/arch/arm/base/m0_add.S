// Element-wise sums by coefficients, for Thumb alone.

    .syntax unified
    .cpu cortex-m0
    .thumb

// void nnz_thumb_add_linear(const s8 *x, const s8 *y, s8 *out, const struct { u32 count; s32 first, second, bias; } *)
//
// `count` ≥ 1 sums, (first · x + second · y + bias) >> 22 modulo 2^32, saturated; the last one first.
//   r0 x   r1 y   r2 out   r3 index   r4, r5 values   r6 first   r7 second   r8 bias
    .section .text.nnz_thumb_add_linear, "ax", %progbits
    .global nnz_thumb_add_linear
    .type nnz_thumb_add_linear, %function
    .thumb_func
    .p2align 2
nnz_thumb_add_linear:
    push    {r4-r7}
    mov     r4, r8
    push    {r4}
    ldr     r4, [r3, #12]
    mov     r8, r4
    ldr     r7, [r3, #8]
    ldr     r6, [r3, #4]
    ldr     r3, [r3]
    subs    r3, r3, #1
1:  ldrsb   r4, [r0, r3]
    ldrsb   r5, [r1, r3]
    muls    r4, r6, r4
    muls    r5, r7, r5
    add     r4, r8
    adds    r4, r4, r5
    asrs    r4, r4, #22
    sxtb    r5, r4
    cmp     r5, r4
    bne     3f
2:  strb    r4, [r2, r3]
    subs    r3, r3, #1
    bpl     1b
    pop     {r4}
    mov     r8, r4
    pop     {r4-r7}
    bx      lr
3:  asrs    r4, r4, #31
    movs    r5, #127
    eors    r4, r5
    b       2b
    .size nnz_thumb_add_linear, . - nnz_thumb_add_linear
