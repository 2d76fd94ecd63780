// Depthwise convolutions of one plane, for Armv7E-M and Armv8-M with the DSP extension, four outputs of a row at a
// time from a padded plane of s16; 3x3 ends rows by six outputs where five or six are left.
//
// A word of the plane is two neighbours of a row, at an even column. For three taps at stride 1, `smlad` with (w0, w1)
// and `smlatb`, `smlabt` with single taps make 8 multiplications of 12 products, and (w1, w2) serves outputs at odd
// columns. Other windows add two taps of four outputs by four loads and four `smlad`. A plane's rows begin at multiples
// of 4. Sums are modulo 2^32. Macros of finish.S and pairs.S are used.
//
// void nnz_dsp_depthwise_KIND_ROUNDING(args *)
//
// KIND 3x3_s1, 3x3_s2 (columns between outputs), any. The arguments are changed.
//   args: 0 output   4 plane   8 bytes of a plane's row; any: bytes between outputs   12 table   16 outputs of a row
//         20 bytes between the planes' rows of two outputs   24 bytes between rows of the output   28 rows left
//         32 pixel stride   36 zero point   40 multiplier   44 exponent   48, 52 lowest and highest output, four times
//         each
//   table: bias, taps, 2 · multiplier, exponent, not 0 where the fast formula does not hold, not 0 where bounds are
//         narrower than s8 or pixels do not follow each other, zero point
//   taps: 3x3: (w0, w1), (w1, w2) of each row   any: (w, w + 1) and the bytes to the next two taps, 0 after the last
//   r0-r3 sums   r4-r6 plane, scratch   r7, r8 taps   r9 output   r10 plane   r11 bytes of a row   r12 table
//   lr outputs left of the row   [sp] args   six outputs: r0-r5 sums   r6, r7 taps   r8, r9 plane

    .syntax unified
    .cpu cortex-m4
    .thumb

    .macro NNZ_DW_ROW_3x3_s1
    ldrd    r7, r8, [r12], #8
    ldm     r10, {r4-r6}
    smlad   r0, r4, r7, r0
    smlatb  r1, r4, r7, r1
    smlad   r2, r5, r7, r2
    smlatb  r3, r5, r7, r3
    smlabt  r0, r5, r8, r0
    smlad   r1, r5, r8, r1
    smlabt  r2, r6, r8, r2
    smlad   r3, r6, r8, r3
    .endm
    .macro NNZ_DW_3x3_s1
    NNZ_DW_ROW_3x3_s1
    add     r10, r10, r11
    NNZ_DW_ROW_3x3_s1
    add     r10, r10, r11
    NNZ_DW_ROW_3x3_s1
    sub     r10, r10, r11, lsl #1
    add     r10, r10, #8
    .endm

    .macro NNZ_DW_ROW_3x3_s2
    ldrd    r7, r8, [r12], #8
    ldm     r10, {r4-r6}
    smlad   r0, r4, r7, r0
    smlad   r1, r5, r7, r1
    smlabt  r0, r5, r8, r0
    smlabt  r1, r6, r8, r1
    ldrd    r4, r5, [r10, #12]
    smlad   r2, r6, r7, r2
    smlad   r3, r4, r7, r3
    smlabt  r2, r4, r8, r2
    smlabt  r3, r5, r8, r3
    .endm
    .macro NNZ_DW_3x3_s2
    NNZ_DW_ROW_3x3_s2
    add     r10, r10, r11
    NNZ_DW_ROW_3x3_s2
    add     r10, r10, r11
    NNZ_DW_ROW_3x3_s2
    sub     r10, r10, r11, lsl #1
    add     r10, r10, #16
    .endm

// A row of the window for the last six outputs of a row of outputs; the output pointer is on the stack meanwhile.
    .macro NNZ_DW_SIX_ROW_3x3_s1
    ldrd    r6, r7, [r12], #8
    ldrd    r8, r9, [r10]
    smlad   r0, r8, r6, r0
    smlatb  r1, r8, r6, r1
    smlabt  r0, r9, r7, r0
    smlad   r1, r9, r7, r1
    smlad   r2, r9, r6, r2
    smlatb  r3, r9, r6, r3
    ldrd    r8, r9, [r10, #8]
    smlabt  r2, r8, r7, r2
    smlad   r3, r8, r7, r3
    smlad   r4, r8, r6, r4
    smlatb  r5, r8, r6, r5
    smlabt  r4, r9, r7, r4
    smlad   r5, r9, r7, r5
    .endm
    .macro NNZ_DW_SIX_ROW_3x3_s2
    ldrd    r6, r7, [r12], #8
    ldrd    r8, r9, [r10]
    smlad   r0, r8, r6, r0
    smlabt  r0, r9, r7, r0
    smlad   r1, r9, r6, r1
    ldrd    r8, r9, [r10, #8]
    smlabt  r1, r8, r7, r1
    smlad   r2, r8, r6, r2
    smlabt  r2, r9, r7, r2
    smlad   r3, r9, r6, r3
    ldrd    r8, r9, [r10, #16]
    smlabt  r3, r8, r7, r3
    smlad   r4, r8, r6, r4
    smlabt  r4, r9, r7, r4
    smlad   r5, r9, r6, r5
    ldr     r8, [r10, #24]
    smlabt  r5, r8, r7, r5
    .endm

    .macro NNZ_DW_any
    push    {r9, r10}
    add     r9, r11, r11, lsl #1
26: ldrd    r7, r8, [r12], #8
    ldr     r4, [r10]
    ldr     r5, [r10, r11]
    ldr     r6, [r10, r11, lsl #1]
    smlad   r0, r4, r7, r0
    ldr     r4, [r10, r9]
    smlad   r1, r5, r7, r1
    smlad   r2, r6, r7, r2
    smlad   r3, r4, r7, r3
    add     r10, r10, r8
    cmp     r8, #0
    bne     26b
    pop     {r9, r10}
    add     r10, r10, r11, lsl #2
    .endm

// Before four outputs: five and six that end a row go to 20, which leaves to 4.
    .macro NNZ_DW_TURN_any
    .endm
    .macro NNZ_DW_TURN_3x3
    subs    r0, lr, #5
    cmp     r0, #1
    bls     20f
    .endm
    .macro NNZ_DW_TURN_3x3_s1
    NNZ_DW_TURN_3x3
    .endm
    .macro NNZ_DW_TURN_3x3_s2
    NNZ_DW_TURN_3x3
    .endm

    .macro NNZ_DW_END_any rounding
    .endm
    .macro NNZ_DW_END_3x3 row, rounding
20: ldr     r0, [r12], #4
    push    {r9}
    mov     r1, r0
    mov     r2, r0
    mov     r3, r0
    mov     r4, r0
    mov     r5, r0
    \row
    add     r10, r10, r11
    \row
    add     r10, r10, r11
    \row
    ldm     r12, {r6-r8, r10, r12}
    cmp     r8, #0
    bne     22f
    NNZ_REQUANTIZE_\rounding r0, r6, r7, r12
    NNZ_REQUANTIZE_\rounding r1, r6, r7, r12
    NNZ_REQUANTIZE_\rounding r2, r6, r7, r12
    NNZ_REQUANTIZE_\rounding r3, r6, r7, r12
    NNZ_REQUANTIZE_\rounding r4, r6, r7, r12
    NNZ_REQUANTIZE_\rounding r5, r6, r7, r12
21: NNZ_PACK r0, r1, r2, r3
    ssat    r4, #8, r4
    ssat    r5, #8, r5
    pop     {r9}
    ldr     r6, [sp]
    cmp     r10, #0
    bne     24f
    str     r0, [r9]
    strb    r4, [r9, #4]
    subs    lr, lr, #6
    bmi     4b
    strb    r5, [r9, #5]
    b       4b

22: mov     r8, sp                      // what the fast formula does not cover
    push    {r0-r5}
    push    {r10, r12, lr}
    ldr     r4, [r8, #4]
    mov     r5, #0
23: add     r6, sp, #12
    ldr     r0, [r6, r5]
    ldrd    r1, r2, [r4, #40]
    ldr     r3, [r4, #36]
    bl      nnz_dsp_requantize_\rounding
    str     r0, [r6, r5]
    adds    r5, r5, #4
    cmp     r5, #24
    bne     23b
    pop     {r10, r12, lr}
    pop     {r0-r5}
    b       21b

24: bfi     r4, r5, #8, #8              // bounds, or pixels that do not follow each other
    ldrd    r2, r3, [r6, #48]
    ldr     r5, [r6, #32]
    NNZ_BOUND r0, r2, r3, r7
    NNZ_BOUND r4, r2, r3, r7
25: strb    r0, [r9]
    lsr     r0, r0, #8
    bfi     r0, r4, #24, #8
    lsr     r4, r4, #8
    add     r9, r9, r5
    subs    lr, lr, #1
    bne     25b
    b       4b
    .endm
    .macro NNZ_DW_END_3x3_s1 rounding
    NNZ_DW_END_3x3 NNZ_DW_SIX_ROW_3x3_s1, \rounding
    .endm
    .macro NNZ_DW_END_3x3_s2 rounding
    NNZ_DW_END_3x3 NNZ_DW_SIX_ROW_3x3_s2, \rounding
    .endm

    .macro NNZ_DEPTHWISE kind, rounding
    .section .text.nnz_dsp_depthwise_\kind\()_\rounding, "ax", %progbits
    .global nnz_dsp_depthwise_\kind\()_\rounding
    .type nnz_dsp_depthwise_\kind\()_\rounding, %function
    .thumb_func
    .p2align 2
nnz_dsp_depthwise_\kind\()_\rounding:
    push    {r0, r4-r11, lr}
1:  ldm     r0, {r9-r12, lr}
2:  NNZ_DW_TURN_\kind
    ldr     r0, [r12], #4
    mov     r1, r0
    mov     r2, r0
    mov     r3, r0
    NNZ_DW_\kind
    ldm     r12, {r4-r8}
    cmp     r6, #0
    bne     5f
    NNZ_REQUANTIZE_\rounding r0, r4, r5, r8
    NNZ_REQUANTIZE_\rounding r1, r4, r5, r8
    NNZ_REQUANTIZE_\rounding r2, r4, r5, r8
    NNZ_REQUANTIZE_\rounding r3, r4, r5, r8
3:  NNZ_PACK r0, r1, r2, r3
    ldr     r6, [sp]
    cmp     r7, #0
    bne     6f
    subs    lr, lr, #4
    blt     7f
    ldr     r12, [r6, #12]
    str     r0, [r9], #4
    bgt     2b
4:  ldrd    r1, r2, [r6]
    ldrd    r3, r4, [r6, #20]
    ldr     r5, [r6, #28]
    add     r1, r1, r4
    add     r2, r2, r3
    subs    r5, r5, #1
    strd    r1, r2, [r6]
    str     r5, [r6, #28]
    mov     r0, r6
    bne     1b
    pop     {r0, r4-r11, pc}

5:  mov     r4, sp                      // what the fast formula does not cover
    push    {r0-r3}
    push    {r7, lr}
    ldr     r4, [r4]
    mov     r6, #0
8:  add     r5, sp, #8
    ldr     r0, [r5, r6]
    ldrd    r1, r2, [r4, #40]
    mov     r3, r8
    bl      nnz_dsp_requantize_\rounding
    str     r0, [r5, r6]
    adds    r6, r6, #4
    cmp     r6, #16
    bne     8b
    pop     {r7, lr}
    pop     {r0-r3}
    b       3b

6:  ldrd    r4, r5, [r6, #48]
    NNZ_BOUND r0, r4, r5, r8
    subs    lr, lr, #4
7:  add     r4, lr, #4                  // at most four outputs, byte by byte
    ldr     r5, [r6, #32]
    cmp     r4, #4
    it      gt
    movgt   r4, #4
9:  strb    r0, [r9]
    add     r9, r9, r5
    lsr     r0, r0, #8
    subs    r4, r4, #1
    bne     9b
    ldr     r12, [r6, #12]
    cmp     lr, #0
    bgt     2b
    b       4b
    NNZ_DW_END_\kind \rounding
    .size nnz_dsp_depthwise_\kind\()_\rounding, . - nnz_dsp_depthwise_\kind\()_\rounding
    .endm
    NNZ_DEPTHWISE 3x3_s1, single
    NNZ_DEPTHWISE 3x3_s1, double
    NNZ_DEPTHWISE 3x3_s2, single
    NNZ_DEPTHWISE 3x3_s2, double
    NNZ_DEPTHWISE any, single
    NNZ_DEPTHWISE any, double

// void nnz_dsp_widen(const s8 *x, s16 *plane, const struct { u32 width, height, stride, pitch; } *)
//
// Rows of `width` ≥ 1 bytes, `stride` bytes apart, become s16 in rows `pitch` bytes apart.
//   r0 x   r1 plane   r2 width   r3 rows left   r4 bytes to the next row of x   r5 to that of the plane
//   r6, r7 scratch   r12 columns left
    .section .text.nnz_dsp_widen, "ax", %progbits
    .global nnz_dsp_widen
    .type nnz_dsp_widen, %function
    .thumb_func
    .p2align 2
nnz_dsp_widen:
    push    {r4-r8}
    ldm     r2, {r2-r5}
    sub     r4, r4, r2
    sub     r5, r5, r2, lsl #1
1:  subs    r12, r2, #4
    blt     3f
2:  ldr     r6, [r0], #4
    subs    r12, r12, #4
    sxtb16  r7, r6
    sxtb16  r6, r6, ror #8
    pkhbt   r8, r7, r6, lsl #16
    pkhtb   r7, r6, r7, asr #16
    str     r8, [r1], #4
    str     r7, [r1], #4
    bge     2b
3:  adds    r12, r12, #4
    beq     5f
4:  ldrsb   r6, [r0], #1
    subs    r12, r12, #1
    strh    r6, [r1], #2
    bne     4b
5:  add     r0, r0, r4
    add     r1, r1, r5
    subs    r3, r3, #1
    bne     1b
    pop     {r4-r8}
    bx      lr
    .size nnz_dsp_widen, . - nnz_dsp_widen
