/* A kernel that runs wherever it is put: it counts the lines that it hears. */
#include <stdint.h>

#define COM1 0x3f8

struct line {
    uint32_t length;
    uint32_t number;
} last = {0, 40};
static uint64_t counter = 40;

static void out(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void print(const char *text) {
    for (; *text != 0; text++)
        out(COM1, (uint8_t)*text);
}

__attribute__((noinline)) uint64_t count(uint32_t length) {
    last.length = length;
    last.number++;
    return ++counter;
}

__attribute__((noinline)) void crash(void) {
    __builtin_trap();
}

void kernel_main(void) {
    print("moved: up\r\n");
    for (;;) {
        print("moved> ");
        uint32_t length = 0;
        for (char c = 0; c != '\n'; length += c != '\n') {
            while ((in(COM1 + 5) & 1) == 0) {
            }
            c = (char)in(COM1);
            out(COM1, (uint8_t)c);
        }
        if (length == 7)
            crash();
        print(count(length) != 0 ? "ok\r\n" : "no\r\n");
    }
}
