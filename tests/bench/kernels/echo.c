/*
 * The well-behaved kernel of the bench's own tests: a console that echoes what is typed and
 * answers a few commands, some of which make it misbehave on request. It shares nothing with
 * the in-tree kernel except the prompt, so that what passes here passes for any kernel.
 */
#include <stdint.h>

#define COM1 0x3f8

struct point {
    int32_t x;
    int32_t y;
};

enum mood {
    MOOD_BAD = -3,
    MOOD_GOOD = 0
};

volatile uint64_t counter = 41;
volatile uint8_t planted[16] = "known answers!!";
struct point origin = {3, -4};
static int echoing = 1;

static inline void out8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline void out16(uint16_t port, uint16_t value) {
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* Functions for the debugger to call; used, so that the linker keeps them. */
__attribute__((noinline, used)) uint64_t add(uint64_t a, uint64_t b) {
    return a + b;
}

__attribute__((noinline, used)) enum mood mood_of(uint64_t value) {
    return value > 9 ? MOOD_BAD : MOOD_GOOD;
}

__attribute__((noinline, used)) int negate(int value) {
    return -value;
}

__attribute__((noinline, used)) void *high_pointer(uint64_t offset) {
    return (void *)(UINT64_C(0xffff800000000000) + offset);
}

__attribute__((noinline, used)) void tick(void) {
    counter = counter + 1;
}

static void put(char c) {
    while ((in8(COM1 + 5) & 0x20) == 0) { /* QEMU drops what is sent before the last is gone */
    }
    out8(COM1, (uint8_t)c);
}

static void print(const char *text) {
    while (*text != '\0') {
        put(*text++);
    }
}

static char get(void) {
    while ((in8(COM1 + 5) & 1) == 0) {
    }
    return (char)in8(COM1);
}

static void read_line(char *line, unsigned size) {
    unsigned length = 0;
    for (char c = get(); c != '\n' && c != '\r'; c = get()) {
        if (length + 1 < size) {
            line[length++] = c;
            if (echoing) {
                put(c);
            }
        }
    }
    line[length] = '\0';
    if (echoing) {
        print("\r\n");
    }
}

static int same(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static void halt(void) {
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

static void triple_fault(void) {
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) none = {0, 0};
    __asm__ volatile("lidt %0; int3" ::"m"(none));
}

static void perform(const char *line) {
    if (same(line, "tick")) {
        tick();
        print("ok\r\n");
    } else if (same(line, "two")) {
        print("one\r\ntwo\r\n");
    } else if (same(line, "long")) {
        for (int i = 0; i < 2000; i++) {
            print("0123456789 ring> 0123456789\r\n");
        }
    } else if (same(line, "mute")) {
        echoing = 0;
        print("ok\r\n");
    } else if (same(line, "panic")) {
        print("!! panic asked for\r\n  at echo.c\r\n!! end\r\n");
        halt();
    } else if (same(line, "halfpanic")) {
        print("!! panic cut sho");
        halt();
    } else if (same(line, "fault")) {
        print("!! exception 14\r\n  cr2 0x1234\r\n!! end\r\n");
        halt();
    } else if (same(line, "hang")) {
        for (;;) {
        }
    } else if (same(line, "triple")) {
        triple_fault();
    } else if (same(line, "reset")) {
        out8(0x64, 0xfe);
        halt();
    } else if (same(line, "off")) {
        out16(0x604, 0x2000);
        halt();
    } else if (same(line, "exit")) {
        out8(0xf4, 3);
    } else if (line[0] != '\0') {
        print("said ");
        print(line);
        print("\r\n");
    }
}

void echo_main(void) {
    static char line[128];
    print("echo: up\r\n");
    for (;;) {
        print("ring> ");
        read_line(line, sizeof line);
        perform(line);
    }
}
