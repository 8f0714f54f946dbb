/*
 * Zeroing a frame, the dearest part of giving out memory. 16 bytes an instruction are half as many
 * as general registers would take; and emulators perform a string instruction word by word, which
 * takes them several times longer. Compiled code has no use of vector registers (Makefile:
 * -mgeneral-regs-only), so XMM0 is nobody's, whatever was interrupted.
 */
#include "base/layout.h"

#define FRAME 4096
#define STEP  1024

    .text

/* void frame_zero(paddr_t frame): RDI is the frame's address. */
    .globl frame_zero
    .type frame_zero, @function
frame_zero:
    movabsq $DIRECT_MAP_BASE, %rax
    addq %rdi, %rax
    leaq FRAME(%rax), %rdi
    pxor %xmm0, %xmm0
1:
    .set offset, 0
    .rept STEP / 16
    movaps %xmm0, offset(%rax)
    .set offset, offset + 16
    .endr
    addq $STEP, %rax
    cmpq %rdi, %rax
    jne 1b
    ret
    .size frame_zero, . - frame_zero

    .section .note.GNU-stack, "", @progbits
