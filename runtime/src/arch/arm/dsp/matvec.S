// Matrices times a vector, for Armv7E-M and Armv8-M with the DSP extension.
//
// A word of four s8 becomes two words of two s16 each, bytes 0 and 2 by `sxtb16`, bytes 1 and 3 by `sxtb16` of the
// word rotated by 8; `smlad` then adds two products at once. Both factors are split alike, so the order of the bytes
// does not matter. Sums are modulo 2^32, as everywhere. Words are loaded from any address, which these cores allow
// for `ldr`.

    .syntax unified
    .cpu cortex-m4
    .thumb

// void nnz_dsp_dot4(const s8 *x, u32 columns, const s8 *row, s32 sums[4], u32 stride)
//
// sums[n] = x · row[n · stride…] for four rows; a stride of 0 gives one row four times.
//   r0 x   r1, r2, r12, lr rows   r3 end of the whole words of x   r4-r7 sums   r8, r9 x split   r10, r11 row split
//   [sp] sums, [sp, 4] columns left over
    .macro NNZ_DOT_ROW acc, row
    ldr     r10, [\row], #4
    sxtb16  r11, r10
    sxtb16  r10, r10, ror #8
    smlad   \acc, r11, r8, \acc
    smlad   \acc, r10, r9, \acc
    .endm
    .macro NNZ_DOT_COLUMNS
    ldr     r9, [r0], #4
    sxtb16  r8, r9
    sxtb16  r9, r9, ror #8
    NNZ_DOT_ROW r4, r1
    NNZ_DOT_ROW r5, r2
    NNZ_DOT_ROW r6, r12
    NNZ_DOT_ROW r7, lr
    .endm

    .section .text.nnz_dsp_dot4, "ax", %progbits
    .global nnz_dsp_dot4
    .type nnz_dsp_dot4, %function
    .thumb_func
    .p2align 2
