// Xpulp's instructions as the user manual of CV32E40P encodes them: assemblers do not know them.
//
// Addresses that are changed are changed after the access. A loop is the given number of instructions behind the one
// that sets it up, none of them compressed, and runs at least once.

    .option push
    .option norvc

    .macro NNZ_LW_UP rd, base, bytes            // cv.lw rd, (base), bytes
    .insn i 0x0b, 2, \rd, \base, \bytes
    .endm
    .macro NNZ_LBU_UP rd, base, bytes           // cv.lbu rd, (base), bytes
    .insn i 0x0b, 4, \rd, \base, \bytes
    .endm
    .macro NNZ_LW_BY rd, base, step             // cv.lw rd, (base), step
    .insn r 0x2b, 3, 0x02, \rd, \base, \step
    .endm
    .macro NNZ_LW_AT rd, base, offset           // cv.lw rd, offset(base)
    .insn r 0x2b, 3, 0x06, \rd, \base, \offset
    .endm
    .macro NNZ_SB_BY rs, base, step             // cv.sb rs, (base), step
    .insn r 0x2b, 3, 0x10, \step, \base, \rs
    .endm
    .macro NNZ_SW_BY rs, base, step             // cv.sw rs, (base), step
    .insn r 0x2b, 3, 0x12, \step, \base, \rs
    .endm
    .macro NNZ_DOT sum, x, w                    // cv.sdotsp.b sum, x, w
    .insn r 0x7b, 1, 0x54, \sum, \x, \w
    .endm
    .macro NNZ_SHUFFLE2 rd, rs, mask            // cv.shuffle2.b rd, rs, mask
    .insn r 0x7b, 1, 0x70, \rd, \rs, \mask
    .endm
    .macro NNZ_PACK_LOW rd, high, low           // cv.pack rd, high, low
    .insn r 0x7b, 0, 0x78, \rd, \high, \low
    .endm
    .macro NNZ_PACK_HIGH rd, high, low          // cv.pack.h rd, high, low
    .insn r 0x7b, 0, 0x79, \rd, \high, \low
    .endm
    .macro NNZ_LOOP count, instructions         // cv.setup 0, count, end
    .insn i 0x2b, 4, x14, \count, \instructions + 1
    .endm
    .macro NNZ_FUNCTION name
    .section .text.\name, "ax", @progbits
    .global \name
    .type \name, @function
    .p2align 2
\name:
    .endm
