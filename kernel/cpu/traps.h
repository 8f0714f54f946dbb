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

enum access {
    ACCESS_READ,
    ACCESS_WRITE,
    ACCESS_EXECUTE
};

struct access_fault {
    uint32_t vector; /* VECTOR_PAGE_FAULT, or VECTOR_GENERAL_PROTECTION if not canonical */
    uint32_t error;  /* the CPU's error code */
    int32_t cause;   /* #PF: what the page-fault handler said; #GP: STATUS_NON_CANONICAL */
};

/*
 * Access one byte at `address` through the active root: read it; write it without changing it;
 * or call it, if it reads as a RET (0xc3) instruction.
 * Page faults are resolved like any other. Errors: FAULT, described in *fault; DENIED (EXECUTE, and
 * the byte is readable but no RET).
 */
int cpu_access(vaddr_t address, enum access access, struct access_fault *fault);

/* "page_fault" and so on; "reserved" for a vector without a meaning, or none of the CPU's. */
const char *vector_name(uint64_t vector);

/* Print the exception block (grammar: kernel/console/README.md) and end the machine. An exception
 * on the way prints one line instead, and ends it. */
__attribute__((noreturn)) void exception_report(const struct trap_frame *frame, vaddr_t cr2);
