/* A boot sector that prints on COM1, from real mode, what boots it: a disk image of 512 bytes. */
    .code16
    .globl start
start:
    xorw %ax, %ax
    movw %ax, %ds
    movw $text, %si
    movw $0x3f8, %dx
1:  lodsb
    testb %al, %al
    jz 2f
    outb %al, %dx
    jmp 1b
2:  hlt
    jmp 2b
text:
    .asciz "sector\r\n> "
    .org 510
    .word 0xaa55
