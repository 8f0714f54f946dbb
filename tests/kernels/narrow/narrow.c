/* A 32-bit kernel that crashes: its handler says so (-DREPORTED), or a null pointer is called. */
#include <stdint.h>

__attribute__((section(".multiboot"), used)) static const uint32_t header[] = {0x1badb002, 0,
                                                                               -0x1badb002};
static char stack[4096];

struct __attribute__((packed)) pointer {
    uint16_t limit;
    uint32_t base;
};

static void print(const char *text) {
    while (*text != '\0') {
        __asm__ volatile("outb %0, %1" ::"a"(*text++), "Nd"((uint16_t)0x3f8));
    }
}

#ifdef REPORTED
static struct __attribute__((packed)) gate {
    uint16_t low, selector;
    uint8_t zero, type;
    uint16_t high;
} idt[32];

static uint64_t gdt[] = {0, 0x00cf9a000000ffff, 0x00cf92000000ffff};

__attribute__((noinline, used)) void report(void) {
    print("EXCEPTION\r\n");
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

__attribute__((naked)) void stub(void) {
    __asm__ volatile("call report");
}

__attribute__((noinline)) void crash(void) {
    struct pointer to_gdt = {sizeof gdt - 1, (uint32_t)gdt};
    struct pointer to_idt = {sizeof idt - 1, (uint32_t)idt};
    uint32_t to = (uint32_t)stub;
    idt[6] = (struct gate){(uint16_t)to, 8, 0, 0x8e, (uint16_t)(to >> 16)};
    __asm__ volatile("lgdt %0; ljmp $8, $1f; 1:" ::"m"(to_gdt));
    __asm__ volatile("mov %0, %%ss; mov %0, %%ds" ::"r"(16));
    __asm__ volatile("lidt %0; ud2" ::"m"(to_idt));
}
#else
void (*volatile hook)(void);

__attribute__((noinline)) void crash(void) {
    /* Zeros run as instructions; what the firmware left there may do anything. */
    uint32_t to = 0, count = 0x1000;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(0) : "memory");
    *(volatile uint16_t *)0x800 = 0x0b0f; /* ud2 */
    hook();
    __asm__ volatile("");
}
#endif

__attribute__((used)) void narrow_main(void) {
    print("up\r\n");
    crash();
    __asm__ volatile("");
}

__attribute__((naked)) void start(void) {
    __asm__ volatile(
        "mov %0, %%esp; xor %%ebp, %%ebp; call narrow_main" ::"i"(stack + sizeof stack));
}
