/*
 * One frame, and one naturally aligned block of 512, in constant time.
 *
 * A frame's way down is top, middle and bottom of the tree, the block's mask of words, the word. On
 * the way up, each level is touched only when what it says changes: most often none.
 */
#include "pmm/pmm.h"

#include "base/x86.h"
#include "pmm/runs.h"
#include "pmm/tree.h"

#define BLOCK_WORDS 8     /* bitmap words of a block */
#define ALL_FREE    ~0ULL /* a bitmap word of a whole block */

/* A word that was, or now is, wholly free: only then is it worth asking whether its block is. That
 * is seldom, so it is kept out of the way. */
__attribute__((noinline)) static int after_full_word_alloc(uint64_t block) {
    if (pmm.block_free[block] == BLOCK_FRAMES - 1) {
        tree_remove(&pmm.whole, block);
    }
    return STATUS_OK;
}

__attribute__((noinline)) static int after_full_word_free(uint64_t block) {
    if (pmm.block_free[block] == BLOCK_FRAMES) {
        tree_add(&pmm.whole, block);
    }
    return STATUS_OK;
}

int pmm_alloc(paddr_t *frame) {
    if (tree_is_empty(&pmm.any)) {
        return STATUS_NO_MEMORY;
    }
    uint64_t block = tree_first(&pmm.any);
    uint64_t words = pmm.block_words[block];
    uint64_t word = block * BLOCK_WORDS + lowest_bit(words);
    uint64_t was = pmm.free_bits[word];
    *frame = (word * 64 + lowest_bit(was)) * FRAME_SIZE;

    pmm.free_count--;
    pmm.block_free[block]--;
    uint64_t bits = without_lowest_bit(was);
    pmm.free_bits[word] = bits;
    if (bits == 0) {
        words = without_lowest_bit(words);
        pmm.block_words[block] = (uint8_t)words;
        if (words == 0) {
            tree_remove(&pmm.any, block);
        }
        return STATUS_OK;
    }
    return was == ALL_FREE ? after_full_word_alloc(block) : STATUS_OK;
}

/*
 * The number of the frame at `base`. A misaligned address is no frame's, and gets a number beyond
 * any limit: the low bits, which must be 0, become the highest. So one test refuses both.
 */
static inline uint64_t frame_number(paddr_t base) {
    return base / FRAME_SIZE | base << (64 - PAGE_OFFSET_BITS);
}

static int free_frame(paddr_t base) {
    uint64_t frame = frame_number(base);
    uint64_t word = frame / 64;
    if (frame >= pmm.frame_limit || !bits_contain(pmm.managed_bits, frame)) {
        return base % FRAME_SIZE ? STATUS_MISALIGNED : STATUS_FOREIGN;
    }
    uint64_t was = pmm.free_bits[word];
    uint64_t bits = was;
    if (word_add(&bits, frame)) {
        return STATUS_NOT_ALLOCATED;
    }

    uint64_t block = frame / BLOCK_FRAMES;
    pmm.free_count++;
    pmm.block_free[block]++;
    pmm.free_bits[word] = bits;
    if (was == 0) {
        pmm.block_words[block] |= (uint8_t)(1 << word % BLOCK_WORDS);
        tree_add(&pmm.any, block);
        return STATUS_OK;
    }
    return bits == ALL_FREE ? after_full_word_free(block) : STATUS_OK;
}

int pmm_alloc_2m(paddr_t *base) {
    if (tree_is_empty(&pmm.whole)) {
        return STATUS_NO_MEMORY;
    }
    uint64_t block = tree_first(&pmm.whole);
    *base = block * PAGE_SIZE_2M;
    uint64_t *words = &pmm.free_bits[block * BLOCK_WORDS];
#pragma GCC unroll 8
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        words[i] = 0;
    }
    pmm.free_count -= BLOCK_FRAMES;
    pmm.block_free[block] = 0;
    pmm.block_words[block] = 0;
    tree_remove(&pmm.any, block);
    tree_remove(&pmm.whole, block);
    return STATUS_OK;
}

static int free_block(uint64_t block) {
    if (block >= pmm.frame_limit / BLOCK_FRAMES) {
        return STATUS_FOREIGN;
    }
    const uint64_t *managed = &pmm.managed_bits[block * BLOCK_WORDS];
    uint64_t all_managed = ~0ULL;
#pragma GCC unroll 8
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        all_managed &= managed[i];
    }
    if (~all_managed) {
        return STATUS_FOREIGN;
    }
    if (pmm.block_free[block] != 0) {
        return STATUS_NOT_ALLOCATED;
    }

    uint64_t *words = &pmm.free_bits[block * BLOCK_WORDS];
#pragma GCC unroll 8
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        words[i] = ALL_FREE;
    }
    pmm.free_count += BLOCK_FRAMES;
    pmm.block_free[block] = BLOCK_FRAMES;
    pmm.block_words[block] = 0xff;
    tree_add(&pmm.any, block);
    tree_add(&pmm.whole, block);
    return STATUS_OK;
}

int pmm_free(paddr_t base, uint64_t count) {
    if (count == 1) {
        return free_frame(base);
    }
    if (count == BLOCK_FRAMES && is_aligned(base, PAGE_SIZE_2M)) {
        return free_block(base / PAGE_SIZE_2M);
    }
    return run_free(base, count);
}
