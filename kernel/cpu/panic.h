/* The end: print one block (grammar: kernel/console/README.md), leave through QEMU's exit device if
 * there is one, else stop for ever. */
#pragma once

#include "base/types.h"
#include "base/x86.h"

__attribute__((noreturn, format(printf, 3, 4))) void panic_at(const char *file, int line,
                                                              const char *format, ...);

#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)

/* A broken invariant, by the text of its condition. */
#define ASSERT(condition)            \
    do {                             \
        if (!(condition)) {          \
            panic("%s", #condition); \
        }                            \
    } while (0)

enum exit_code {
    EXIT_FINISHED = EXIT_CODE_FINISHED,
    EXIT_PANIC = EXIT_CODE_PANIC,
    EXIT_EXCEPTION = EXIT_CODE_EXCEPTION,
};

/* Leave through the exit device; without one: ACPI shut-down is not attempted, spin with `hlt`. */
__attribute__((noreturn)) void machine_exit(enum exit_code code);

/*
 * Print "!! backtrace" lines: `rip`, then the callers along the frame-pointer chain from `frame`;
 * at most 16. A caller's address is that of its call's last byte: the return address may be the
 * next function's.
 */
void print_backtrace(uint64_t rip, uint64_t frame);
