#include "console/console.h"

#include "base/bits.h"
#include "base/direct_map.h"
#include "base/string.h"
#include "cpu/panic.h"
#include "cpu/print.h"
#include "pmm/pmm.h"
#include "console/commands.h"
#include "console/line.h"
#include "console/reply.h"

struct console console;
uint64_t debug_scratch[8];

void console_init(void) {
    uint64_t length = align_up(pmm.frame_limit / 8, FRAME_SIZE);
    int status = pmm_alloc_run(length / FRAME_SIZE, FRAME_SIZE, &console.lent_base);
    if (status < 0) {
        panic("no memory for the console: %s", status_name(status));
    }
    console.lent_length = length;
    console.lent_bits = direct_map(console.lent_base);
    memset(console.lent_bits, 0, length);
    for (unsigned i = 0; i < CONSOLE_ROOTS; i++) {
        console.roots[i] = PADDR_NONE;
    }
    console.echo = true;
}

/* The number of the first frame of a run that the allocator has given, or taken. */
static uint64_t first_of_run(paddr_t base, uint64_t count) {
    uint64_t first = base / FRAME_SIZE;
    ASSERT(is_aligned(base, FRAME_SIZE));
    ASSERT(count > 0 && first <= pmm.frame_limit && count <= pmm.frame_limit - first);
    return first;
}

void console_lend(paddr_t base, uint64_t count) {
    uint64_t first = first_of_run(base, count);
    run_set(console.lent_bits, first, first + count);
}

void console_return(paddr_t base, uint64_t count) {
    uint64_t first = first_of_run(base, count);
    run_clear(console.lent_bits, first, first + count);
}

void console_run(void) {
    char line[CONSOLE_LINE_MAX + 1];
    for (;;) {
        print("ring> ");
        int status = line_read(line, sizeof line, console.echo);
        if (status < 0) {
            reply_print(status, &(struct reply){0});
        } else {
            command_perform(line);
        }
    }
}
