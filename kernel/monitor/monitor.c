#include "monitor/monitor.h"

#include "base/string.h"
#include "cpu/panic.h"
#include "cpu/print.h"
#include "pmm/direct_map.h"
#include "pmm/pmm.h"
#include "monitor/commands.h"
#include "monitor/line.h"
#include "monitor/reply.h"

struct monitor monitor;
uint64_t debug_scratch[8];

void monitor_init(void) {
    uint64_t length = align_up(pmm.frame_limit / 8, FRAME_SIZE);
    int status = pmm_alloc_run(length / FRAME_SIZE, FRAME_SIZE, &monitor.lent_base);
    if (status != STATUS_OK) {
        panic("no memory for the monitor: %s", status_name(status));
    }
    monitor.lent_length = length;
    monitor.lent_bits = direct_map(monitor.lent_base);
    memset(monitor.lent_bits, 0, length);
    for (unsigned i = 0; i < MONITOR_ROOTS; i++) {
        monitor.roots[i] = PADDR_NONE;
    }
    monitor.echo = true;
}

static void set_lent(paddr_t base, uint64_t count, bool lent) {
    uint64_t first = base / FRAME_SIZE;
    ASSERT(is_aligned(base, FRAME_SIZE));
    ASSERT(first <= pmm.frame_limit && count <= pmm.frame_limit - first);
    for (uint64_t frame = first; frame < first + count; frame++) {
        uint64_t bit = 1ULL << frame % 64;
        if (lent) {
            monitor.lent_bits[frame / 64] |= bit;
        } else {
            monitor.lent_bits[frame / 64] &= ~bit;
        }
    }
}

void monitor_lend(paddr_t base, uint64_t count) {
    set_lent(base, count, true);
}

void monitor_return(paddr_t base, uint64_t count) {
    set_lent(base, count, false);
}

void monitor_run(void) {
    char line[MONITOR_LINE_MAX + 1];
    for (;;) {
        print("ring> ");
        int status = line_read(line, sizeof line, monitor.echo);
        if (status == STATUS_OK) {
            command_perform(line);
        } else {
            reply_print(status, &(struct reply){0});
        }
    }
}
