// Dense rows, for Armv8.1-M with Helium: sixteen products an instruction, along the columns.
//
// A tile holds, for each of eight pixels, the inputs of all columns one after the other. A row of weights is loaded once
// for four pixels: 10 instructions for 64 products. Loops are predicated by their tails, so that nothing is read past a
// row or a pixel. Macros of finish.S are used.

    .syntax unified
    .cpu cortex-m55
    .thumb

// void nnz_mve_conv_ROUNDING(args *)
//
// Every row of a dense matrix over one tile. The arguments are changed.
//   args: 0 rows table   4 weights   8 tile   12 columns   16 bytes between pixels of the tile   20… as NNZ_MVE_FINISH
//   r0-r3 four pixels   r4, r6, r8, r10 their sums   r5 weights   r7 weights of the row   r9 row of the table
//   r11 columns   r12 bytes between pixels   [sp] args
    .macro NNZ_MVE_CONV rounding
    .section .text.nnz_mve_conv_\rounding, "ax", %progbits
    .global nnz_mve_conv_\rounding
    .type nnz_mve_conv_\rounding, %function
    .thumb_func
    .p2align 2
nnz_mve_conv_\rounding:
    push    {r0, r4-r11, lr}
    ldrd    r9, r7, [r0]
    ldrd    r11, r12, [r0, #12]
1:  ldr     r1, [sp]
    mov     r5, r7
    ldr     r0, [r1, #8]
    ldr     r4, [r9]
    NNZ_MVE_DOT
    vmov    q2[2], q2[0], r4, r8
    vmov    q2[3], q2[1], r6, r10
    ldr     r1, [sp]
    mov     r5, r7
    ldr     r0, [r1, #8]
    ldr     r4, [r9]
    add     r0, r0, r12, lsl #2
    NNZ_MVE_DOT
    vmov    q3[2], q3[0], r4, r8
    vmov    q3[3], q3[1], r6, r10
    ldr     r8, [sp]
    add     r7, r7, r11
    adds    r8, r8, #20
    NNZ_MVE_FINISH \rounding
    bne     1b
    pop     {r0, r4-r11, pc}
    .size nnz_mve_conv_\rounding, . - nnz_mve_conv_\rounding
    .endm
    NNZ_MVE_CONV single
    NNZ_MVE_CONV double

// void nnz_mve_dot4(const s8 *x, u32 columns, const s8 *row, s32 *sums, u32 stride)
//
// The sums of four rows, `stride` bytes apart, times a vector.
    .section .text.nnz_mve_dot4, "ax", %progbits
    .global nnz_mve_dot4
    .type nnz_mve_dot4, %function
    .thumb_func
    .p2align 2
nnz_mve_dot4:
    push    {r3-r11, lr}
    ldr     r12, [sp, #40]
    mov     r5, r0
    mov     r11, r1
    mov     r0, r2
    movs    r4, #0
    NNZ_MVE_DOT
    ldr     r3, [sp]
    strd    r4, r6, [r3]
    strd    r8, r10, [r3, #8]
    pop     {r3-r11, pc}
    .size nnz_mve_dot4, . - nnz_mve_dot4

// void nnz_mve_planes(const s8 *x, s8 *tile, const struct { u32 stride, step, count, between; } *columns)
//
// `count` ≥ 1 columns of eight bytes, `stride` apart, go to a tile: byte p of column k to tile[p · between + k · step].
    .section .text.nnz_mve_planes, "ax", %progbits
    .global nnz_mve_planes
    .type nnz_mve_planes, %function
    .thumb_func
    .p2align 2
nnz_mve_planes:
    push    {r4, lr}
    ldrd    r3, r4, [r2]
    ldrd    r2, r12, [r2, #8]
    dls     lr, r2
    movs    r2, #0
    vidup.u16 q1, r2, #1
    vmul.i16 q1, q1, r12
1:  vldrb.u16 q0, [r0]
    add     r0, r0, r3
    vstrb.16 q0, [r1, q1]
    add     r1, r1, r4
    le      lr, 1b
    pop     {r4, pc}
    .size nnz_mve_planes, . - nnz_mve_planes

// void nnz_mve_lanes(const s8 *x, const u16 *offsets, s8 *tile,
//                    const struct { u32 count, step, columns, between; } *lanes)
//
// `count` ≥ 1 pixels of a tile, `between` bytes apart, whose windows begin `step` bytes apart: column k is x[offsets[k]].
    .section .text.nnz_mve_lanes, "ax", %progbits
    .global nnz_mve_lanes
    .type nnz_mve_lanes, %function
    .thumb_func
    .p2align 2
nnz_mve_lanes:
    push    {r4-r8, lr}
    ldrd    r4, r5, [r3]
    ldrd    r6, r7, [r3, #8]
1:  mov     r8, r1
    mov     r3, r2
    dlstp.16 lr, r6
2:  vldrh.u16 q0, [r8], #16
    vldrb.u16 q1, [r0, q0]
    vstrb.16 q1, [r3], #8
    letp    lr, 2b
    add     r0, r0, r5
    add     r2, r2, r7
    subs    r4, r4, #1
    bne     1b
    pop     {r4-r8, pc}
    .size nnz_mve_lanes, . - nnz_mve_lanes
