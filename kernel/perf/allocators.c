/*
 * Allocators of blocks side by side, under the same traces: the buddy allocator by itself, and
 * whatever heap_alloc is made of (heap=... on the command line).
 *
 * A call that takes a frame or gives one back does the layers' work below as well, so it is counted
 * apart. What an allocator holds is what the frame allocator lacks: blocks, maps, page tables.
 */
#include "buddy/buddy.h"
#include "cpu/panic.h"
#include "kmalloc/kmalloc.h"
#include "perf/benchmarks.h"
#include "perf/measure.h"

struct allocator {
    void *alloc;  /* int (uint64_t size, void **block), or void *(uint64_t size) */
    void *free;   /* int (void *block) */
    bool pointer; /* alloc is the latter */
};

struct slot {
    void *block; /* NULL: not in use */
    uint64_t size;
};

struct trace {
    const struct allocator *allocator;
    bool counting;
    struct figure alloc, alloc_growing, free, free_shrinking;
    uint64_t free_before;           /* frames, when it began */
    uint64_t live, live_peak, peak; /* bytes asked for; held */
};

static void count(struct trace *trace, struct figure *staying, struct figure *moving,
                  struct measured call, uint64_t free_frames) {
    if (trace->counting) {
        figure_add(pmm_free_count() == free_frames ? staying : moving, call, 1);
    }
}

static void slot_toggle(struct trace *trace, struct slot *slot, uint64_t size) {
    uint64_t frames = pmm_free_count();
    if (slot->block) {
        struct measured call = MEASURE(trace->allocator->free, (uint64_t)slot->block);
        ASSERT((int)call.result == STATUS_OK);
        count(trace, &trace->free, &trace->free_shrinking, call, frames);
        trace->live -= slot->size;
        slot->block = NULL;
        return;
    }
    struct measured call = MEASURE(trace->allocator->alloc, size, (uint64_t)&slot->block);
    if (trace->allocator->pointer) {
        slot->block = (void *)call.result;
    }
    ASSERT(trace->allocator->pointer ? call.result != 0 : (int)call.result == STATUS_OK);
    count(trace, &trace->alloc, &trace->alloc_growing, call, frames);
    slot->size = size;
    trace->live += size;
    trace->live_peak = max_u64(trace->live_peak, trace->live);
    trace->peak = max_u64(trace->peak, (trace->free_before - pmm_free_count()) * FRAME_SIZE);
}

/* Sizes as those of heap.random. */
static uint64_t any_size(struct random *random) {
    uint64_t base = 16ULL << (random32(random) >> 29);
    return base + random_below(random, base);
}

static uint64_t small_size(struct random *random) {
    return 5 + random_below(random, 508);
}

/* 2 * live slots, every other one filled; then toggles, the last COUNTED of which are counted. */
#define COUNTED 40000

static void run(const struct allocator *allocator, const char *name, uint64_t live,
                uint64_t (*size)(struct random *random)) {
    struct random random = RANDOM_SEED;
    uint64_t slot_count = 2 * live;
    uint64_t toggles = 8 * live + COUNTED;
    struct slot *slots = scratch_take(slot_count * sizeof(struct slot));
    struct trace trace = {.allocator = allocator, .free_before = pmm_free_count()};
    for (uint64_t i = 0; i < slot_count; i++) {
        slots[i].block = NULL;
    }
    for (uint64_t i = 0; i < slot_count; i += 2) {
        slot_toggle(&trace, &slots[i], size(&random));
    }
    for (uint64_t i = 0; i < toggles; i++) {
        struct slot *slot = &slots[random_below(&random, slot_count)];
        trace.counting = i >= toggles - COUNTED;
        slot_toggle(&trace, slot, slot->block ? 0 : size(&random));
    }
    trace.counting = false;
    for (uint64_t i = 0; i < slot_count; i++) {
        if (slots[i].block) {
            slot_toggle(&trace, &slots[i], 0);
        }
    }
    figure_print(name, live, "alloc", &trace.alloc);
    figure_print(name, live, "alloc_growing", &trace.alloc_growing);
    figure_print(name, live, "free", &trace.free);
    figure_print(name, live, "free_shrinking", &trace.free_shrinking);
    value_print(name, live, "extent_peak", trace.peak);
    value_print(name, live, "live_peak", trace.live_peak);
    scratch_give(slots, slot_count * sizeof(struct slot));
}

static const struct allocator buddy_allocator = {buddy_alloc, buddy_free, false};

void perf_buddy_random(uint64_t live) {
    run(&buddy_allocator, "buddy.random", live, any_size);
}

void perf_buddy_small(uint64_t live) {
    run(&buddy_allocator, "buddy.small", live, small_size);
}

static const struct allocator kmalloc_allocator = {kmalloc, kfree, true};

void perf_kmalloc_random(uint64_t live) {
    run(&kmalloc_allocator, "kmalloc.random", live, any_size);
}

void perf_kmalloc_small(uint64_t live) {
    run(&kmalloc_allocator, "kmalloc.small", live, small_size);
}
