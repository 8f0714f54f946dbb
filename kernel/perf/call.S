/*
 * The one measured call. In assembly, so that what stands between the two readings of the clock is
 * the same for every function, whatever the compiler makes of the code around it.
 *
 * RDI: struct measured_call (perf/measure.h). The clock's low half is enough for a difference.
 */

    .text

    .globl perf_call
    .type perf_call, @function
perf_call:
    pushq %rbp
    movq %rsp, %rbp
    pushq %rbx
    pushq %r12
    movq %rdi, %rbx
    movq 8(%rbx), %rdi
    movq 16(%rbx), %rsi
    movq 32(%rbx), %rcx
    movq 40(%rbx), %r8
    movq 48(%rbx), %r9
    rdtsc
    movl %eax, %r12d
    movq 24(%rbx), %rdx /* the clock was there */
    call *(%rbx)
    movq %rax, 56(%rbx)
    rdtsc
    subl %r12d, %eax
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size perf_call, . - perf_call

/* The function that does nothing: what calling it costs is what measuring costs. */
    .globl perf_nothing
    .type perf_nothing, @function
perf_nothing:
    ret
    .size perf_nothing, . - perf_nothing

/* Write a byte at RDI; the instruction that may fault is the first. */
    .globl perf_touch
    .type perf_touch, @function
perf_touch:
    movb $1, (%rdi)
    ret
    .size perf_touch, . - perf_touch

    .section .note.GNU-stack, "", @progbits
