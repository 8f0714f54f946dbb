#include "base/x86.h"
#include "cpu/descriptors.h"

static uint8_t double_fault_stack[KIB(8)] __attribute__((aligned(16)));

struct tss tss = {.io_map = sizeof(tss)};

static uint64_t gdt[] = {
    [0] = 0,
    [SELECTOR_CODE / 8] = SEGMENT_PRESENT | SEGMENT_MEMORY | SEGMENT_CODE | SEGMENT_READABLE |
                          SEGMENT_LONG | SEGMENT_ACCESSED,
    [SELECTOR_DATA / 8] = SEGMENT_PRESENT | SEGMENT_MEMORY | SEGMENT_WRITABLE | SEGMENT_ACCESSED,
    [SELECTOR_TSS / 8] = 0, /* 16 bytes: two entries */
    [SELECTOR_TSS / 8 + 1] = 0,
    [SELECTOR_USER_DATA / 8] =
        SEGMENT_PRESENT | SEGMENT_MEMORY | SEGMENT_WRITABLE | SEGMENT_USER | SEGMENT_ACCESSED,
    [SELECTOR_USER_CODE / 8] = SEGMENT_PRESENT | SEGMENT_MEMORY | SEGMENT_CODE | SEGMENT_READABLE |
                               SEGMENT_LONG | SEGMENT_USER | SEGMENT_ACCESSED,
};

static void load_gdt(void) {
    struct table_pointer pointer = {sizeof(gdt) - 1, (uint64_t)gdt};
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t" /* CS is loaded by a far return only */
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %2, %%ds\n\t"
                     "movl %2, %%es\n\t"
                     "movl %2, %%ss"
                     :
                     : "m"(pointer), "i"(SELECTOR_CODE), "r"(SELECTOR_DATA)
                     : "rax", "memory");
}

void descriptors_init(void) {
    uint64_t base = (uint64_t)&tss;
    tss.interrupt_stacks[DOUBLE_FAULT_IST - 1] =
        (uint64_t)double_fault_stack + sizeof(double_fault_stack);
    gdt[SELECTOR_TSS / 8] = SEGMENT_PRESENT | SEGMENT_TSS | (sizeof(tss) - 1) |
                            (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
    gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
    load_gdt();
    __asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS) : "memory");
}
