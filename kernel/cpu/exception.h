/* The end by an exception that nobody claimed. */
#pragma once

#include "cpu/traps.h"

/* Print the exception block (grammar: kernel/console/README.md) and end the machine. An exception
 * on the way prints one line instead, and ends it. */
__attribute__((noreturn)) void exception_report(const struct trap_frame *frame, vaddr_t cr2);
