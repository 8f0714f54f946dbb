/*
 * A kernel whose functions are called from outside: some do as they should, each other one ends the
 * kernel in a way of its own. Between lines it sleeps in HLT with interrupts on, on a small stack.
 */
#include <stdint.h>

#pragma GCC optimize("no-optimize-sibling-calls") /* who calls must be seen */

#define CALLED   __attribute__((noinline, used))
#define UNMAPPED 0xffffffff90000008u
#define BLOCKS   64

typedef uint64_t word;

extern word top_table[];
extern void on_exception(void), on_clock(void), on_serial(void);

volatile word ticks;

static struct __attribute__((packed)) {
    uint16_t low, selector;
    uint8_t ist, type;
    uint16_t middle;
    uint32_t high, zero;
} idt[256];

static inline void out8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void print(const char *text) {
    for (; *text; text++) {
        while ((in8(0x3fd) & 0x20) == 0) {
        }
        out8(0x3f8, (uint8_t)*text);
    }
}

static int same(const char *a, const char *b) {
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static int interrupts_are_on(void) {
    word flags;
    __asm__ volatile("pushfq; pop %0" : "=r"(flags));
    return (flags >> 9) & 1;
}

__attribute__((noinline, noreturn)) static void stop(void) {
    for (;;)
        __asm__ volatile("cli; hlt");
}

__attribute__((noinline, noreturn)) static void panic(const char *why) {
    print("!! panic ");
    print(why);
    print("\r\n!! end\r\n");
    stop();
}

__attribute__((noreturn, used)) void exception(void) {
    print("!! exception\r\n!! end\r\n");
    stop();
}

/* -- what does as it should ---------------------------------------------------------------- */

CALLED word sum(word a, word b, word c, word d, word e, word f) {
    return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * f;
}

CALLED word same_word(word a) {
    return a;
}

static char blocks[BLOCKS][64] __attribute__((aligned(64)));
static char taken[BLOCKS];
word used_blocks;

CALLED void *take(void) {
    for (int i = 0; i < BLOCKS; i++)
        if (!taken[i]) {
            taken[i] = 1;
            used_blocks++;
            return blocks[i];
        }
    return 0;
}

CALLED int give_back(void *block) {
    long i = ((char (*)[64])block) - blocks;
    if (i < 0 || i >= BLOCKS || !taken[i])
        return -1;
    taken[i] = 0;
    used_blocks--;
    return 0;
}

CALLED word read_word(const word *address) {
    return *address;
}

CALLED int only_with_interrupts(void) {
    if (!interrupts_are_on())
        panic("assertion failed in mutex_acquire: interrupts are off");
    return 1;
}

CALLED int lets_interrupts_in(void) {
    __asm__ volatile("sti");
    return 1;
}

CALLED int tells_interrupts(void) {
    return interrupts_are_on();
}

CALLED word waits_for_ticks(word count) {
    word end = ticks + count;
    while (ticks < end) {
    }
    return ticks;
}

CALLED word stack_pointer(void) {
    return (word)__builtin_frame_address(0);
}

CALLED void talk(word times) {
    while (times--)
        print("twenty letters, yes\n");
}

/* -- and what does not --------------------------------------------------------------------- */

CALLED void panics(void) {
    panic("asked for");
}

CALLED void halts(void) {
    stop();
}

CALLED void spins(void) {
    for (;;) {
    }
}

CALLED void deep(word n) {
    volatile char room[256];
    room[0] = (char)n;
    if (n)
        deep(n - 1);
    room[1] = room[0];
}

CALLED void breaks_everything(void) {
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) none = {0, 0};
    __asm__ volatile("lidt %0; ud2" ::"m"(none));
}

static word other_root[512] __attribute__((aligned(4096)));

CALLED void goes_elsewhere(void) { /* to an address space with the upper half alone */
    word *root = (word *)((word)top_table + 0xffffffff80000000u);
    for (int i = 256; i < 512; i++)
        other_root[i] = root[i];
    __asm__ volatile("mov %0, %%cr3" ::"r"((word)other_root - 0xffffffff80000000u) : "memory");
}

