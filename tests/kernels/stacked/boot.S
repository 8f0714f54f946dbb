/*
 * From the 32-bit entry to kernel_main in long mode; the first GiB of memory is mapped where it is
 * and from 0xffffffff80000000 on. Then the stacks, what lies below them, and ways to go to them.
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
top_table:
    .fill 4096, 1, 0
table:
    .fill 4096, 1, 0
directory:
    .fill 4096, 1, 0

    .text
higher_half:
    movabsq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    call kernel_main
    ud2

/* call_on(top, function, argument): call a function on another stack, and come back. */
    .globl call_on
    .type call_on, @function
call_on:
    pushq %rbx
    movq %rsp, %rbx
    movq %rdi, %rsp
    movq %rdx, %rdi
    call *%rsi
    movq %rbx, %rsp
    popq %rbx
    ret

/* jump_by_ret(target): go to a function by PUSH and RET. */
    .globl jump_by_ret
    .type jump_by_ret, @function
jump_by_ret:
    pushq %rdi
    ret

/* jump_by_thunk(target): as compilers jump where branches must not be predicted. */
    .globl jump_by_thunk
    .type jump_by_thunk, @function
jump_by_thunk:
    call 1f
2:  pause
    jmp 2b
1:  movq %rdi, (%rsp)
    ret

/* Where a return address was bent to: it goes on to where it should have gone. */
    .globl landing
    .type landing, @function
landing:
    jmp *return_address(%rip)

/* large_frame(): a frame of 1.5 KiB, written to at its far end without a call. */
    .globl large_frame
    .type large_frame, @function
large_frame:
    subq $1536, %rsp
    movq $1, (%rsp)
    movq $2, 8(%rsp)
    addq $1536, %rsp
    ret

    .bss
    .align 16
    .fill 4096, 1, 0
neighbour_stack:                        /* and nothing between it and the small one */
    .fill 1024, 1, 0
small_stack:
    .fill 2048, 1, 0
small_stack_top:
    .fill 4096, 1, 0
boot_stack:
    .fill 16384, 1, 0
boot_stack_top:
    .globl neighbour_stack, small_stack, small_stack_top
