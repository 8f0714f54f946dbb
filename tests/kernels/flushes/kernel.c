/*
 * A kernel that forgets to flush translations, in as many ways as there are. Each is a command, by
 * the name that trials.c has it under; the right way to do the same has a name with "well" in it.
 */
#include "kernel.h"

entry_t window_pdpt[512] __attribute__((aligned(4096)));
entry_t window_pd[512] __attribute__((aligned(4096)));
entry_t window_pt[512] __attribute__((aligned(4096)));
entry_t spare_pdpt[512] __attribute__((aligned(4096)));
entry_t spare_pd[512] __attribute__((aligned(4096)));
entry_t spare_pt[512] __attribute__((aligned(4096)));
entry_t other_root[512] __attribute__((aligned(4096)));
uint8_t frames[16][PAGE] __attribute__((aligned(4096)));

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

static bool equal(const char *left, const char *right) {
    while (*left && *left == *right) {
        left++;
        right++;
    }
    return *left == *right;
}

static void allow_no_execute(void) {
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0xc0000080));
    __asm__ volatile("wrmsr" ::"a"(low | 0x800), "d"(high), "c"(0xc0000080));
}

/* Flush everything, global or not. */
static void flush_all(void) {
    load_cr4(read_cr4() & ~(uint64_t)CR4_PGE);
    load_cr4(read_cr4() | CR4_PGE);
}

static void make_window(void) {
    top_table[384] = 0;
    flush_all();
    for (int i = 0; i < 512; i++) {
        window_pdpt[i] = window_pd[i] = window_pt[i] = 0;
        spare_pdpt[i] = spare_pd[i] = spare_pt[i] = 0;
    }
    for (int i = 0; i < 512; i++)
        other_root[i] = top_table[i];
    for (int i = 0; i < 8; i++)
        window_pt[i] = physical(frames[i]) | WRITE;
    window_pd[0] = physical(window_pt) | WRITE;
    window_pdpt[0] = physical(window_pd) | WRITE;
    top_table[384] = physical(window_pdpt) | WRITE;
}

static void perform(const char *name) {
    for (const struct trial *each = trials; each->name; each++) {
        if (equal(each->name, name)) {
            make_window();
            each->perform();
            flush_all();
            print("done\n");
            return;
        }
    }
    print("no such trial\n");
}

static char line[64];

static void read_line(void) {
    for (unsigned int length = 0;;) {
        while ((in8(0x3fd) & 1) == 0)
            __asm__ volatile("pause");
        uint8_t typed = in8(0x3f8);
        out8(0x3f8, typed);
        if (typed == '\n' || typed == '\r') {
            line[length] = 0;
            return;
        }
        if (length < sizeof(line) - 1)
            line[length++] = (char)typed;
    }
}

void kernel_main(void) {
    allow_no_execute();
    for (;;) {
        print("> ");
        read_line();
        perform(line);
    }
}
