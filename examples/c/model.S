/* The network as it lies in flash: MODEL is its file. A network begins at a multiple of 16 bytes. */

    .section .rodata.model, "a"
    .balign 16
    .global model
    .global model_end
model:
    .incbin MODEL
model_end:

    .section .note.GNU-stack, "", %progbits
