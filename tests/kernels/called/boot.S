/*
 * From the 32-bit entry to called_main in long mode, in the higher half, low mapping gone; what is
 * linked low is also seen from 0xffff800000000000 on, where the first 4 GiB are mapped. The stack
 * has 4 KiB, and the page below it is not mapped.
 */
#include "start.inc"
    cli
    movl $boot_stack_top, %esp
    movl $0, %ecx
fill_directories:
    movl %ecx, %eax
    shll $21, %eax
    orl $0x83, %eax                     /* present, writable, 2 MiB leaf */
    movl %eax, directories(, %ecx, 8)
    incl %ecx
    cmpl $2048, %ecx
    jne fill_directories
    movl $0, %ecx
fill_page_table:
    movl %ecx, %eax
    shll $12, %eax
    orl $3, %eax
    movl %eax, page_table(, %ecx, 8)
    incl %ecx
    cmpl $512, %ecx
    jne fill_page_table
    movl $low_table + 3, top_table
    movl $low_table + 3, top_table + 256 * 8
    movl $high_table + 3, top_table + 511 * 8
    movl $directories + 3, low_table
    movl $directories + 0x1003, low_table + 8
    movl $directories + 0x2003, low_table + 16
    movl $directories + 0x3003, low_table + 24
    movl $high_directory + 3, high_table + 510 * 8
    movl $page_table + 3, high_directory
    enter_long_mode top_table, 0x80010002 /* PG, WP, MP */
    movl $0x6a0, %eax                   /* PAE, PGE, OSFXSR, OSXMMEXCPT */
    movq %rax, %cr4
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
low_table:
    .fill 4096, 1, 0
high_table:
    .fill 4096, 1, 0
high_directory:
    .fill 4096, 1, 0
page_table:
    .fill 4096, 1, 0
directories:
    .fill 16384, 1, 0
boot_stack_top:

    .data
high_descriptor_pointer:
    .word 23
    .quad descriptors + 0xffffffff80000000

    .text
higher_half:
    lgdt high_descriptor_pointer
    movabsq $stack_top, %rsp
    movabsq $top_table, %rax
    movabsq $page_table, %rcx
    movabsq $0xffffffff80000000, %rbx
    movq $0, (%rbx, %rax)               /* the low mapping goes */
    leaq guard, %rdx
    subq %rbx, %rdx
    shrq $12, %rdx
    addq %rbx, %rcx
    movq $0, (%rcx, %rdx, 8)
    movq %cr3, %rax
    movq %rax, %cr3
    xorl %ebp, %ebp
    call called_main
    ud2

/* One handler for all exceptions, which never returns; one for each of two interrupts. */
    .globl on_exception, on_clock, on_serial
on_exception:
    call exception
on_clock:
    pushq %rax
    incq ticks
    jmp end_of_interrupt
on_serial:                              /* has woken who waits for a character */
    pushq %rax
end_of_interrupt:
    movb $0x20, %al
    outb %al, $0x20
    popq %rax
    iretq

/* Breaks the calling convention wherever that is possible, and returns 7. */
    .globl spoil
    .type spoil, @function
spoil:
    movl $7, %eax
    movq $-1, %rbx
    movq $-1, %rbp
    movq $-1, %r12
    movq $-1, %r13
    movq $-1, %r14
    movq $-1, %r15
    pcmpeqb %xmm7, %xmm7
    std
    ret

    .bss
    .align 4096
guard:
    .fill 4096, 1, 0
    .fill 4096, 1, 0
    .globl stack_top
stack_top:
    .section .note.GNU-stack, "", @progbits
