/* A kernel in C++, with a Rust library linked to it; it answers each line with "ok". */
typedef unsigned char u8;
typedef unsigned short u16;

static void out(u16 port, u8 value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }

static u8 in(u16 port) {
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void print(const char *text) {
    for (; *text != 0; text++)
        out(0x3f8, (u8)*text);
}

namespace mem {
struct Region {
    unsigned long base, length;
} first = { 0x4000, 0x2000 };

unsigned char large[1 << 17];

static long free_frames = 77;

__attribute__((noinline)) long alloc(long count) { return free_frames -= count; }

/* Two functions of one name, and a class with methods. */
__attribute__((noinline, used)) long twice(long count) { return 2 * count; }
__attribute__((noinline, used)) long twice(const char *text) { return *text + *text; }

struct Heap {
    long used;
    long take(long size);
    void give(long size);
} heap;

__attribute__((noinline, used)) long Heap::take(long size) { return used += size; }
__attribute__((noinline, used)) void Heap::give(long size) { used -= size; }
}

extern "C" void kernel_main() {
    out(0x21, 0xff); /* interrupts are on, and none comes: so functions can be called from outside */
    out(0xa1, 0xff);
    __asm__ volatile("sti");
    print("mixed: up\r\n");
    for (;;) {
        print("mixed> ");
        for (u8 c = 0; c != '\n';) {
            while ((in(0x3fd) & 1) == 0) {}
            c = in(0x3f8);
            out(0x3f8, c);
        }
        print(mem::alloc(1) >= 0 ? "ok\r\n" : "no\r\n");
    }
}
