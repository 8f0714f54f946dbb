/*
 * One access, in either ring, and the ways back from it.
 *
 * An access begins with an IRETQ to a few bytes of code: the same in a page of the supervisor and
 * in one of the user, or, for a fetch, those in the target itself. It ends with the INT $0x80 in
 * them, or with an exception; either way the processor comes to one of the entries below.
 */
    .text
/*
 * struct outcome perform(const struct frame *frame, uint64_t address)
 *
 * Goes by the frame, with `address` in RDI. Returns the vector in RAX, 0 for the INT, and in RDX
 * the error code, or what the access left in EAX.
 */
    .globl perform
perform:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, saved_stack
    movq %rdi, %rsp
    movq %rsi, %rdi
    xorl %eax, %eax
    iretq

    .globl access_done
access_done:
    movl %eax, %edx
    xorl %eax, %eax
    jmp back

exception:
    popq %rax                           /* vector */
    popq %rdx                           /* error code */
back:
    movq saved_stack, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

/* 32 entries of 16 bytes. */
    .align 16
    .globl exception_entries
exception_entries:
    .set vector, 0
    .rept 32
    .align 16
    .if vector != 8 && vector != 17 && vector != 21 && (vector < 10 || vector > 14)
    pushq $0
    .endif
    pushq $vector
    jmp exception
    .set vector, vector + 1
    .endr

/* The code of reads and writes. */
.macro accesses ring
    .globl \ring\()_read, \ring\()_write
\ring\()_read:
    movzbl (%rdi), %eax
    int $0x80
\ring\()_write:
    movb $1, (%rdi)
    int $0x80
.endm

    .align 16
    accesses supervisor

    .section .user, "ax"
    .globl user_code
user_code:
    accesses user

/* What a fetch executes; copied into the first target frame, and into the second. */
    .data
    .globl code_first, code_second, code_end
code_first:
    movl $1, %eax
    int $0x80
code_second:
    movl $2, %eax
    int $0x80
code_end:

    .bss
    .align 8
saved_stack:
    .quad 0
