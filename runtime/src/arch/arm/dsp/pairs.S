// Dense convolutions, for Armv7E-M and Armv8-M with the DSP extension: eight pixels of 16-bit pairs a tile.
//
// A tile holds, for each quad of columns c…c+3 of the weights, 16 words: (c, c+2) of pixels 0…7, then (c+1, c+3) of
// pixels 0…7, the first of a pair in the low half. `sxtb16` of four weights read as a word, and of that word rotated
// by 8, gives the same pairs, so that one `smlad` adds two products of a pixel: 28.5 instructions for 32 products.
// Columns past the last one meet weights of 0. Sums are modulo 2^32. Macros of finish.S are used.

    .syntax unified
    .cpu cortex-m4
    .thumb

// 16 words from four columns of eight bytes at r4, r5, r6 and r7, to r3, which moves on; clobbers r8-r11.
    .macro NNZ_EXPAND_PART low, high, at, to
    ldr     r8, [\low, #\at]
    ldr     r9, [\high, #\at]
    pkhbt   r10, r8, r9, lsl #16
    pkhtb   r11, r9, r8, asr #16
    sxtb16  r8, r10
    sxtb16  r9, r10, ror #8
    strd    r8, r9, [r3, #\to]
    sxtb16  r8, r11
    sxtb16  r9, r11, ror #8
    strd    r8, r9, [r3, #(\to + 8)]
    .endm
    .macro NNZ_EXPAND
    NNZ_EXPAND_PART r4, r6, 0, 0
    NNZ_EXPAND_PART r4, r6, 4, 16
    NNZ_EXPAND_PART r5, r7, 0, 32
    NNZ_EXPAND_PART r5, r7, 4, 48
    adds    r3, r3, #64
    .endm

// void nnz_dsp_pairs_planes(const s8 *x, u32 stride, u32 *tile_end, u32 *tile)
//
// A tile of columns that lie `stride` bytes apart, a whole number of quads.
//   r0 x   r1 stride   r2 end of the tile   r3 tile
    .section .text.nnz_dsp_pairs_planes, "ax", %progbits
    .global nnz_dsp_pairs_planes
    .type nnz_dsp_pairs_planes, %function
    .thumb_func
    .p2align 2
nnz_dsp_pairs_planes:
    push    {r4-r11}
1:  mov     r4, r0
    add     r5, r0, r1
    add     r6, r5, r1
    add     r7, r6, r1
    add     r0, r7, r1
    NNZ_EXPAND
    cmp     r3, r2
    blo     1b
    pop     {r4-r11}
    bx      lr
    .size nnz_dsp_pairs_planes, . - nnz_dsp_pairs_planes

// void nnz_dsp_pairs_band(const s8 *band, u32 *tile_end, const u32 *taps, u32 *tile, const u32 *taps_end, u32 pitch)
//
// A tile of columns that begin `*taps` bytes into a row of the band, which moves on by `pitch` after the last tap.
//   r0 row   r1 taps   r2 end of the taps   r3 tile   r12 first tap   lr pitch   [sp] end of the tile
    .macro NNZ_NEXT_TAP at
    ldr     \at, [r1], #4
    add     \at, \at, r0
    cmp     r1, r2
    itt     eq
    moveq   r1, r12
    addeq   r0, r0, lr
    .endm

    .section .text.nnz_dsp_pairs_band, "ax", %progbits
    .global nnz_dsp_pairs_band
    .type nnz_dsp_pairs_band, %function
    .thumb_func
    .p2align 2
nnz_dsp_pairs_band:
    push    {r1, r4-r11, lr}
    mov     r12, r2
    mov     r1, r2
    ldrd    r2, lr, [sp, #40]
1:  NNZ_NEXT_TAP r4
    NNZ_NEXT_TAP r5
    NNZ_NEXT_TAP r6
    NNZ_NEXT_TAP r7
    NNZ_EXPAND
    ldr     r8, [sp]
    cmp     r3, r8
    blo     1b
    pop     {r1, r4-r11, pc}
    .size nnz_dsp_pairs_band, . - nnz_dsp_pairs_band

// void nnz_dsp_pairs_lanes(const s8 *x, const u16 *offsets, u32 *tile, const struct { u32 *end; u32 step, lanes; } *)
//
// Some lanes of a tile, whose first word is at `tile`, and where those after the last quad would lie at `end`: column
// c of lane i is x[offsets[c] + i · step]. There are as many offsets as columns of whole quads.
//   r0 x   r1 offsets   r2 tile   r3 end   r4-r7 columns   r8, r9 values   r10 lane · step   r11 step   r12 lanes
//   lr lanes left
    .section .text.nnz_dsp_pairs_lanes, "ax", %progbits
    .global nnz_dsp_pairs_lanes
    .type nnz_dsp_pairs_lanes, %function
    .thumb_func
    .p2align 2
nnz_dsp_pairs_lanes:
    push    {r4-r11, lr}
    ldm     r3, {r3, r11, r12}
1:  ldrd    r4, r6, [r1], #8
    add     r5, r0, r4, lsr #16
    uxtah   r4, r0, r4
    add     r7, r0, r6, lsr #16
    uxtah   r6, r0, r6
    mov     r10, #0
    mov     lr, r12
2:  ldrsb   r8, [r4, r10]
    ldrsb   r9, [r6, r10]
    pkhbt   r8, r8, r9, lsl #16
    ldrsb   r9, [r5, r10]
    str     r8, [r2], #4
    ldrsb   r8, [r7, r10]
    add     r10, r10, r11
    pkhbt   r9, r9, r8, lsl #16
    subs    lr, lr, #1
    str     r9, [r2, #28]
    bne     2b
    sub     r2, r2, r12, lsl #2
    add     r2, r2, #64
    cmp     r2, r3
    bne     1b
    pop     {r4-r11, pc}
    .size nnz_dsp_pairs_lanes, . - nnz_dsp_pairs_lanes

// void nnz_dsp_pairs_edge(const s8 *x, u32 *tile, const args *)
//
// One lane of a tile, whose first word is at `tile`, from a window that begins at x, outside the input in part.
//   args: 0 channels   4 rows, 8 columns of the window   12 first row, 16 first column of the window   20 rows, 24
//         columns of the input   28 bytes from behind a row of taps to the next   32 from behind those of a channel to
//         the next channel   36 pixel stride   40 what stands outside
//   r0 x   r1 column of the tile   r2 where it lies   r3 outside   r4 input column   r5 input columns, 0 in a row
//   outside   r6 taps left of the row   r7 pixel stride   r8 rows left   r9 value, scratch   r10 input row
//   r11 channels left   lr args
    .section .text.nnz_dsp_pairs_edge, "ax", %progbits
    .global nnz_dsp_pairs_edge
    .type nnz_dsp_pairs_edge, %function
    .thumb_func
    .p2align 2
nnz_dsp_pairs_edge:
    push    {r4-r11, lr}
    mov     lr, r2
    mov     r2, r1
    mov     r1, #0
    ldr     r11, [lr]
    ldrd    r7, r3, [lr, #36]
1:  ldr     r8, [lr, #4]
    ldr     r10, [lr, #12]
2:  ldr     r6, [lr, #8]
    ldrd    r4, r9, [lr, #16]
    ldr     r5, [lr, #24]
    cmp     r10, r9
    it      hs
    movhs   r5, #0
3:  mov     r9, r3
    cmp     r4, r5
    it      lo
    ldrsblo r9, [r0]
    add     r0, r0, r7
    add     r4, r4, #1
    strh    r9, [r2]
    add     r1, r1, #1
    tst     r1, #1                      // to columns 1, 2, 3 and 4 of a quad: by 32, −30, 32 and 30 bytes
    ite     ne
    addne   r2, r2, #32
    subeq   r2, r2, #30
    tst     r1, #3
    it      eq
    addeq   r2, r2, #60
    subs    r6, r6, #1
    bne     3b
    ldrd    r9, r12, [lr, #28]
    add     r10, r10, #1
    add     r0, r0, r9
    subs    r8, r8, #1
    bne     2b
    add     r0, r0, r12
    subs    r11, r11, #1
    bne     1b
    pop     {r4-r11, pc}
    .size nnz_dsp_pairs_edge, . - nnz_dsp_pairs_edge

// void nnz_dsp_pairs_conv_ROUNDING(args *)
//
// Every row of a dense matrix over one tile. The arguments are changed.
//   args: 0 rows table   4 weights   8 tile   12 output   16 end of the tile's whole quads   20 end of the tile
//         24 bytes of a row of the table   28 rows left   32 zero point   36 channel stride   40 columns of the
//         last quad, 1 to 3   44 not 0 where bounds are narrower than s8   48, 52 lowest and highest output, four
//         times each   56 lanes, and 256 more where pixels do not follow each other   60 pixel stride
//   r0-r7 sums of pixels 0…7   r8, r9 tile   r10, r11 weights   r12 weights, pointer   lr tile, pointer
//   [sp] args   [sp, 4] end of the whole quads
    .macro NNZ_PAIRS_EIGHT
    ldrd    r8, r9, [lr], #8
    smlad   r0, r8, r11, r0
    smlad   r1, r9, r11, r1
    ldrd    r8, r9, [lr], #8
    smlad   r2, r8, r11, r2
    smlad   r3, r9, r11, r3
    ldrd    r8, r9, [lr], #8
    smlad   r4, r8, r11, r4
    smlad   r5, r9, r11, r5
    ldrd    r8, r9, [lr], #8
    smlad   r6, r8, r11, r6
    smlad   r7, r9, r11, r7
    .endm
    .macro NNZ_PAIRS_QUAD
    sxtb16  r11, r10
    NNZ_PAIRS_EIGHT
    sxtb16  r11, r10, ror #8
    NNZ_PAIRS_EIGHT
    .endm
    .macro NNZ_PACK a, b, c, d
    ssat    \a, #8, \a
    ssat    \b, #8, \b
    ssat    \c, #8, \c
    ssat    \d, #8, \d
    bfi     \a, \b, #8, #8
    bfi     \c, \d, #8, #8
    pkhbt   \a, \a, \c, lsl #16
    .endm
    .macro NNZ_BOUND word, low, high, scratch
    ssub8   \scratch, \word, \low
    sel     \word, \word, \low
    ssub8   \scratch, \high, \word
    sel     \word, \word, \high
    .endm

    .macro NNZ_PAIRS_CONV rounding
    .section .text.nnz_dsp_pairs_conv_\rounding, "ax", %progbits
    .global nnz_dsp_pairs_conv_\rounding
    .type nnz_dsp_pairs_conv_\rounding, %function
    .thumb_func
    .p2align 2
nnz_dsp_pairs_conv_\rounding:
    ldr     r1, [r0, #16]
    push    {r0, r1, r4-r11, lr}
    mov     r8, r0
1:  ldm     r8, {r10, r12, lr}
    ldr     r9, [sp, #4]
    ldr     r0, [r10]
    mov     r1, r0
    mov     r2, r0
    mov     r3, r0
    mov     r4, r0
    mov     r5, r0
    mov     r6, r0
    subs    r9, r9, lr
    mov     r7, r0
    beq     4f
    tst     r9, #64                     // an odd number of quads begins in the middle of a turn
    bne     2f
14: ldr     r10, [r12], #4
    NNZ_PAIRS_QUAD
2:  ldr     r10, [r12], #4
3:  NNZ_PAIRS_QUAD
    ldr     r8, [sp, #4]
    cmp     lr, r8
    blo     14b
4:  ldr     r8, [sp]
    ldr     r9, [r8, #20]
    cmp     lr, r9
    bne     6f
    ldr     r9, [r8]
    ldr     r11, [r9, #8]
    ldr     lr, [r8, #24]
    ldr     r10, [r9, #4]
    str     r12, [r8, #4]
    add     r9, r9, lr
    str     r9, [r8]
    cmp     lr, #12
    bne     7f
    lsrs    r11, r11, #27
    ldr     lr, [r8, #32]
    beq     8f
    lsls    r12, r10, #1
    bpl     8f
    NNZ_REQUANTIZE_\rounding r0, r12, r11, lr
    NNZ_REQUANTIZE_\rounding r1, r12, r11, lr
    NNZ_REQUANTIZE_\rounding r2, r12, r11, lr
    NNZ_REQUANTIZE_\rounding r3, r12, r11, lr
    NNZ_REQUANTIZE_\rounding r4, r12, r11, lr
    NNZ_REQUANTIZE_\rounding r5, r12, r11, lr
    NNZ_REQUANTIZE_\rounding r6, r12, r11, lr
    NNZ_REQUANTIZE_\rounding r7, r12, r11, lr
5:  NNZ_PACK r0, r1, r2, r3
    NNZ_PACK r4, r5, r6, r7
    ldrd    r1, r2, [r8, #44]
    cmp     r1, #0
    bne     9f
10: ldr     r1, [r8, #56]
    ldr     r9, [r8, #12]
    cmp     r1, #8
    bne     11f
    str     r0, [r9]
    str     r4, [r9, #4]
12: ldrd    r0, r1, [r8, #28]
    ldr     r2, [r8, #36]
    subs    r0, r0, #1
    add     r9, r9, r2
    str     r0, [r8, #28]
    str     r9, [r8, #12]
    bne     1b
    pop     {r0, r1, r4-r11, pc}

6:  ldr     r9, [r8, #40]               // the weights of a quad that is not whole
    ldrb    r10, [r12], #1
    cmp     r9, #2
    blo     3b
    ldrb    r11, [r12], #1
    orr     r10, r10, r11, lsl #8
    beq     3b
    ldrb    r11, [r12], #1
    orr     r10, r10, r11, lsl #16
    b       3b

7:  ldr     lr, [r8, #32]               // wide rows, and what the fast formula does not cover
    ldrsb   r11, [r9, #-4]
8:  push    {r0-r7}
    mov     r4, sp
    mov     r5, lr
    mov     r7, #8
13: ldr     r0, [r4]
    mov     r1, r10
    mov     r2, r11
    mov     r3, r5
    bl      nnz_dsp_requantize_\rounding
    str     r0, [r4], #4
    subs    r7, r7, #1
    bne     13b
    pop     {r0-r7}
    b       5b

9:  ldr     r3, [r8, #52]
    NNZ_BOUND r0, r2, r3, r9
    NNZ_BOUND r4, r2, r3, r9
    b       10b

11: push    {r0, r4}                    // some pixels, or pixels that do not follow each other: byte by byte
    ldr     r2, [r8, #60]
    bic     r1, r1, #256
    mov     r3, sp
    mov     r5, r9
15: ldrb    r0, [r3], #1
    strb    r0, [r5]
    add     r5, r5, r2
    subs    r1, r1, #1
    bne     15b
    pop     {r0, r4}
    b       12b
    .size nnz_dsp_pairs_conv_\rounding, . - nnz_dsp_pairs_conv_\rounding
    .endm
    NNZ_PAIRS_CONV single
    NNZ_PAIRS_CONV double
