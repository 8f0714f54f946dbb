/*
 * The instructions of cpu_access that may fault. Each function takes the address in RDI and returns
 * a number that is not negative; or -1, by way of probe_failed, to which access_claim (access.c)
 * has the trap return.
 */

    .text

/* The byte at RDI. The instruction that may fault is the first. */
    .globl probe_read
    .type probe_read, @function
probe_read:
    movzbl (%rdi), %eax
    ret
    .size probe_read, . - probe_read

/* Store SIL at RDI. The instruction that may fault is the first. */
    .globl probe_write
    .type probe_write, @function
probe_write:
    movb %sil, (%rdi)
    xorl %eax, %eax
    ret
    .size probe_write, . - probe_write

/* RDI is readable, so CALL does not fault; the fetch may, with RIP = RDI and on the stack: */
    .globl probe_call, probe_call_return
    .type probe_call, @function
probe_call:
    call *%rdi
probe_call_return:
    xorl %eax, %eax
    ret
    .size probe_call, . - probe_call

    .globl probe_failed
    .type probe_failed, @function
probe_failed:
    movl $-1, %eax
    ret
    .size probe_failed, . - probe_failed

    .section .note.GNU-stack, "", @progbits
