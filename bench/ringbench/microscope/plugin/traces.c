/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "traces.h"

#include "arena.h"
#include "calls.h"

#include <string.h>

#define DEPTH  12
#define SLOTS  4096
#define TRACES 32768

struct trace {
    uint64_t pc;
    uint64_t depth;
    uint64_t callers[DEPTH];
    uint32_t next; /* of the same slot */
};

struct traces {
    uint32_t count;
    uint32_t slots[SLOTS];
    struct trace traces[TRACES]; /* the first is none */
};

static uint32_t slot_of(const struct trace *trace) {
    uint64_t hash = trace->pc;
    for (uint64_t i = 0; i < trace->depth; i++) {
        hash = (hash ^ trace->callers[i]) * 0x9e3779b97f4a7c15u;
    }
    return (hash ^ hash >> 32) % SLOTS;
}

uint32_t trace_keep(unsigned int cpu, uint64_t pc) {
    struct traces *all = arena_root(&shared->root[ROOT_TRACES], sizeof(struct traces));
    const struct cpu_calls *calls = calls_of(cpu);
    if (!all || !calls) {
        return 0;
    }
    struct trace trace = {.pc = pc};
    trace.depth = calls_copy(calls, trace.callers, DEPTH, pc);
    uint32_t *slot = &all->slots[slot_of(&trace)];
    for (uint32_t i = *slot; i; i = all->traces[i].next) {
        const struct trace *known = &all->traces[i];
        if (known->pc == trace.pc && known->depth == trace.depth &&
            memcmp(known->callers, trace.callers, trace.depth * sizeof(uint64_t)) == 0) {
            return i;
        }
    }
    if (all->count + 1 == TRACES) {
        return 0;
    }
    trace.next = *slot;
    *slot = ++all->count;
    all->traces[*slot] = trace;
    return *slot;
}

struct event trace_event(uint32_t trace) {
    const struct traces *all = (const struct traces *)shared->root[ROOT_TRACES];
    struct event event = {.pc = 0};
    if (all && trace) {
        const struct trace *kept = &all->traces[trace];
        event.pc = kept->pc;
        event.depth = kept->depth;
        memcpy(event.callers, kept->callers, kept->depth * sizeof(uint64_t));
    }
    return event;
}
