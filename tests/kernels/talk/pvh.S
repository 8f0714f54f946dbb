/* A 64-bit ELF whose only entry is that of PVH; it prints on COM1. */
    .section .note.pvh, "a", @note
    .long 4, 4, 18                      /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long start
    .text
    .code32
    .globl start
start:
    movl $text, %esi
    movw $0x3f8, %dx
1:  lodsb
    testb %al, %al
    jz 2f
    outb %al, %dx
    jmp 1b
2:  cli
    hlt
    jmp 2b
text:
    .asciz "pvh\r\n> "
