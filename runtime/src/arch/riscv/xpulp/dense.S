// Dense rows over a tile: four columns a product, sixteen sums in registers, so that eight loads serve sixteen products.
//
// args: 0 weights   4 bytes to the next row   8 from the last of four rows to the next quad of the first
//       12, 16 likewise for pixels of the tile   20 whole quads, at least 1   24 bits of a word that a begun quad leaves,
//       0 without one   28 bytes to go forward so that a word ends with the row   32 biases of four rows
//       48 sums of four rows, eight pixels each

// Products of w with the four pixels.
    .macro NNZ_XPULP_DOTS a, b, c, d, w
    NNZ_DOT \a, a1, \w
    NNZ_DOT \b, a2, \w
    NNZ_DOT \c, a3, \w
    NNZ_DOT \d, a4, \w
    .endm
    .macro NNZ_XPULP_SUMS a, b, c, d, at, to
    sw      \a, \at(\to)
    sw      \b, \at + 4(\to)
    sw      \c, \at + 8(\to)
    sw      \d, \at + 12(\to)
    .endm
    .macro NNZ_XPULP_COPIES a, b, c, d
    mv      \b, \a
    mv      \c, \a
    mv      \d, \a
    .endm

// void nnz_xpulp_dense4(args *, const s8 *tile, u32 halves)
//
// Sums of four rows and the first four pixels of a tile, or all eight.
//   a1-a4 pixels   a5, a6 weights   a7 tile   t3, t4 its steps   t5 weights   t6, a0 their steps   the others sums
//   [sp] args, tile, halves, where sums go
    NNZ_FUNCTION nnz_xpulp_dense4
    addi    sp, sp, -80
    sw      ra, 76(sp)
    sw      s0, 72(sp)
    sw      s1, 68(sp)
    sw      s2, 64(sp)
    sw      s3, 60(sp)
    sw      s4, 56(sp)
    sw      s5, 52(sp)
    sw      s6, 48(sp)
    sw      s7, 44(sp)
    sw      s8, 40(sp)
    sw      s9, 36(sp)
    sw      s10, 32(sp)
    sw      s11, 28(sp)
    sw      a0, 0(sp)
    sw      a1, 4(sp)
    sw      a2, 8(sp)
    addi    a1, a0, 48
    sw      a1, 12(sp)
1:  lw      a7, 4(sp)
    lw      t0, 32(a0)
    lw      s1, 36(a0)
    lw      s5, 40(a0)
    lw      s9, 44(a0)
    lw      t5, 0(a0)
    lw      t6, 4(a0)
    lw      t3, 12(a0)
    lw      t4, 16(a0)
    lw      a5, 20(a0)
    lw      a0, 8(a0)
    NNZ_XPULP_COPIES t0, t1, t2, s0
    NNZ_XPULP_COPIES s1, s2, s3, s4
    NNZ_XPULP_COPIES s5, s6, s7, s8
    NNZ_XPULP_COPIES s9, s10, s11, ra
    NNZ_LOOP a5, 24
    NNZ_LW_BY a1, a7, t3
    NNZ_LW_BY a2, a7, t3
    NNZ_LW_BY a5, t5, t6
    NNZ_LW_BY a3, a7, t3
    NNZ_LW_BY a4, a7, t4
    NNZ_LW_BY a6, t5, t6
    NNZ_XPULP_DOTS t0, t1, t2, s0, a5
    NNZ_LW_BY a5, t5, t6
    NNZ_XPULP_DOTS s1, s2, s3, s4, a6
    NNZ_LW_BY a6, t5, a0
    NNZ_XPULP_DOTS s5, s6, s7, s8, a5
    NNZ_XPULP_DOTS s9, s10, s11, ra, a6
    lw      a0, 0(sp)
    lw      a6, 24(a0)
    lw      a5, 28(a0)
    beqz    a6, 2f
    add     t5, t5, a5                          // the columns of a begun quad: the end of the word that ends the row
    NNZ_LW_BY a1, a7, t3
    NNZ_LW_BY a2, a7, t3
    NNZ_LW_BY a3, a7, t3
    NNZ_LW_BY a4, a7, t3
    NNZ_LW_BY a5, t5, t6
    NNZ_LW_BY a7, t5, t6
    srl     a5, a5, a6
    NNZ_XPULP_DOTS t0, t1, t2, s0, a5
    NNZ_LW_BY a5, t5, t6
    srl     a7, a7, a6
    NNZ_XPULP_DOTS s1, s2, s3, s4, a7
    NNZ_LW_BY a7, t5, t6
    srl     a5, a5, a6
    NNZ_XPULP_DOTS s5, s6, s7, s8, a5
    srl     a7, a7, a6
    NNZ_XPULP_DOTS s9, s10, s11, ra, a7
