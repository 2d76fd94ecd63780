// Rows of taps on cores with Thumb alone: dense windows of three columns, and of four with stride 2, and planes of
// depthwise convolutions.
// Each input of a row meets the weights of all sums that it belongs to. Sums are entered at the last that the tile has, so
// that narrow maps take less; what a first input adds to sums that are not stored is dropped.
//
//   args, beside those of m0.S: 48 bytes between rows of inputs   52 weights of a row   56 rows left
//         60, 64, 68 what row of the table, stream and inputs move on by after a row
//   r0 inputs   r4, r5, r1 weights (two: r4, r5; r1 their address)   r2, r3 inputs   r6-r12, lr sums
//   [sp] weights   [sp, #4], [sp, #8] where the row's first and second phase are entered   [sp, #12] end of the weights
//   [sp, #32] args

// \acc plus r2 · \w; `keep` keeps r2, else it is clobbered; clobbers r3.
    .macro NNZ_TAP acc, w, keep=keep
    .ifc    \keep, keep
    movs    r3, r2
    muls    r3, \w, r3
    add     \acc, \acc, r3
    .else
    muls    r2, \w, r2
    add     \acc, \acc, r2
    .endif
    .endm
    .macro NNZ_INPUT at
    ldrb    r2, [r0, #\at]
    sxtb    r2, r2
    .endm
    .macro NNZ_WEIGHT reg, from, at
    ldrb    \reg, [\from, #\at]
    sxtb    \reg, \reg
    .endm
    .macro NNZ_TAPS_ENTER at
    ldr     r3, [sp, #\at]
    mov     pc, r3
    .endm

// Stride 1: weights r4, r5, r1.
    .macro NNZ_TAPS_3 name
.Lnnz_\name\()_8:
    NNZ_INPUT 9
    NNZ_TAP lr, r1, last
.Lnnz_\name\()_7:
    NNZ_INPUT 8
    NNZ_TAP lr, r5
    NNZ_TAP r12, r1, last
.Lnnz_\name\()_6:
    NNZ_INPUT 7
    NNZ_TAP lr, r4
    NNZ_TAP r12, r5
    NNZ_TAP r11, r1, last
.Lnnz_\name\()_5:
    NNZ_INPUT 6
    NNZ_TAP r12, r4
    NNZ_TAP r11, r5
    NNZ_TAP r10, r1, last
.Lnnz_\name\()_4:
    NNZ_INPUT 5
    NNZ_TAP r11, r4
    NNZ_TAP r10, r5
    NNZ_TAP r9, r1, last
.Lnnz_\name\()_3:
    NNZ_INPUT 4
    NNZ_TAP r10, r4
    NNZ_TAP r9, r5
    NNZ_TAP r8, r1, last
.Lnnz_\name\()_2:
    NNZ_INPUT 3
    NNZ_TAP r9, r4
    NNZ_TAP r8, r5
    NNZ_TAP r7, r1, last
.Lnnz_\name\()_1:
    NNZ_INPUT 2
    NNZ_TAP r8, r4
    NNZ_TAP r7, r5
    NNZ_TAP r6, r1, last
    NNZ_INPUT 1
    NNZ_TAP r7, r4
    NNZ_TAP r6, r5, last
    NNZ_INPUT 0
    NNZ_TAP r6, r4, last
    .endm

// Two taps of a phase, from \at on: weights r4, r5.
    .macro NNZ_TAPS_2 name, at
.Lnnz_\name\()_8:
    NNZ_INPUT \at + 8
    NNZ_TAP lr, r5, last
.Lnnz_\name\()_7:
    NNZ_INPUT \at + 7
    NNZ_TAP lr, r4
    NNZ_TAP r12, r5, last
.Lnnz_\name\()_6:
    NNZ_INPUT \at + 6
    NNZ_TAP r12, r4
    NNZ_TAP r11, r5, last
.Lnnz_\name\()_5:
    NNZ_INPUT \at + 5
    NNZ_TAP r11, r4
    NNZ_TAP r10, r5, last
.Lnnz_\name\()_4:
    NNZ_INPUT \at + 4
    NNZ_TAP r10, r4
    NNZ_TAP r9, r5, last
.Lnnz_\name\()_3:
    NNZ_INPUT \at + 3
    NNZ_TAP r9, r4
    NNZ_TAP r8, r5, last
.Lnnz_\name\()_2:
    NNZ_INPUT \at + 2
    NNZ_TAP r8, r4
    NNZ_TAP r7, r5, last
.Lnnz_\name\()_1:
    NNZ_INPUT \at + 1
    NNZ_TAP r7, r4
    NNZ_TAP r6, r5, last
    NNZ_INPUT \at + 0
    NNZ_TAP r6, r4, last
    .endm

// Outputs two inputs apart, phases not separated: weights r4, r5, r1.
    .macro NNZ_TAPS_3_APART name
.Lnnz_\name\()_8:
    NNZ_INPUT 16
    NNZ_TAP lr, r1, last
    NNZ_INPUT 15
    NNZ_TAP lr, r5, last
.Lnnz_\name\()_7:
    NNZ_INPUT 14
    NNZ_TAP lr, r4
    NNZ_TAP r12, r1, last
    NNZ_INPUT 13
    NNZ_TAP r12, r5, last
.Lnnz_\name\()_6:
    NNZ_INPUT 12
    NNZ_TAP r12, r4
    NNZ_TAP r11, r1, last
    NNZ_INPUT 11
    NNZ_TAP r11, r5, last
.Lnnz_\name\()_5:
    NNZ_INPUT 10
    NNZ_TAP r11, r4
    NNZ_TAP r10, r1, last
    NNZ_INPUT 9
    NNZ_TAP r10, r5, last
.Lnnz_\name\()_4:
    NNZ_INPUT 8
    NNZ_TAP r10, r4
    NNZ_TAP r9, r1, last
    NNZ_INPUT 7
    NNZ_TAP r9, r5, last
.Lnnz_\name\()_3:
    NNZ_INPUT 6
    NNZ_TAP r9, r4
    NNZ_TAP r8, r1, last
    NNZ_INPUT 5
    NNZ_TAP r8, r5, last
.Lnnz_\name\()_2:
    NNZ_INPUT 4
    NNZ_TAP r8, r4
    NNZ_TAP r7, r1, last
    NNZ_INPUT 3
    NNZ_TAP r7, r5, last
.Lnnz_\name\()_1:
    NNZ_INPUT 2
    NNZ_TAP r7, r4
    NNZ_TAP r6, r1, last
    NNZ_INPUT 1
    NNZ_TAP r6, r5, last
    NNZ_INPUT 0
    NNZ_TAP r6, r4, last
    .endm

// One row of inputs.
    .macro NNZ_THREE_WEIGHTS
    ldr     r2, [sp]
    NNZ_WEIGHT r4, r2, 0
    NNZ_WEIGHT r5, r2, 1
    NNZ_WEIGHT r1, r2, 2
    adds    r2, r2, #3
    str     r2, [sp]
    NNZ_TAPS_ENTER 4
    .endm
    .macro NNZ_TAPS_ROW_31 name
    NNZ_THREE_WEIGHTS
    NNZ_TAPS_3 \name
    ldr     r1, [sp]
    .endm
    .macro NNZ_TAPS_ROW_apart name
    NNZ_THREE_WEIGHTS
    NNZ_TAPS_3_APART \name
    ldr     r1, [sp]
    .endm
    .macro NNZ_TAPS_ROW_42 name
    NNZ_WEIGHT r4, r1, 0
    NNZ_WEIGHT r5, r1, 2
    NNZ_TAPS_ENTER 4
    NNZ_TAPS_2 \name, 0
    NNZ_WEIGHT r4, r1, 1
    NNZ_WEIGHT r5, r1, 3
    adds    r1, r1, #4
    NNZ_TAPS_ENTER 8
    NNZ_TAPS_2 \name\()_b, 9
    .endm

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
    NNZ_BASE_ENTER r0
    sub     sp, sp, #16
    ldr     r2, [r0, #20]
    lsls    r2, r2, #3
    ldr     r3, 7f
    adds    r3, r3, r2
    subs    r3, r3, #8
    ldr     r1, [r3]
    ldr     r2, [r3, #4]
    str     r1, [sp, #4]
    str     r2, [sp, #8]
1:  ldr     r0, [sp, #32]
    movs    r5, r0
    adds    r5, r5, #48
    ldmia   r5!, {r1, r2, r3}
    cmp     r3, #0
    beq     3f
    ldr     r1, [r0]
    ldr     r6, [r1]
    ldr     r3, [r1, #4]
    lsls    r3, r3, #1
    bpl     3f
    ldr     r1, [r1, #8]
    lsrs    r3, r1, #27
    beq     3f
    ldr     r1, [r0, #8]
    adds    r2, r2, r1
    str     r1, [sp]
    str     r2, [sp, #12]
    ldr     r0, [r0, #40]
    NNZ_BASE_BEGIN
    b       2f
3:  add     sp, sp, #16
    NNZ_BASE_LEAVE r0
    .p2align 2
7:  .word   8f
2:  NNZ_TAPS_ROW_\kind \kind\()_\rounding
    ldr     r2, [sp, #32]
    ldr     r2, [r2, #48]
    ldr     r3, [sp, #12]
    adds    r0, r0, r2
    cmp     r1, r3
    beq     4f
    b       2b
4:  NNZ_BASE_PUSH
    ldr     r0, [sp, #64]
    movs    r5, r0
    adds    r5, r5, #56
    ldmia   r5!, {r1, r2, r3, r4}
    subs    r1, r1, #1
    str     r1, [r0, #56]
    ldr     r5, [r0, #8]
    adds    r5, r5, r3
    str     r5, [r0, #8]
    ldr     r5, [r0, #40]
    adds    r5, r5, r4
    str     r5, [r0, #40]
    ldr     r4, [r0]
    adds    r2, r2, r4
    str     r2, [r0]
    ldr     r2, [r4, #4]
    ldr     r3, [r4, #8]
    mov     r1, sp
    bl      nnz_base_store_\rounding
    add     sp, sp, #32
    b       1b
    .p2align 2
8:
    .irp    lanes, 1, 2, 3, 4, 5, 6, 7, 8
    .word   .Lnnz_\kind\()_\rounding\()_\lanes
    .word   .Lnnz_\kind\()_\rounding\second\()_\lanes
    .endr
    .size nnz_base_taps_\kind\()_\rounding, . - nnz_base_taps_\kind\()_\rounding
    .endm
    NNZ_BASE_TAPS 31, , single
    NNZ_BASE_TAPS 31, , double
    NNZ_BASE_TAPS 42, _b, single
    NNZ_BASE_TAPS 42, _b, double
    NNZ_BASE_TAPS apart, , single
    NNZ_BASE_TAPS apart, , double