nnz_dsp_dot4:
    push    {r4-r11, lr}
    ldr     r8, [sp, #36]
    mov     r4, r3
    and     r5, r1, #3
    push    {r4, r5}
    bic     r3, r1, #3
    mov     r1, r2
    add     r2, r2, r8
    add     r12, r2, r8
    add     lr, r12, r8
    movs    r10, r3
    mov     r4, #0
    mov     r5, #0
    mov     r6, #0
    mov     r7, #0
    add     r3, r3, r0
    beq     3f
    tst     r10, #4                     // an odd number of words begins in the middle of a turn
    bne     2f
1:  NNZ_DOT_COLUMNS
2:  NNZ_DOT_COLUMNS
    cmp     r0, r3
    bne     1b
3:  ldr     r3, [sp, #4]
    cbz     r3, 5f
4:  ldrsb   r8, [r0], #1
    ldrsb   r9, [r1], #1
    ldrsb   r10, [r2], #1
    mla     r4, r8, r9, r4
    mla     r5, r8, r10, r5
    ldrsb   r9, [r12], #1
    ldrsb   r10, [lr], #1
    mla     r6, r8, r9, r6
    mla     r7, r8, r10, r7
    subs    r3, r3, #1
    bne     4b
5:  pop     {r0, r1}
    stm     r0, {r4-r7}
    pop     {r4-r11, pc}
    .size nnz_dsp_dot4, . - nnz_dsp_dot4

// s32 nnz_dsp_csr_q(const u8 *groups, u32 count, const s8 *x, s32 acc)
//
// acc + Σ x[index] · weight over `count` groups of four indices, then four weights.
//   r0 groups, a multiple of 4   r1 groups left   r2 x   r3 sum   r4-r7 indices, then values   r12 weights
    .section .text.nnz_dsp_csr_q, "ax", %progbits
    .global nnz_dsp_csr_q
    .type nnz_dsp_csr_q, %function
    .thumb_func
    .p2align 2
nnz_dsp_csr_q:
    push    {r4-r7}
    cbz     r1, 2f
1:  ldrb    r4, [r0]
    ldrb    r6, [r0, #2]
    ldrb    r5, [r0, #1]
    ldrb    r7, [r0, #3]
    ldrsb   r4, [r2, r4]
    ldrsb   r6, [r2, r6]
    ldrsb   r5, [r2, r5]
    ldrsb   r7, [r2, r7]
    ldr     r12, [r0, #4]
    pkhbt   r4, r4, r6, lsl #16
    pkhbt   r5, r5, r7, lsl #16
    sxtb16  r6, r12
    sxtb16  r7, r12, ror #8
    smlad   r3, r4, r6, r3
    smlad   r3, r5, r7, r3
    adds    r0, r0, #8
    subs    r1, r1, #1
    bne     1b
2:  mov     r0, r3
    pop     {r4-r7}
    bx      lr
    .size nnz_dsp_csr_q, . - nnz_dsp_csr_q

// s32 nnz_dsp_blk_1x4(const u8 *deltas, const s8 *weights, u32 count, const s8 *x)
//
// The sum of one row over `count` blocks: x moves on by 4 · delta, then Σ x[k] · weights[k] is added.
//   r0 deltas   r1 weights   r2 end of the deltas   r3 x   r4 sum   r5 delta, values   r6 values   r7, r12 weights
    .macro NNZ_BLK_1X4
    ldrb    r5, [r0], #1
    ldr     r7, [r1], #4
    add     r3, r3, r5, lsl #2
    ldr     r5, [r3]
    sxtb16  r12, r7
    sxtb16  r6, r5
    sxtb16  r7, r7, ror #8
    sxtb16  r5, r5, ror #8
    smlad   r4, r6, r12, r4
    smlad   r4, r5, r7, r4
    .endm

    .section .text.nnz_dsp_blk_1x4, "ax", %progbits
    .global nnz_dsp_blk_1x4
    .type nnz_dsp_blk_1x4, %function
    .thumb_func
    .p2align 2
nnz_dsp_blk_1x4:
    push    {r4-r7}
    mov     r4, #0
    cbz     r2, 3f
    tst     r2, #1
    add     r2, r2, r0
    bne     2f
1:  NNZ_BLK_1X4
2:  NNZ_BLK_1X4
    cmp     r0, r2
    bne     1b
3:  mov     r0, r4
    pop     {r4-r7}
    bx      lr
    .size nnz_dsp_blk_1x4, . - nnz_dsp_blk_1x4

// s32 nnz_dsp_csr_p(const u8 *pairs, u32 count, const s8 *x)
//
// Σ *x · weight over `count` pairs: x moves on by a delta before each product.
//   r0 pairs   r1 end of the pairs   r2 x   r3 sum   r4 delta, value   r5 weight
    .macro NNZ_CSR_P
    ldrb    r4, [r0], #2
    ldrsb   r5, [r0, #-1]
    add     r2, r2, r4
    ldrsb   r4, [r2]
    mla     r3, r4, r5, r3
    .endm

    .section .text.nnz_dsp_csr_p, "ax", %progbits
    .global nnz_dsp_csr_p
    .type nnz_dsp_csr_p, %function
    .thumb_func
    .p2align 2
nnz_dsp_csr_p:
    push    {r4, r5}
    mov     r3, #0
    cbz     r1, 8f
    and     r4, r1, #3                  // the first turn has count mod 4 pairs, or four
    add     r1, r0, r1, lsl #1
    cmp     r4, #2
    beq     3f
    bhi     2f
    cmp     r4, #1
    beq     4f
1:  NNZ_CSR_P
2:  NNZ_CSR_P
3:  NNZ_CSR_P
4:  NNZ_CSR_P
    cmp     r0, r1
    bne     1b
8:  mov     r0, r3
    pop     {r4, r5}
    bx      lr
    .size nnz_dsp_csr_p, . - nnz_dsp_csr_p
