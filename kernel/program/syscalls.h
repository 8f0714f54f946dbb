/*
 * The system calls: a number in RAX, arguments in RDI, RSI, RDX, R10, by the instruction SYSCALL.
 * The result is in RAX, a negative enum status for an error, which changes nothing; RCX and R11 are
 * lost, all other registers kept. A region of its space that is for the kernel alone, or of
 * physical memory, which only the console can make, is DENIED to a program. Kernel and programs
 * share this file, which includes nothing.
 */
#pragma once

enum system_call {
    CALL_EXIT = 0,    /* CODE: end the program; does not return */
    CALL_WRITE = 1,   /* ADDRESS LENGTH: print 1 to WRITE_MAX bytes; OUT_OF_RANGE: more */
    CALL_MAP = 2,     /* LENGTH KIND RIGHTS: vm_alloc; the address */
    CALL_MAP_AT = 3,  /* ADDRESS LENGTH KIND RIGHTS: vm_alloc_at */
    CALL_UNMAP = 4,   /* ADDRESS: vm_free */
    CALL_PROTECT = 5, /* ADDRESS RIGHTS: vm_protect */
    CALL_RESIZE = 6,  /* ADDRESS LENGTH: vm_resize */
    CALL_YIELD = 7,   /* the next program has its turn */
    CALL_TASK = 8,    /* the task's id: the call that does least */
    CALL_COUNT = 9,   /* any other number: UNSUPPORTED */
};

#define WRITE_MAX 4096

/* KIND is ANONYMOUS (0), DEMAND (1) or GUARD (3) of enum vm_kind; DENIED: PHYSICAL (2), SHARED (4),
 * PRIVATE (5).
 * RIGHTS are those two, not both, of enum page_flags: */
#define RIGHT_WRITE   1
#define RIGHT_EXECUTE 4