2:  lw      a1, 12(sp)
    lw      a2, 4(sp)
    lw      a3, 8(sp)
    NNZ_XPULP_SUMS t0, t1, t2, s0, 0, a1
    NNZ_XPULP_SUMS s1, s2, s3, s4, 32, a1
    NNZ_XPULP_SUMS s5, s6, s7, s8, 64, a1
    NNZ_XPULP_SUMS s9, s10, s11, ra, 96, a1
    slli    t3, t3, 2
    add     a2, a2, t3
    addi    a1, a1, 16
    addi    a3, a3, -1
    sw      a1, 12(sp)
    sw      a2, 4(sp)
    sw      a3, 8(sp)
    bnez    a3, 1b
    lw      ra, 76(sp)
    lw      s0, 72(sp)
    lw      s1, 68(sp)
    lw      s2, 64(sp)
    lw      s3, 60(sp)
    lw      s4, 56(sp)
    lw      s5, 52(sp)
    lw      s6, 48(sp)
    lw      s7, 44(sp)
    lw      s8, 40(sp)
    lw      s9, 36(sp)
    lw      s10, 32(sp)
    lw      s11, 28(sp)
    addi    sp, sp, 80
    ret
    .size nnz_xpulp_dense4, . - nnz_xpulp_dense4

// void nnz_xpulp_dense1(args *, const s8 *tile, u32 halves)
//
// As nnz_xpulp_dense4, for one row.
//   a3-a6 pixels   t4 weights   a1 tile   t5, t6 its steps   a7 weights   t0-t3 sums   s0 the half's first pixel
    NNZ_FUNCTION nnz_xpulp_dense1
    addi    sp, sp, -16
    sw      s0, 12(sp)
    sw      s1, 8(sp)
    mv      s0, a1
    addi    s1, a0, 48
    lw      t5, 12(a0)
    lw      t6, 16(a0)
1:  lw      t0, 32(a0)
    lw      a7, 0(a0)
    lw      t4, 20(a0)
    NNZ_XPULP_COPIES t0, t1, t2, t3
    NNZ_LOOP t4, 9
    NNZ_LW_UP t4, a7, 4
    NNZ_LW_BY a3, a1, t5
    NNZ_LW_BY a4, a1, t5
    NNZ_LW_BY a5, a1, t5
    NNZ_LW_BY a6, a1, t6
    NNZ_DOT t0, a3, t4
    NNZ_DOT t1, a4, t4
    NNZ_DOT t2, a5, t4
    NNZ_DOT t3, a6, t4
    lw      a6, 24(a0)
    lw      t4, 28(a0)
    beqz    a6, 2f
    add     a7, a7, t4
    lw      t4, 0(a7)
    NNZ_LW_BY a3, a1, t5
    srl     t4, t4, a6
    NNZ_LW_BY a4, a1, t5
    NNZ_LW_BY a5, a1, t5
    NNZ_LW_BY a6, a1, t5
    NNZ_DOT t0, a3, t4
    NNZ_DOT t1, a4, t4
    NNZ_DOT t2, a5, t4
    NNZ_DOT t3, a6, t4
2:  NNZ_XPULP_SUMS t0, t1, t2, t3, 0, s1
    slli    a1, t5, 2
    add     a1, a1, s0
    addi    s1, s1, 16
    addi    a2, a2, -1
    bnez    a2, 1b
    lw      s0, 12(sp)
    lw      s1, 8(sp)
    addi    sp, sp, 16
    ret
    .size nnz_xpulp_dense1, . - nnz_xpulp_dense1
