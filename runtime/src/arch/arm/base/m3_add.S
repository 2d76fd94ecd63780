// Element-wise sums for cores with Thumb-2 and without the DSP extension (M3).

    .syntax unified
    .cpu cortex-m3
    .thumb

// void nnz_base_add(const s8 *x, const s8 *y, s8 *out, const struct { u32 count; s32 cx, cy, my, sy, mo, so, zo; } *)
//
// `count` ≥ 1 sums by TensorFlow Lite's scheme where x has the multiplier 2^30 and no shift: at the common scale it is
// (x − zero point) · 2^19 = (x << 19) + cx. y is raised by 21, so that the high word of its product with my, rounded by
// the low word's highest bit, is its doubling high multiply; a shift sy ≥ 1 rounds half away from zero by `add`, `asrs`,
// `adc`. The sum goes the same way with mo and so ≥ 1.
//   r0 x   r1 y   r2 out   r3 sums left   r4 cx   r5 cy   r6 my   r7 sy   r8 mo   r9 so   r10 zo
//   r11, r12 values   lr low words
    .macro NNZ_BASE_RAISED
    add     r11, r11, r12
    add     r11, r11, lr, lsr #31
    .endm
    .macro NNZ_BASE_SHIFTED
    add     r12, r12, lr, lsr #31
    add     r12, r12, r12, asr #31
    asrs    r12, r12, r7
    adc     r11, r11, r12
    .endm
    .macro NNZ_BASE_SUMS second
11: ldrsb   r11, [r0], #1
    ldrsb   r12, [r1], #1
    add     r11, r4, r11, lsl #19
    add     r12, r5, r12, lsl #21
    smull   lr, r12, r12, r6
    \second
    lsl     r11, r11, #1
    smull   lr, r11, r11, r8
    add     r11, r11, lr, lsr #31
    add     r11, r11, r11, asr #31
    asrs    r11, r11, r9
    adc     r11, r11, r10
    ssat    r11, #8, r11
    subs    r3, r3, #1
    strb    r11, [r2], #1
    bne     11b
    pop     {r4-r11, pc}
    .endm

    .section .text.nnz_base_add, "ax", %progbits
    .global nnz_base_add
    .type nnz_base_add, %function
    .thumb_func
    .p2align 2
nnz_base_add:
    push    {r4-r11, lr}
    ldm     r3, {r3-r10}
    cmp     r7, #0
    bne     1f
    NNZ_BASE_SUMS NNZ_BASE_RAISED
1:  NNZ_BASE_SUMS NNZ_BASE_SHIFTED
    .size nnz_base_add, . - nnz_base_add
