/* Comes to its prompt and then never listens. */
#include "multiboot.inc"
    .section .boot, "ax"
    .code32
    .globl start
start:
    print text
halt:
    jmp halt
text:
    .asciz "kernel: up\r\nring> "
