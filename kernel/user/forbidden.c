/* What no program may do: the access that `number` says. Each must end it by an exception, so it
 * exits, with 99, only where the kernel is wrong. */
#include "base/layout.h"
#include "user/user.h"

#define STACK_BYTES KIB(64)

static void write_byte(uint64_t address) {
    *(volatile uint8_t *)address = 1;
}
static uint8_t read_byte(uint64_t address) {
    return *(volatile uint8_t *)address;
}

static const uint64_t constant = 7;
static uint8_t data[16] = {0xc3}; /* RET */

uint64_t program_main(uint64_t number, uint64_t task) {
    (void)task;
    switch (number) {
    case 0: /* kernel memory, read: the direct map */
        read_byte(DIRECT_MAP_BASE + MIB(1));
        break;
    case 1: /* kernel memory, written: the image */
        write_byte(IMAGE_BASE + MIB(1));
        break;
    case 2: /* kernel code, run */
        ((void (*)(void))(IMAGE_BASE + MIB(1)))();
        break;
    case 3: /* its own text, written */
        write_byte((uint64_t)program_main);
        break;
    case 4: /* its own constants, written */
        write_byte((uint64_t)&constant);
        break;
    case 5: /* its own data, run */
        ((void (*)(void))(uint64_t)data)();
        break;
    case 6: /* the page below its stack */
        write_byte(TASK_WINDOW_END - STACK_BYTES - 1);
        break;
    case 7: /* a null pointer */
        read_byte(0);
        break;
    case 8: /* an address that is not canonical */
        read_byte(1ULL << 47);
        break;
    case 9: /* a jump to one */
        ((void (*)(void))(1ULL << 47))();
        break;
    case 10: /* privileged instructions */
        __asm__ volatile("cli");
        break;
    case 11:
        __asm__ volatile("hlt");
        break;
    case 12:
        __asm__ volatile("movq %%cr3, %%rax" : : : "rax");
        break;
    case 13:
        __asm__ volatile("outb %%al, $0xf4" : : "a"(0x10));
        break;
    case 14:
        __asm__ volatile("rdmsr" : : "c"(0xc0000080) : "rax", "rdx");
        break;
    case 15: /* where UMIP is on: the kernel's addresses are not told */
        __asm__ volatile("sgdt %0" : "=m"(data));
        break;
    case 16: /* a software interrupt */
        __asm__ volatile("int $14");
        break;
    case 17: /* no instruction */
        __asm__ volatile("ud2");
        break;
    case 18: /* a division by zero */
        __asm__ volatile("divl %0" : : "r"(0), "a"(1), "d"(0));
        break;
    case 19: /* a trap after each instruction */
        __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop" : : : "memory", "cc");
        break;
    default:
        break;
    }
    return 99;
}
