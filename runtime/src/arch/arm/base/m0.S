// Kernels of cores with Thumb alone (M0, M0+, M1): eight accumulators, six of them in high registers, which `add`
// reaches; MULS takes one cycle, a load two.
//
// A kernel runs rows until the table ends or a row's multiplier is below 2^30 or its exponent 0, which no fast way
// covers: the caller computes that row and goes on behind it.
//   args: 0 row of the table   4 end of the table   8 stream   12 out   16 bytes between channels   20 lanes
//         24 bytes between pixels   28 zero point   32, 36 lowest and highest output   40 inputs   44 unused
//         48 columns; others see m0_taps.S
//   r6-r12, lr sums

    .syntax unified
    .cpu cortex-m0
    .thumb

// \acc plus the product of the byte in the low bits of \from and r4; clobbers r3.
    .macro NNZ_MAC acc, from
    sxtb    r3, \from
    muls    r3, r4, r3
    add     \acc, \acc, r3
    .endm

// Four products of the bytes of the word at r0 + \at.
    .macro NNZ_MAC_WORD at, a, b, c, d
    ldr     r2, [r0, #\at]
    NNZ_MAC \a, r2
    asrs    r2, r2, #8
    NNZ_MAC \b, r2
    asrs    r2, r2, #8
    NNZ_MAC \c, r2
    asrs    r2, r2, #8
    muls    r2, r4, r2
    add     \d, \d, r2
    .endm
    .macro NNZ_MAC_TILE
    NNZ_MAC_WORD 0, r6, r7, r8, r9
    NNZ_MAC_WORD 4, r10, r11, r12, lr
    .endm

// A product of the byte at r0 + \at.
    .macro NNZ_MAC_BYTE at, acc
    ldrb    r2, [r0, #\at]
    sxtb    r2, r2
    muls    r2, r4, r2
    add     \acc, \acc, r2
    .endm
    .macro NNZ_MAC_BYTES
    NNZ_MAC_BYTE 0, r6
    NNZ_MAC_BYTE 1, r7
    NNZ_MAC_BYTE 2, r8
    NNZ_MAC_BYTE 3, r9
    NNZ_MAC_BYTE 4, r10
    NNZ_MAC_BYTE 5, r11
    NNZ_MAC_BYTE 6, r12
    NNZ_MAC_BYTE 7, lr
    .endm

    .macro NNZ_BASE_ENTER list:vararg
    push    {\list, r4-r7, lr}
    mov     r4, r8
    mov     r5, r9
    mov     r6, r10
    mov     r7, r11
    push    {r4-r7}
    .endm
    .macro NNZ_BASE_LEAVE list:vararg
    pop     {r4-r7}
    mov     r8, r4
    mov     r9, r5
    mov     r10, r6
    mov     r11, r7
    pop     {\list, r4-r7, pc}
    .endm

// Every sum begins with r6.
    .macro NNZ_BASE_BEGIN
    mov     r7, r6
    mov     r8, r6
    mov     r9, r6
    mov     r10, r6
    mov     r11, r6
    mov     r12, r6
    mov     lr, r6
    .endm

// Pushes the sums.
    .macro NNZ_BASE_PUSH
    sub     sp, sp, #32
    mov     r2, sp
    stmia   r2!, {r6, r7}
    mov     r3, r8
    mov     r4, r9
    mov     r5, r10
    mov     r6, r11
    stmia   r2!, {r3-r6}
    mov     r3, r12
    mov     r4, lr
    stmia   r2!, {r3, r4}
    .endm

// Begins a row of the args at [sp, #16]: r1 its stream, r2 its stored entries, r0 the inputs, the sums its bias. Goes to
// \done at the end of the table and where the row is not for the fast way; clobbers r3.
    .macro NNZ_BASE_ROW done
    ldr     r0, [sp, #16]
    ldr     r1, [r0]
    ldr     r2, [r0, #4]
    cmp     r1, r2
    beq     91f
    ldr     r3, [r1, #4]
    lsls    r3, r3, #1
    bpl     91f
    ldr     r2, [r1, #8]
    lsrs    r3, r2, #27
    bne     92f
91: b       \done
92: ldr     r6, [r1]
    NNZ_BASE_BEGIN
    lsls    r2, r2, #5
    lsrs    r2, r2, #21
    ldr     r1, [r0, #8]
    ldr     r0, [r0, #40]
    .endm

// Stores the outputs of the row of the args at [sp, #16], whose stream ends at r1, and moves on to the next.
    .macro NNZ_BASE_FINISH rounding
    ldr     r0, [sp, #16]
    str     r1, [r0, #8]
    NNZ_BASE_PUSH
    ldr     r4, [r0]
    ldr     r2, [r4, #4]
    ldr     r3, [r4, #8]
    adds    r4, r4, #12
    str     r4, [r0]
    mov     r1, sp
    bl      nnz_base_store_\rounding
    add     sp, sp, #32
    .endm

// \h = the high word of \a · D, whose halves are \dl and \dh, rounded half up or down; clobbers \a, \t, \u, \v.
    .macro NNZ_HIGH rounding, h, a, t, u, v, dl, dh
    asrs    \h, \a, #16
    uxth    \a, \a
    movs    \t, \a
    muls    \t, \dl, \t
    lsrs    \t, \t, #16
    muls    \a, \dh, \a
    movs    \u, \h
    muls    \u, \dl, \u
    muls    \h, \dh, \h
    uxth    \v, \u
    adds    \t, \t, \v
    uxth    \v, \a
    adds    \t, \t, \v
    .ifc    \rounding, double
    lsrs    \t, \t, #15
    adds    \t, \t, #1
    lsrs    \t, \t, #1
    .else
    lsrs    \t, \t, #16
    .endif
    asrs    \u, \u, #16
    lsrs    \a, \a, #16
    adds    \h, \h, \u
    adds    \h, \h, \a
    adds    \h, \h, \t
    .endm
// 1 less where \h is negative, so that half up becomes half away from zero; clobbers \v.
    .macro NNZ_AWAY h, v
    asrs    \v, \h, #31
    adds    \h, \h, \v
    .endm

// nnz_base_store_ROUNDING: r0 args, r1 eight sums, r2 multiplier, r3 packed word of the row. Stores as many outputs as
// there are lanes and moves `out` on; clobbers all but sp.
//   r1 sums   r5, r6 halves of 2 · multiplier   r8 exponent   r9 zero point   r10 out   r11 bytes between pixels
//   r12 end of the sums   r0, r2-r4, r7 values
    .macro NNZ_BASE_STORE rounding
    .section .text.nnz_base_store_\rounding, "ax", %progbits
    .type nnz_base_store_\rounding, %function
    .thumb_func
    .p2align 2
nnz_base_store_\rounding:
    push    {r0, lr}
    lsls    r2, r2, #1
    uxth    r5, r2
    lsrs    r6, r2, #16
    lsrs    r3, r3, #27
    mov     r8, r3
    ldr     r4, [r0, #28]
    mov     r9, r4
    ldr     r4, [r0, #12]
    mov     r10, r4
    ldr     r7, [r0, #16]
    adds    r7, r7, r4
    str     r7, [r0, #12]
    ldr     r7, [r0, #24]
    mov     r11, r7
    ldr     r7, [r0, #20]
    lsls    r7, r7, #2
    adds    r7, r7, r1
    mov     r12, r7
1:  ldmia   r1!, {r2}
    NNZ_HIGH \rounding, r3, r2, r4, r7, r0, r5, r6
    .ifc    \rounding, double
    NNZ_AWAY r3, r0
    .endif
    mov     r0, r8
    asrs    r3, r3, r0
    mov     r0, r9
    adcs    r3, r3, r0
    sxtb    r0, r3
    cmp     r0, r3
    bne     4f
2:  mov     r0, r10
    strb    r3, [r0]
    add     r0, r0, r11
    mov     r10, r0
    cmp     r1, r12
    bne     1b
    pop     {r0, r2}
    mov     lr, r2
    ldr     r2, [r0, #32]
    ldr     r3, [r0, #36]
    subs    r4, r3, r2
    cmp     r4, #255
    bne     5f
3:  bx      lr
4:  asrs    r3, r3, #31                 // beyond eight bits: 127 or −128
    movs    r0, #127
    eors    r3, r3, r0
    b       2b
5:  ldr     r0, [r0, #20]               // bounds, from the last output back
    mov     r1, r10
    mov     r5, r11
    movs    r6, #0
6:  subs    r1, r1, r5
    ldrsb   r4, [r1, r6]
    cmp     r4, r2
    bge     7f
    movs    r4, r2
7:  cmp     r4, r3
    ble     8f
    movs    r4, r3
8:  strb    r4, [r1]
    subs    r0, r0, #1
    bne     6b
    b       3b
    .size nnz_base_store_\rounding, . - nnz_base_store_\rounding
    .endm
    NNZ_BASE_STORE single
    NNZ_BASE_STORE double

// void nnz_base_csr_p_UNIT_ROUNDING(args *)
//
// Entries `[delta u8][weight s8]`, distances in bytes or in tiles of eight at a multiple of 4.
//   r0 inputs   r1 stream   r2, r3 inputs   r4 weight   r5 end of the row's stream   [sp, #16] args
    .macro NNZ_BASE_CSR_P unit, shift, rounding
    .section .text.nnz_base_csr_p_\unit\()_\rounding, "ax", %progbits
    .global nnz_base_csr_p_\unit\()_\rounding
    .type nnz_base_csr_p_\unit\()_\rounding, %function
    .thumb_func
    .p2align 2
nnz_base_csr_p_\unit\()_\rounding:
    NNZ_BASE_ENTER r0
1:  NNZ_BASE_ROW 5f
    adds    r2, r2, r2
    adds    r5, r2, r1
    cmp     r1, r5
    beq     3f
2:  ldrb    r2, [r1]
    ldrb    r4, [r1, #1]
    sxtb    r4, r4
    adds    r1, r1, #2
    .if     \shift
    lsls    r2, r2, #\shift
    adds    r0, r0, r2
    NNZ_MAC_TILE
    .else
    adds    r0, r0, r2
    NNZ_MAC_BYTES
    .endif
    cmp     r1, r5
    bne     2b
3:  NNZ_BASE_FINISH \rounding
    b       1b
5:  NNZ_BASE_LEAVE r0
    .size nnz_base_csr_p_\unit\()_\rounding, . - nnz_base_csr_p_\unit\()_\rounding
    .endm
    NNZ_BASE_CSR_P byte, 0, single
    NNZ_BASE_CSR_P byte, 0, double
    NNZ_BASE_CSR_P tile, 3, single
    NNZ_BASE_CSR_P tile, 3, double

// void nnz_base_pointwise_ROUNDING(args *)
//
// Dense rows of `columns` ≥ 1 weights, a tile of eight inputs at a multiple of 4 each.
    .macro NNZ_BASE_POINTWISE rounding
    .section .text.nnz_base_pointwise_\rounding, "ax", %progbits
    .global nnz_base_pointwise_\rounding
    .type nnz_base_pointwise_\rounding, %function
    .thumb_func
    .p2align 2
nnz_base_pointwise_\rounding:
    NNZ_BASE_ENTER r0
1:  NNZ_BASE_ROW 5f
    ldr     r2, [sp, #16]
    ldr     r5, [r2, #48]
    adds    r5, r5, r1
2:  ldrb    r4, [r1]
    sxtb    r4, r4
    adds    r1, r1, #1
    NNZ_MAC_TILE
    adds    r0, r0, #8
    cmp     r1, r5
    bne     2b
    NNZ_BASE_FINISH \rounding
    b       1b
5:  NNZ_BASE_LEAVE r0
    .size nnz_base_pointwise_\rounding, . - nnz_base_pointwise_\rounding
    .endm
    NNZ_BASE_POINTWISE single
    NNZ_BASE_POINTWISE double

// void nnz_base_add(const s8 *x, const s8 *y, s8 *out, const struct { u32 count; s32 cx, cy, my, sy, mo, so, zo; } *)
//
// As that of m3_add.S. `my` and `mo` may be any multipliers ≥ 0, sy 0 to 31, so 1 to 31.
//   r8 x   r9 y   r10 out   r11 end of out   r12 args   r0-r7 values
    .section .text.nnz_base_add, "ax", %progbits
    .global nnz_base_add
    .type nnz_base_add, %function
    .thumb_func
    .p2align 2
nnz_base_add:
    NNZ_BASE_ENTER r0
    mov     r8, r0
    mov     r9, r1
    mov     r10, r2
    mov     r12, r3
    ldr     r4, [r3]
    adds    r4, r4, r2
    mov     r11, r4
1:  movs    r0, #0
    mov     r1, r9
    ldrsb   r2, [r1, r0]
    adds    r1, r1, #1
    mov     r9, r1
    mov     r1, r12
    lsls    r2, r2, #21
    ldr     r0, [r1, #8]
    adds    r2, r2, r0
    ldrh    r5, [r1, #12]
    ldrh    r6, [r1, #14]
    NNZ_HIGH double, r3, r2, r4, r7, r0, r5, r6
    ldr     r2, [r1, #16]
    cmp     r2, #0
    beq     2f
    NNZ_AWAY r3, r0
    movs    r0, #0
    asrs    r3, r3, r2
    adcs    r3, r3, r0
2:  movs    r0, #0
    mov     r2, r8
    ldrsb   r4, [r2, r0]
    adds    r2, r2, #1
    mov     r8, r2
    lsls    r4, r4, #19
    ldr     r0, [r1, #4]
    adds    r4, r4, r0
    adds    r2, r3, r4
    lsls    r2, r2, #1
    ldrh    r5, [r1, #20]
    ldrh    r6, [r1, #22]
    NNZ_HIGH double, r3, r2, r4, r7, r0, r5, r6
    NNZ_AWAY r3, r0
    ldr     r0, [r1, #24]
    ldr     r2, [r1, #28]
    asrs    r3, r3, r0
    adcs    r3, r3, r2
    sxtb    r0, r3
    cmp     r0, r3
    bne     4f
3:  mov     r0, r10
    strb    r3, [r0]
    adds    r0, r0, #1
    mov     r10, r0
    cmp     r0, r11
    bne     1b
    NNZ_BASE_LEAVE r0
4:  asrs    r3, r3, #31
    movs    r0, #127
    eors    r3, r3, r0
    b       3b
    .size nnz_base_add, . - nnz_base_add