/* -- the console --------------------------------------------------------------------------- */

static void set_gate(int vector, void (*handler)(void)) {
    word to = (word)handler;
    idt[vector].low = (uint16_t)to;
    idt[vector].selector = 8;
    idt[vector].type = 0x8e;
    idt[vector].middle = (uint16_t)(to >> 16);
    idt[vector].high = (uint32_t)(to >> 32);
}

static void set_up(void) {
    struct __attribute__((packed)) {
        uint16_t limit;
        word base;
    } pointer = {sizeof idt - 1, (word)idt};
    for (int i = 0; i < 32; i++)
        set_gate(i, on_exception);
    set_gate(32, on_clock);
    set_gate(36, on_serial);
    __asm__ volatile("lidt %0" ::"m"(pointer));
    static const uint8_t programme[][2] = {
        {0x20, 0x11}, {0x21, 32}, {0x21, 4}, {0x21, 1}, {0x21, 0xef}, {0xa1, 0xff},
    };
    for (unsigned i = 0; i < sizeof programme / sizeof programme[0]; i++)
        out8(programme[i][0], programme[i][1]);
    out8(0x3f9, 1);
    out8(0x3fc, 0x0b);
}

static int stays_open; /* to interrupts, also when it does not sleep */

CALLED void idle(void) {
    if (stays_open)
        __asm__ volatile("sti; nop; hlt");
    else
        __asm__ volatile("sti; hlt; cli");
}

static char get(void) {
    for (;;) {
        while ((in8(0x3fd) & 1) == 0)
            idle();
        char c = (char)in8(0x3f8);
        if (c)
            return c;
    }
}

static void read_line(char *line, unsigned size) {
    unsigned length = 0;
    for (char c = get(); c != '\n' && c != '\r'; c = get())
        if (length + 1 < size)
            line[length++] = c;
    line[length] = 0;
}

static void start_second(void) { /* which runs in a loop of two bytes, at 0x8000 */
    volatile uint32_t *apic = (uint32_t *)0xffff8000fee00000;
    volatile uint8_t *code = (uint8_t *)0xffff800000008000;
    code[0] = 0xeb;
    code[1] = 0xfe;
    apic[0x310 / 4] = 1 << 24;
    apic[0x300 / 4] = 0x4500; /* INIT */
    for (volatile int n = 0; n < 1000000; n++) {
    }
    apic[0x300 / 4] = 0x4608; /* start at page 8 */
    for (volatile int n = 0; n < 1000000; n++) {
    }
}

static void perform(const char *line) {
    if (same(line, "open")) {
        stays_open = 1;
    } else if (same(line, "clock")) {
        out8(0x40, 0); /* 18 times a second would do, and 1000 are quicker */
        out8(0x43, 0x34);
        out8(0x40, 0xa9);
        out8(0x40, 4);
        out8(0x21, 0xee);
    } else if (same(line, "second")) {
        start_second();
    } else if (same(line, "full")) { /* leaves no entry of the root unused */
        word *root = (word *)((word)top_table + 0xffffffff80000000u);
        for (int i = 0; i < 512; i++)
            root[i] |= 2;
    } else if (same(line, "xsave")) { /* has all vector registers, with what saves them */
        word cr4;
        __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
        __asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | 1 << 18));
        __asm__ volatile("xsetbv" ::"a"(7), "d"(0), "c"(0));
    } else if (same(line, "deaf")) {
        out8(0x21, 0xff); /* nothing wakes it any more */
    } else if (same(line, "over")) {
        print("ok\r\nring> ");
        stop(); /* with interrupts off: it waits for nothing */
    }
    print("ok\r\n");
}

void called_main(void) {
    static char line[64];
    set_up();
    print("called: up\r\n");
    for (;;) {
        print("ring> ");
        read_line(line, sizeof line);
        perform(line);
    }
}
