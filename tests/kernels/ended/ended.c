/* Comes to an end in the way that its command line names: one function for each way. */
#include <stdint.h>

#pragma GCC optimize("no-optimize-sibling-calls") /* who calls must be seen */

#define KERNEL_BASE 0xffffffff80000000u
#define UNMAPPED    0xffffffff90000008u

typedef uint64_t word;

extern word top_table[], page_table[];
extern char guard[], small_stack_top[], victim[], trampoline[], trampoline_end[];

struct __attribute__((packed)) gate {
    uint16_t low, selector;
    uint8_t ist, type;
    uint16_t middle;
    uint32_t high, zero;
};

static struct gate idt[32];
static void (*volatile hook)(void);
static volatile int lock_a, lock_b, second_is_up;

static inline void out8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static void print(const char *text) {
    while (*text)
        out8(0x3f8, (uint8_t)*text++);
}

static int same(const char *a, const char *b) {
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static void *high(void *low) { /* what is linked low, by an address that stays mapped */
    return (void *)((word)low + KERNEL_BASE);
}

static void load_idt(void) {
    struct __attribute__((packed)) {
        uint16_t limit;
        word base;
    } pointer = {sizeof idt - 1, (word)idt};
    __asm__ volatile("lidt %0" ::"m"(pointer));
}

static void set_gate(int vector, void (*handler)(void), uint8_t ist) {
    word to = (word)handler;
    idt[vector] =
        (struct gate){(uint16_t)to, 8, ist, 0x8e, (uint16_t)(to >> 16), (uint32_t)(to >> 32), 0};
}

__attribute__((noinline, noreturn)) static void stop(void) {
    for (;;)
        __asm__ volatile("cli; hlt");
}

__attribute__((noreturn)) static void handle_and_stop(void) {
    print("EXCEPTION: it is over\r\n");
    stop();
}

__attribute__((naked)) static void handle_and_return(void) {
    __asm__ volatile("add $8, %rsp; iretq");
}

__attribute__((noinline)) static void touch(word address) {
    *(volatile int *)address = 1;
}

/* -- the ways to end ----------------------------------------------------------------------- */

static void no_idt(void) {
    touch(UNMAPPED);
}

static void empty_gate(void) {
    load_idt();
    __asm__ volatile("ud2");
}

static void no_tss(void) {
    set_gate(14, handle_and_stop, 1);
    load_idt();
    touch(UNMAPPED);
}

static void short_idt(void) {
    __asm__ volatile("" ::: "memory");
    struct __attribute__((packed)) {
        uint16_t limit;
        word base;
    } pointer = {16 * 14 - 1, (word)idt};
    __asm__ volatile("lidt %0" ::"m"(pointer));
    touch(0x10);
}

__attribute__((noinline)) static int deep(int n) {
    volatile char room[200];
    room[0] = (char)n;
    return n == 0 ? 0 : deep(n - 1) + room[0];
}

static void recursion(void) {
    set_gate(14, handle_and_stop, 0);
    set_gate(8, handle_and_stop, 0);
    load_idt();
    deep(1000000);
}

static void overrun(void) {
    __asm__ volatile(
        "mov %0, %%rsp; xor %%ebp, %%ebp; call overrun_on_small_stack" ::"r"(small_stack_top));
}

__attribute__((noinline)) static void stop_at_depth(void) {
    while (!second_is_up)
        __asm__ volatile("cli; hlt");
}

__attribute__((noinline)) static int deep_and_stop(int n) {
    volatile char room[200];
    room[0] = (char)n;
    if (n == 0)
        stop_at_depth();
    return n == 0 ? 0 : deep_and_stop(n - 1) + room[0];
}

__attribute__((used)) static void overrun_on_small_stack(void) {
    deep_and_stop(10);
}

static void null_call(void) {
    hook();
}

static void nowhere(void) {
    hook = (void (*)(void))0x123456789000;
    hook();
}

static void no_ram(void) {
    word *entry = (word *)high(page_table) + 511;
    *entry = 0x80000003;
    hook = (void (*)(void))(KERNEL_BASE + 511 * 4096);
    hook();
}

static void non_canonical(void) {
    touch(0x8000000000000000);
}

static void handled(void) {
    set_gate(14, handle_and_stop, 0);
    load_idt();
    touch(UNMAPPED);
}

__attribute__((noreturn)) static void report_and_spin(void) {
    print("EXCEPTION: it is over\r\n");
    for (;;) {
    }
}

static void reported(void) {
    set_gate(14, report_and_spin, 0);
    load_idt();
    touch(UNMAPPED);
}

static void gone_handlers(void) { /* each fault of a handler is handled by one that is not there */
    for (int vector = 0; vector < 32; vector++)
        set_gate(vector, (void (*)(void))UNMAPPED, 0);
    load_idt();
    __asm__ volatile("ud2");
}

static void fault_loop(void) {
    set_gate(14, handle_and_return, 0);
    load_idt();
    touch(UNMAPPED);
}

static void halt(void) {
    print("tests: 3 passed\r\n");
    stop();
}

static void idle(void) {
    out8(0x21, 0xff); /* no interrupt comes, but one could */
    for (;;)
        __asm__ volatile("sti; hlt");
}

static void timer(void) { /* comes as vector 8, as if it were a double fault */
    load_idt();
    for (;;)
        __asm__ volatile("sti; hlt");
}

__attribute__((noinline)) static void acquire(volatile int *lock) {
    while (__sync_lock_test_and_set(lock, 1)) {
    }
}

__attribute__((used)) void second_main(void) {
    acquire(&lock_b);
    second_is_up = 1;
    acquire(&lock_a);
}

static void deadlock(void) {
    volatile uint32_t *apic = (uint32_t *)(KERNEL_BASE + 511 * 4096);
    ((word *)high(page_table))[511] = 0xfee00003;
    for (char *from = trampoline, *to = (char *)(KERNEL_BASE + 0x8000); from < trampoline_end;)
        *to++ = *(char *)high(from++);
    acquire(&lock_a);
    apic[0x310 / 4] = 1 << 24;
    apic[0x300 / 4] = 0x4500; /* INIT */
    for (volatile int n = 0; n < 1000000; n++) {
    }
    apic[0x300 / 4] = 0x4608; /* start at page 8 */
    while (!second_is_up) {
    }
    acquire(&lock_b);
}

static const struct {
    const char *name;
    void (*end)(void);
} ends[] = {
#define END(name) {#name, name}
    END(no_idt),   END(empty_gate), END(no_tss),        END(short_idt), END(recursion),
    END(overrun),  END(null_call),  END(nowhere),       END(no_ram),    END(non_canonical),
    END(handled),  END(fault_loop), END(halt),          END(idle),      END(timer),
    END(deadlock), END(reported),   END(gone_handlers),
};

__attribute__((used)) void ended_main(word line) {
    const char *name = (const char *)(KERNEL_BASE + line);
    for (const char *at = name; *at; at++)
        if (*at == ' ')
            name = at + 1;
    ((word *)high(page_table))[((word)guard - KERNEL_BASE) >> 12] = 0;
    if (!same(name, "deadlock"))
        *(word *)high(top_table) = 0; /* the low mapping goes */
    __asm__ volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" ::: "rax", "memory");
    print("up\r\n");
    for (unsigned n = 0; n < sizeof ends / sizeof *ends; n++)
        if (same(name, ends[n].name))
            ends[n].end();
    print("no such end\r\n");
}
