/* Starts well and stops in the middle of a line. */
#include "multiboot.inc"
    .section .boot, "ax"
    .code32
    .globl start
start:
    print text
halt:
    cli
    hlt
    jmp halt
text:
    .asciz "kernel: frames\r\nkernel: pag"
