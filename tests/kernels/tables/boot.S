/*
 * A kernel that turns paging on, says "ring> ", and waits: what is of interest is its page tables,
 * laid out below. -DPAGING=4 and 5 are 64-bit mode with so many levels, 32 and 36 are 32-bit paging
 * and PAE, 0 is none. -DSLOT=N makes entry N of the root lead to the root itself;
 * -DTOUCH=ADDRESS writes there before it waits.
 */
#include "../../bench/kernels/start.inc"
    cli
#if PAGING == 4 || PAGING == 5
    movl $0xc0000080, %ecx              /* EFER.NXE */
    rdmsr
    orl $0x800, %eax
    wrmsr
#if PAGING == 5
    movl %cr4, %eax
    orl $0x1000, %eax                   /* LA57 */
    movl %eax, %cr4
#endif
    enter_long_mode root, 0x80010000    /* PG, WP */
#elif PAGING == 32 || PAGING == 36
    movl $root, %eax
    movl %eax, %cr3
    movl %cr4, %eax
#if PAGING == 36
    orl $0x20, %eax                     /* PAE */
#else
    orl $0x10, %eax                     /* PSE */
#endif
    movl %eax, %cr4
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
#endif
    print ready
#ifdef TOUCH
    movabsq $TOUCH, %rax
    movl $0, (%rax)
#endif
wait:
    hlt
    jmp wait
ready:
    .asciz "ring> "
    .align 8
descriptors:
    .quad 0, 0x00209a0000000000, 0x0000920000000000
descriptor_pointer:
    .word 23
    .long descriptors

.macro table name
    .align 4096, 0
    .globl \name
\name:
.endm

.macro entry table, index, value
    .org \table + 8 * \index, 0
    .quad \value
.endm

.macro window
#ifdef SLOT
    entry root, SLOT, root + 3
#endif
.endm

.macro entry_unless_window index, value
#if SLOT != 511
    entry root, \index, \value
#endif
.endm

#if PAGING == 32
    table root
    .long 0x83                          /* 4 MiB at 0 */
    .org root + 4096, 0
#elif PAGING == 36
    table root
    .quad directory + 1
    .org root + 4096, 0
    table directory
    .quad 0x83                          /* 2 MiB at 0 */
    .org directory + 4096, 0
#else
#if PAGING == 5
    table root
    entry root, 0, pml4 + 7
    window
    entry_unless_window 511, pml4 + 3
    table pml4
    entry pml4, 0, pdpt + 7
    entry pml4, 511, high_pdpt + 3
    .org pml4 + 4096, 0
#else
    table root
    entry root, 0, pdpt + 7
    window
    entry_unless_window 511, high_pdpt + 3
#endif
    table pdpt
    entry pdpt, 0, directory + 7
    table high_pdpt
    entry high_pdpt, 510, directory + 3
    table directory
    entry directory, 0, 0x83            /* 2 MiB at 0 */
    entry directory, 1, pages + 7
    table pages
    entry pages, 0, 0x8000000000100007  /* this code, for user code to write */
    entry pages, 1, pages + 7           /* and this table, to execute as well */
    entry pages, 2, 0x80000000fee00013  /* the local APIC, which is no RAM */
    entry pages, 3, 0x80080000003000e3  /* a physical address of 52 bits */
    .org pages + 4096, 0
#endif
