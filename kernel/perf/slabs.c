/*
 * Slab caches under a random trace: objects of one size, half of them live. A cache is filled, then
 * objects are freed and taken at random, then all are freed in a random order. A call that takes a
 * frame or gives one back does the frame allocator's work as well, so it is counted apart.
 */
#include "cpu/panic.h"
#include "perf/benchmarks.h"
#include "perf/measure.h"
#include "slab/slab.h"

#define OBJECTS 20000
#define TOGGLES 40000

struct figures {
    struct figure alloc, alloc_growing, free, free_shrinking;
    uint64_t free_before; /* frames, when it began */
    uint64_t live, live_peak, peak;
};

static void toggle(struct slab_cache *cache, void **object, struct figures *figures) {
    uint64_t frames = pmm_free_count();
    if (*object) {
        struct measured call = MEASURE(slab_free, (uint64_t)cache, (uint64_t)*object);
        bool stays = pmm_free_count() == frames;
        figure_add(stays ? &figures->free : &figures->free_shrinking, call, 1);
        ASSERT((int)call.result == STATUS_OK);
        *object = NULL;
        figures->live--;
    } else {
        struct measured call = MEASURE(slab_alloc, (uint64_t)cache, (uint64_t)object);
        bool stays = pmm_free_count() == frames;
        figure_add(stays ? &figures->alloc : &figures->alloc_growing, call, 1);
        ASSERT((int)call.result == STATUS_OK);
        figures->live_peak = max_u64(figures->live_peak, ++figures->live);
        figures->peak = max_u64(figures->peak, figures->free_before - pmm_free_count());
    }
}

void perf_slabs(uint64_t size) {
    struct figures figures = {0};
    struct random random = RANDOM_SEED;
    struct slab_cache cache;
    int status = slab_cache_create(&cache, "perf", size, SLAB_ALIGN_MIN);
    ASSERT(status == STATUS_OK);
    void **objects = scratch_take(OBJECTS * sizeof(void *));
    for (uint64_t i = 0; i < OBJECTS; i++) {
        objects[i] = NULL;
    }
    figures.free_before = pmm_free_count();
    for (uint64_t i = 0; i < OBJECTS; i += 2) {
        toggle(&cache, &objects[i], &figures);
    }
    for (uint64_t i = 0; i < TOGGLES; i++) {
        toggle(&cache, &objects[random_below(&random, OBJECTS)], &figures);
    }
    shuffle((uint64_t *)objects, OBJECTS, &random);
    for (uint64_t i = 0; i < OBJECTS; i++) {
        if (objects[i]) {
            toggle(&cache, &objects[i], &figures);
        }
    }
    figure_print("slab", size, "alloc", &figures.alloc);
    figure_print("slab", size, "alloc_growing", &figures.alloc_growing);
    figure_print("slab", size, "free", &figures.free);
    figure_print("slab", size, "free_shrinking", &figures.free_shrinking);
    value_print("slab", size, "extent_peak", figures.peak * FRAME_SIZE);
    value_print("slab", size, "live_peak", figures.live_peak * size);
    status = slab_cache_destroy(&cache);
    ASSERT(status == STATUS_OK);
    scratch_give(objects, OBJECTS * sizeof(void *));
}
