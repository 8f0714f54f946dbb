/*
 * From the loader (Multiboot 1, 32-bit protected mode) to kernel_main in long mode.
 *
 * The tables here are those that the kernel keeps: the first 4 GiB in 2 MiB pages at DIRECT_MAP,
 * the first GiB at IMAGE_BASE, and, until kernel_main takes it out, at 0, where this code runs.
 */
    .set IMAGE_BASE, 0xffffffff80000000
    .set SERIAL_VECTOR, 0x24 /* console.c has it so */
    .set TABLE, 0x3  /* present, writable */
    .set LEAF, 0x83 /* present, writable, 2 MiB */

    .section .boot.header, "a"
    .align 4
    .long 0x1badb002 /* Multiboot 1; flags: modules on page boundaries, a memory map */
    .long 0x3
    .long -(0x1badb002 + 0x3)

    .section .boot.text, "ax"
    .code32
    .globl start
start:
    cli
    cld
    movl $(boot_stack_top - IMAGE_BASE), %esp
    movl %ebx, %edi                     /* where the loader's information is */

    movl %cr4, %eax
    orl $0x20, %eax                     /* PAE */
    movl %eax, %cr4
    movl $boot_pml4, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx              /* EFER: long mode, no-execute */
    rdmsr
    orl $0x900, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80010000, %eax               /* paging, write protection for the kernel as well */
    movl %eax, %cr0
    lgdt descriptors_pointer
    ljmp $0x08, $long_mode

    .code64
long_mode:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movq $boot_stack_top, %rsp
    xorl %ebp, %ebp                     /* ends a backtrace */
    movl %edi, %edi                     /* its upper half is undefined after the switch */
    movq $wake_up, %rax                 /* the only gate: address and attributes, in pieces */
    movw %ax, gates + 16 * SERIAL_VECTOR
    shrq $16, %rax
    movw %ax, gates + 16 * SERIAL_VECTOR + 6
    shrq $16, %rax
    movl %eax, gates + 16 * SERIAL_VECTOR + 8
    lidt gates_pointer
    lgdt high_descriptors_pointer       /* the low mapping will go */
    movq $kernel_main, %rax
    call *%rax
    ud2

    .align 8
descriptors:
    .quad 0
    .quad 0x00209b0000000000            /* 64-bit code */
    .quad 0x0000930000000000            /* data */
descriptors_pointer:
    .short . - descriptors - 1
    .long descriptors

high_descriptors_pointer:
    .short descriptors_pointer - descriptors - 1
    .quad descriptors + IMAGE_BASE
gates_pointer:
    .short 16 * SERIAL_VECTOR + 15
    .quad gates + IMAGE_BASE

/* The serial port has something to read: all there is to do is not to sleep any longer. */
    .text
wake_up:
    pushq %rax
    movb $0x20, %al                     /* end of interrupt */
    outb %al, $0x20
    popq %rax
    iretq

    .section .boot.tables, "aw"
    .align 4096
    .globl boot_pml4
boot_pml4:
    .quad direct_pdpt + TABLE
    .fill 255, 8, 0
    .quad direct_pdpt + TABLE           /* DIRECT_MAP */
    .fill 254, 8, 0
    .quad image_pdpt + TABLE            /* IMAGE_BASE */
direct_pdpt:
    .irp number, 0, 1, 2, 3
    .quad page_directories + \number * 4096 + TABLE
    .endr
    .fill 508, 8, 0
image_pdpt:
    .fill 510, 8, 0
    .quad page_directories + TABLE
    .quad 0
page_directories:
    .set address, 0
    .rept 4 * 512
    .quad address + LEAF
    .set address, address + 0x200000
    .endr
/* An exception finds no gate, which is the end: QEMU's log says which it was, and where. */
gates:
    .fill 2 * SERIAL_VECTOR, 8, 0
    .quad 0x00008e0000080000, 0

    .section .bss
    .align 16
    .skip 16384
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
