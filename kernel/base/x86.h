/*
 * The hardware's facts, each named once: C and assembly share them. Sources: "SDM" is the Intel 64
 * and IA-32 Architectures Software Developer's Manual, "APM" AMD64 Architecture Programmer's
 * Manual. This file includes nothing, so that assembly and any layer can include it.
 *
 * A virtual address under 4-level paging (SDM 3A 4.5):
 *
 *    63        48 47     39 38     30 29     21 20     12 11          0
 *   +------------+---------+---------+---------+---------+-------------+
 *   | copies of  |  PML4   |  PDPT   |   PD    |   PT    |   offset    |
 *   |   bit 47   |  index  |  index  |  index  |  index  |   in page   |
 *   +------------+---------+---------+---------+---------+-------------+
 *     canonical    level 4   level 3   level 2   level 1
 *                            \-- offset in a 1 GiB page (30 bits) -----/
 *                                      \-- in a 2 MiB page (21 bits) --/
 *
 * An entry, 8 bytes, of any level (SDM 3A 4.5.4; M is the physical width):
 *
 *     63 62     52 51      M M-1                 12 11   9  8  7  6  5  4   3   2 1 0
 *    +--+---------+---------+----------------------+------+--+--+--+--+---+---+--+-+-+
 *    |NX| ignored | must be |       address        | ign. | G|PS| D| A|PCD|PWT| U|W|P|
 *    |  |         |    0    |                      |      |  |  |  |  |   |   |  | | |
 *    +--+---------+---------+----------------------+------+--+--+--+--+---+---+--+-+-+
 */
#pragma once

#ifdef __ASSEMBLER__
#define BIT(n) (1 << (n))
#else
#define BIT(n) (1ULL << (n))
#endif

/* --- Paging (SDM 3A 4.5.4) ----------------------------------------------------------------- */

#define PTE_P         BIT(0)              /* present */
#define PTE_W         BIT(1)              /* writable */
#define PTE_U         BIT(2)              /* user */
#define PTE_PWT       BIT(3)              /* PAT index, bit 0 */
#define PTE_PCD       BIT(4)              /* PAT index, bit 1 */
#define PTE_A         BIT(5)              /* accessed */
#define PTE_D         BIT(6)              /* dirty; leaves only */
#define PTE_PS        BIT(7)              /* a leaf; levels 3 and 2 only */
#define PTE_PAT       BIT(7)              /* PAT index, bit 2, in a 4 KiB leaf */
#define PTE_G         BIT(8)              /* global; leaves only */
#define PTE_PAT_LARGE BIT(12)             /* PAT index, bit 2, in a 2 MiB or 1 GiB leaf */
#define PTE_NX        BIT(63)             /* no-execute; needs EFER.NXE */
#define PTE_ADDRESS   (BIT(52) - BIT(12)) /* bits 51:12; above the physical width they must be 0 */

#define TABLE_ENTRIES    512
#define TABLE_INDEX_BITS 9
#define PAGE_OFFSET_BITS 12
#define PAGING_LEVELS    4
#define VIRTUAL_BITS     48

/* Error code of a page fault (SDM 3A 4.7) */
#define PF_P    BIT(0) /* the entry was present: a protection violation */
#define PF_W    BIT(1) /* a write */
#define PF_U    BIT(2) /* from user mode */
#define PF_RSVD BIT(3) /* a reserved bit was set in an entry */
#define PF_I    BIT(4) /* an instruction fetch */

/* Page attribute table: eight fields of 8 bits, each a memory type (SDM 3A 11.12) */
#define PAT_UC                 0
#define PAT_WC                 1
#define PAT_WT                 4
#define PAT_WP                 5
#define PAT_WB                 6
#define PAT_UC_MINUS           7
#define PAT_FIELD(index, type) ((type) * BIT(8 * (index)))

/* --- Control registers (SDM 3A 2.5), RFLAGS (2.3), model-specific registers (SDM 4) --------- */

#define CR0_PE     BIT(0) /* protected mode */
#define CR0_MP     BIT(1) /* with EM and TS clear: vector registers can be used */
#define CR0_EM     BIT(2)
#define CR0_TS     BIT(3)
#define CR0_WP     BIT(16) /* the supervisor's writes heed PTE_W too */
#define CR0_PG     BIT(31) /* paging */
#define CR4_PAE    BIT(5)  /* 8-byte entries */
#define CR4_PGE    BIT(7)  /* PTE_G counts */
#define CR4_OSFXSR BIT(9)  /* SSE instructions */
#define CR4_UMIP   BIT(11) /* SGDT, SIDT, SLDT, SMSW, STR are the supervisor's */
#define CR4_SMEP   BIT(20) /* the supervisor does not execute user pages */
#define CR4_SMAP   BIT(21) /* nor read or write them, unless RFLAGS.AC is set */

#define FIXED_RFLAGS BIT(1)  /* always set */
#define RFLAGS_TF    BIT(8)  /* a trap after each instruction */
#define RFLAGS_IF    BIT(9)  /* interrupts */
#define RFLAGS_DF    BIT(10) /* string instructions run downwards */
#define RFLAGS_NT    BIT(14) /* nested task: IRET would raise an exception */
#define RFLAGS_AC    BIT(18) /* with SMAP: the supervisor may access user pages */
#define RFLAGS_ID    BIT(21) /* can be flipped: there is CPUID */

