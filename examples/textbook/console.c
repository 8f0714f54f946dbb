/* The serial port, and what every kernel has to bring along. */
#include "kernel.h"

#define COM1      0x3f8
#define LINE      (COM1 + 5)
#define LINE_ROOM 0x20
#define LINE_DATA 0x01

static void outb(uint16_t port, uint8_t value) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t inb(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void console_init(void) {
    outb(COM1 + 3, 0x80); /* the divisor: 1, for 115200 baud */
    outb(COM1 + 0, 1);
    outb(COM1 + 3, 0x03); /* 8 bits, no parity, one stop bit */
    outb(COM1 + 2, 0x07); /* FIFO on, and empty */
    outb(COM1 + 4, 0x08); /* interrupts get out of the port, */
    outb(COM1 + 1, 0x01); /* one when there is something to read */
    outb(0x20, 0x11);     /* interrupt controllers: vectors from 0x20 on, */
    outb(0xa0, 0x11);
    outb(0x21, 0x20);
    outb(0xa1, 0x28);
    outb(0x21, 0x04);
    outb(0xa1, 0x02);
    outb(0x21, 0x01);
    outb(0xa1, 0x01);
    outb(0x21, 0xef); /* and only the serial port gets through, as 0x24 */
    outb(0xa1, 0xff);
}

char read_key(void) {
    asm volatile("cli");
    while (!(inb(LINE) & LINE_DATA)) {
        asm volatile("sti; hlt; cli"); /* nothing gets between sti and hlt */
    }
    return (char)inb(COM1);
}

void print(const char *text) {
    for (; *text != '\0'; text++) {
        while (!(inb(LINE) & LINE_ROOM)) {
        }
        outb(COM1, (uint8_t)*text);
    }
}

void print_number(uint64_t number) {
    char text[19] = "0x0000000000000000";
    for (int digit = 17; digit > 1; digit--, number >>= 4) {
        text[digit] = "0123456789abcdef"[number & 15];
    }
    print(text);
}

_Noreturn void panic(const char *text, uint64_t value) {
    print("panic: ");
    print(text);
    print(" ");
    print_number(value);
    print("\r\n");
    for (;;) {
        asm volatile("cli; hlt");
    }
}

void *memset(void *to, int byte, size_t length) {
    void *at = to;
    asm volatile("rep stosb" : "+D"(at), "+c"(length) : "a"(byte) : "memory");
    return to;
}

void *memcpy(void *to, const void *from, size_t length) {
    void *at = to;
    asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(length) : : "memory");
    return to;
}
