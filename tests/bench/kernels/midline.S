/* Starts well and stops in the middle of a line. */
#include "start.inc"
    print text
halt:
    cli
    hlt
    jmp halt
text:
    .asciz "kernel: frames\r\nkernel: pag"
