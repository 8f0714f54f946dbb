/* Prints nothing, for ever. */
#include "multiboot.inc"
    .section .boot, "ax"
    .code32
    .globl start
start:
    cli
    hlt
    jmp start
