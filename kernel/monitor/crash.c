/*
 * Each crash is made of instructions that the compiler takes as they stand: C that divides by zero
 * or recurses for ever is undefined, and gets optimised into something else.
 */
#include "monitor/crash.h"

#include "base/string.h"
#include "cpu/panic.h"
#include "cpu/print.h"

#define UNMAPPED_ADDRESS                                                    \
    0xdead0000UL /* in the task's half, where the kernel's root has nothing \
                  */

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
        __asm__ volatile("pause");
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

/* If `text` begins with the word `word`. */
static bool begins_with_word(const char *text, const char *word) {
    size_t length = strlen(word);
    for (size_t i = 0; i < length; i++) {
        if (text[i] != word[i]) {
            return false;
        }
    }
    return text[length] == '\0' || text[length] == ' ';
}

/* What follows `crash=` in the command line, or NULL. */
static const char *requested_kind(const char *command_line) {
    static const char key[] = "crash=";
    bool at_word = true;
    for (const char *at = command_line; *at != '\0'; at++) {
        size_t i = 0;
        while (at_word && key[i] != '\0' && at[i] == key[i]) {
            i++;
        }
        if (at_word && key[i] == '\0') {
            return at + i;
        }
        at_word = *at == ' ';
    }
    return NULL;
}

void crash_on_request(const char *command_line) {
    const char *kind = requested_kind(command_line);
    if (kind == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) {
        if (begins_with_word(kind, crashes[i].kind)) {
            crashes[i].crash();
        }
    }
    print("no such crash: %s\n", kind);
}
