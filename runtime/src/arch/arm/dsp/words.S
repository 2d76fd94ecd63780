// Sparse convolutions on tiles of words: Cortex-M4, M7, M33 (multiplications of Armv7E-M).
//
// A word of the tile holds two pixels, `a | b << 24`: a is 0…255 (the value + 128), b is −128…127. One SMLAL multiplies
// both by a weight, into the lanes 0…23 and 24…63 of a 64-bit sum; four sums are the eight pixels of a tile:
//
//       sum        1        2        3        4
//       tile    (0, 3)   (2, 1)   (4, 7)   (6, 5)     (low lane, high lane): 1x1, four words a channel
//       band    (0, 4)   (1, 5)   (2, 6)   (3, 7)     KxK, words x … x+3 of a band
//
// The low lane sums w·(x + 128): the sum of the weights, times −128, goes in with the bias. Every row is proved narrow
// (formats/src/layout/narrow.rs): both final sums lie in −2^23 … 2^23 − 1, so that the low one is bits 0…23, signed, and
// the high one the rest, plus one where bit 23 is set. What wraps on the way comes back. The rescaled values fit 16 bits.
//
// Rescaling: with M = 2·multiplier as a signed word, multiplier ≥ 2^30, SMMLA(x, M, x) = x·multiplier / 2^31, because
// 2^32·x + x·M = 2·x·multiplier; SMMLAR rounds it half up. The shift leaves its last bit in the carry: ASRS, ADC round
// half up and add the zero point; `double` rounds half away from zero by taking 1 from a negative value before, which
// makes no difference where no output is below the zero point.
// The zero point is 128 too large, so that USAT16 leaves bytes, two at a time.
//
// Registers of a row
//       r0…r7   four sums, low word first            r12   stream of entries
//       r8, r9  two words                             r10   weight
//       r11     where in the tile                     lr    eights of entries left
//
// nnz_NAME(args *const Args (r0), stream *const u8 (r1)); Args is copied to the stack:

    .syntax unified
    .cpu cortex-m4
    .thumb

    .equ ONES, 0            // 2^24 + 1: the bias goes into both lanes
    .equ CENTRE, 4          // −128
    .equ BAND, 8            // the tile or band
    .equ ROWS, 12           // next row of the table: {bias | multiplier | sum of weights : 16, entries : 11, shift : 5}
    .equ END, 16            // end of the table
    .equ MULTIPLIER, 20     // of the current row
    .equ PACKED, 24         // third word of the current row
    .equ ZERO, 28           // output zero point + 128; bit 31: bounds, or not eight bytes in aligned words; bit 30:
                            // no output is below the zero point
    .equ OUT, 32            // the row's first output
    .equ STRIDE, 36         // bytes between rows' outputs
    .equ LOW, 40            // lowest output + 128, in four bytes
    .equ HIGH, 44           // highest output + 128, in four bytes
    .equ LANES, 48          // pixels to store one by one; 0: eight in words
    .equ PIXEL, 52          // bytes between pixels
    .equ FRAME, 56

