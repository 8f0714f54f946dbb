/*
 * The kernel's frame allocator on this machine, next to glibc's malloc: nanoseconds a call.
 *
 * 16 GiB of frames that do not exist, only their bits. USED per mille of them are taken, at random
 * places; then batches are taken, shuffled and given back, as the exact figures have it. Prints,
 * for each USED and for malloc, the shortest time of a call of both kinds: NAME ALLOC FREE.
 */
#include "pmm/pmm.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRAMES (1ULL << 22)
#define BATCH  1024
#define ROUNDS 400
#define SIZE   64 /* of a block of malloc's */

struct pmm pmm;

void panic_at(const char *file, int line, const char *format, ...) {
    fprintf(stderr, "%s:%d: %s\n", file, line, format);
    abort();
}

static uint32_t random32(void) {
    static uint64_t state = 88172645463325252ULL;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static void *zeros(uint64_t length) {
    void *found = calloc(1, length);
    if (!found) {
        abort();
    }
    return found;
}

static void must(int status) {
    if (status != STATUS_OK) {
        abort();
    }
}

/* All frames managed and none free; then each free with this chance per mille. */
static void set_up(uint64_t used_per_mille) {
    uint64_t blocks = FRAMES / BLOCK_FRAMES;
    pmm = (struct pmm){.frame_limit = FRAMES, .managed_count = FRAMES};
    pmm.free_bits = zeros(FRAMES / 8);
    pmm.managed_bits = zeros(FRAMES / 8);
    memset(pmm.managed_bits, 0xff, FRAMES / 8);
    pmm.any.bottom = zeros(blocks / 8);
    pmm.whole.bottom = zeros(blocks / 8);
    pmm.block_free = zeros(blocks * sizeof(*pmm.block_free));
    pmm.block_words = zeros(blocks * sizeof(*pmm.block_words));
    for (uint64_t frame = 0; frame < FRAMES; frame++) {
        if (random32() % 1000 >= used_per_mille) {
            must(pmm_free(frame * FRAME_SIZE, 1));
        }
    }
}

static void take_frames(uint64_t *list) {
    for (unsigned i = 0; i < BATCH; i++) {
        must(pmm_alloc(&list[i]));
    }
}

static void give_frames(uint64_t *list) {
    for (unsigned i = 0; i < BATCH; i++) {
        must(pmm_free(list[i], 1));
    }
}

static void take_blocks(uint64_t *list) {
    for (unsigned i = 0; i < BATCH; i++) {
        list[i] = (uint64_t)malloc(SIZE);
    }
}

static void give_blocks(uint64_t *list) {
    for (unsigned i = 0; i < BATCH; i++) {
        free((void *)list[i]);
    }
}

static void shuffle(uint64_t *list) {
    for (unsigned i = BATCH - 1; i > 0; i--) {
        unsigned other = random32() % (i + 1);
        uint64_t kept = list[i];
        list[i] = list[other];
        list[other] = kept;
    }
}

static void measure(const char *name, void (*take)(uint64_t *), void (*give)(uint64_t *)) {
    static uint64_t list[BATCH];
    double taking = 1e18, giving = 1e18;
    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = now();
        take(list);
        double taken = now() - start;
        shuffle(list);
        start = now();
        give(list);
        double given = now() - start;
        taking = taken < taking ? taken : taking;
        giving = given < giving ? given : giving;
    }
    printf("%s %.3f %.3f\n", name, taking / BATCH, giving / BATCH);
}

int main(void) {
    measure("malloc", take_blocks, give_blocks);
    for (unsigned used = 0; used <= 999; used += used ? 499 : 500) {
        char name[8];
        set_up(used);
        snprintf(name, sizeof name, "%u", used);
        measure(name, take_frames, give_frames);
    }
    return 0;
}
