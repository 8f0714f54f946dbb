/*
 * A kernel whose conditions are known. What a comment says of a line: the ways that its conditional
 * jumps go until the prompt ("both", "one"), "never" that it does not run at all.
 */
#include <stdint.h>

#define SEPARATE __attribute__((noinline, used))

volatile uint64_t counter;

static inline void out8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

SEPARATE static void tick(uint64_t amount) {
    counter += amount;
}

SEPARATE static void both_ways(uint64_t value) {
    if (value > 3) /* both */
        tick(value);
}

SEPARATE static void one_way(uint64_t value) {
    if (value > 3)   /* one */
        tick(value); /* never */
}

SEPARATE static void two_on_a_line(uint64_t value, uint64_t other) {
    if (value > 3 && other > 3) /* three of four */
        tick(value);            /* never */
}

SEPARATE static void not_called(uint64_t value) {
    if (value > 3)   /* never */
        tick(value); /* never */
}

SEPARATE static void fall(void) {
    counter = 1;
    *(volatile uint64_t *)0xffffffffc0000000 = 1;
    counter = 2; /* never */
}

void kernel_main(void) {
    both_ways(1);
    both_ways(7);
    one_way(1);
    two_on_a_line(1, 1);
    two_on_a_line(7, 1);
    out8(0x3f8, '>');
    out8(0x3f8, ' ');
    for (;;) {
        while ((in8(0x3fd) & 1) == 0)
            __asm__ volatile("pause");
        uint8_t typed = in8(0x3f8);
        if (typed == 'f')
            fall();
        if (typed == 'n')
            not_called(typed);
    }
}
