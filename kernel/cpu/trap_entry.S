/*
 * One stub a vector. Each makes the stack look the same (an error code where the CPU pushes none,
 * then the vector), saves all registers as struct trap_frame, and calls trap_handle. Nothing is
 * swapped: the kernel's code is all there is, and it runs in ring 0.
 *
 * The CPU aligns RSP to 16 before it pushes (SDM 3A 6.14.2); with the 22 words of a trap_frame and
 * two more on top it is aligned at the call.
 */
#include "base/x86.h"

    .text

.macro stub vector
    .balign 16
    .type trap_stub_\vector, @function
trap_stub_\vector:
    /* #DF #TS #NP #SS #GP #PF #AC #CP, and AMD's #VC #SX (SDM 3A 6.15; APM 2, 8.2) */
    .ifeq (\vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17 || \vector == 21 || \vector == 29 || \vector == 30)
    pushq $0
    .endif
    pushq $\vector
    jmp trap_common
    .size trap_stub_\vector, . - trap_stub_\vector
.endm

    .altmacro
    .set vector, 0
    .rept IRQ_VECTOR + IRQ_COUNT
    stub %vector
    .set vector, vector + 1
    .endr
    .noaltmacro

    .type trap_common, @function
trap_common:
    .irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    pushq %\register
    .endr
    cld
    movq %rsp, %rdi
    /* A stack frame, as if what was interrupted had called: backtraces go on to there. Its return
     * address is one more than RIP, since it stands for a byte before it. */
    pushq 17 * 8(%rsp)
    incq (%rsp)
    pushq %rbp
    movq %rsp, %rbp
    call trap_handle
    addq $16, %rsp
    .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
    popq %\register
    .endr
    addq $16, %rsp
    iretq
    .size trap_common, . - trap_common

    .section .rodata
    .balign 8
    .globl trap_stubs
trap_stubs:
    .altmacro
.macro address vector
    .quad trap_stub_\vector
.endm
    .set vector, 0
    .rept IRQ_VECTOR + IRQ_COUNT
    address %vector
    .set vector, vector + 1
    .endr

    .section .note.GNU-stack, "", @progbits
