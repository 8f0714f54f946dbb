/*
 * The heap under three traces, each of which ends with everything freed.
 *
 * A call that moves the heap's end does the VMM's work as well, so it is counted apart.
 */
#include "base/layout.h"
#include "cpu/panic.h"
#include "heap/nodes.h"
#include "perf/benchmarks.h"
#include "perf/measure.h"

struct slot {
    void *pointer; /* NULL: not in use */
    uint64_t size;
};

struct trace {
    bool counting;
    struct figure alloc, alloc_moving, free, free_moving; /* `moving`: so was the heap's end */
    uint64_t live, live_peak;                             /* bytes asked for */
    uint64_t extent_peak; /* bytes from the heap's base to its end */
};

static void count(struct trace *trace, struct figure *staying, struct figure *moving,
                  struct measured call, vaddr_t end_before) {
    if (trace->counting) {
        figure_add(heap.end == end_before ? staying : moving, call, 1);
    }
}

static void slot_alloc(struct trace *trace, struct slot *slot, uint64_t size) {
    vaddr_t end = heap.end;
    struct measured call = MEASURE(heap_alloc, size);
    ASSERT(call.result);
    *slot = (struct slot){(void *)call.result, size};
    count(trace, &trace->alloc, &trace->alloc_moving, call, end);
    trace->live += size;
    trace->live_peak = max_u64(trace->live_peak, trace->live);
    trace->extent_peak = max_u64(trace->extent_peak, heap.end - HEAP_BASE);
}

static void slot_free(struct trace *trace, struct slot *slot) {
    vaddr_t end = heap.end;
    struct measured call = MEASURE(heap_free, (uint64_t)slot->pointer);
    ASSERT((int)call.result == STATUS_OK);
    count(trace, &trace->free, &trace->free_moving, call, end);
    trace->live -= slot->size;
    slot->pointer = NULL;
}

/* Free what is left, uncounted, print all figures, and how many nodes the heap then has. */
static void finish(struct trace *trace, const char *name, uint64_t number, struct slot *slots,
                   uint64_t slot_count) {
    trace->counting = false;
    for (uint64_t i = 0; i < slot_count; i++) {
        if (slots[i].pointer) {
            slot_free(trace, &slots[i]);
        }
    }
    uint64_t nodes = 0;
    for (vaddr_t at = HEAP_BASE; at < heap.end; at += node_size((const struct heap_node *)at)) {
        nodes++;
    }
    figure_print(name, number, "alloc", &trace->alloc);
    figure_print(name, number, "alloc_growing", &trace->alloc_moving);
    figure_print(name, number, "free", &trace->free);
    figure_print(name, number, "free_shrinking", &trace->free_moving);
    value_print(name, number, "extent_peak", trace->extent_peak);
    value_print(name, number, "live_peak", trace->live_peak);
    value_print(name, number, "nodes_left", nodes);
}

static struct slot *slots_take(uint64_t count) {
    struct slot *slots = scratch_take(count * sizeof(struct slot));
    for (uint64_t i = 0; i < count; i++) {
        slots[i].pointer = NULL;
    }
    return slots;
}

static uint64_t random_size(struct random *random) {
    uint64_t base = 16ULL << (random32(random) >> 29);
    return base + random_below(random, base);
}

/* 2 * live slots, every other one filled; then toggles, the last COUNTED of which are counted. */
#define COUNTED 40000

void perf_heap_random(uint64_t live) {
    struct trace trace = {0};
    struct random random = RANDOM_SEED;
    uint64_t slot_count = 2 * live;
    uint64_t toggles = 8 * live + COUNTED;
    struct slot *slots = slots_take(slot_count);
    for (uint64_t i = 0; i < slot_count; i += 2) {
        slot_alloc(&trace, &slots[i], random_size(&random));
    }
    for (uint64_t i = 0; i < toggles; i++) {
        struct slot *slot = &slots[random_below(&random, slot_count)];
        trace.counting = i >= toggles - COUNTED;
        if (slot->pointer) {
            slot_free(&trace, slot);
        } else {
            slot_alloc(&trace, slot, random_size(&random));
        }
    }
    finish(&trace, "heap.random", live, slots, slot_count);
    scratch_give(slots, slot_count * sizeof(struct slot));
}

/*
 * Blocks of 32 to 256 bytes, the last allocated freed first, over and over. One block below stays,
 * and the depth is such that no round frees enough for the heap's end to move.
 */
#define LIFO_MIN    32
#define LIFO_MAX    256
#define LIFO_ROUNDS 100

void perf_heap_lifo(uint64_t depth) {
    struct trace trace = {0};
    struct random random = RANDOM_SEED;
    struct slot *slots = slots_take(depth + 1);
    slot_alloc(&trace, &slots[depth], LIFO_MAX);
    for (unsigned round = 0; round < LIFO_ROUNDS; round++) {
        trace.counting = round > 0;
        for (uint64_t i = 0; i < depth; i++) {
            uint64_t size = LIFO_MIN + random_below(&random, LIFO_MAX - LIFO_MIN + 1);
            slot_alloc(&trace, &slots[i], size);
        }
        for (uint64_t i = depth; i-- > 0;) {
            slot_free(&trace, &slots[i]);
        }
    }
    finish(&trace, "heap.lifo", depth, slots, depth + 1);
    scratch_give(slots, (depth + 1) * sizeof(struct slot));
}

/* Small blocks, every other one freed: half as many holes, all too small for what comes then. */
#define SMALL  64
#define LARGER 80

void perf_heap_fragmented(uint64_t allocations) {
    struct trace trace = {0};
    uint64_t slot_count = allocations + allocations / 2;
    struct slot *slots = slots_take(slot_count);
    for (uint64_t i = 0; i < allocations; i++) {
        slot_alloc(&trace, &slots[i], SMALL);
    }
    for (uint64_t i = 0; i < allocations; i += 2) {
        slot_free(&trace, &slots[i]);
    }
    trace.counting = true;
    for (uint64_t i = allocations; i < slot_count; i++) {
        slot_alloc(&trace, &slots[i], LARGER);
    }
    for (uint64_t i = allocations; i < slot_count; i++) {
        slot_free(&trace, &slots[i]);
    }
    finish(&trace, "heap.fragmented", allocations, slots, slot_count);
    scratch_give(slots, slot_count * sizeof(struct slot));
}
