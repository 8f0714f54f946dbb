/* Accesses that may fault: one byte, and how the fault comes back as a status. */
#pragma once

#include "cpu/traps.h"

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

/* --- For the trap handler (traps.c) --- */

/*
 * If the trap comes from the access that cpu_access is making, note it as that access's fault, make
 * the trap return to where cpu_access goes on, and return true. `cause` is for struct access_fault.
 */
bool access_claim(struct trap_frame *frame, int32_t cause);

/* Whether the access under way is to fault rather than to have its page fault resolved. */
bool access_is_peek(void);
