/*
 * From the loader to kmain: 32-bit protected mode without paging, then long mode at the loader's
 * addresses, then the image's own.
 *
 * The boot tables map the first 4 GiB with 2 MiB pages twice, at 0 (this code runs there) and at
 * the direct map, and the first GiB at IMAGE_BASE; all of it writable and executable. paging_init
 * replaces them.
 */
#include "base/layout.h"
#include "base/x86.h"
#include "boot/multiboot.h"

/* --- Headers ------------------------------------------------------------------------------- */

    .section .boot.header, "a"
    .balign 8
#define MB1_FLAGS (MB1_HEADER_ALIGN | MB1_HEADER_MEMORY)
    .long MB1_HEADER_MAGIC, MB1_FLAGS, -(MB1_HEADER_MAGIC + MB1_FLAGS)

    .balign 8
mb2_header:
#define MB2_LENGTH (mb2_header_end - mb2_header)
    .long MB2_HEADER_MAGIC, MB2_ARCHITECTURE_I386, MB2_LENGTH
    .long -(MB2_HEADER_MAGIC + MB2_ARCHITECTURE_I386 + MB2_LENGTH)
    .balign 8
    .short MB2_HEADER_REQUEST, 0
    .long 12, MB2_TAG_MEMORY_MAP
    .balign 8
    .short MB2_HEADER_ALIGN, 0
    .long 8
    .balign 8
    .short MB2_HEADER_END, 0
    .long 8
mb2_header_end:

/* --- 32-bit code --------------------------------------------------------------------------- */

#define QUOTE(text)  #text
#define NUMBER(text) QUOTE(text)

/* Go on if the condition holds, else say so in the words of a panic, and stop. */
#define REQUIRE(condition, words)                                                                  \
    j##condition 2f;                                                                               \
    movl $1f, %esi;                                                                                \
    jmp refuse;                                                                                    \
1:  .ascii "!! panic ", __FILE__, ":", NUMBER(__LINE__), " ", words, "\r\n!! end panic\r\n\0";     \
2:

    .section .boot.text, "ax"
    .code32
    .globl boot_entry
    .type boot_entry, @function
boot_entry:
    cli
    cld
    movl $(image_stack_top - IMAGE_BASE), %esp
    movl %eax, %edi /* kmain's arguments; nothing below uses EDI and ESI */
    movl %ebx, %esi

    pushfl /* can RFLAGS.ID be flipped? (SDM 1, 20.1.2) */
    popl %eax
    movl %eax, %ecx
    xorl $RFLAGS_ID, %eax
    pushl %eax
    popfl
    pushfl
    popl %eax
    cmpl %ecx, %eax
    REQUIRE(ne, "this CPU has no long mode")
    movl $CPUID_EXTENDED_MAX, %eax
    cpuid
    cmpl $CPUID_EXTENDED, %eax
    REQUIRE(ae, "this CPU has no long mode")
    movl $CPUID_EXTENDED, %eax
    cpuid
    testl $CPUID_EDX_LONG_MODE, %edx
    REQUIRE(nz, "this CPU has no long mode")
    testl $CPUID_EDX_NX, %edx
    REQUIRE(nz, "this CPU has no NX")

    movl %cr4, %eax /* in the order of SDM 3A 9.8.5 */
    orl $(CR4_PAE | CR4_PGE | CR4_OSFXSR), %eax
    movl %eax, %cr4
    movl $boot_pml4, %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $(EFER_LME | EFER_NXE), %eax
    wrmsr
    movl %cr0, %eax
    andl $~(CR0_EM | CR0_TS), %eax
    orl $(CR0_PG | CR0_WP | CR0_MP), %eax
    movl %eax, %cr0
    lgdt boot_gdt_pointer
    ljmp $SELECTOR_CODE, $long_mode
    .size boot_entry, . - boot_entry

.macro uart register, value
    movw $(COM1 + \register), %dx
    movb $\value, %al
    outb %al, %dx
.endm

/* Print the text at ESI, leave through the exit device if there is one, else stop for ever. */
refuse:
    uart UART_LINE, UART_LINE_DLAB
    uart UART_DATA, UART_DIVISOR
    uart UART_INTERRUPTS, 0
    uart UART_LINE, UART_LINE_8N1
    uart UART_FIFO, UART_FIFO_ON_CLEAR
1:  movw $(COM1 + UART_STATUS), %dx
    inb %dx, %al
    testb $UART_STATUS_ROOM, %al
    jz 1b
    lodsb
    testb %al, %al
    jz 2f
    movw $(COM1 + UART_DATA), %dx
    outb %al, %dx
    jmp 1b
2:  inb %dx, %al /* the last byte is to leave first */
    testb $UART_STATUS_IDLE, %al
    jz 2b
    movb $EXIT_CODE_PANIC, %al
    outb %al, $EXIT_PORT
3:  cli
    hlt
    jmp 3b

/* --- 64-bit code --------------------------------------------------------------------------- */

    .code64
long_mode:
    movl $SELECTOR_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq $image_entry, %rax
    jmp *%rax

    .balign 8
boot_gdt:
    .quad 0
    .quad SEGMENT_PRESENT | SEGMENT_MEMORY | SEGMENT_CODE | SEGMENT_LONG | SEGMENT_ACCESSED
    .quad SEGMENT_PRESENT | SEGMENT_MEMORY | SEGMENT_WRITABLE | SEGMENT_ACCESSED
boot_gdt_pointer:
    .short . - boot_gdt - 1
    .long boot_gdt

    .text
    .type image_entry, @function
image_entry:
    movq $image_stack_top, %rsp
    xorl %ebp, %ebp /* ends the chain of frames */
    movl %edi, %edi /* upper halves are undefined after the switch (SDM 1, 3.4.1.1) */
    movl %esi, %esi
    call kmain
    ud2
    .size image_entry, . - image_entry

/* --- Boot tables, boot stack --------------------------------------------------------------- */

#define TABLE (PTE_P | PTE_W)
#define LEAF  (PTE_P | PTE_W | PTE_PS)

    .section .boot.tables, "aw"
    .balign 4096
boot_pml4:
    .quad boot_pdpt + TABLE
    .fill 255, 8, 0
    .quad boot_pdpt + TABLE /* DIRECT_MAP_BASE */
    .fill 254, 8, 0
    .quad boot_pdpt_image + TABLE /* IMAGE_BASE */
boot_pdpt:
    .irp number, 0, 1, 2, 3
    .quad boot_pd + \number * 4096 + TABLE
    .endr
    .fill 508, 8, 0
boot_pdpt_image:
    .fill 510, 8, 0
    .quad boot_pd + TABLE
    .quad 0
boot_pd:
    .set address, 0
    .rept 4 * TABLE_ENTRIES
    .quad address + LEAF
    .set address, address + 0x200000
    .endr

    .section .stack, "aw", @nobits
    .balign 4096
    .skip BOOT_STACK_SIZE

    .section .note.GNU-stack, "", @progbits
