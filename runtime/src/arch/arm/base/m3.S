// Kernels of cores with Thumb-2 and without the DSP extension (M3), where an SMLAL takes 4 to 7 cycles: eight
// accumulators and MLA, whose inputs are loaded two at a time, because a load after a load takes one cycle.
//
// A kernel runs rows until the table ends or a row's multiplier is below 2^30 or its exponent 0, which no fast way
// covers: the caller computes that row and goes on behind it.
//   args: 0 row of the table   4 end of the table   8 stream   12 out   16 bytes between channels   20 lanes
//         24 bytes between pixels   28 zero point   32, 36 lowest and highest output   40 inputs   44 lanes that follow
//         each other and are not bounded, or 0   48 columns; others see m3_taps.S

    .syntax unified
    .cpu cortex-m3
    .thumb

// Eight products of \w and the bytes from r0 + \at on; clobbers r3, r12.
    .macro NNZ_MAC8 w, at=0
    ldrsb   r3, [r0, #\at]
    ldrsb   r12, [r0, #\at + 1]
    mla     r4, r3, \w, r4
    mla     r5, r12, \w, r5
    ldrsb   r3, [r0, #\at + 2]
    ldrsb   r12, [r0, #\at + 3]
    mla     r6, r3, \w, r6
    mla     r7, r12, \w, r7
    ldrsb   r3, [r0, #\at + 4]
    ldrsb   r12, [r0, #\at + 5]
    mla     r8, r3, \w, r8
    mla     r9, r12, \w, r9
    ldrsb   r3, [r0, #\at + 6]
    ldrsb   r12, [r0, #\at + 7]
    mla     r10, r3, \w, r10
    mla     r11, r12, \w, r11
    .endm

// \acc becomes an output: r2 is D, twice the multiplier with bit 31 set, r3 the exponent, lr the zero point; clobbers
// r1, r12. The high word of acc · (D − 2^32) and acc is that of acc · D; `asrs` leaves the last bit that it drops in the
// carry, so that `adc` rounds half up; two roundings subtract 1 from negative values before.
    .macro NNZ_BASE_OUT_single acc
    smull   r12, r1, \acc, r2
    add     \acc, \acc, r1
    asrs    \acc, \acc, r3
    adc     \acc, \acc, lr
    ssat    \acc, #8, \acc
    .endm
    .macro NNZ_BASE_OUT_double acc
    smull   r12, r1, \acc, r2
    add     \acc, \acc, r1
    add     \acc, \acc, r12, lsr #31
    add     \acc, \acc, \acc, asr #31
    asrs    \acc, \acc, r3
    adc     \acc, \acc, lr
    ssat    \acc, #8, \acc
    .endm

// Begins a row of the args at [sp]: r1 its stream, r2 its stored entries, r0 the inputs, r4-r11 its bias. Goes to
// \done at the end of the table and where the row is not for the fast way.
    .macro NNZ_BASE_ROW done
    ldr     r0, [sp]
    ldrd    r1, r2, [r0]
    cmp     r1, r2
    beq     \done
    ldr     r12, [r1, #8]
    ldrd    r4, r3, [r1]
    lsls    r3, r3, #1
    bpl     \done
    lsrs    r2, r12, #27
    beq     \done
    ubfx    r2, r12, #16, #11
    ldr     r1, [r0, #8]
    ldr     r0, [r0, #40]
    mov     r5, r4
    mov     r6, r4
    mov     r7, r4
    mov     r8, r4
    mov     r9, r4
    mov     r10, r4
    mov     r11, r4
    .endm

// Stores the outputs of r4-r11 and moves the args at [sp] on to the next row.
    .macro NNZ_BASE_FINISH rounding
    ldr     r0, [sp]
    ldr     r1, [r0]
    ldrd    r2, r3, [r1, #4]
    adds    r1, r1, #12
    str     r1, [r0]
    NNZ_BASE_STORE \rounding
    .endm

// Stores the outputs of r4-r11 of the args at r0 and moves `out` on; r2 multiplier, r3 packed word of the row. Lanes that
// follow each other without bounds are entered at the last.
    .macro NNZ_BASE_STORE rounding
    lsls    r2, r2, #1
    lsrs    r3, r3, #27
    ldrd    r1, r12, [r0, #12]
    add     r12, r12, r1
    str     r12, [r0, #12]
    ldr     r12, [r0, #44]
    ldr     lr, [r0, #28]
    cmp     r12, #0
    beq.w   91f
    mov     r0, r1
    tbb     [pc, r12]
80: .byte   0, (81f - 80b) / 2, (82f - 80b) / 2, (83f - 80b) / 2, (84f - 80b) / 2
    .byte   (85f - 80b) / 2, (86f - 80b) / 2, (87f - 80b) / 2, (88f - 80b) / 2
    .p2align 1
88: NNZ_BASE_OUT_\rounding r11
    strb    r11, [r0, #7]
87: NNZ_BASE_OUT_\rounding r10
    strb    r10, [r0, #6]
86: NNZ_BASE_OUT_\rounding r9
    strb    r9, [r0, #5]
85: NNZ_BASE_OUT_\rounding r8
    strb    r8, [r0, #4]
84: NNZ_BASE_OUT_\rounding r7
    strb    r7, [r0, #3]
83: NNZ_BASE_OUT_\rounding r6
    strb    r6, [r0, #2]
82: NNZ_BASE_OUT_\rounding r5
    strb    r5, [r0, #1]
81: NNZ_BASE_OUT_\rounding r4
    strb    r4, [r0]
    b       93f
91: push    {r4-r11}
    mov     r5, r1
    ldrd    r6, r7, [r0, #20]
    ldrd    r8, r9, [r0, #32]
    mov     r10, sp
92: ldr     r4, [r10], #4
    NNZ_BASE_OUT_\rounding r4
    cmp     r4, r8
    it      lt
    movlt   r4, r8
    cmp     r4, r9
    it      gt
    movgt   r4, r9
    subs    r6, r6, #1
    strb    r4, [r5]
    add     r5, r5, r7
    bne     92b
    add     sp, sp, #32
93:
    .endm

// void nnz_base_csr_p_UNIT_ROUNDING(args *)
//
// Entries `[delta u8][weight s8]`, distances in units of 1 or 8 bytes; two a turn, an odd one first.
//   r0 inputs   r1 stream   r2 end of the row's stream   r3, r12 inputs   r4-r11 sums   lr weight   [sp] args
    .macro NNZ_BASE_CSR_P unit, shift, rounding
    .section .text.nnz_base_csr_p_\unit\()_\rounding, "ax", %progbits
    .global nnz_base_csr_p_\unit\()_\rounding
    .type nnz_base_csr_p_\unit\()_\rounding, %function
    .thumb_func
    .p2align 2
nnz_base_csr_p_\unit\()_\rounding:
    push    {r0, r4-r11, lr}
1:  NNZ_BASE_ROW 5f
    lsls    r3, r2, #31
    add     r2, r1, r2, lsl #1
    bne     7f
    cmp     r1, r2
    beq     3f
2:  ldrb    r3, [r1], #2
    ldrsb   lr, [r1, #-1]
    add     r0, r0, r3, lsl #\shift
    NNZ_MAC8 lr
7:  ldrb    r3, [r1], #2
    ldrsb   lr, [r1, #-1]
    add     r0, r0, r3, lsl #\shift
    cmp     r1, r2
    NNZ_MAC8 lr
    bne     2b
3:  ldr     r0, [sp]
    str     r1, [r0, #8]
    NNZ_BASE_FINISH \rounding
    b       1b
5:  pop     {r0, r4-r11, pc}
    .size nnz_base_csr_p_\unit\()_\rounding, . - nnz_base_csr_p_\unit\()_\rounding
    .endm
    NNZ_BASE_CSR_P byte, 0, single
    NNZ_BASE_CSR_P byte, 0, double
    NNZ_BASE_CSR_P tile, 3, single
    NNZ_BASE_CSR_P tile, 3, double

// void nnz_base_pointwise_ROUNDING(args *)
//
// Dense rows of `columns` ≥ 1 weights, a tile of eight inputs each.
//   r0 inputs   r1 weights   r2 end of the row's weights   lr weight   others as above
    .macro NNZ_BASE_POINTWISE rounding
    .section .text.nnz_base_pointwise_\rounding, "ax", %progbits
    .global nnz_base_pointwise_\rounding
    .type nnz_base_pointwise_\rounding, %function
    .thumb_func
    .p2align 2
nnz_base_pointwise_\rounding:
    push    {r0, r4-r11, lr}
1:  NNZ_BASE_ROW 5f
    ldr     r2, [sp]
    ldr     r2, [r2, #48]
    add     r2, r2, r1
2:  ldrsb   lr, [r1], #1
    NNZ_MAC8 lr
    cmp     r1, r2
    add     r0, r0, #8
    bne     2b
    ldr     r0, [sp]
    str     r1, [r0, #8]
    NNZ_BASE_FINISH \rounding
    b       1b
5:  pop     {r0, r4-r11, pc}
    .size nnz_base_pointwise_\rounding, . - nnz_base_pointwise_\rounding
    .endm
    NNZ_BASE_POINTWISE single
    NNZ_BASE_POINTWISE double
