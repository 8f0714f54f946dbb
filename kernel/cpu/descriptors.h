/*
 * GDT with a code and a data segment for the kernel and for programs, and a TSS, which has a stack
 * of its own for #DF and the stack of what leaves user mode.
 */
#pragma once

#include "base/types.h"
#include "base/x86.h"

#define DOUBLE_FAULT_IST 1 /* slot of the TSS's interrupt stack table */

/* Operand of LGDT and LIDT (SDM 3A 2.4). */
struct __attribute__((packed)) table_pointer {
    uint16_t limit; /* offset of the last byte */
    uint64_t base;
};

struct __attribute__((packed)) tss { /* SDM 3A 7.7 */
    uint32_t reserved0;
    uint64_t privilege_stacks[3]; /* [0]: what a trap from user mode is pushed on */
    uint64_t reserved1;
    uint64_t interrupt_stacks[7]; /* IST 1..7 */
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map; /* offset; at the segment's end: there is none */
};
_Static_assert(sizeof(struct tss) == 104, "as the manual draws it");
_Static_assert(offsetof(struct tss, privilege_stacks) == TSS_STACK_OFFSET, "as assembly has it");

extern struct tss tss;

void descriptors_init(void);
