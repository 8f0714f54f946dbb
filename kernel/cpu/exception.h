/* Exceptions by name, and the end by one that nobody claimed. */
#pragma once

#include "cpu/traps.h"

/* "page_fault" and the like; "reserved" for a vector without a meaning, or none of the CPU's. */
const char *vector_name(uint64_t vector);

/* Print the exception block (grammar: kernel/console/README.md) and end the machine. An exception
 * on the way prints one line instead, and ends it. */
__attribute__((noreturn)) void exception_report(const struct trap_frame *frame, vaddr_t cr2);
