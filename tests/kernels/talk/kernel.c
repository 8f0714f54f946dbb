/*
 * Kernels that talk in different ways, one for each WAY that it is compiled with. Each prints "up"
 * and then behaves as the function of its name says. The boot stub is that of the bench's tests.
 */
#include <stdint.h>

#ifndef COM
#define COM 0x3f8
#endif

static inline void out8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void put(char c) {
    while ((in8(COM + 5) & 0x20) == 0) {
    }
    out8(COM, (uint8_t)c);
}

static void print(const char *text) {
    while (*text != '\0') {
        put(*text++);
    }
}

__attribute__((unused)) static char get(void) {
    while ((in8(COM + 5) & 1) == 0) {
    }
    return (char)in8(COM);
}

__attribute__((noinline, used)) void stop(void) {
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

__attribute__((unused)) static void read_line(char *line) {
    int length = 0;
    for (char c = get(); c != '\n' && c != '\r'; c = get()) {
        if (length < 63) {
            line[length++] = c;
            put(c);
        }
    }
    line[length] = '\0';
    print("\r\n");
}

__attribute__((unused)) static int same(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

__attribute__((used)) static char line[64];

#ifdef SHELL /* a name and a word first; then a prompt that shows where one is, and questions */
static void talk(void) {
    static char place[64] = "/";
    print("name: ");
    read_line(line);
    print("word: ");
    read_line(line);
    for (;;) {
        print("\x1b[32mat:");
        print(place);
        print("\x1b[0m> ");
        read_line(line);
        if (line[0] == '/') {
            for (int i = 0; i < 64; i++) {
                place[i] = line[i];
            }
        } else if (same(line, "wipe")) {
            print("sure? ");
            read_line(line);
            print(same(line, "y") ? "wiped\r\n" : "kept\r\n");
        } else if (same(line, "alike")) {
            print("at:/> is no prompt\r\n[timer] tick\r\nat:/> nor this\r\n");
        } else {
            print("said ");
            print(line);
            print("\r\n");
        }
    }
}
#endif

#ifdef EDITOR /* the line is written again for every key, and a log comes in the middle */
static void talk(void) {
    int length = 0;
    for (;;) {
        print("\r\x1b[Ked> ");
        for (int i = 0; i < length; i++) {
            put(line[i]);
        }
        char c = get();
        if (c != '\n') {
            line[length++] = c;
            continue;
        }
        print("\r\r\nsaid ");
        line[length] = '\0';
        print(line);
        print("\r\r\n");
        length = 0;
    }
}
#endif

#ifdef TORN /* a log line comes in the middle of the echo, the prompt behind other text */
#ifndef ENDS
#define ENDS '\n'
#endif
static void talk(void) {
    print("heap... ok ");
    for (;;) {
        print("> ");
        int length = 0;
        for (char c = get(); c != ENDS; c = get()) {
            put(c);
            line[length++] = c;
            if (length == 3) {
                print("\r\n[timer] tick\r\n");
            }
        }
        line[length] = '\0';
        print("\r\nsaid ");
        print(line);
        print("\r\n");
    }
}
#endif

#ifdef SCREEN /* prints on the VGA screen, which scrolls, and reads the keyboard */
static volatile uint16_t *const cells = (uint16_t *)0xffffffff800b8000;
static int row, column;

static void show(const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '\n' || column == 80) {
            column = 0;
            if (++row == 25) {
                row = 24;
                for (int i = 0; i < 24 * 80; i++) {
                    cells[i] = cells[i + 80];
                }
                for (int i = 24 * 80; i < 25 * 80; i++) {
                    cells[i] = 0x0720;
                }
            }
        }
        if (*text != '\n') {
            cells[row * 80 + column++] = (uint16_t)(0x0700 | (uint8_t)*text);
        }
    }
}

static char key(void) {
    static const char plain[] =
        "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
    static const char upper[] =
        "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";
    static int shifted;
    for (;;) {
        if ((in8(0x64) & 1) == 0) {
            continue;
        }
        uint8_t code = in8(0x60);
        if ((code & 0x7f) == 0x2a) {
            shifted = code == 0x2a;
        } else if (code < sizeof plain - 1 && plain[code] != '\0') {
            return shifted ? upper[code] : plain[code];
        }
    }
}

static void talk(void) {
    for (int i = 0; i < 25 * 80; i++) {
        cells[i] = 0x0720;
    }
    for (;;) {
        show("vga> ");
        int length = 0;
        for (char c = key(); c != '\n'; c = key()) {
            line[length++] = c;
            line[length] = '\0';
            show(line + length - 1);
        }
        line[length] = '\0';
        show("\nsaid ");
        show(line);
        show("\n");
    }
}
#endif

#ifdef LOG /* only logs, on port 0xe9, and has no console */
#ifndef LAST
#define LAST "log: done\n"
#endif
__attribute__((noinline)) void log_done(void) {
    __asm__ volatile("");
}

static void talk(void) {
    for (const char *text = "log: heap\n" LAST; *text != '\0'; text++) {
        out8(0xe9, (uint8_t)*text);
    }
    log_done();
    stop();
}
#endif

#ifdef LOST /* goes on where there is no RAM, where zeros are read: add %al, (%rax) */
static void talk(void) {
    static char at;
    __asm__ volatile("jmp *%0" ::"r"(0xffffffffb0000000), "a"(&at));
}
#endif

#ifdef TESTS /* tests itself, and ends QEMU with the result */
static void talk(void) {
    print("test frames: ok\r\ntest heap: FAILED\r\ntest swap: skip\r\n");
    out8(0xf4, 0x11);
    stop();
}
#endif

#ifdef TALKS /* goes on talking, of what it does again and again */
static void talk(void) {
    print("heap at 0x1000\r\n");
    for (uint8_t turn = '0';; turn = turn == '9' ? '0' : turn + 1) {
        const char line[] = {'t', 'u', 'r', 'n', ' ', (char)turn, '\r', '\n', '\0'};
        print(line);
        for (volatile int wait = 0; wait < 100000; wait++) {
        }
    }
}
#endif

#ifdef WRITER /* writes a sector of its second disk, by programmed I/O */
static void talk(void) {
    static uint16_t words[256] = {0x4141};
    out8(0x1f6, DRIVE);
    out8(0x1f2, 1);
    out8(0x1f3, 0);
    out8(0x1f4, 0);
    out8(0x1f5, 0);
    out8(0x1f7, 0x30);
    while ((in8(0x1f7) & 0x88) != 0x08) {
    }
    for (int i = 0; i < 256; i++) {
        __asm__ volatile("outw %0, %1" ::"a"(words[i]), "Nd"((uint16_t)0x1f0));
    }
    out8(0x1f7, 0xe7);
    while (in8(0x1f7) & 0x80) {
    }
    for (;;) {
        print("> ");
        read_line(line);
        out8(0x1f6, DRIVE);
        out8(0x1f2, 1);
        out8(0x1f3, 0);
        out8(0x1f7, 0x20);
        while ((in8(0x1f7) & 0x88) != 0x08) {
        }
        uint16_t first = 0;
        for (int i = 0; i < 256; i++) {
            uint16_t word;
            __asm__ volatile("inw %1, %0" : "=a"(word) : "Nd"((uint16_t)0x1f0));
            first = i == 0 ? word : first;
        }
        print(first == 0x4141 ? "written\r\n" : "clean\r\n");
    }
}
#endif

void echo_main(void) {
    print("up\r\n");
    talk();
}
