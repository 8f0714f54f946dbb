/*
 * From the 32-bit entry to echo_main in long mode, in the higher half, low mapping gone.
 * One 1 GiB page would do, but 2 MiB pages work on every CPU model: the first GiB is mapped
 * at 0 (for the jump), at KERNEL_BASE (for the kernel) and at 0xffff800000000000 (for tests).
 */
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
    movl $low_table + 3, top_table + 256 * 8
    movl $high_table + 3, top_table + 511 * 8
    movl $directory + 3, low_table
    movl $directory + 3, high_table + 510 * 8
    enter_long_mode top_table, 0x80010000 /* PG, WP */
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
top_table:
    .fill 4096, 1, 0
low_table:
    .fill 4096, 1, 0
high_table:
    .fill 4096, 1, 0
directory:
    .fill 4096, 1, 0
boot_stack_top:

    .text
higher_half:
    movabsq $stack_top, %rsp
    movabsq $top_table, %rax
    movabsq $0xffffffff80000000, %rbx
    movq $0, (%rbx, %rax)               /* the low mapping goes */
    movq %cr3, %rax
    movq %rax, %cr3
    xorl %ebp, %ebp
    call echo_main
halt:
    cli
    hlt
    jmp halt

    .bss
    .align 16
    .fill 16384, 1, 0
stack_top:
