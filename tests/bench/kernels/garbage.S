/* Prints every byte value over and over, with neither line nor prompt, for ever. */
#include "start.inc"
    movw $COM1, %dx
    xorl %eax, %eax
next:
    incl %eax
    outb %al, %dx
    jmp next
