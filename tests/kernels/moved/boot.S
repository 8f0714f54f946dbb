/*
 * Into long mode, with the kernel mapped SLIDE bytes higher than it was linked, as a loader does
 * that chooses a kernel's place at random. The first GiB is mapped at 0 as well.
 */
#define BIG_PAGE 0x200000
    .section .multiboot, "a"
    .align 4
    .long 0x1badb002, 0, -0x1badb002

    .section .boot, "ax"
    .code32
    .globl start
start:
    cli
    xorl %ecx, %ecx
fill:
    movl %ecx, %eax
    shll $21, %eax
    orl $0x83, %eax                     /* present, writable, 2 MiB */
    movl %eax, low(, %ecx, 8)
    cmpl $512 - SLIDE / BIG_PAGE, %ecx
    jae next
    movl %eax, high + SLIDE / BIG_PAGE * 8(, %ecx, 8)
next:
    incl %ecx
    cmpl $512, %ecx
    jne fill
    movl $low_table + 3, top
    movl $high_table + 3, top + 511 * 8
    movl $low + 3, low_table
    movl $high + 3, high_table + 510 * 8
    movl $top, %eax
    movl %eax, %cr3
    movl $0x20, %eax                    /* PAE */
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax                    /* long mode */
    wrmsr
    movl $0x80010001, %eax              /* paging, write protection, protected mode */
    movl %eax, %cr0
    lgdt descriptor_pointer
    ljmp $8, $wide

    .code64
wide:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movabsq $kernel_main + SLIDE, %rax
    movabsq $stack_top + SLIDE, %rsp
    xorl %ebp, %ebp
    call *%rax

    .align 8
descriptors:
    .quad 0, 0x00209a0000000000, 0x0000920000000000
descriptor_pointer:
    .word 23
    .long descriptors
    .align 4096
top:        .fill 4096, 1, 0
low_table:  .fill 4096, 1, 0
high_table: .fill 4096, 1, 0
low:        .fill 4096, 1, 0
high:       .fill 4096, 1, 0

    .bss
    .align 16
    .fill 16384, 1, 0
stack_top:
    .section .note.GNU-stack, "", @progbits
