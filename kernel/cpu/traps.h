/*
 * IDT with all 32 exceptions, and the one interrupt in use (COM1's). An exception that nobody
 * claims prints the exception block and ends the machine.
 */
#pragma once

#include "base/types.h"

enum vector {
    VECTOR_DOUBLE_FAULT = 8,
    VECTOR_GENERAL_PROTECTION = 13,
    VECTOR_PAGE_FAULT = 14
};

/* What the entry stubs push. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss; /* pushed by the CPU */
};

void traps_init(void); /* needs descriptors_init (GDT, TSS with an IST stack for #DF) */

/* Called on a page fault with CR2 and the error code; 0 if it is resolved and the access is to be
 * retried, else a negative enum status. A fault inside the handler itself is nobody's. */
typedef int (*page_fault_handler)(vaddr_t address, uint64_t error);
void traps_set_page_fault_handler(page_fault_handler handler);

/*
 * Called with an exception that a program raised in user mode and nobody resolved; `address` is CR2
 * and `cause` what the page-fault handler said, DENIED for another exception. It does not return.
 */
typedef void (*user_trap_handler)(const struct trap_frame *frame, vaddr_t address, int cause);
void traps_set_user_trap_handler(user_trap_handler handler);
