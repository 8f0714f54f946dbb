/* From the 32-bit entry to kept_main in long mode: the first GiB mapped at 0 and at -2 GiB. */
#include "start.inc"
    cli
    movl $boot_stack_top, %esp
    movl $0, %ecx
fill:
    movl %ecx, %eax
    shll $21, %eax
    orl $0x83, %eax                     /* present, writable, 2 MiB leaf */
    movl %eax, directory(, %ecx, 8)
    incl %ecx
    cmpl $512, %ecx
    jne fill
    movl $low_table + 3, top_table
    movl $high_table + 3, top_table + 511 * 8
    movl $directory + 3, low_table
    movl $directory + 3, high_table + 510 * 8
    enter_long_mode top_table, 0x80010000 /* PG, WP */
    movabsq $stack_top, %rsp
    xorl %ebp, %ebp
    movabsq $kept_main, %rax
    call *%rax

    .align 8
descriptors:
    .quad 0, 0x00209a0000000000, 0x0000920000000000
descriptor_pointer:
    .word 23
    .long descriptors
    .align 4096
    .globl high_table
top_table:
    .fill 4096, 1, 0
low_table:
    .fill 4096, 1, 0
high_table:
    .fill 4096, 1, 0
directory:
    .fill 4096, 1, 0
boot_stack_top:

    .bss
    .align 16
    .fill 16384, 1, 0
stack_top:
    .section .note.GNU-stack, "", @progbits
