/* System calls for programs in C: one function each, with the kernel's meaning and results
 * (program/syscalls.h). */
#pragma once

#include "base/status.h"
#include "base/types.h"
#include "program/syscalls.h"

/* What a program is: called by start.S with the number that it was loaded with and its task's id;
 * what it returns is its exit code. */
uint64_t program_main(uint64_t number, uint64_t task);

static inline int64_t system_call(uint64_t call, uint64_t first, uint64_t second, uint64_t third,
                                  uint64_t fourth) {
    int64_t result;
    register uint64_t r10 __asm__("r10") = fourth;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(call), "D"(first), "S"(second), "d"(third), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

static inline int64_t call_write(const void *address, uint64_t length) {
    return system_call(CALL_WRITE, (uint64_t)address, length, 0, 0);
}
static inline int64_t call_map(uint64_t length, uint64_t kind, uint64_t rights) {
    return system_call(CALL_MAP, length, kind, rights, 0);
}
static inline int64_t call_map_at(uint64_t address, uint64_t length, uint64_t kind,
                                  uint64_t rights) {
    return system_call(CALL_MAP_AT, address, length, kind, rights);
}
static inline int64_t call_unmap(uint64_t address) {
    return system_call(CALL_UNMAP, address, 0, 0, 0);
}
static inline int64_t call_protect(uint64_t address, uint64_t rights) {
    return system_call(CALL_PROTECT, address, rights, 0, 0);
}
static inline int64_t call_resize(uint64_t address, uint64_t length) {
    return system_call(CALL_RESIZE, address, length, 0, 0);
}
static inline int64_t call_yield(void) {
    return system_call(CALL_YIELD, 0, 0, 0, 0);
}
static inline int64_t call_task(void) {
    return system_call(CALL_TASK, 0, 0, 0, 0);
}
