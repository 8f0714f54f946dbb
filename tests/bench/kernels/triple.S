/* Triple fault: an exception with no interrupt table; where reboots are allowed, for ever. */
#include "start.inc"
    print text
    lidt no_table
    int3
text:
    .asciz "kernel: going down\r\n"
no_table:
    .word 0
    .long 0
