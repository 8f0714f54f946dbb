/* Comes to its prompt and then never listens. */
#include "start.inc"
    print text
halt:
    jmp halt
text:
    .asciz "kernel: up\r\nring> "
