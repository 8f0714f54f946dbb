/*
 * Comes to a prompt, does what is right, and then by a letter each thing that is wrong, `A` all of
 * them. Each is a function of its own, so that findings are told by their places.
 */
#include "kernel.h"

#pragma GCC optimize("no-optimize-sibling-calls") /* who calls must be seen */

#define STACK 1024

#define WRONG __attribute__((noinline, used)) static void

static volatile uint64_t sum;
static uint64_t window_table[512] __attribute__((aligned(4096)));
static uint64_t window_directory[512] __attribute__((aligned(4096)));

/* The compiler is not to know what became of a block. */
static void *hidden(void *block) {
    __asm__ volatile("" : "+r"(block)::"memory");
    return block;
}

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

__attribute__((noinline)) void *memcpy(void *to, const void *from, size_t count) {
    volatile uint8_t *write = to;
    const volatile uint8_t *read = from;
    for (size_t i = 0; i < count; i++)
        write[i] = read[i];
    return to;
}

__attribute__((noinline)) void *memset(void *to, int byte, size_t count) {
    volatile uint8_t *write = to;
    for (size_t i = 0; i < count; i++)
        write[i] = (uint8_t)byte;
    return to;
}

/* -- right ------------------------------------------------------------------------------------- */

__attribute__((noinline)) static void *block_of(size_t size) {
    return kmalloc(size);
}

/* Frees by a jump: there is no CALL of kfree. */
__attribute__((noinline, optimize("optimize-sibling-calls"))) static void drop(void *block) {
    return kfree(block);
}

__attribute__((noinline)) static void work(void) {
    void *block = krealloc(kzalloc(24), 400);
    memset(block, 1, 400);
    kfree(block);
}

/* A task whose stack is a block of the heap's allocates on it. */
static void work_on_a_stack_of_its_own(void) {
    uint8_t *stack = kmalloc(STACK);
    __asm__ volatile("mov %%rsp, %%rbx\n\tmov %0, %%rsp\n\tcall *%1\n\tmov %%rbx, %%rsp"
                     :
                     : "r"(((uint64_t)stack + STACK) & ~15ull), "r"(work)
                     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc",
                       "memory");
    kfree(stack);
}

static void do_what_is_right(void) {
    work_on_a_stack_of_its_own();
    uint8_t *blocks[20];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++) {
            blocks[i] = i % 2 ? kzalloc(1 + 13 * i) : block_of(1 + 13 * i);
            memset(blocks[i], i, 1 + 13 * i);
            sum += blocks[i][13 * i];
        }
        for (int i = 0; i < 20; i += 3) {
            blocks[i] = krealloc(blocks[i], 300 + i);
            memset(blocks[i], i, 300 + i);
            memset(blocks[i], i, kusable(blocks[i]));
        }
        heap_walk();
        for (int i = 0; i < 20; i++)
            i % 2 ? drop(blocks[i]) : kfree(blocks[i]);
        heap_walk();
        uint64_t frames[8];
        for (int i = 0; i < 8; i++) {
            frames[i] = frame_alloc();
            memset((void *)(DIRECT + frames[i]), i, PAGE);
        }
        for (int i = 0; i < 8; i++)
            frame_free(frames[i]);
        sum += frames_free_count();
    }
}

/* -- wrong, of the heap ------------------------------------------------------------------------ */

WRONG write_behind(void) {
    uint8_t *block = hidden(kmalloc(40));
    block[40] = 1;
    kfree(block);
}

WRONG write_before(void) {
    uint8_t *block = hidden(kmalloc(40));
    block[-1] = 1;
    kfree(block);
}

WRONG read_half_behind(void) {
    uint8_t *block = hidden(kzalloc(44));
    sum += *(volatile uint64_t *)(block + 40);
    kfree(block);
}

WRONG copy_one_more(void) {
    static const char text[] = "sixteen letters!";
    char *block = hidden(kmalloc(sizeof(text) - 1));
    memcpy(block, text, sizeof(text));
    kfree(block);
}

WRONG use_after_free(void) {
    volatile uint64_t *block = hidden(kmalloc(64));
    block[1] = 1;
    kfree((void *)block);
    block[1] = 2;
}

WRONG read_after_realloc(void) {
    volatile uint8_t *old = hidden(kzalloc(24));
    void *blocker = kmalloc(8);
    void *moved = krealloc((void *)old, 500);
    sum += old[3];
    kfree(moved);
    kfree(blocker);
}

WRONG free_twice(void) {
    void *block = hidden(kmalloc(32));
    kfree(block);
    drop(block);
}

WRONG free_inside(void) {
    uint8_t *block = hidden(kmalloc(96));
    *(uint64_t *)block = 16; /* what the allocator takes for a size */
    kfree(block + 48);
    kfree(block);
}

WRONG read_unwritten(void) {
    volatile uint32_t *record = hidden(kmalloc(12));
    record[0] = 1;
    record[2] = 3;
    sum += record[0] + record[1] + record[2];
    kfree((void *)record);
}

/* -- wrong, of frames -------------------------------------------------------------------------- */

WRONG use_free_frame(void) {
    uint64_t frame = frame_alloc();
    volatile uint64_t *seen = hidden((void *)(DIRECT + frame));
    seen[9] = 1;
    frame_free(frame);
    seen[9] = 2;
}

WRONG use_free_mapping(void) {
    uint64_t frame = frame_alloc();
    volatile uint64_t *mapped = (void *)0x8000002000;
    uint64_t *root;
    __asm__ volatile("mov %%cr3, %0" : "=r"(root));
    root = (uint64_t *)((uint64_t)root + DIRECT);
    static uint64_t table[512] __attribute__((aligned(4096)));
    table[2] = frame | 3;
    window_table[0] = (uint64_t)table - IMAGE + 3;
    window_directory[0] = (uint64_t)window_table - IMAGE + 3;
    root[1] = (uint64_t)window_directory - IMAGE + 3;
    mapped[5] = 1;
    frame_free(frame);
    mapped[5] = 2;
}

WRONG free_frame_twice(void) {
    uint64_t frame = frame_alloc();
    frame_free(frame);
    frame_free(frame);
}

struct mistake {
    char letter;
    void (*make)(void);
};

static const struct mistake mistakes[] = {
    {'a', write_behind},   {'b', write_before},     {'c', read_half_behind},
    {'d', copy_one_more},  {'e', use_after_free},   {'f', read_after_realloc},
    {'g', free_twice},     {'h', free_inside},      {'i', read_unwritten},
    {'j', use_free_frame}, {'k', use_free_mapping}, {'l', free_frame_twice},
};

void kernel_main(void) {
    frames_init();
    do_what_is_right();
    print("> ");
    for (;;) {
        while ((in8(0x3fd) & 1) == 0)
            __asm__ volatile("pause");
        uint8_t typed = in8(0x3f8);
        out8(0x3f8, typed);
        for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
            if (typed == mistakes[i].letter || typed == 'A')
                mistakes[i].make();
        if (typed == '\r' || typed == '\n')
            print("\n> ");
    }
}
