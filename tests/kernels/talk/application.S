/*
 * An EFI application that greets on the firmware's console, header and all: as a flat binary it is
 * a PE32+ file. With -DCRASH it ends in an exception. PE format: Microsoft, "PE Format"; services:
 * UEFI 2.10, 4.3 and 12.4.
 */
    .code64
    .text
    .globl start
start:
image:
    .ascii "MZ"
    .org 0x3c
    .long 0x40
    .org 0x40
    .ascii "PE\0\0"
    .short 0x8664, 1                    /* x86_64, one section */
    .long 0, 0, 0
    .short sections - optional, 0x0206  /* executable, no line numbers, no debug information */
optional:
    .short 0x20b                        /* PE32+ */
    .byte 0, 0
    .long end - code, 0, 0              /* sizes of code and data */
    .long code - image, code - image    /* entry, base of code */
    .quad 0
    .long 0x200, 0x200                  /* alignment in memory and in the file */
    .short 0, 0, 0, 0, 0, 0
    .long 0, end - image, code - image, 0
    .short 10, 0                        /* an EFI application */
    .quad 0, 0, 0, 0
    .long 0, 6                          /* six directories, all empty */
    .quad 0, 0, 0, 0, 0, 0
sections:
    .ascii ".text\0\0\0"
    .long end - code, code - image, end - code, code - image, 0, 0
    .short 0, 0
    .long 0x60000020                    /* code, may be executed and read */
    .org 0x200
code:                                   /* image in rcx, system table in rdx */
    subq $0x28, %rsp
    movq 0x40(%rdx), %rcx               /* ConOut */
    leaq text(%rip), %rdx
    call *8(%rcx)                       /* OutputString */
#ifdef CRASH
    ud2
#endif
wait:
    hlt
    jmp wait
text:
    .irp letter, 'e', 'f', 'i', ' ', 'u', 'p', 13, 10, '>', ' ', 0
    .short \letter
    .endr
    .org 0x400
end:
