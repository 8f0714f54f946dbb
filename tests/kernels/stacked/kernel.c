/*
 * A kernel that does with its stacks what it should not, and what only looks so. A letter at its
 * prompt performs one: small letters are wrong, capital ones are not. The line that is to be named
 * is marked with the letter.
 */
#include <stdint.h>

#pragma GCC optimize("no-optimize-sibling-calls")

#define SEPARATE __attribute__((noinline, used))

extern uint8_t neighbour_stack[], small_stack[], small_stack_top[];
uint64_t return_address;

void call_on(uint8_t *top, void (*function)(uint64_t), uint64_t argument);
void jump_by_ret(void (*target)(void));
void jump_by_thunk(void (*target)(void));
void landing(void);
void large_frame(void);

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

SEPARATE static void nothing(void) {
    __asm__ volatile("");
}

SEPARATE static void descend(uint64_t depth) {
    volatile uint64_t local[4] = {depth}; /* a */
    if (depth)
        descend(local[0] - 1);
    local[1] = 0;
}

/* As deep as there is room for, then a frame that is larger than what is left. */
SEPARATE static void descend_and_reach(uint64_t depth) {
    volatile uint64_t local[4] = {depth};
    if (depth)
        descend_and_reach(local[0] - 1);
    else
        large_frame();
    local[1] = 0;
}

SEPARATE static void descend_and_leave(uint64_t depth) {
    volatile uint64_t local[4] = {depth};
    if (depth)
        descend_and_leave(local[0] - 1);
    else
        call_on(small_stack, descend, 3); /* the neighbour's top */
    local[1] = 0;
}

/* The place of a return address: behind RBP, which is where this frame begins. */
static inline volatile uint64_t *place(void *frame) {
    return (volatile uint64_t *)frame + 1;
}

SEPARATE static void bend_own(void) {
    volatile uint64_t *at = place(__builtin_frame_address(0));
    return_address = *at;
    *at = (uint64_t)landing; /* stored: c */
    nothing();
} /* c */

SEPARATE static void overrun(volatile uint64_t *array, int count) {
    for (int i = 0; i < count; i++)
        array[i] = (uint64_t)landing; /* stored: d */
}

SEPARATE static void bend_callers(void) {
    volatile uint64_t *at = place(__builtin_frame_address(0));
    return_address = *at;
    overrun(at, 1);
} /* d */

SEPARATE static void put_back(void) {
    volatile uint64_t *at = place(__builtin_frame_address(0));
    uint64_t right = *at;
    *at = 0;
    nothing();
    *at = right;
}

static void perform(char letter) {
    switch (letter) {
    case 'a':
        call_on(small_stack_top, descend, 60);
        break;
    case 'b':
        call_on(small_stack_top, descend_and_reach, 16);
        break;
    case 'c':
        bend_own();
        break;
    case 'd':
        bend_callers();
        break;
    case 'A':
        call_on(small_stack_top, descend, 36);
        break;
    case 'B':
        call_on(small_stack_top, descend_and_leave, 38);
        break;
    case 'C':
        put_back();
        break;
    case 'D':
        jump_by_ret(nothing);
        break;
    case 'E':
        jump_by_thunk(nothing);
        break;
    default:
        break;
    }
}

void kernel_main(void) {
    char letter = 0;
    print("> ");
    for (;;) {
        while ((in8(0x3fd) & 1) == 0)
            __asm__ volatile("pause");
        uint8_t typed = in8(0x3f8);
        out8(0x3f8, typed);
        if (typed == '\r' || typed == '\n') {
            perform(letter);
            print("done\n> ");
        }
        letter = (char)typed;
    }
}
