// A row in 1x4 blocks over a tile: a distance and a word of weights for four inputs of eight pixels.

// void nnz_xpulp_blocks(s32 *sums, const u8 *distances, const u8 *weights, const s8 *tile, u32 between, u32 count, s32 bias)
//
// `sums` becomes those of eight pixels, `between` apart; a row has `count` ≥ 1 blocks.
//   a3, s0-s6 pixels   a4 position   s7 distance   s8 weights   s9, a6 inputs   the others sums
    NNZ_FUNCTION nnz_xpulp_blocks
    addi    sp, sp, -48
    sw      s0, 44(sp)
    sw      s1, 40(sp)
    sw      s2, 36(sp)
    sw      s3, 32(sp)
    sw      s4, 28(sp)
    sw      s5, 24(sp)
    sw      s6, 20(sp)
    sw      s7, 16(sp)
    sw      s8, 12(sp)
    sw      s9, 8(sp)
    add     s0, a3, a4
    add     s1, s0, a4
    add     s2, s1, a4
    add     s3, s2, a4
    add     s4, s3, a4
    add     s5, s4, a4
    add     s6, s5, a4
    li      a4, 0
    mv      a7, a6
    mv      t0, a6
    mv      t1, a6
    mv      t2, a6
    mv      t3, a6
    mv      t4, a6
    mv      t5, a6
    mv      t6, a6
    NNZ_LOOP a5, 20
    NNZ_LBU_UP s7, a1, 1
    NNZ_LW_UP s8, a2, 4
    slli    s7, s7, 2
    add     a4, a4, s7
    NNZ_LW_AT s9, a3, a4
    NNZ_LW_AT a6, s0, a4
    NNZ_DOT t0, s9, s8
    NNZ_LW_AT s9, s1, a4
    NNZ_DOT t1, a6, s8
    NNZ_LW_AT a6, s2, a4
    NNZ_DOT t2, s9, s8
    NNZ_LW_AT s9, s3, a4
    NNZ_DOT t3, a6, s8
    NNZ_LW_AT a6, s4, a4
    NNZ_DOT t4, s9, s8
    NNZ_LW_AT s9, s5, a4
    NNZ_DOT t5, a6, s8
    NNZ_LW_AT a6, s6, a4
    NNZ_DOT t6, s9, s8
    NNZ_DOT a7, a6, s8
    sw      t0, 0(a0)
    sw      t1, 4(a0)
    sw      t2, 8(a0)
    sw      t3, 12(a0)
    sw      t4, 16(a0)
    sw      t5, 20(a0)
    sw      t6, 24(a0)
    sw      a7, 28(a0)
    lw      s0, 44(sp)
    lw      s1, 40(sp)
    lw      s2, 36(sp)
    lw      s3, 32(sp)
    lw      s4, 28(sp)
    lw      s5, 24(sp)
    lw      s6, 20(sp)
    lw      s7, 16(sp)
    lw      s8, 12(sp)
    lw      s9, 8(sp)
    addi    sp, sp, 48
    ret
    .size nnz_xpulp_blocks, . - nnz_xpulp_blocks
