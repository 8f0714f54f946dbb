/*
 * From the 32-bit entry to guest_main in long mode.
 *
 * The first 16 MiB are mapped one to one by 4 KiB pages only: with a large page in its TLB, QEMU
 * answers every INVLPG near it by dropping everything. All pages are the supervisor's but the one
 * of .user; no entry has NX, which would be a reserved bit whenever EFER.NXE is clear.
 */
#include "guest.h"

#define PAGES 4096 /* 16 MiB */

#include "../../bench/kernels/start.inc"
    cli
    movl $stack_top, %esp
    xorl %ecx, %ecx
1:  movl %ecx, %eax                     /* the pages, */
    shll $12, %eax
    orl $3, %eax
    movl %eax, identity(, %ecx, 8)
    incl %ecx
    cmpl $PAGES, %ecx
    jne 1b
    xorl %ecx, %ecx
2:  movl %ecx, %eax                     /* and the tables that hold them, open to all */
    shll $12, %eax
    addl $identity + 7, %eax
    movl %eax, directory(, %ecx, 8)
    incl %ecx
    cmpl $PAGES / 512, %ecx
    jne 2b
    movl $directory + 7, pointers
    movl $pointers + 7, pml4

    movl $user_code, %eax
    shrl $12, %eax
    orl $4, identity(, %eax, 8)
    movl $second_window, %eax           /* a window to the second target frame */
    shrl $12, %eax
    movl $target + 3, %edx
    addl $SECOND_DISTANCE, %edx
    movl %edx, identity(, %eax, 8)

    enter_long_mode pml4, 0x80000000    /* PG */
    movl $stack_top, %esp
    xorl %ebp, %ebp
    call guest_main
halt:
    cli
    hlt
    jmp halt

    .data
    .align 8
    .globl descriptors
descriptors:
    .quad 0
    .quad 0x00209a0000000000            /* 0x08: ring 0 code */
    .quad 0x0000920000000000            /* 0x10: ring 0 data */
    .quad 0x0020fa0000000000            /* 0x18: ring 3 code */
    .quad 0x0000f20000000000            /* 0x20: ring 3 data */
    .quad 0, 0                          /* 0x28: the TSS, by guest_main */
descriptors_end:
descriptor_pointer:
    .word descriptors_end - descriptors - 1
    .quad descriptors

    .bss
    .align 4096
    .globl pml4, pointers, directory, identity, second_window
pml4:
    .fill 4096, 1, 0
pointers:
    .fill 4096, 1, 0
directory:
    .fill 4096, 1, 0
identity:
    .fill PAGES, 8, 0
second_window:
    .fill 4096, 1, 0
    .fill 16384, 1, 0
stack_top:
