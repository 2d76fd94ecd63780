// From a band to a tile of bytes: for each of eight pixels the inputs of all columns, one after the other.

// void nnz_xpulp_planes(const s8 *x, s8 *tile, u32 quads, u32 stride, u32 between)
//
// `quads` ≥ 1 times four planes, `stride` apart, eight bytes each: byte p of plane c goes to tile[p · between + c]. Words
// are turned four by four.
//   t0, t1 masks   a5, a6 steps of the input   a7 step of the tile behind its last pixel
    .macro NNZ_XPULP_TURN last_in, last_out
    NNZ_LW_BY t2, a0, a3
    NNZ_LW_BY t3, a0, a3
    NNZ_LW_BY t4, a0, a3
    NNZ_LW_BY t5, a0, \last_in
    mv      t6, t2
    NNZ_SHUFFLE2 t6, t3, t0                     // planes 0 and 1 of pixels 0 and 1
    NNZ_SHUFFLE2 t2, t3, t1                     // … of pixels 2 and 3
    mv      a2, t4
    NNZ_SHUFFLE2 a2, t5, t0
    NNZ_SHUFFLE2 t4, t5, t1
    NNZ_PACK_LOW t3, a2, t6
    NNZ_PACK_HIGH t5, a2, t6
    NNZ_PACK_LOW t6, t4, t2
    NNZ_PACK_HIGH a2, t4, t2
    NNZ_SW_BY t3, a1, a4
    NNZ_SW_BY t5, a1, a4
    NNZ_SW_BY t6, a1, a4
    NNZ_SW_BY a2, a1, \last_out
    .endm

    NNZ_FUNCTION nnz_xpulp_planes
    li      t0, 0x05010400
    li      t1, 0x07030602
    slli    a5, a3, 1
    add     a5, a5, a3
    neg     a5, a5
    addi    a5, a5, 4
    addi    a6, a3, -4
    slli    a7, a4, 3
    sub     a7, a4, a7
    addi    a7, a7, 4
    NNZ_LOOP a2, 36
    NNZ_XPULP_TURN a5, a4
    NNZ_XPULP_TURN a6, a7
    ret
    .size nnz_xpulp_planes, . - nnz_xpulp_planes

// void nnz_xpulp_taps(const s8 *x, s8 *tile, u32 rows, u32 pitch, u32 between, u32 step)
//
// `rows` ≥ 1 times eight bytes, `pitch` apart: byte p of row r goes to tile[p · between + r · step].
    NNZ_FUNCTION nnz_xpulp_taps
    addi    a3, a3, -4
    slli    a6, a4, 3
    sub     a6, a4, a6
    add     a5, a5, a6
    NNZ_LOOP a2, 16
    NNZ_LW_UP t0, a0, 4
    NNZ_LW_BY t1, a0, a3
    NNZ_SB_BY t0, a1, a4
    srli    t0, t0, 8
    NNZ_SB_BY t0, a1, a4
    srli    t0, t0, 8
    NNZ_SB_BY t0, a1, a4
    srli    t0, t0, 8
    NNZ_SB_BY t0, a1, a4
    NNZ_SB_BY t1, a1, a4
    srli    t1, t1, 8
    NNZ_SB_BY t1, a1, a4
    srli    t1, t1, 8
    NNZ_SB_BY t1, a1, a4
    srli    t1, t1, 8
    NNZ_SB_BY t1, a1, a5
    ret
    .size nnz_xpulp_taps, . - nnz_xpulp_taps

// void nnz_xpulp_runs(const s8 *x, s8 *tile, u32 rows, u32 pitch, u32 step)
//
// `rows` ≥ 1 times four bytes, `pitch` apart, go to every `step` bytes of a pixel of a tile: the first `step` of them stay.
    NNZ_FUNCTION nnz_xpulp_runs
    andi    t0, a2, 1
    srli    a2, a2, 1
    beqz    t0, 1f
    NNZ_LW_BY t0, a0, a3
    nop
    NNZ_SW_BY t0, a1, a4
1:  beqz    a2, 2f
    NNZ_LOOP a2, 4
    NNZ_LW_BY t0, a0, a3
    NNZ_LW_BY t1, a0, a3
    NNZ_SW_BY t0, a1, a4
    NNZ_SW_BY t1, a1, a4
2:  ret
    .size nnz_xpulp_runs, . - nnz_xpulp_runs
