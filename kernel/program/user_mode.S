/*
 * Into user mode and out of it. One word says where the kernel goes on when a program comes back:
 * the TSS's stack for traps from user mode, on which SYSCALL puts what a trap would (struct
 * trap_frame), so that there is one way to leave and one to go on.
 */
#include "base/x86.h"

#define FRAME_WORDS 22
#define FRAME_RSP   (5 * 8) /* above the registers that are popped */

    .text

/* enum program_ending program_enter(const struct trap_frame *frame) */
    .globl program_enter
    .type program_enter, @function
program_enter:
    .irp register, rbx, rbp, r12, r13, r14, r15
    pushq %\register
    .endr
    subq $8, %rsp /* a multiple of 16, as the CPU makes it */
    movq %rsp, tss + TSS_STACK_OFFSET(%rip)
    subq $(FRAME_WORDS * 8), %rsp
    movq %rdi, %rsi
    movq %rsp, %rdi
    movl $FRAME_WORDS, %ecx
    rep movsq
    .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
    popq %\register
    .endr
    addq $16, %rsp
    iretq
    .size program_enter, . - program_enter

/* void program_leave(enum program_ending ending) */
    .globl program_leave
    .type program_leave, @function
program_leave:
    movl %edi, %eax
    movq tss + TSS_STACK_OFFSET(%rip), %rsp
    addq $8, %rsp
    .irp register, r15, r14, r13, r12, rbp, rbx
    popq %\register
    .endr
    ret
    .size program_leave, . - program_leave

/* SYSCALL left RIP in RCX and RFLAGS in R11, cleared IF, DF and AC, and kept the stack. SYSRET
 * would fault in the kernel if RCX were not canonical: the last page of the half is never mapped. */
    .globl program_syscall_entry
    .type program_syscall_entry, @function
program_syscall_entry:
    movq %rsp, user_stack(%rip)
    movq tss + TSS_STACK_OFFSET(%rip), %rsp
    pushq $SELECTOR_USER_DATA
    pushq user_stack(%rip)
    pushq %r11
    pushq $SELECTOR_USER_CODE
    pushq %rcx
    pushq $0
    pushq $0
    .irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    pushq %\register
    .endr
    movq %rsp, %rdi
    xorl %ebp, %ebp /* ends the chain of frames */
    call program_syscall
    .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
    popq %\register
    .endr
    movq FRAME_RSP(%rsp), %rsp
    sysretq
    .size program_syscall_entry, . - program_syscall_entry

    .bss
    .balign 8
user_stack:
    .skip 8

    .section .note.GNU-stack, "", @progbits
