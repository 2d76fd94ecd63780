// Rows of taps on cores with Thumb-2 and without the DSP extension: dense windows of three columns, and of four
// with stride 2, and planes of depthwise convolutions. Each input of a row meets the weights of all sums that it belongs to. Sums are entered at the
// last that the tile has, so that narrow maps take less; what a first input adds to sums that are not stored is dropped.
//
//   args, beside those of m3.S: 48 bytes between rows of inputs   52 weights of a row   56 rows left
//         60, 64, 68 what row of the table, stream and inputs move on by after a row
//   r0 inputs   r1 weights   r2, r3 inputs   r12, lr, r2 weights   r4-r11 sums
//   [sp] args   [sp, #4], [sp, #8] where the row's first and second phase are entered   [sp, #12] end of the weights

// Stride 1: weights r12, lr, r2.
    .macro NNZ_TAPS_3 name
.Lnnz_\name\()_8:
    ldrsb   r3, [r0, #9]
    mla     r11, r3, r2, r11
.Lnnz_\name\()_7:
    ldrsb   r3, [r0, #8]
    mla     r11, r3, lr, r11
    mla     r10, r3, r2, r10
.Lnnz_\name\()_6:
    ldrsb   r3, [r0, #7]
    mla     r11, r3, r12, r11
    mla     r10, r3, lr, r10
    mla     r9, r3, r2, r9
.Lnnz_\name\()_5:
    ldrsb   r3, [r0, #6]
    mla     r10, r3, r12, r10
    mla     r9, r3, lr, r9
    mla     r8, r3, r2, r8
.Lnnz_\name\()_4:
    ldrsb   r3, [r0, #5]
    mla     r9, r3, r12, r9
    mla     r8, r3, lr, r8
    mla     r7, r3, r2, r7
.Lnnz_\name\()_3:
    ldrsb   r3, [r0, #4]
    mla     r8, r3, r12, r8
    mla     r7, r3, lr, r7
    mla     r6, r3, r2, r6
.Lnnz_\name\()_2:
    ldrsb   r3, [r0, #3]
    mla     r7, r3, r12, r7
    mla     r6, r3, lr, r6
    mla     r5, r3, r2, r5
.Lnnz_\name\()_1:
    ldrsb   r3, [r0, #2]
    mla     r6, r3, r12, r6
    mla     r5, r3, lr, r5
    mla     r4, r3, r2, r4
    ldrsb   r3, [r0, #1]
    mla     r5, r3, r12, r5
    mla     r4, r3, lr, r4
    ldrsb   r3, [r0]
    mla     r4, r3, r12, r4
    .endm

// Two taps of a phase, from \at on: weights r12, lr.
    .macro NNZ_TAPS_2 name, at
.Lnnz_\name\()_8:
    ldrsb   r2, [r0, #\at + 8]
.Lnnz_\name\()_7:
    ldrsb   r3, [r0, #\at + 7]
    mla     r11, r2, lr, r11
    mla     r11, r3, r12, r11
    mla     r10, r3, lr, r10
.Lnnz_\name\()_6:
    ldrsb   r2, [r0, #\at + 6]
.Lnnz_\name\()_5:
    ldrsb   r3, [r0, #\at + 5]
    mla     r10, r2, r12, r10
    mla     r9, r2, lr, r9
    mla     r9, r3, r12, r9
    mla     r8, r3, lr, r8
.Lnnz_\name\()_4:
    ldrsb   r2, [r0, #\at + 4]
.Lnnz_\name\()_3:
    ldrsb   r3, [r0, #\at + 3]
    mla     r8, r2, r12, r8
    mla     r7, r2, lr, r7
    mla     r7, r3, r12, r7
    mla     r6, r3, lr, r6
.Lnnz_\name\()_2:
    ldrsb   r2, [r0, #\at + 2]
.Lnnz_\name\()_1:
    ldrsb   r3, [r0, #\at + 1]
    mla     r6, r2, r12, r6
    mla     r5, r2, lr, r5
    mla     r5, r3, r12, r5
    mla     r4, r3, lr, r4
    ldrsb   r3, [r0, #\at]
    mla     r4, r3, r12, r4
    .endm

// Outputs two inputs apart, phases not separated: weights r12, lr, r2.
    .macro NNZ_TAPS_3_APART name
.Lnnz_\name\()_8:
    ldrsb   r3, [r0, #16]
    mla     r11, r3, r2, r11
    ldrsb   r3, [r0, #15]
    mla     r11, r3, lr, r11
.Lnnz_\name\()_7:
    ldrsb   r3, [r0, #14]
    mla     r11, r3, r12, r11
    mla     r10, r3, r2, r10
    ldrsb   r3, [r0, #13]
    mla     r10, r3, lr, r10
.Lnnz_\name\()_6:
    ldrsb   r3, [r0, #12]
    mla     r10, r3, r12, r10
    mla     r9, r3, r2, r9
    ldrsb   r3, [r0, #11]
    mla     r9, r3, lr, r9
.Lnnz_\name\()_5:
    ldrsb   r3, [r0, #10]
    mla     r9, r3, r12, r9
    mla     r8, r3, r2, r8
    ldrsb   r3, [r0, #9]
    mla     r8, r3, lr, r8
.Lnnz_\name\()_4:
    ldrsb   r3, [r0, #8]
    mla     r8, r3, r12, r8
    mla     r7, r3, r2, r7
    ldrsb   r3, [r0, #7]
    mla     r7, r3, lr, r7
.Lnnz_\name\()_3:
    ldrsb   r3, [r0, #6]
    mla     r7, r3, r12, r7
    mla     r6, r3, r2, r6
    ldrsb   r3, [r0, #5]
    mla     r6, r3, lr, r6
.Lnnz_\name\()_2:
    ldrsb   r3, [r0, #4]
    mla     r6, r3, r12, r6
    mla     r5, r3, r2, r5
    ldrsb   r3, [r0, #3]
    mla     r5, r3, lr, r5
.Lnnz_\name\()_1:
    ldrsb   r3, [r0, #2]
    mla     r5, r3, r12, r5
    mla     r4, r3, r2, r4
    ldrsb   r3, [r0, #1]
    mla     r4, r3, lr, r4
    ldrsb   r3, [r0]
    mla     r4, r3, r12, r4
    .endm

// One row of inputs.
    .macro NNZ_TAPS_ROW_31 name
    ldrsb   r12, [r1], #1
    ldrsb   lr, [r1], #1
    ldrsb   r2, [r1], #1
    ldr     pc, [sp, #4]
    NNZ_TAPS_3 \name
    .endm
    .macro NNZ_TAPS_ROW_apart name
    ldrsb   r12, [r1], #1
    ldrsb   lr, [r1], #1
    ldrsb   r2, [r1], #1
    ldr     pc, [sp, #4]
    NNZ_TAPS_3_APART \name
    .endm
    .macro NNZ_TAPS_ROW_42 name
    ldrsb   r12, [r1]
    ldrsb   lr, [r1, #2]
    ldr     pc, [sp, #4]
    NNZ_TAPS_2 \name, 0
    ldrsb   r12, [r1, #1]
    ldrsb   lr, [r1, #3]
    adds    r1, r1, #4
    ldr     pc, [sp, #8]
    NNZ_TAPS_2 \name\()_b, 9
    .endm

// nnz_base_store_ROUNDING: as the macro; clobbers all but sp.
    .macro NNZ_BASE_STORE_OUT_OF_LINE rounding
    .section .text.nnz_base_store_\rounding, "ax", %progbits
    .type nnz_base_store_\rounding, %function
    .thumb_func
    .p2align 2
nnz_base_store_\rounding:
    push    {lr}
    NNZ_BASE_STORE \rounding
    pop     {pc}
    .size nnz_base_store_\rounding, . - nnz_base_store_\rounding
    .endm
    NNZ_BASE_STORE_OUT_OF_LINE single
    NNZ_BASE_STORE_OUT_OF_LINE double

// void nnz_base_taps_KIND_ROUNDING(args *)
//
// KIND: columns and stride of the window, or `apart`. `rows left` counts down; what is left was not for the fast way.
    .macro NNZ_BASE_TAPS kind, second, rounding
    .section .text.nnz_base_taps_\kind\()_\rounding, "ax", %progbits
    .global nnz_base_taps_\kind\()_\rounding
    .type nnz_base_taps_\kind\()_\rounding, %function
    .thumb_func
    .p2align 2
nnz_base_taps_\kind\()_\rounding:
    push    {r0-r11, lr}
    ldr     r2, [r0, #20]
    adr.w   r3, 8f
    add     r3, r3, r2, lsl #3
    ldrd    r1, r2, [r3, #-8]
    strd    r1, r2, [sp, #4]
1:  ldr     r0, [sp]
    ldr     r1, [r0, #56]
    ldr     r12, [r0]
    cmp     r1, #0
    beq.w   5f
    ldrd    r4, r3, [r12]
    ldr     r12, [r12, #8]
    lsls    r3, r3, #1
    bpl.w   5f
    lsrs    r12, r12, #27
    beq.w   5f
    ldr     r1, [r0, #8]
    ldr     r2, [r0, #52]
    ldr     r0, [r0, #40]
    add     r2, r2, r1
    str     r2, [sp, #12]
    mov     r5, r4
    mov     r6, r4
    mov     r7, r4
    mov     r8, r4
    mov     r9, r4
    mov     r10, r4
    mov     r11, r4
2:  NNZ_TAPS_ROW_\kind \kind\()_\rounding
    ldr     r2, [sp]
    ldr     r2, [r2, #48]
    ldr     r3, [sp, #12]
    add     r0, r0, r2
    cmp     r1, r3
    bne.w   2b
    ldr     r0, [sp]
    ldrd    r1, r2, [r0, #56]
    ldr     r12, [r0]
    subs    r1, r1, #1
    str     r1, [r0, #56]
    add     r2, r2, r12
    str     r2, [r0]
    ldrd    r1, r2, [r0, #64]
    ldr     r3, [r0, #8]
    ldr     lr, [r0, #40]
    add     r1, r1, r3
    str     r1, [r0, #8]
    add     r2, r2, lr
    str     r2, [r0, #40]
    ldrd    r2, r3, [r12, #4]
    bl      nnz_base_store_\rounding
    b       1b
5:  add     sp, sp, #16
    pop     {r4-r11, pc}
    .p2align 2
8:
    .irp    lanes, 1, 2, 3, 4, 5, 6, 7, 8
    .word   .Lnnz_\kind\()_\rounding\()_\lanes + 1
    .word   .Lnnz_\kind\()_\rounding\second\()_\lanes + 1
    .endr
    .size nnz_base_taps_\kind\()_\rounding, . - nnz_base_taps_\kind\()_\rounding
    .endm
    NNZ_BASE_TAPS 31, , single
    NNZ_BASE_TAPS 31, , double
    NNZ_BASE_TAPS 42, _b, single
    NNZ_BASE_TAPS 42, _b, double
    NNZ_BASE_TAPS apart, , single
    NNZ_BASE_TAPS apart, , double
