/*
 * From the 32-bit entry to ended_main in long mode, in the higher half, with the command line. The
 * first 2 MiB are mapped there by 4 KiB pages, of which the one below the stack is taken out, and
 * at 0 for the way up. A second processor, if it is started, comes the same way to second_main.
 */
#include "start.inc"
    cli
    movl 16(%ebx), %edi                 /* the Multiboot information's command line */
    movl $boot_stack_top, %esp
    movl $0, %ecx
fill:
    movl %ecx, %eax
    shll $12, %eax
    orl $3, %eax
    movl %eax, page_table(, %ecx, 8)
    incl %ecx
    cmpl $512, %ecx
    jne fill
    movl $low_table + 3, top_table
    movl $high_table + 3, top_table + 511 * 8
    movl $directory + 3, low_table
    movl $directory + 3, high_table + 510 * 8
    movl $page_table + 3, directory
    enter_long_mode top_table, 0x80010000 /* PG, WP */
    movl %edi, %edi
    movabsq $first_up, %rax
    jmp *%rax

    .code32
second_32:
    enter_long_mode top_table, 0x80010000
    movabsq $second_up, %rax
    jmp *%rax

/* Copied to 0x8000, where the second processor begins in real mode. */
    .code16
    .globl trampoline, trampoline_end
trampoline:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl 0x8000 + flat_pointer - trampoline
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $0x18, $second_32
    .align 4
flat_pointer:
    .word 31
    .long descriptors
trampoline_end:

    .align 8
descriptors:
    .quad 0
    .quad 0x00209a0000000000
    .quad 0x0000920000000000
    .quad 0x00cf9a000000ffff            /* 32-bit code, for the second processor's way up */
descriptor_pointer:
    .word 31
    .long descriptors
    .align 4096
    .globl top_table, page_table
top_table:
    .fill 4096, 1, 0
low_table:
    .fill 4096, 1, 0
high_table:
    .fill 4096, 1, 0
directory:
    .fill 4096, 1, 0
page_table:
    .fill 4096, 1, 0
boot_stack_top:

    .data
high_descriptor_pointer:
    .word 31
    .quad descriptors + 0xffffffff80000000

    .code64
    .text
first_up:
    lgdt high_descriptor_pointer
    movabsq $stack_top, %rsp
    xorl %ebp, %ebp
    call ended_main
    ud2
second_up:
    movabsq $second_stack_top, %rsp
    xorl %ebp, %ebp
    call second_main
    ud2

    .bss
    .align 4096
    .globl guard, small_stack_top, victim
guard:
    .fill 4096, 1, 0
stack:
    .fill 16384, 1, 0
stack_top:
second_stack:
    .fill 4096, 1, 0
second_stack_top:
    .type victim, @object
    .size victim, 4096
victim:
    .fill 4096, 1, 0
    .type small_stack, @object
    .size small_stack, 1024
small_stack:
    .fill 1024, 1, 0
small_stack_top:
    .section .note.GNU-stack, "", @progbits
