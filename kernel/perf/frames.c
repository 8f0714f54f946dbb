/*
 * One frame, and one 2 MiB block, in memory of which a part is used.
 *
 * First everything is taken, then frames chosen at random are given back until the wanted share is
 * used. Then, over and over, a batch is allocated and given back in another order. A batch is at
 * most half of what is free, so that the share stays about what it is. Where a batch can hold all
 * that is free, it then does: every summary changes up to its top, which is the worst there is.
 */
#include "base/bits.h"
#include "base/string.h"
#include "cpu/panic.h"
#include "perf/benchmarks.h"
#include "perf/measure.h"
#include "pmm/pmm.h"

#define CALLS     10000
#define BATCH_MAX 1024

struct batches {
    const char *name;
    uint64_t used_per_mille;
    int (*alloc)(paddr_t *base);
    uint64_t frames; /* that it gives */
    uint64_t free;   /* how often it would succeed */
    paddr_t *list;   /* of min(free, BATCH_MAX) addresses */
};

static void measure_batch(const struct batches *of, uint64_t batch, const char *alloc_part,
                          const char *free_part) {
    struct figure allocations = {0}, frees = {0};
    struct random random = RANDOM_SEED;
    while (allocations.calls < CALLS) {
        for (uint64_t i = 0; i < batch; i++) {
            int status =
                (int)figure_add(&allocations, MEASURE(of->alloc, (uint64_t)&of->list[i]), 1);
            ASSERT(status == STATUS_OK);
        }
        shuffle(of->list, batch, &random);
        for (uint64_t i = 0; i < batch; i++) {
            int status = (int)figure_add(&frees, MEASURE(pmm_free, of->list[i], of->frames), 1);
            ASSERT(status == STATUS_OK);
        }
    }
    figure_print(of->name, of->used_per_mille, alloc_part, &allocations);
    figure_print(of->name, of->used_per_mille, free_part, &frees);
}

static void measure_batches(const struct batches *of) {
    uint64_t half = max_u64(of->free / 2, 1);
    measure_batch(of, min_u64(half, BATCH_MAX), "alloc", "free");
    if (of->free <= BATCH_MAX) {
        measure_batch(of, of->free, "alloc_all", "free_all");
    }
}

static void must_free(paddr_t base, uint64_t count) {
    int status = pmm_free(base, count);
    ASSERT(status == STATUS_OK);
}

static void take_everything(void) {
    paddr_t base;
    while (pmm_alloc_2m(&base) == STATUS_OK) {
    }
    while (pmm_alloc(&base) == STATUS_OK) {
    }
}

/* Give back what is used of the frames in `ours`; each with this chance, of 2^32. */
static void give_back(const uint64_t *ours, uint64_t chance) {
    struct random random = RANDOM_SEED;
    for (uint64_t frame = 0; frame < pmm.frame_limit; frame++) {
        if (bits_contain(ours, frame) && !bits_contain(pmm.free_bits, frame) &&
            random32(&random) < chance) {
            must_free(frame * FRAME_SIZE, 1);
        }
    }
}

void perf_frames(uint64_t used_per_mille) {
    uint64_t bits_length = pmm.frame_limit / 8;
    uint64_t list_length = BATCH_MAX * sizeof(paddr_t);
    uint64_t *ours = scratch_take(bits_length);
    paddr_t *list = scratch_take(list_length);
    memcpy(ours, pmm.free_bits, bits_length);
    if (used_per_mille) {
        take_everything();
        give_back(ours, (1ULL << 32) * (1000 - used_per_mille) / 1000);
    }
    ASSERT(pmm_free_count() > 0);
    measure_batches(
        &(struct batches){"frames", used_per_mille, pmm_alloc, 1, pmm_free_count(), list});
    if (used_per_mille) {
        give_back(ours, 1ULL << 32);
    }
    scratch_give(list, list_length);
    scratch_give(ours, bits_length);
}

void perf_blocks(uint64_t used_per_mille) {
    uint64_t length = pmm.frame_limit / BLOCK_FRAMES * sizeof(paddr_t);
    paddr_t *blocks = scratch_take(length);
    struct random random = RANDOM_SEED;
    uint64_t all = 0;
    while (pmm_alloc_2m(&blocks[all]) == STATUS_OK) {
        all++;
    }
    ASSERT(all > 0);
    shuffle(blocks, all, &random);
    uint64_t used = min_u64(all * used_per_mille / 1000, all - 1);
    for (uint64_t i = used; i < all; i++) {
        must_free(blocks[i], BLOCK_FRAMES);
    }
    measure_batches(&(struct batches){"blocks", used_per_mille, pmm_alloc_2m, BLOCK_FRAMES,
                                      all - used, &blocks[used]});
    for (uint64_t i = 0; i < used; i++) {
        must_free(blocks[i], BLOCK_FRAMES);
    }
    scratch_give(blocks, length);
}