// Four words at r11 times the weight in r10.
.macro PRODUCTS
    ldrd    r8, r9, [r11]
    smlal   r0, r1, r8, r10
    smlal   r2, r3, r9, r10
    ldrd    r8, r9, [r11, #8]
    smlal   r4, r5, r8, r10
    smlal   r6, r7, r9, r10
.endm

// An entry of CSR-P: distance in units of 2^scale bytes, weight.
.macro PAIR scale
    ldrb    r8, [r12], #1
    ldrsb   r10, [r12], #1
    add     r11, r11, r8, lsl #\scale
    PRODUCTS
.endm

// Eight entries of CSR-P and the way in: r8 = entries mod 8.
.macro PAIRS scale
    tbb     [pc, r8]
20: .byte   (28f - 20b) / 2, (27f - 20b) / 2, (26f - 20b) / 2, (25f - 20b) / 2
    .byte   (24f - 20b) / 2, (23f - 20b) / 2, (22f - 20b) / 2, (21f - 20b) / 2
30: PAIR    \scale
21: PAIR    \scale
22: PAIR    \scale
23: PAIR    \scale
24: PAIR    \scale
25: PAIR    \scale
26: PAIR    \scale
27: PAIR    \scale
28: subs    lr, lr, #1
    bpl     30b
.endm

// Two entries of CSR-N: two distances of four bits in units of 16 bytes, two weights.
.macro TRIPLE
    ldrb    r8, [r12], #3
    ldrsb   r10, [r12, #-2]
    and     r8, r8, #15
    add     r11, r11, r8, lsl #4
    PRODUCTS
    ldrb    r8, [r12, #-3]
    ldrsb   r10, [r12, #-1]
    and     r8, r8, #0xf0
    add     r11, r11, r8
    PRODUCTS
.endm

// Eight entries of CSR-N and the way in: r8 = entries mod 8, even.
.macro TRIPLES scale
    tbb     [pc, r8]
20: .byte   (24f - 20b) / 2, 0, (23f - 20b) / 2, 0, (22f - 20b) / 2, 0, (21f - 20b) / 2, 0
30: TRIPLE
21: TRIPLE
22: TRIPLE
23: TRIPLE
24: subs    lr, lr, #1
    bpl     30b
.endm

// The low sum to \hi, the high one to \lo, both rescaled by r11 and r10 and moved by the zero point in lr.
.macro RESCALE lo, hi, double
    sbfx    r8, \lo, #0, #24
    lsrs    \lo, \lo, #24
    adc     \lo, \lo, \hi, lsl #8
  .if \double
    smmlar  \hi, r8, r11, r8
    smmlar  \lo, \lo, r11, \lo
  .if \double == 1
    add     \hi, \hi, \hi, asr #31
    add     \lo, \lo, \lo, asr #31
  .endif
  .else
    smmla   \hi, r8, r11, r8
    smmla   \lo, \lo, r11, \lo
  .endif
    asrs    \hi, \hi, r10
    adc     \hi, \hi, lr
    asrs    \lo, \lo, r10
    adc     \lo, \lo, lr
.endm

// Four values of 16 bits to four bytes, bounded by 0 and 255; \a and \b change.
.macro BYTES to, a, b, c, d
    pkhbt   \a, \a, \c, lsl #16
    pkhbt   \b, \b, \d, lsl #16
    usat16  \a, #8, \a
    usat16  \b, #8, \b
    orr     \to, \a, \b, lsl #8
.endm

// The kernel: \entries with \scale, \double rounding, the lanes of a tile (\tile) or of a band.
.macro KERNEL name, entries, scale, double, tile
    .section .text.\name, "ax", %progbits
    .global \name
    .type   \name, %function
    .balign 4
    .thumb_func
\name:
    push    {r4-r11, lr}
    sub     sp, sp, #FRAME
    mov     r12, r1
    ldm     r0!, {r2-r8}
    stm     sp, {r2-r8}
    add     r1, sp, #28
    ldm     r0, {r2-r8}
    stm     r1, {r2-r8}
    ldr     r10, [sp, #ROWS]
10: ldm     r10!, {r8, r9, lr}
    str     r10, [sp, #ROWS]
    strd    r9, lr, [sp, #MULTIPLIER]
    ldm     sp, {r9, r10, r11}
    smull   r0, r1, r8, r9
    smlalbb r0, r1, lr, r10
    ubfx    r8, lr, #16, #3
    ubfx    lr, lr, #19, #8
    mov     r2, r0
    mov     r3, r1
    mov     r4, r0
    mov     r5, r1
    mov     r6, r0
    mov     r7, r1
    \entries \scale
    ldrd    r11, r10, [sp, #MULTIPLIER]
    ldr     lr, [sp, #ZERO]
    lsl     r11, r11, #1
    lsr     r10, r10, #27
  .if \double
    tst     lr, #0x40000000
    bne     60f
  .endif
    RESCALE r0, r1, \double
    RESCALE r2, r3, \double
    RESCALE r4, r5, \double
    RESCALE r6, r7, \double
31:
  .if \tile
    BYTES   r8, r1, r2, r3, r0
    BYTES   r9, r5, r6, r7, r4
  .else
    BYTES   r8, r1, r3, r5, r7
    BYTES   r9, r0, r2, r4, r6
  .endif
    cmp     lr, #0
    ldrd    r10, r11, [sp, #OUT]
    bmi     50f
    eor     r8, r8, #0x80808080
    eor     r9, r9, #0x80808080
40: strd    r8, r9, [r10]
41: add     r10, r10, r11
    str     r10, [sp, #OUT]
    ldrd    r10, r8, [sp, #ROWS]
    cmp     r10, r8
    bne     10b
    add     sp, sp, #FRAME
    pop     {r4-r11, pc}
50: ldrd    r2, r3, [sp, #LOW]
    usub8   r4, r8, r2
    sel     r8, r8, r2
    usub8   r4, r9, r2
    sel     r9, r9, r2
    usub8   r4, r3, r8
    sel     r8, r8, r3
    usub8   r4, r3, r9
    sel     r9, r9, r3
    eor     r8, r8, #0x80808080
    eor     r9, r9, #0x80808080
    ldrd    r2, r3, [sp, #LANES]
    mov     r4, r10
    cmp     r2, #0
    beq     40b
51: strb    r8, [r4]
    add     r4, r4, r3
    lsr     r8, r8, #8
    orr     r8, r8, r9, lsl #24
    lsr     r9, r9, #8
    subs    r2, r2, #1
    bne     51b
    b       41b
  .if \double
60: RESCALE r0, r1, 2
    RESCALE r2, r3, 2
    RESCALE r4, r5, 2
    RESCALE r6, r7, 2
    b       31b
  .endif
    .size   \name, . - \name
.endm

    KERNEL  nnz_csr_p_tile_single, PAIRS, 4, 0, 1
    KERNEL  nnz_csr_p_tile_double, PAIRS, 4, 1, 1
    KERNEL  nnz_csr_p_band_single, PAIRS, 2, 0, 0
    KERNEL  nnz_csr_p_band_double, PAIRS, 2, 1, 0
    KERNEL  nnz_csr_n_tile_single, TRIPLES, 4, 0, 1
    KERNEL  nnz_csr_n_tile_double, TRIPLES, 4, 1, 1
