// Matrices in blocks of 4x1 times a vector, for Armv7E-M and Armv8-M with the DSP extension: sums and outputs of four
// rows at a time stay in registers.
//
// Two blocks are two weights of each of four rows. `pkhbt` and `pkhtb` bring bytes 0 and 1, and bytes 2 and 3, of both
// together; `sxtb16` of these words, and of them rotated by 8, is a row's two weights as a pair, which one `smlad`
// multiplies by the pair of their inputs: 18 instructions for 8 products. Sums are modulo 2^32. Macros of finish.S and
// pairs.S are used.

    .syntax unified
    .cpu cortex-m4
    .thumb

// void nnz_dsp_blk_4x1_ROUNDING(args *)
//
// Rows of a product, at least one, from a multiple of four on. The arguments are changed.
//   args: 0 deltas   4 weights   8 x   12 rows table   16 output   20 what nnz_dsp_finish takes: count, stride, zero
//         point, is_clamped, is_wide, lo, hi   48 rows left   52 not 0 where bounds are narrower than s8, outputs do
//         not follow each other or rows are wide: nnz_dsp_finish ends all groups then, else only one of fewer rows
//   r0 deltas   r1 weights   r2 x   r3 end of the deltas, rows table   r4-r7 sums   r8-r10, lr scratch   r11 zero point
//   [sp] args
    .macro NNZ_BLK_4X1_ONE
    ldrb    r8, [r0], #1
    ldr     r9, [r1], #4
    add     r2, r2, r8
    ldrsb   r8, [r2]
    sxtb16  r10, r9
    sxtb16  r9, r9, ror #8
    smlabb  r4, r8, r10, r4
    smlabt  r6, r8, r10, r6
    smlabb  r5, r8, r9, r5
    smlabt  r7, r8, r9, r7
    .endm
    .macro NNZ_BLK_4X1_TWO
    ldrb    r8, [r0], #2
    ldrb    r9, [r0, #-1]
    ldrd    r10, lr, [r1], #8
    add     r2, r2, r8
    ldrsb   r8, [r2]
    add     r2, r2, r9
    ldrsb   r9, [r2]
    pkhbt   r8, r8, r9, lsl #16
    pkhbt   r9, r10, lr, lsl #16
    pkhtb   r10, lr, r10, asr #16
    sxtb16  lr, r9
    sxtb16  r9, r9, ror #8
    smlad   r4, r8, lr, r4
    smlad   r5, r8, r9, r5
    sxtb16  lr, r10
    sxtb16  r10, r10, ror #8
    smlad   r6, r8, lr, r6
    smlad   r7, r8, r10, r7
    .endm

// The output of the row at r3; 6\row is what the fast formula does not cover.
    .macro NNZ_BLK_4X1_ROW acc, row, rounding
    ldm     r3!, {r8-r10}
    add     \acc, \acc, r8
    lsls    r9, r9, #1
    bpl     6\row\()f
    lsrs    r10, r10, #27
    beq     6\row\()f
    NNZ_REQUANTIZE_\rounding \acc, r9, r10, r11
7\row:
    .endm
    .macro NNZ_BLK_4X1_SLOW acc, row
6\row:
    mov     r0, \acc
    bl      9f
    mov     \acc, r0
    b       7\row\()b
    .endm

    .macro NNZ_BLK_4X1 rounding
    .section .text.nnz_dsp_blk_4x1_\rounding, "ax", %progbits
    .global nnz_dsp_blk_4x1_\rounding
    .type nnz_dsp_blk_4x1_\rounding, %function
    .thumb_func
    .p2align 2
nnz_dsp_blk_4x1_\rounding:
    push    {r0, r4-r11, lr}
1:  ldr     r4, [r0, #36]
    ldm     r0, {r0-r3}
    ldr     r8, [r3, #8]
    cbnz    r4, 2f
    ubfx    r8, r8, #16, #11
2:  adds    r3, r0, r8
    mov     r4, #0
    mov     r5, #0
    mov     r6, #0
    mov     r7, #0
    lsrs    r8, r8, #1
    bcc     3f
    NNZ_BLK_4X1_ONE
3:  subs    r8, r3, r0
    beq     5f
    tst     r8, #2                      // an odd number of twos begins in the middle of a turn
    bne     4f
33: NNZ_BLK_4X1_TWO
4:  NNZ_BLK_4X1_TWO
    cmp     r0, r3
    bne     33b
5:  ldr     r2, [sp]
    strd    r0, r1, [r2]
    ldrd    r8, r9, [r2, #48]
    ldr     r3, [r2, #12]
    ldr     r11, [r2, #28]
    cmp     r9, #0
    bne     8f
    cmp     r8, #4
    blo     8f
    NNZ_BLK_4X1_ROW r4, 0, \rounding
    NNZ_BLK_4X1_ROW r5, 1, \rounding
    NNZ_BLK_4X1_ROW r6, 2, \rounding
    NNZ_BLK_4X1_ROW r7, 3, \rounding
    NNZ_PACK r4, r5, r6, r7
    ldr     r0, [sp]
    ldr     r8, [r0, #16]
    ldr     r9, [r0, #48]
    str     r4, [r8], #4
    strd    r3, r8, [r0, #12]
    subs    r9, r9, #4
    str     r9, [r0, #48]
    bne     1b
    pop     {r0, r4-r11, pc}

    NNZ_BLK_4X1_SLOW r4, 0
    NNZ_BLK_4X1_SLOW r5, 1
    NNZ_BLK_4X1_SLOW r6, 2
    NNZ_BLK_4X1_SLOW r7, 3
9:  push    {r3, lr}
    ldrd    r1, r2, [r3, #-8]
    lsr     r2, r2, #27
    mov     r3, r11
    bl      nnz_dsp_requantize_\rounding
    pop     {r3, pc}

8:  push    {r4-r7}
    mov     r0, sp
    mov     r4, r2
    cmp     r8, #4
    it      hi
    movhi   r8, #4
    mov     r1, r3
    ldr     r2, [r4, #16]
    str     r8, [r4, #20]
    add     r3, r4, #20
    bl      nnz_dsp_finish_\rounding
    ldr     r1, [r4, #24]
    ldr     r2, [r4, #16]
    ldr     r8, [r4, #48]
    ldr     r3, [r4, #20]
    add     r2, r2, r1, lsl #2
    strd    r0, r2, [r4, #12]
    subs    r8, r8, r3
    str     r8, [r4, #48]
    add     sp, sp, #16
    mov     r0, r4
    bne     1b
    pop     {r0, r4-r11, pc}
    .size nnz_dsp_blk_4x1_\rounding, . - nnz_dsp_blk_4x1_\rounding
    .endm
    NNZ_BLK_4X1 single
    NNZ_BLK_4X1 double
