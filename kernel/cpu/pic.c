#include "base/x86.h"
#include "cpu/instructions.h"
#include "cpu/pic.h"

void pic_init(void) {
    outb(PIC1_COMMAND, PIC_INIT);
    outb(PIC2_COMMAND, PIC_INIT);
    outb(PIC1_DATA, IRQ_VECTOR); /* ICW2 */
    outb(PIC2_DATA, IRQ_VECTOR + PIC_LINES);
    outb(PIC1_DATA, 1 << PIC_CASCADE); /* ICW3: a bit for the first, a number for the second */
    outb(PIC2_DATA, PIC_CASCADE);
    outb(PIC1_DATA, PIC_8086);
    outb(PIC2_DATA, PIC_8086);
    outb(PIC1_DATA, 0xff); /* OCW1: masks */
    outb(PIC2_DATA, 0xff);
}

void pic_unmask(unsigned irq) {
    uint16_t port = irq < PIC_LINES ? PIC1_DATA : PIC2_DATA;
    outb(port, inb(port) & ~(1 << irq % PIC_LINES));
}

/* A request that goes away too early is reported as line 7, without being in service. */
static bool is_spurious(unsigned irq) {
    uint16_t port = irq < PIC_LINES ? PIC1_COMMAND : PIC2_COMMAND;
    if (irq % PIC_LINES != PIC_SPURIOUS) {
        return false;
    }
    outb(port, PIC_READ_ISR);
    return !(inb(port) & 1 << PIC_SPURIOUS);
}

void pic_acknowledge(unsigned irq) {
    bool spurious = is_spurious(irq);
    if (irq >= PIC_LINES) {
        if (!spurious) {
            outb(PIC2_COMMAND, PIC_EOI);
        }
        outb(PIC1_COMMAND, PIC_EOI); /* the cascade line was in service in any case */
    } else if (!spurious) {
        outb(PIC1_COMMAND, PIC_EOI);
    }
}
