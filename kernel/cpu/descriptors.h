/* GDT with a code and a data segment, and a TSS for one thing: a stack of its own for #DF. */
#pragma once

#include "base/types.h"

#define DOUBLE_FAULT_IST 1 /* slot of the TSS's interrupt stack table */

/* Operand of LGDT and LIDT (SDM 3A 2.4). */
struct __attribute__((packed)) table_pointer {
    uint16_t limit; /* offset of the last byte */
    uint64_t base;
};

void descriptors_init(void);
