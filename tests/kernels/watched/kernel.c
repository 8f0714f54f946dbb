/*
 * A kernel whose variables are written in all ways: by their own address and by another, with every
 * width, on a second stack that two tasks take turns on, in a deep recursion. Then it comes to a
 * prompt; `fall` ends it by a page fault that it has no handler for.
 */
#include <stdint.h>

#pragma GCC optimize("no-optimize-sibling-calls") /* who calls must be seen */

#define ALIAS  0xffff800000000000u
#define IMAGE  0xffffffff80000000u
#define UNUSED __attribute__((noinline, used))

volatile uint8_t widths[16] __attribute__((aligned(16)));
volatile uint64_t mirrored, only_by_alias, by_tasks, at_the_bottom, never;
static uint64_t kept_main, kept_task, task_stack[512];

void switch_stacks(uint64_t *keep, uint64_t other);

static inline void out8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void print(const char *text) {
    for (; *text; text++)
        out8(0x3f8, (uint8_t)*text);
}

static volatile uint64_t *alias_of(volatile uint64_t *variable) {
    return (volatile uint64_t *)((uint64_t)variable - IMAGE + ALIAS);
}

UNUSED static void write_widths(void) {
    widths[15] = 0x11;
    *(volatile uint16_t *)(widths + 12) = 0x2222;
    *(volatile uint32_t *)(widths + 8) = 0x33333333;
    *(volatile uint64_t *)widths = 0x4444444444444444;
    __asm__ volatile("incb %0" : "+m"(widths[0])); /* reads, and writes once */
}

UNUSED static void write_by_alias(void) {
    mirrored = 1;
    *alias_of(&mirrored) = 2;
    *alias_of(&only_by_alias) = 3;
}

UNUSED static void task_writes(uint64_t value) {
    by_tasks = value;
}

static void task(void) {
    task_writes(1);
    switch_stacks(&kept_task, kept_main);
    task_writes(2);
    switch_stacks(&kept_task, kept_main);
}

UNUSED static void take_turns(void) {
    task_stack[510] = (uint64_t)task; /* below it, two registers that do not matter */
    kept_task = (uint64_t)&task_stack[508];
    switch_stacks(&kept_main, kept_task);
    task_writes(10);
    switch_stacks(&kept_main, kept_task);
}

UNUSED static uint64_t descend(uint64_t depth) {
    if (depth == 0) {
        at_the_bottom = 1;
        return 0;
    }
    return descend(depth - 1) + 1;
}

void kernel_main(void) {
    write_widths();
    write_by_alias();
    take_turns();
    at_the_bottom = descend(40);
    print("> ");
    for (;;) {
        while ((in8(0x3fd) & 1) == 0)
            __asm__ volatile("pause");
        uint8_t typed = in8(0x3f8);
        out8(0x3f8, typed);
        if (typed == 'f')
            *(volatile uint64_t *)0xffffffffc0000000 = 1;
        if (typed == '\r' || typed == '\n')
            print("\n> ");
    }
}
