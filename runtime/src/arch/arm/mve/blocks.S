// Rows in 1x4 blocks, for Armv8.1-M with Helium: four blocks at a time, their inputs gathered by words.
//
// A tile holds, for each of eight pixels, the inputs of all block columns one after the other, four bytes each. The
// distances of four blocks add up to four positions, which gather the four words of a pixel: 19 instructions for 64
// products. Loops are predicated by their tails: past a row's last block no input is read and nothing is added. Macros of
// finish.S are used.

    .syntax unified
    .cpu cortex-m55
    .thumb

// Sums of four pixels that begin at r0 and every r12 bytes after.
//   r0-r3 pixels   r4, r6, r8, r10 their sums, all r4 before   r5 distances   r7 weights   r9 position   r11 distances
//   q0 positions   q1 inputs   q2 weights; \blocks has the number of blocks, at least 1, and may be r11
    .macro NNZ_MVE_BLOCKS blocks
    add     r1, r0, r12
    add     r2, r1, r12
    add     r3, r2, r12
    mov     r6, r4
    mov     r8, r4
    mov     r10, r4
    movs    r9, #0
    dlstp.32 lr, \blocks
80: ldr     r11, [r5], #4
    uxtab   r9, r9, r11
    vmov.32 q0[0], r9
    uxtab   r9, r9, r11, ror #8
    vmov.32 q0[1], r9
    uxtab   r9, r9, r11, ror #16
    vmov.32 q0[2], r9
    uxtab   r9, r9, r11, ror #24
    vmov.32 q0[3], r9
    vldrb.u8 q1, [r7], #16
    vldrw.u32 q2, [r0, q0, uxtw #2]
    vmladava.s8 r4, q1, q2
    vldrw.u32 q2, [r1, q0, uxtw #2]
    vmladava.s8 r6, q1, q2
    vldrw.u32 q2, [r2, q0, uxtw #2]
    vmladava.s8 r8, q1, q2
    vldrw.u32 q2, [r3, q0, uxtw #2]
    vmladava.s8 r10, q1, q2
    letp    lr, 80b
    .endm

// void nnz_mve_blocks_ROUNDING(args *)
//
// Every row of a matrix of blocks over one tile. The arguments are changed.
//   args: 0 row of the table   4 distances   8 weights   12 tile   16 bytes between pixels of the tile
//         20… as NNZ_MVE_FINISH
//   [sp] args
    .macro NNZ_MVE_BLOCK_CONV rounding
    .section .text.nnz_mve_blocks_\rounding, "ax", %progbits
    .global nnz_mve_blocks_\rounding
    .type nnz_mve_blocks_\rounding, %function
    .thumb_func
    .p2align 2
nnz_mve_blocks_\rounding:
    push    {r0, r4-r11, lr}
1:  ldr     r2, [sp]
    ldrd    r1, r5, [r2]
    ldrd    r7, r0, [r2, #8]
    ldrd    r12, r3, [r2, #16]
    ldr     r11, [r1, #8]
    ldr     r4, [r1]
    cmp     r3, #12
    it      eq
    ubfxeq  r11, r11, #16, #11
    cmp     r11, #0
    beq     3f
    NNZ_MVE_BLOCKS r11
    vmov    q3[2], q3[0], r4, r8
    vmov    q3[3], q3[1], r6, r10
    ldr     r2, [sp]
    ldrd    r1, r5, [r2]
    ldrd    r7, r0, [r2, #8]
    ldr     r3, [r2, #20]
    ldr     r11, [r1, #8]
    ldr     r4, [r1]
    cmp     r3, #12
    it      eq
    ubfxeq  r11, r11, #16, #11
    add     r0, r0, r12, lsl #2
    add     r3, r5, r11                 // where the next row's distances and weights begin
    str     r3, [r2, #4]
    add     r3, r7, r11, lsl #2
    str     r3, [r2, #8]
    NNZ_MVE_BLOCKS r11
    vmov    q2[2], q2[0], r4, r8
    vmov    q2[3], q2[1], r6, r10
    vmov    q0, q2
    vmov    q2, q3
    vmov    q3, q0
2:  ldr     r8, [sp]
    ldr     r9, [r8]
    adds    r8, r8, #20
    NNZ_MVE_FINISH \rounding
    ldr     r0, [sp]
    str     r9, [r0]
    bne     1b
    pop     {r0, r4-r11, pc}
3:  vdup.32 q2, r4
    vdup.32 q3, r4
    b       2b
    .size nnz_mve_blocks_\rounding, . - nnz_mve_blocks_\rounding
    .endm
    NNZ_MVE_BLOCK_CONV single
    NNZ_MVE_BLOCK_CONV double
