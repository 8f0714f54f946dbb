#include "base/x86.h"
#include "boot/image.h"
#include "cpu/instructions.h"
#include "cpu/panic.h"
#include "cpu/print.h"
#include "cpu/serial.h"
#include "cpu/symbols.h"

#define BACKTRACE_MAX 16

/* What a function's prologue leaves where RBP points: -fno-omit-frame-pointer. */
struct stack_frame {
    uint64_t caller_frame;
    uint64_t return_address;
};

void machine_exit(enum exit_code code) {
    serial_flush();
    outb(EXIT_PORT, (uint8_t)code);
    halt_forever();
}

/* Believes nothing: frames must lie in the boot stack, each above the one before. */
void print_backtrace(uint64_t rip, uint64_t frame) {
    uint64_t lowest = (uint64_t)image_stack_bottom;
    for (unsigned n = 0; n < BACKTRACE_MAX; n++) {
        uint64_t offset;
        const char *name = symbol_find(rip, &offset);
        print("!! backtrace %u 0x%lx %s+0x%lx\n", n, rip, name, offset);
        if (frame < lowest || frame > (uint64_t)image_stack_top - sizeof(struct stack_frame) ||
            !is_aligned(frame, sizeof(uint64_t))) {
            return;
        }
        const struct stack_frame *f = (const struct stack_frame *)frame;
        rip = f->return_address - 1;
        lowest = frame + sizeof(*f);
        frame = f->caller_frame;
    }
}

void panic_at(const char *file, int line, const char *format, ...) {
    va_list arguments;
    print("%s!! panic %s:%d ", serial_at_line_start() ? "" : "\n", file, line);
    va_start(arguments, format);
    print_arguments(format, arguments);
    va_end(arguments);
    print("\n");
    const struct stack_frame *f = __builtin_frame_address(0);
    print_backtrace(f->return_address - 1, f->caller_frame);
    print("!! end panic\n");
    machine_exit(EXIT_PANIC);
}
