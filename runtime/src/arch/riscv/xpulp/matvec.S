// Rows times a vector, four columns a product.

// void nnz_xpulp_rows4(const s8 *x, const s8 *row, u32 stride, u32 quads, s32 *sums)
//
// Adds the products of `quads` ≥ 1 quads of four rows, `stride` apart, to four sums.
    NNZ_FUNCTION nnz_xpulp_rows4
    slli    a5, a2, 1
    add     a5, a5, a2
    neg     a5, a5
    addi    a5, a5, 4
    lw      t0, 0(a4)
    lw      t1, 4(a4)
    lw      t2, 8(a4)
    lw      t3, 12(a4)
    NNZ_LOOP a3, 9
    NNZ_LW_UP t4, a0, 4
    NNZ_LW_BY t5, a1, a2
    NNZ_LW_BY t6, a1, a2
    NNZ_LW_BY a6, a1, a2
    NNZ_LW_BY a7, a1, a5
    NNZ_DOT t0, t4, t5
    NNZ_DOT t1, t4, t6
    NNZ_DOT t2, t4, a6
    NNZ_DOT t3, t4, a7
    sw      t0, 0(a4)
    sw      t1, 4(a4)
    sw      t2, 8(a4)
    sw      t3, 12(a4)
    ret
    .size nnz_xpulp_rows4, . - nnz_xpulp_rows4

// s32 nnz_xpulp_row(const s8 *x, const s8 *row, u32 quads, s32 sum)
//
// The sum and the products of `quads` ≥ 1 quads of a row.
    NNZ_FUNCTION nnz_xpulp_row
    NNZ_LOOP a2, 4
    NNZ_LW_UP t0, a0, 4
    NNZ_LW_UP t1, a1, 4
    nop
    NNZ_DOT a3, t0, t1
    mv      a0, a3
    ret
    .size nnz_xpulp_row, . - nnz_xpulp_row

// s32 nnz_xpulp_row_blocks(const s8 *x, const u8 *distances, const u8 *weights, u32 count, s32 sum)
//
// The sum and the products of `count` ≥ 1 blocks of a row.
    NNZ_FUNCTION nnz_xpulp_row_blocks
    li      a5, 0
    andi    t0, a3, 1
    srli    a3, a3, 1
    beqz    t0, 1f
    NNZ_LBU_UP a5, a1, 1
    NNZ_LW_UP t1, a2, 4
    slli    a5, a5, 2
    NNZ_LW_AT t2, a0, a5
    nop
    NNZ_DOT a4, t2, t1
1:  beqz    a3, 2f
    NNZ_LOOP a3, 12
    NNZ_LBU_UP t0, a1, 1
    NNZ_LBU_UP t1, a1, 1
    NNZ_LW_UP t2, a2, 4
    slli    t0, t0, 2
    slli    t1, t1, 2
    add     t0, t0, a5
    add     a5, t0, t1
    NNZ_LW_AT t3, a0, t0
    NNZ_LW_AT t4, a0, a5
    NNZ_LW_UP t5, a2, 4
    NNZ_DOT a4, t3, t2
    NNZ_DOT a4, t4, t5
2:  mv      a0, a4
    ret
    .size nnz_xpulp_row_blocks, . - nnz_xpulp_row_blocks

    .option pop
