/* Prints nothing, for ever. */
#include "start.inc"
    cli
    hlt
    jmp start
