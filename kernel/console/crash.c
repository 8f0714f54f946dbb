/*
 * Each crash is made of instructions that the compiler takes as they stand: C that divides by zero
 * or recurses for ever is undefined, and gets optimised into something else.
 */
#include "console/crash.h"

#include "base/option.h"
#include "base/string.h"
#include "cpu/instructions.h"
#include "cpu/panic.h"
#include "cpu/print.h"

/* In the task's half, where the kernel's root has nothing. */
#define UNMAPPED_ADDRESS 0xdead0000UL

static void crash_panic(void) {
    panic("asked for with crash=panic");
}

static void crash_divide(void) {
    uint32_t low = 1;
    uint32_t high = 0;
    __asm__ volatile("div %2" : "+a"(low), "+d"(high) : "r"(0) : "cc");
}

static void crash_opcode(void) {
    __asm__ volatile("ud2");
}

static void crash_pagefault(void) {
    __asm__ volatile("movb $1, (%0)" : : "r"(UNMAPPED_ADDRESS) : "memory");
}

/* Push until the stack pointer is in the guard page: the fault's own push faults too. */
static void crash_stack(void) {
    __asm__ volatile("1: pushq %%rax\n"
                     "   jmp 1b"
                     :
                     :
                     : "memory");
}

/* No IDT: the breakpoint cannot be delivered, nor the fault from that, nor the one from that. */
static void crash_triple(void) {
    static const struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } no_table = {0, 0};
    __asm__ volatile("lidt %0\n"
                     "int3"
                     :
                     : "m"(no_table));
}

static void crash_hang(void) {
    for (;;) {
        spin_wait();
    }
}

static void crash_halfline(void) {
    print("this line does not");
    crash_hang();
}

static const struct {
    const char *kind;
    void (*crash)(void);
} crashes[] = {
    {"panic", crash_panic},         {"divide", crash_divide},     {"opcode", crash_opcode},
    {"pagefault", crash_pagefault}, {"stack", crash_stack},       {"triple", crash_triple},
    {"hang", crash_hang},           {"halfline", crash_halfline},
};

/* Whether an option's value is the word `word`. */
static bool is_word(const char *value, const char *word) {
    size_t length = option_length(value);
    return strlen(word) == length && memcmp(value, word, length) == 0;
}

void crash_on_request(const char *command_line) {
    const char *kind = option_find(command_line, "crash=");
    if (kind == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) {
        if (is_word(kind, crashes[i].kind)) {
            crashes[i].crash();
        }
    }
    print("no such crash: %s\n", kind);
}
