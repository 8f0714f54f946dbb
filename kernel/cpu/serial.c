#include "base/x86.h"
#include "cpu/instructions.h"
#include "cpu/pic.h"
#include "cpu/serial.h"

#define LOOKS_BEFORE_SLEEP 2000

static bool present;
static bool line_start = true;

void serial_init(void) {
    outb(COM1 + UART_SCRATCH, 0x5a);
    present = inb(COM1 + UART_SCRATCH) == 0x5a;
    outb(COM1 + UART_INTERRUPTS, 0);
    outb(COM1 + UART_LINE, UART_LINE_DLAB);
    outb(COM1 + UART_DATA, UART_DIVISOR);
    outb(COM1 + UART_INTERRUPTS, 0);
    outb(COM1 + UART_LINE, UART_LINE_8N1);
    outb(COM1 + UART_FIFO, UART_FIFO_ON_CLEAR);
    outb(COM1 + UART_MODEM, UART_MODEM_READY);
}

void serial_enable_input(void) {
    outb(COM1 + UART_INTERRUPTS, UART_INTERRUPT_DATA);
    pic_unmask(IRQ_COM1);
}

static uint8_t status(void) {
    return inb(COM1 + UART_STATUS);
}

void serial_put(char c) {
    line_start = c == '\n';
    if (present) {
        while (!(status() & UART_STATUS_ROOM)) {
        }
        outb(COM1 + UART_DATA, (uint8_t)c);
    }
}

bool serial_at_line_start(void) {
    return line_start;
}

void serial_flush(void) {
    while (present && !(status() & UART_STATUS_IDLE)) {
    }
}

bool serial_has_input(void) {
    return present && status() & UART_STATUS_RECEIVED;
}

/*
 * Awake, the FIFO is to fill before it asks for attention, since QEMU fills it no further at a
 * time; asleep, every byte must wake.
 *
 * No lost wake-up: interrupts are off between looking and sleeping, and a byte that comes then
 * leaves its request in the PIC. The handler does not touch the UART, so the request line stays up
 * until every byte has been read; the next one raises it anew.
 *
 * Not inlined, so that interrupts are on in one place.
 */
__attribute__((noinline)) void serial_sleep(void) {
    outb(COM1 + UART_FIFO, UART_FIFO_ON);
    if (!serial_has_input()) {
        wait_for_interrupt();
    }
    outb(COM1 + UART_FIFO, UART_FIFO_ON_DEEP);
}

/* It waits a little awake before sleeping: whoever types a line, types more at once, and waking
 * costs more than all the rest of a short command. */
char serial_get(void) {
    for (unsigned looks = 0; !serial_has_input() && looks < LOOKS_BEFORE_SLEEP; looks++) {
    }
    while (!serial_has_input()) {
        serial_sleep();
    }
    return (char)inb(COM1 + UART_DATA);
}
