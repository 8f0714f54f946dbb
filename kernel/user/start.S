/* Where every program begins: its number is in RDI, its task's id in RSI. */

    .text
    .globl _start
    .type _start, @function
_start:
    xorl %ebp, %ebp /* ends the chain of frames */
    call program_main
    movq %rax, %rdi
    xorl %eax, %eax /* CALL_EXIT */
    syscall
    ud2
    .size _start, . - _start

    .section .note.GNU-stack, "", @progbits
