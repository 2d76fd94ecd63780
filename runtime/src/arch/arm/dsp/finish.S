// From sums to outputs, for Armv7E-M and Armv8-M with the DSP extension. D below is 2 · multiplier.
//
// `smmlar r, acc, D, acc` gives (acc · D + 2^31) >> 32 where the multiplier is at least 2^30, for every acc: D read as
// an s32 is D − 2^32, and acc is added back. That is the rounding doubling high multiply. `smmla` gives the same
// rounded down, which is what one rounding begins with. For an exponent e of 1 to 31, `asrs` leaves bit e − 1 in the
// carry, so that `adc` with the zero point rounds half up; two roundings subtract 1 from negative values before, which
// makes that half away from zero. Rows with other multipliers or exponents take the slow way.

    .syntax unified
    .cpu cortex-m4
    .thumb

// Fast requantisation of \acc; \double is D with bit 31 set, \e is 1 to 31, \zp the output zero point.
    .macro NNZ_REQUANTIZE_single acc, double, e, zp
    smmla   \acc, \acc, \double, \acc
    asrs    \acc, \acc, \e
    adc     \acc, \acc, \zp
    .endm
    .macro NNZ_REQUANTIZE_double acc, double, e, zp
    smmlar  \acc, \acc, \double, \acc
    add     \acc, \acc, \acc, asr #31
    asrs    \acc, \acc, \e
    adc     \acc, \acc, \zp
    .endm

// s32 nnz_dsp_requantize_ROUNDING(s32 acc, s32 multiplier, s32 exponent, s32 zero_point)
//
// Any multiplier ≥ 0 and exponent −31 to 31; clobbers r0-r2, r12.
    .macro NNZ_SLOW_single
    it      eq
    addeq   r0, r0, r1, lsr #31
    .endm
    .macro NNZ_SLOW_double
    add     r0, r0, r1, lsr #31
    it      ne
    addne   r0, r0, r0, asr #31
    .endm
    .macro NNZ_REQUANTIZE rounding
    .section .text.nnz_dsp_requantize_\rounding, "ax", %progbits
    .global nnz_dsp_requantize_\rounding
    .type nnz_dsp_requantize_\rounding, %function
    .thumb_func
    .p2align 2
nnz_dsp_requantize_\rounding:
    cmp     r2, #0
    itt     lt
    rsblt   r12, r2, #0
    lsllt   r0, r0, r12
    it      lt
    movlt   r2, #0
    smull   r12, r0, r0, r1
    lsls    r0, r0, #1
    orr     r0, r0, r12, lsr #31
    lsls    r1, r12, #1
    cmp     r2, #0
    NNZ_SLOW_\rounding
    beq     1f
    asrs    r0, r0, r2
    adc     r0, r0, r3
    bx      lr
1:  add     r0, r0, r3
    bx      lr
    .size nnz_dsp_requantize_\rounding, . - nnz_dsp_requantize_\rounding
    .endm
    NNZ_REQUANTIZE single
    NNZ_REQUANTIZE double

// const u32 *nnz_dsp_finish_ROUNDING(const s32 *accs, const u32 *rows, s8 *out,
//                                    const struct { u32 count, stride; s32 zero_point; u32 is_clamped, is_wide;
//                                                   s32 lo, hi; } *post)
//
// out[n · stride] = clamp(requantize(accs[n] + bias)) for `count` ≥ 1 rows of the table; returns the row after them.
//   r0 accs   r1 rows   r2 out   r3 rows left   r4 stride   r5 zero point   r6 is_clamped   r7 is_wide
//   r8 sum   r9 bias, exponent   r10 multiplier   r11 packed, 2 · multiplier   [sp] post
    .macro NNZ_FINISH rounding
    .section .text.nnz_dsp_finish_\rounding, "ax", %progbits
    .global nnz_dsp_finish_\rounding
    .type nnz_dsp_finish_\rounding, %function
    .thumb_func
    .p2align 2
nnz_dsp_finish_\rounding:
    push    {r3-r11, lr}
    ldm     r3, {r3-r7}
1:  ldr     r8, [r0], #4
    ldm     r1!, {r9-r11}
    add     r8, r8, r9
    cbnz    r7, 5f
    lsrs    r9, r11, #27
    beq     6f
    lsls    r11, r10, #1
    bpl     6f
    NNZ_REQUANTIZE_\rounding r8, r11, r9, r5
2:  ssat    r8, #8, r8
    cbnz    r6, 8f
3:  strb    r8, [r2]
    add     r2, r2, r4
    subs    r3, r3, #1
    bne     1b
    mov     r0, r1
    pop     {r3-r11, pc}
5:  ldrsb   r9, [r1], #4                // a wide row has its exponent in a fourth word
6:  push    {r0-r3}
    mov     r0, r8
    mov     r1, r10
    mov     r2, r9
    mov     r3, r5
    bl      nnz_dsp_requantize_\rounding
    mov     r8, r0
    pop     {r0-r3}
    b       2b
8:  ldr     r9, [sp]
    ldrd    r10, r11, [r9, #20]
    cmp     r8, r10
    it      lt
    movlt   r8, r10
    cmp     r8, r11
    it      gt
    movgt   r8, r11
    b       3b
    .size nnz_dsp_finish_\rounding, . - nnz_dsp_finish_\rounding
    .endm
    NNZ_FINISH single
    NNZ_FINISH double