#define MSR_PAT       0x277
#define MSR_EFER      0xc0000080
#define SYSCALL_STAR  0xc0000081 /* selectors of SYSCALL (47:32) and SYSRET (63:48) */
#define SYSCALL_LSTAR 0xc0000082 /* where SYSCALL goes */
#define SYSCALL_FMASK 0xc0000084 /* the bits of RFLAGS that it clears */
#define EFER_SCE      BIT(0)     /* SYSCALL and SYSRET */
#define EFER_LME      BIT(8)     /* long mode, once paging is on */
#define EFER_NXE      BIT(11)    /* PTE_NX counts */

/* --- CPUID (SDM 2A, CPUID; APM 3, appendix E) ------------------------------------------------ */

#define CPUID_FEATURES      7 /* structured extended features, subleaf 0 */
#define CPUID_EBX_SMEP      BIT(7)
#define CPUID_EBX_SMAP      BIT(20)
#define CPUID_ECX_UMIP      BIT(2)
#define CPUID_EXTENDED_MAX  0x80000000 /* EAX: highest extended leaf */
#define CPUID_EXTENDED      0x80000001
#define CPUID_EDX_NX        BIT(20)
#define CPUID_EDX_GIB_PAGES BIT(26)
#define CPUID_EDX_LONG_MODE BIT(29)
#define CPUID_ADDRESS_SIZES 0x80000008 /* EAX[7:0]: physical width */

/* --- Descriptors (SDM 3A 3.4.5, 7.2.3, 6.14.1) ----------------------------------------------- */

#define SEGMENT_ACCESSED BIT(40)
#define SEGMENT_WRITABLE BIT(41) /* data */
#define SEGMENT_READABLE BIT(41) /* code */
#define SEGMENT_CODE     BIT(43)
#define SEGMENT_MEMORY   BIT(44)       /* code or data, not a system segment */
#define SEGMENT_USER     (3 * BIT(45)) /* privilege level 3 */
#define SEGMENT_PRESENT  BIT(47)
#define SEGMENT_LONG     BIT(53)       /* 64-bit code */
#define SEGMENT_TSS      (9 * BIT(40)) /* system type 9: available 64-bit TSS */
#define TSS_STACK_OFFSET 4             /* in a TSS: the stack of traps from user mode */

#define GATE_INTERRUPT (14 * BIT(40))  /* system type 14: clears RFLAGS.IF */
#define GATE_IST(n)    ((n) * BIT(32)) /* 1..7; 0 stays on the stack */

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS  0x18
/* SYSRET takes SS from 8 and CS from 16 behind the selector in MSR_STAR (SDM 2B, SYSRET). */
#define SELECTOR_SYSRET    0x20
#define SELECTOR_USER_DATA 0x2b /* the lowest bits are the privilege level: 3 */
#define SELECTOR_USER_CODE 0x33
#define PRIVILEGE_MASK     3

/* --- Exceptions and interrupts (SDM 3A 6.3.1) ------------------------------------------------ */

#define EXCEPTIONS 32 /* vectors 0..31 are the CPU's own */

/* Two 8259A interrupt controllers, the second behind line 2 of the first (Intel 8259A, 1988) */
#define PIC1_COMMAND 0x20
#define PIC1_DATA    0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA    0xa1
#define PIC_INIT     0x11 /* ICW1: edge-triggered, cascaded, ICW4 follows */
#define PIC_8086     0x01 /* ICW4 */
#define PIC_READ_ISR 0x0b /* OCW3: the next read gives the lines in service */
#define PIC_EOI      0x20 /* OCW2: end of the highest interrupt in service */
#define PIC_LINES    8
#define PIC_CASCADE  2
#define PIC_SPURIOUS 7  /* line on which a request that went away is reported */
#define IRQ_VECTOR   32 /* our choice: right above the exceptions */
#define IRQ_COUNT    16
#define IRQ_COM1     4

/* --- 16550A UART: COM1 (National Semiconductor PC16550D, 1995, section 8) -------------------- */

#define COM1                 0x3f8
#define UART_DATA            0 /* DLAB clear: data; set: divisor, low byte */
#define UART_INTERRUPTS      1 /* DLAB clear: interrupt enable; set: divisor, high byte */
#define UART_FIFO            2
#define UART_LINE            3
#define UART_MODEM           4
#define UART_STATUS          5
#define UART_SCRATCH         7
#define UART_INTERRUPT_DATA  0x01 /* received data is available */
#define UART_FIFO_ON_CLEAR   0x07 /* both FIFOs on and empty, interrupt at the first byte */
#define UART_FIFO_ON         0x01 /* interrupt at the first byte */
#define UART_FIFO_ON_DEEP    0xc1 /* interrupt at 14 bytes, or a pause */
#define UART_LINE_8N1        0x03
#define UART_LINE_DLAB       0x80
#define UART_MODEM_READY     0x0b /* DTR, RTS, and OUT2, which lets the interrupt out */
#define UART_STATUS_RECEIVED 0x01
#define UART_STATUS_ROOM     0x20 /* the transmit FIFO is empty */
#define UART_STATUS_IDLE     0x40 /* and so is the shift register */
#define UART_DIVISOR         1    /* 115200 baud */

/* --- QEMU's isa-debug-exit at iobase=0xf4; its exit status is 2 * code + 1 */

#define EXIT_PORT           0xf4
#define EXIT_CODE_FINISHED  0x10
#define EXIT_CODE_PANIC     0x11
#define EXIT_CODE_EXCEPTION 0x12
