// From the sums of eight pixels to outputs, for Armv8.1-M with Helium: what the kernels of this folder share.
//
// `vqrdmulh` is the rounding doubling high multiply, `vqdmulh` the same rounded down (neither saturates, multipliers are
// not negative), `vrshl` by −e rounds half up. Two roundings add −1 to negative values before, which makes that half away
// from zero. Exponents up to 0 shift to the left before, and multiply once, rounded.

    .syntax unified
    .cpu cortex-m55
    .thumb

    .macro NNZ_MVE_HIGH_single q, t
    vqdmulh.s32 \q, \q, r0
    .endm
    .macro NNZ_MVE_HIGH_double q, t
    vqrdmulh.s32 \q, \q, r0
    vshr.s32 \t, \q, #31
    vadd.i32 \q, \q, \t
    .endm

// Sums in q2 (pixels 0…3) and q3 (4…7) of the row at r9 become outputs; r9 and the output move on to the next row.
//   args at r8: +0 bytes of a row of the table   +4 rows left   +8 zero point   +12 channel stride   +16, +20 lowest and
//   highest output   +24 output   +28 lanes, and 256 more where pixels do not follow each other   +32 pixel stride
// Sets the flags by the rows that are left; clobbers r0-r5, q0-q3.
    .macro NNZ_MVE_FINISH rounding
    ldrd    r2, r0, [r8]
    ldr     r1, [r9, #8]
    cmp     r2, #12
    ite     eq
    lsreq   r1, r1, #27
    ldrsbne r1, [r9, #12]
    mov     r5, r0
    ldr     r0, [r9, #4]
    add     r9, r9, r2
    rsbs    r1, r1, #0
    bge     95f
    NNZ_MVE_HIGH_\rounding q2, q0
    NNZ_MVE_HIGH_\rounding q3, q0
    vrshl.s32 q2, r1
    vrshl.s32 q3, r1
91: ldrd    r3, r4, [r8, #8]
    ldrd    r0, r1, [r8, #16]
    vadd.i32 q2, q2, r3
    vadd.i32 q3, q3, r3
    vdup.32 q0, r0
    vdup.32 q1, r1
    vmax.s32 q2, q2, q0
    vmax.s32 q3, q3, q0
    ldrd    r0, r1, [r8, #24]
    vmin.s32 q2, q2, q1
    vmin.s32 q3, q3, q1
    cmp     r1, #8
    bne     96f
    vstrb.32 q2, [r0]
    vstrb.32 q3, [r0, #4]
92: add     r0, r0, r4
    str     r0, [r8, #24]
    subs    r5, r5, #1
    str     r5, [r8, #4]
    .subsection 1
95: vshl.s32 q2, r1                     // exponents up to 0
    vshl.s32 q3, r1
    vqrdmulh.s32 q2, q2, r0
    vqrdmulh.s32 q3, q3, r0
    b       91b
96: ldr     r2, [r8, #32]               // some pixels, or pixels that do not follow each other
    bic     r1, r1, #256
    mov     lr, r4
    movs    r4, #0
    vidup.u32 q0, r4, #1
    vmul.i32 q0, q0, r2
    mov     r4, lr
    vctp.32 r1
    vpst
    vstrbt.32 q2, [r0, q0]
    subs    r1, r1, #4
    ble     92b
    add     r2, r0, r2, lsl #2
    vctp.32 r1
    vpst
    vstrbt.32 q3, [r2, q0]
    b       92b
    .previous
    .endm

// Sums of r5… times four vectors that begin at r0 and every r12 bytes after, r11 bytes each, added to r4, in r4, r6, r8
// and r10; clobbers r0-r3, r5, lr, q0, q1.
    .macro NNZ_MVE_DOT
    add     r1, r0, r12
    add     r2, r1, r12
    add     r3, r2, r12
    mov     r6, r4
    mov     r8, r4
    mov     r10, r4
    dlstp.8 lr, r11
90: vldrb.u8 q0, [r5], #16
    vldrb.u8 q1, [r0], #16
    vmladava.s8 r4, q0, q1
    vldrb.u8 q1, [r1], #16
    vmladava.s8 r6, q0, q1
    vldrb.u8 q1, [r2], #16
    vmladava.s8 r8, q0, q1
    vldrb.u8 q1, [r3], #16
    vmladava.s8 r10, q0, q1
    letp    lr, 90b
    .endm
