/* Panics in its own words before there is a prompt. */
#include "start.inc"
    print text
halt:
    cli
    hlt
    jmp halt
text:
    .asciz "kernel: frames\r\n!! panic no memory at pmm.c:12\r\n  used 1 of 0\r\n!! end\r\n"
