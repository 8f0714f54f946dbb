/*
 * From the 32-bit entry to kernel_main in long mode. The first GiB of memory is mapped where it is
 * and from 0xffffffff80000000 on.
 */
#include "start.inc"
    cli
    movl $0, %ecx
fill_directory:
    movl %ecx, %eax
    shll $21, %eax
    orl $0x83, %eax                     /* present, writable, 2 MiB leaf */
    movl %eax, directory(, %ecx, 8)
    incl %ecx
    cmpl $512, %ecx
    jne fill_directory
    movl $table + 3, top_table
    movl $table + 3, top_table + 511 * 8
    movl $directory + 3, table
    movl $directory + 3, table + 510 * 8
    enter_long_mode top_table, 0x80010002 /* PG, WP, MP */
    movabsq $higher_half, %rax
    jmp *%rax

    .align 8
descriptors:
    .quad 0
    .quad 0x00209a0000000000
    .quad 0x0000920000000000
descriptor_pointer:
    .word 23
    .long descriptors

    .align 4096
    .globl top_table
top_table:
    .fill 4096, 1, 0
table:
    .fill 4096, 1, 0
directory:
    .fill 4096, 1, 0

    .text
higher_half:
    movabsq $stack_top, %rsp
    xorl %ebp, %ebp
    call kernel_main
    ud2

    .bss
    .align 16
    .fill 16384, 1, 0
stack_top:
