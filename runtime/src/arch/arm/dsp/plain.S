// Operators without weights, for Armv7E-M and Armv8-M with the DSP extension.

    .syntax unified
    .cpu cortex-m4
    .thumb

// s32 nnz_dsp_sum(const s8 *x, u32 count)
//
// Σ x. A word with its signs flipped is four values of x + 128, which `usada8` adds at once.
//   r0 x   r1 bytes left over   r2 sum   r3 end of the words, scratch   r4 0   r12 signs
    .section .text.nnz_dsp_sum, "ax", %progbits
    .global nnz_dsp_sum
    .type nnz_dsp_sum, %function
    .thumb_func
    .p2align 2
nnz_dsp_sum:
    push    {r4, r5}
    bic     r3, r1, #3
    and     r1, r1, #3
    movs    r4, #0
    sub     r2, r4, r3, lsl #7
    mov     r12, #0x80808080
    cbz     r3, 2f
    add     r3, r3, r0
1:  ldr     r5, [r0], #4
    eor     r5, r5, r12
    usada8  r2, r5, r4, r2
    cmp     r0, r3
    bne     1b
2:  cbz     r1, 4f
3:  ldrsb   r3, [r0], #1
    subs    r1, r1, #1
    add     r2, r2, r3
    bne     3b
4:  mov     r0, r2
    pop     {r4, r5}
    bx      lr
    .size nnz_dsp_sum, . - nnz_dsp_sum

// void nnz_dsp_add(const s8 *x, const s8 *y, s8 *out, const struct { u32 count; s32 cx, cy, my, sy, mo, so, zo; } *)
//
// `count` ≥ 1 sums by TensorFlow Lite's scheme where x has the multiplier 2^30 and no shift: at the common scale it is
// (x − zero point) · 2^19 = (x << 19) + cx. y is raised by 21, so that `smmulr` by my is its doubling high multiply; a
// shift sy ≥ 1 rounds half away from zero by `add`, `asrs`, `adc`. The sum goes the same way with so ≥ 1 and mo ≥ 2^30, as finish.S does with D = 2 · mo.
//   r0 x   r1 y   r2 out   r3 sums left   r4 cx   r5 cy   r6 my   r7 sy   r8 D   r9 so   r10 zo   r11, r12 values
    .macro NNZ_ADD_RAISED
    smmlar  r11, r12, r6, r11
    .endm
    .macro NNZ_ADD_SHIFTED
    smmulr  r12, r12, r6
    add     r12, r12, r12, asr #31
    asrs    r12, r12, r7
    adc     r11, r11, r12
    .endm
    .macro NNZ_ADD_ONE second
    ldrsb   r11, [r0], #1
    ldrsb   r12, [r1], #1
    add     r11, r4, r11, lsl #19
    add     r12, r5, r12, lsl #21
    \second
    smmlar  r11, r11, r8, r11
    add     r11, r11, r11, asr #31
    asrs    r11, r11, r9
    adc     r11, r11, r10
    ssat    r11, #8, r11
    strb    r11, [r2], #1
    .endm
    .macro NNZ_ADD_ALL second
10: subs    r3, r3, #4
    blt     12f
11: NNZ_ADD_ONE \second
    NNZ_ADD_ONE \second
    NNZ_ADD_ONE \second
    NNZ_ADD_ONE \second
    subs    r3, r3, #4
    bge     11b
12: adds    r3, r3, #4
    beq     14f
13: NNZ_ADD_ONE \second
    subs    r3, r3, #1
    bne     13b
14: pop     {r4-r11}
    bx      lr
    .endm

    .section .text.nnz_dsp_add, "ax", %progbits
    .global nnz_dsp_add
    .type nnz_dsp_add, %function
    .thumb_func
    .p2align 2
nnz_dsp_add:
    push    {r4-r11}
    ldm     r3, {r3-r10}
    cmp     r7, #0
    lsl     r8, r8, #1
    bne     1f
    NNZ_ADD_ALL NNZ_ADD_RAISED
1:  NNZ_ADD_ALL NNZ_ADD_SHIFTED
    .size nnz_dsp_add, . - nnz_dsp_add
